"""A very small model that takes everything a bundle can: two voices, two faces, a body, words, a text, vectors - and
says back, frame by frame, what reached it, so that a test sees each arrive where it belongs."""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.bundle import STEP, Bundle, OnnxFile
from engine.bundle.manifest import EncoderFiles
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import Graph, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors
from tests.engine.dancer import STICK

RATE, SAMPLE_RATE = 25.0, 8000
HOP = round(SAMPLE_RATE / RATE)
WIDTH, WORDS, TOKENS = 6, 3, 4
VOCABULARY = ("[UNK]", "hello", "there", "wave", "bow")
ANGLES = ("shoulder", "elbow", "wrist")


class Everything(StreamModel):
    """``voices``: loudness of partner and self, and whether each is there. ``seen``: first numbers of both faces and
    the body's hip. ``word``: id and ages of the newest word. ``angles``: the prompt's first three numbers, by
    ``gain``."""

    card, licence, data = "Everything at once, for tests.", "Apache-2.0", "none"

    def __init__(self) -> None:
        super().__init__()
        joints = len(STICK.joints)
        self.spec = StreamSpec(
            name="everything",
            rate=RATE,
            sample_rate=SAMPLE_RATE,
            inputs=(
                InputSpec("partner_voice", "audio", (HOP,), -1.0, 1.0, validity="partner_voice_valid", of="partner"),
                InputSpec("partner_voice_valid", "validity", low=0.0, high=1.0),
                InputSpec("own_voice", "audio", (HOP,), -1.0, 1.0, validity="own_voice_valid", of="self"),
                InputSpec("own_voice_valid", "validity", low=0.0, high=1.0),
                InputSpec("partner_face", "face", (58,), -3.2, 3.2, validity="partner_face_valid", of="partner"),
                InputSpec("partner_face_valid", "validity", low=0.0, high=1.0),
                InputSpec("own_face", "face", (58,), -3.2, 3.2, of="self"),
                InputSpec("partner_body", "body", (joints, 3), -25.0, 25.0, skeleton="stick", of="partner", speed=15.0),
                InputSpec("mood", "feature", (2,), -1.0, 1.0, of="partner"),
                InputSpec("own_words", "words", (WORDS, 4), -1e4, 1e4, of="self"),
                InputSpec("prompt", "text", (WIDTH,), -10.0, 10.0, validity="prompted"),
                InputSpec("prompted", "validity", low=0.0, high=1.0),
                InputSpec("gain", "control", (len(ANGLES),), 0.0, 2.0, 1.0),
                InputSpec("talking", "control", (), 0.0, 1.0, of="self", follows="speaking"),
            ),
            outputs=(
                OutputSpec("voices", (4,), ("partner", "self", "partner_there", "self_there")),
                OutputSpec("seen", (4,), ("partner_face", "own_face", "hip", "mood")),
                OutputSpec("word", (3,), ("id", "begun", "ended")),
                OutputSpec("angles", (3,), ANGLES, ("rad",) * 3, codec="angles:toy"),
                OutputSpec("talks", (2,), ("talking", "prompted")),
                BAD_INPUT,
            ),
            state={"frames": StateSpec((1,))},
            skeletons=(STICK,),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """See the class."""

        def loud(name: str) -> Tensor:
            return inputs[name].square().mean(-1).sqrt()

        there = [inputs["partner_voice_valid"], inputs["own_voice_valid"]]
        faces = [inputs["partner_face"][..., 0], inputs["own_face"][..., 0]]
        seen = [*faces, inputs["partner_body"][..., 0, 1], inputs["mood"][..., 0]]
        count = state["frames"] + inputs["gain"].shape[1]
        return {
            "voices": torch.stack([loud("partner_voice"), loud("own_voice"), *there], -1),
            "seen": torch.stack(seen, -1),
            "word": inputs["own_words"][..., -1, :3],
            "angles": inputs["prompt"][..., :3] * inputs["gain"],
            "talks": torch.stack([inputs["talking"], inputs["prompted"]], -1),
        }, {"frames": count}


class Encoder(nn.Module):
    """The mean of a table's rows over the ids that there are."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.table = nn.Embedding(len(VOCABULARY), WIDTH)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """``vector`` (1, width) of ``ids`` and ``mask``, int64 (1, tokens)."""
        weight = mask[..., None].to(torch.float32)
        return (self.table(ids) * weight).sum(1) / weight.sum(1).clamp_min(1.0)

    def of(self, text: str) -> list[float]:
        """The vector of a text, by another way than the engine's."""
        ids = [VOCABULARY.index(word) if word in VOCABULARY else 0 for word in text.lower().split()][:TOKENS]
        return self.table(torch.tensor(ids)).mean(0).tolist()


@functools.cache
def graphs() -> tuple[Graph, bytes, bytes]:
    """The step, the encoder and its tokenizer."""
    example = (torch.zeros(1, TOKENS, dtype=torch.int64), torch.ones(1, TOKENS, dtype=torch.int64))
    names = {"input_names": ["ids", "mask"], "output_names": ["vector"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        program = torch.onnx.export(Encoder().eval(), example, dynamo=True, verbose=False, **names)  # type: ignore[arg-type]
    assert program is not None
    words = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "decoder": None, "model": {"type": "WordLevel", "vocab": words, "unk_token": VOCABULARY[0]},
    }  # fmt: skip
    return to_onnx(Everything().eval()), program.model_proto.SerializeToString(), json.dumps(tokenizer).encode()


def everything_bundle(folder: Path) -> Bundle:
    """The model as a bundle with its encoder and vocabulary."""
    graph, encoder, tokenizer = graphs()
    bundle = Bundle(
        path=folder / "everything",
        name="everything",
        version="0.1.0",
        spec=Everything().spec,
        onnx=OnnxFile(STEP, graph.opset, graph.ir, "fp32"),
        licence="Apache-2.0",
        description="",
        training_data="none",
        credits="none",
        command="",
        commit="unknown",
        encoders={"prompt": EncoderFiles("encode.onnx", "tokenizer.json", TOKENS)},
        vocabulary="words.txt",
    )
    more = {"encode.onnx": encoder, "tokenizer.json": tokenizer, "words.txt": "\n".join(VOCABULARY).encode()}
    return bundle.write(graph.content, "everything\n", more)
