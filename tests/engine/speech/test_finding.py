"""Which words of a sound are used, and what is said of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from engine.speech.finding import find_words
from engine.speech.words import beside
from tests.engine.speech.made import write_wav


@pytest.fixture()
def talk(tmp_path: Path) -> Path:
    """Two seconds of sound."""
    return write_wav(tmp_path / "talk.wav", np.random.default_rng(1).standard_normal(32_000) * 0.1)


def listed(*starts: float) -> str:
    return json.dumps([{"start": start, "end": start + 0.1, "word": f"w{start}"} for start in starts])


def test_none_beside_is_said(talk: Path) -> None:
    found = find_words(talk)
    assert found.words == () and found.told.startswith("no words: gestures go by the voice alone; none of talk.json")
    assert find_words(talk, how="none").told == "no words: gestures go by the voice alone"


def test_what_lies_beside_is_found_in_order_and_said(talk: Path) -> None:
    talk.with_suffix(".srt").write_text("00:00:01,000 --> 00:00:02,000\nhi\n")
    talk.with_name("other.json").write_text(listed(0))
    assert find_words(talk).told == "1 words of talk.srt"
    talk.with_suffix(".CSV").write_text("0.5,1,hello\n")
    found = find_words(talk)
    assert found.told == "1 words of talk.CSV; talk.srt beside it: not used" and found.words[0].text == "hello"
    talk.with_suffix(".json").write_text(listed(1.0, 0.5, 0.6, 2.5))
    assert [file.name for file in beside(talk)] == ["talk.json", "talk.CSV", "talk.srt"]
    found = find_words(talk)
    assert [word.text for word in found.words] == ["w0.5", "w0.6", "w1.0", "w2.5"]
    assert found.told.startswith(
        "4 words of talk.json; talk.CSV, talk.srt beside it: not used; 1 begin after the sound"
    )


def test_what_is_named_wins(talk: Path, tmp_path: Path) -> None:
    talk.with_suffix(".json").write_text("{")
    other = tmp_path / "other.csv"
    other.write_text("0.5,1,hello\n")
    assert find_words(talk, other).told == "1 words of other.csv"
    with pytest.raises(EngineError, match="give one of them"):
        find_words(talk, other, "pocketsphinx")


def test_what_lies_beside_and_cannot_be_read_is_an_error(talk: Path) -> None:
    talk.with_suffix(".json").write_text("{")
    with pytest.raises(EngineError, match=r"talk\.json: does not read as JSON.*--words none"):
        find_words(talk)
    assert find_words(talk, how="none").words == ()


def test_words_of_another_sound_are_an_error(talk: Path) -> None:
    talk.with_suffix(".json").write_text(listed(2.5, 3.0))
    with pytest.raises(EngineError, match=r"all words begin after the 2\.0 s"):
        find_words(talk)


@pytest.mark.parametrize(
    ("how", "package", "says"),
    [("pocketsphinx", "pocketsphinx", r"reaction-engine\[words\]"), ("whisper", "faster_whisper", "pip install")],
)
def test_a_recogniser_that_is_not_installed_is_refused_with_the_remedy(
    talk: Path, monkeypatch: pytest.MonkeyPatch, how: str, package: str, says: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match=says):
        find_words(talk, how=how)
    if how == "pocketsphinx":
        talk.with_suffix(".txt").write_text("hello")
        with pytest.raises(EngineError, match=says):
            find_words(talk, how=how)
