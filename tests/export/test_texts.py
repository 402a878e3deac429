"""What a model brings to read texts and words becomes files of its bundle; what is missing is refused by name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.bundle import CARD, MANIFEST, STEP, Bundle, EncoderFiles
from engine.text.encoder import TextEncoder
from export.texts import Texts, texts_of
from models import registry
from models.registry import Family
from tests.engine.text.made import TOKENS, graph, mean_of, word_level
from tests.export.told import WORDS


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Told", "Unread", "Counted"):
        monkeypatch.setitem(registry.FAMILIES, name.lower(), Family("", {name.lower(): f"tests.export.told:{name}"}))
    monkeypatch.delenv("ENGINE_DATA", raising=False)


def test_a_model_with_texts_and_words_is_exported_whole(tmp_path: Path):
    from export.__main__ import main

    assert main(["told", str(tmp_path / "b"), "--seconds", "4"]) == 0
    bundle = Bundle.load(tmp_path / "b")
    files = [CARD, "encode.onnx", MANIFEST, STEP, "tokenizer.json", "words.txt"]
    assert sorted(item.name for item in bundle.path.iterdir()) == files
    assert bundle.encoders == dict.fromkeys(("prompt", "mood"), EncoderFiles("encode.onnx", "tokenizer.json", TOKENS))
    assert bundle.vocabulary == "words.txt" and bundle.read("words.txt") == WORDS
    card = bundle.read(CARD).decode()
    for text in (
        "- Text `prompt`: read by encode.onnx and tokenizer.json, 4 tokens at most",
        "- Words: numbered by words.txt",
        "| said | words | self | 2 x 4 |",
        "| pose | numbers | 4 |",
        "onnx int8 step",
    ):
        assert text in card
    np.testing.assert_allclose(TextEncoder(bundle, "mood").encode("wave").vector, mean_of("wave"), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("unread", ("text input 'mood' has no encoder", "encoder for 'tune', which is no text input")),
        ("counted", ("'step' (ids): no feed gives it",)),
    ],
)
def test_what_nothing_can_fill_is_refused(
    tmp_path: Path, name: str, reasons: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    from export.__main__ import main

    assert main([name, str(tmp_path / "b"), "--seconds", "4"]) == 2
    said = capsys.readouterr().err
    assert all(reason in said for reason in reasons) and str(tmp_path / "b") in said
    assert not list(tmp_path.iterdir())


def test_files_of_different_content_get_names_of_their_own():
    assert texts_of(object()) == Texts()
    encoders = {
        "a": (graph(), word_level(), 4),
        "b": (graph(tokens=5), b"-\nyes\n", 5),
        "c": (graph(), b"-\nno\n", 4),
    }
    texts = texts_of(SimpleNamespace(encoders=encoders, vocabulary=WORDS))
    assert texts.encoders == {
        "a": EncoderFiles("encode.onnx", "tokenizer.json", 4),
        "b": EncoderFiles("encode2.onnx", "tokenizer.txt", 5),
        "c": EncoderFiles("encode.onnx", "tokenizer2.txt", 4),
    }
    assert texts.vocabulary == "words.txt"
    assert texts.files == {
        "encode.onnx": graph(),
        "encode2.onnx": graph(tokens=5),
        "tokenizer.json": word_level(),
        "tokenizer.txt": b"-\nyes\n",
        "tokenizer2.txt": b"-\nno\n",
        "words.txt": WORDS,
    }
