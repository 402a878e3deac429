"""Talks are kept whole and read back; what is damaged, foreign or made of something else is not taken for one."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.speech.conftest import spoken
from train.speech import store
from train.speech.joining import Piece, joined
from train.speech.store import load, save
from train.speech.talk import RATE, SpokenWord, Talk


@pytest.fixture(scope="module")
def talk() -> Talk:
    pcm, words = spoken([("red", 0.25, 120.0, 0.3), ("tëxt", 0.12, 110.0, 0.1), ("stone", 0.3, 140.0, 0.5)] * 3)
    return joined("a talk", "voice", "dev", "source", "CC0", "credit", [Piece(pcm, words, 0.5)])


def test_a_talk_comes_back_as_it_was(tmp_path: Path, talk: Talk) -> None:
    path = tmp_path / "deep" / "talk.npz"
    save(talk, path, "key")
    back = load(path, "key")
    assert back is not None and np.abs(back.pcm - talk.pcm).max() < 2e-5 and back.pcm.dtype == np.float32
    assert replace(back, pcm=talk.pcm) == talk
    assert load(path, "another") is None and load(tmp_path / "none.npz", "key") is None
    assert [item.name for item in path.parent.iterdir()] == ["talk.npz"]


def rewritten(path: Path, pcm: np.ndarray, **changes: object) -> None:
    with np.load(path) as stored:
        told = json.loads(str(stored["told"])) | changes
    with path.open("wb") as file:
        np.savez(file, pcm=pcm, told=np.array(json.dumps(told)))


def test_what_is_no_talk_is_refused_by_name(tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "talk.npz"
    sound = np.zeros(RATE, np.int16)
    for content in (b"", b"no zip", pickle.dumps({"pcm": 1})):
        path.write_bytes(content)
        with pytest.raises(EngineError, match=r"talk\.npz is no talk.*delete it"):
            load(path, "key")
    for changes in (
        {"words": [{"text": "x", "start": 5.0, "end": 99.0}]},
        {"words": [{"text": "x"}]},
        {"stresses": [{"time": float("nan"), "strength": 1, "word": 0}]},
        {"split": "all"},
        {"other": 1},
    ):
        save(replace(talk, words=(SpokenWord("x", 0.1, 0.2),), stresses=()), path, "key")
        rewritten(path, sound, **changes)
        with pytest.raises(EngineError, match="is no talk"):
            load(path, "key")
    save(talk, path, "key")
    rewritten(path, np.zeros((2, RATE), np.int16))
    with pytest.raises(EngineError, match="shape"):
        load(path, "key")
    monkeypatch.setattr(store, "MOST_BYTES", 100)
    with pytest.raises(EngineError, match="larger than"):
        load(path, "key")


def test_a_folder_that_cannot_be_is_told(tmp_path: Path, talk: Talk) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EngineError, match="cannot be written"):
        save(talk, tmp_path / "file" / "talk.npz", "key")
