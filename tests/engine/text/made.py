"""Bundles with a text encoder, small enough to be made for each test: the mean of rows of a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engine.bundle import STEP, Bundle, EncoderFiles, OnnxFile
from engine.spec import InputSpec, OutputSpec, StreamSpec

WORDS = ("[UNK]", "wave", "bow", "nod", "slowly", "twice")
WIDTH, TOKENS = 5, 4
TABLE: NDArray[np.float32] = np.random.default_rng(7).standard_normal((len(WORDS), WIDTH)).astype(np.float32)
OPSET, IR = 18, 9


def word_level(words: Sequence[str] = WORDS) -> bytes:
    """A tokenizer file: one token a word, in lower case."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0]))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made.to_str().encode()


def word_pieces(framed: bool = True) -> bytes:
    """A tokenizer file of word pieces; ``framed`` by a token that opens and one that closes."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "wav": 3, "##ing": 4, "bow": 5}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if framed:
        special = [("[CLS]", 1), ("[SEP]", 2)]
        made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    return made.to_str().encode()


def graph(table: NDArray[np.float32] = TABLE, tokens: int = TOKENS, name: str = "vector") -> bytes:
    """An encoder: the mean of the table's rows of the ids there are. ``name`` of what it gives."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Cast", ["mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["there", "last"], ["weight"]),
        helper.make_node("Mul", ["rows", "weight"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "second"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["weight", "second"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], [name]),
    ]
    constants = {"table": table, "last": np.array([2], np.int64), "second": np.array([1], np.int64)}
    return model(
        nodes,
        {"ids": (TensorProto.INT64, [1, tokens]), "mask": (TensorProto.INT64, [1, tokens])},
        {name: (TensorProto.FLOAT, [1, table.shape[1]])},
        constants,
    )


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[int]]],
    outputs: dict[str, tuple[int, list[int]]],
    constants: dict[str, NDArray[np.generic]],
) -> bytes:
    """An ONNX file."""
    made = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info(name, *what) for name, what in inputs.items()],
        [helper.make_tensor_value_info(name, *what) for name, what in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return whole.SerializeToString()


def text_bundle(
    folder: Path,
    encoder: bytes | None = None,
    tokenizer: bytes | None = None,
    tokens: int = TOKENS,
    inputs: Sequence[str] = ("prompt",),
    file: str = "tokenizer.json",
    width: int = WIDTH,
) -> Bundle:
    """A bundle whose texts are encoded so; its step does nothing."""
    spec = StreamSpec(
        "texts",
        25.0,
        tuple(InputSpec(name, "text", (width,), -100.0, 100.0) for name in inputs),
        (OutputSpec("out", (width,)),),
    )
    step = model(
        [helper.make_node("Identity", [inputs[0]], ["out"])],
        {inputs[0]: (TensorProto.FLOAT, [1, width])},
        {"out": (TensorProto.FLOAT, [1, width])},
        {},
    )
    bundle = Bundle(
        path=folder / "texts",
        name="texts",
        version="0.1.0",
        spec=spec,
        onnx=OnnxFile(STEP, OPSET, IR, "fp32"),
        licence="Apache-2.0",
        description="",
        training_data="none",
        credits="none",
        command="",
        commit="unknown",
        encoders={name: EncoderFiles("encode.onnx", file, tokens) for name in inputs},
    )
    more = {"encode.onnx": encoder or graph(tokens=tokens), file: tokenizer or word_level()}
    return bundle.write(step, "texts\n", more)


def mean_of(*words: str) -> NDArray[np.float32]:
    """The vector of these words, by numpy."""
    return TABLE[[WORDS.index(word) if word in WORDS else 0 for word in words]].mean(0)


def strange_tokenizer(**changes: object) -> bytes:
    """A tokenizer file with some of its parts replaced."""
    return json.dumps({**json.loads(word_level()), **changes}).encode()
