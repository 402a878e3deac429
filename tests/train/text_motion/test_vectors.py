"""Vectors for training are those of serving: the same encoder, from a folder or from a bundle, each text once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.held import LONGEST_TEXT
from engine.text.encoder import TextEncoder
from engine.text.folder import GRAPH, TOKENIZER, TOKENS
from tests.engine.text import made
from tests.engine.text.made import WIDTH, mean_of, text_bundle
from train.text_motion.vectors import Vectors


@pytest.fixture()
def bundle(tmp_path: Path) -> Bundle:
    return text_bundle(tmp_path, inputs=("prompt", "mood"))


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    contents = {GRAPH: made.graph(), TOKENIZER: made.word_level(), TOKENS: f"{made.TOKENS}\n".encode()}
    place = tmp_path / "alone"
    place.mkdir()
    for name, content in contents.items():
        (place / name).write_bytes(content)
    return place


def test_a_folder_gives_what_serving_gives(folder: Path, bundle: Bundle) -> None:
    texts = ["wave", "bow slowly", "", "Wave!", " \x00 ", "bow slowly"]
    served = TextEncoder(bundle, "prompt")
    for vectors in (Vectors(folder), Vectors(bundle.path)):
        made_of = vectors.encode(texts)
        assert vectors.width == WIDTH and made_of.shape == (6, WIDTH) and made_of.dtype == np.float32
        for text, vector in zip(texts, made_of, strict=True):
            np.testing.assert_array_equal(vector, served.encode(text).vector if text.strip(" \x00") else 0.0)
    np.testing.assert_allclose(made_of[1], mean_of("bow", "slowly"), atol=1e-6)
    assert not np.array_equal(made_of[0], made_of[1])


def test_each_text_is_encoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = TextEncoder.encode

    def counted(self: TextEncoder, text: str) -> Any:
        asked.append(text)
        return real(self, text)

    monkeypatch.setattr(TextEncoder, "encode", counted)
    vectors = Vectors(folder)
    vectors.encode(["wave", "bow", "wave", "  wave\n", ""])
    vectors.encode(["bow", "nod"])
    assert asked == ["wave", "bow", "nod"]
    assert vectors.encode([]).shape == (0, WIDTH)


def test_what_it_hands_out_is_the_callers_own(folder: Path) -> None:
    vectors = Vectors(folder)
    vectors.encode(["wave", ""])[:] = 7.0
    np.testing.assert_allclose(vectors.encode(["wave"])[0], mean_of("wave"), atol=1e-6)
    assert not vectors.encode([""]).any()


def test_the_mark_changes_with_the_encoder(folder: Path, bundle: Bundle) -> None:
    mark = Vectors(folder).mark
    assert mark == Vectors(bundle.path).mark
    (folder / GRAPH).write_bytes(made.graph(made.TABLE * 2))
    assert Vectors(folder).mark != mark


def test_what_serving_refuses_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="give words"):
        Vectors(folder).encode(["a" * (LONGEST_TEXT + 1)])
    with pytest.raises(EngineError, match="holds no text encoder"):
        Vectors(tmp_path)
