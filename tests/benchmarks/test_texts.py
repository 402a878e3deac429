"""The benchmark of text vectors: figures known beforehand on vectors made by hand, and a run on a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.texts import KINDS, Triple, compare, main, sentences
from engine.text.folder import GRAPH, TOKENIZER, TOKENS
from tests.engine.text import made

TRIPLES = [Triple("left", "a", "A", "z"), Triple("right", "b", "B", "y"), Triple("", "c", "C", "")]


def vectors(**angles: float) -> dict[str, np.ndarray]:
    return {name: np.array([np.cos(angle), np.sin(angle)], np.float32) for name, angle in angles.items()}


def test_figures_of_vectors_made_by_hand() -> None:
    found = compare(TRIPLES, vectors(a=0.0, A=0.1, z=0.5, b=2.0, B=2.1, y=1.5, c=4.0, C=4.1))
    assert found["found_1"] == found["found_3"] == found["nearer"] == 1.0
    assert found["nearer_by"] == {"left or right": "2/2"} and found["told_by"] == {"left or right": "2/2"}
    assert found["cosine_same"] == pytest.approx(np.cos(0.1)) and found["cosine_opposite"] == pytest.approx(np.cos(0.5))


def test_opposites_that_are_nearer_and_partners_that_are_far() -> None:
    found = compare(TRIPLES, vectors(a=0.0, A=1.0, z=0.1, b=0.9, B=2.0, y=1.0, c=1.9, C=3.0))
    assert found["nearer"] == 0.0 and found["told"] == 0.0, "left and right point the same way here"
    assert found["found_1"] == 0.0 and found["found_3"] == 0.5


def test_every_sentence_is_there_and_turned_round_as_it_says() -> None:
    triples = sentences()
    assert len(triples) >= 60 and len({text for triple in triples for text in triple[1:3]}) == 2 * len(triples)
    for triple in triples:
        assert triple.caption and triple.same and bool(triple.opposite) == bool(triple.says)
        assert not triple.says or triple.says in KINDS
        if triple.says in ("left", "right") and "clockwise" not in triple.caption:
            assert triple.says in triple.caption.split() and triple.says not in triple.opposite.split()


def test_a_run_on_a_tiny_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("[UNK]", *sorted({word for triple in sentences() for text in triple[1:] for word in text.lower().split()}))
    table = np.random.default_rng(1).standard_normal((len(words), 32)).astype(np.float32)
    contents = {GRAPH: made.graph(table, tokens=20), TOKENIZER: made.word_level(words), TOKENS: b"20\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert main([str(tmp_path)]) == 0
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])["encoders"].values()
    assert row["width"] == 32 and row["bytes"] == len(contents[GRAPH]) + len(contents[TOKENIZER])
    assert row["text"]["told_by"]["left or right"] == "12/13", (
        "all that say it by a word of its own; one says clockwise"
    )
    assert 0.0 < row["text"]["found_1"] < 1.0 and row["text"] != row["text_and_fields"]
