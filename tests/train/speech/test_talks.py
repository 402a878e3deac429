"""Talks repeat for a seed, keep voices and people in one split, and say what is missing; with the voices installed
they speak AMI's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from engine.speech import tts
from engine.speech.align import Aligner
from train.speech import talks
from train.speech.ami import Person
from train.speech.recorded import recorded_talk, recordings
from train.speech.talk import SPLITS, Talk
from train.speech.talks import build_talks, say_turns
from train.speech.tts import VOICES, SilentPhrase, Speaker
from train.speech.turns import Phrase, Turns

HEART = next(voice for voice in VOICES if voice.name == "heart")
PHRASES = (("So the battery is the expensive part.", 2.4, 0.8), ("We want a TV remote,", 1.5, 1.2))
SAID = Turns(
    Person("ES2002a", "A"),
    0,
    tuple(Phrase(text, tuple(text.strip(".,").split()), seconds, pause) for text, seconds, pause in PHRASES),
)


@pytest.fixture(scope="module")
def made() -> list[Talk]:
    return list(build_talks(None, 1.0, 7))


def test_without_data_made_voices_speak_made_words(made: list[Talk]) -> None:
    assert [talk.split for talk in made] == sorted((talk.split for talk in made), key=SPLITS.index)
    assert {talk.split for talk in made} == set(SPLITS)
    assert len({talk.voice for talk in made}) == len({talk.name for talk in made}) == len(made)
    for talk in made:
        assert 45 < talk.seconds < 95 and len(talk.words) > 60
        times = [time for word in talk.words for time in (word.start, word.end)]
        assert times == sorted(times) and times[-1] <= talk.seconds
        assert 0.4 < len(talk.stresses) / talk.seconds < 1.5
        assert all(0 <= item.word < len(talk.words) for item in talk.stresses)


def test_a_split_alone_is_the_same_as_among_all(made: list[Talk]) -> None:
    (again,) = build_talks(None, 1.0, 7, splits=["dev"])
    first = next(talk for talk in made if talk.split == "dev")
    assert np.array_equal(again.pcm, first.pcm) and again.words == first.words


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    for minutes in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(EngineError, match="minutes of talks cannot be made"):
            next(build_talks(None, minutes, 1))
    with pytest.raises(EngineError, match="'val' is no split"):
        next(build_talks(None, 1.0, 1, splits=["val"]))
    with pytest.raises(EngineError, match="holds no ami_annotations"):
        next(build_talks(tmp_path, 1.0, 1))


def test_no_base_voice_is_in_two_splits_and_every_split_has_voices() -> None:
    for split in SPLITS:
        own = {voice.source for voice in VOICES if voice.split == split}
        others = {voice.source for voice in VOICES if voice.split != split}
        assert own and not own & others
    assert len({voice.name for voice in VOICES}) == len(VOICES)


def test_a_voice_that_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tts.PACKAGES, "hibari", ("no_such_package",))
    with pytest.raises(EngineError, match=r"'heart'.*no-such-package is not installed.*reaction-engine\[speech\]"):
        Speaker(HEART, 0)


@pytest.fixture(scope="module")
def heart() -> Speaker:
    pytest.importorskip("hibari", reason="the voice heart is in hibari-tts: the extra [voice]")
    return Speaker(HEART, 3)


def test_a_voice_speaks_as_long_as_asked_and_repeats(heart: Speaker) -> None:
    text = SAID.phrases[0].text
    short, long = heart.say(text, 1.9), heart.say(text, 2.8)
    assert len(short) / 16000 == pytest.approx(1.9, rel=0.2) and len(long) / 16000 == pytest.approx(2.8, rel=0.2)
    assert short.dtype == np.float32 and len(long) > 1.2 * len(short)
    assert np.array_equal(Speaker(HEART, 3).say(text, 1.9), short)
    deep = next(voice for voice in VOICES if voice.name == "heart-low")
    assert len(Speaker(deep, 3).say(text, 1.9)) == pytest.approx(len(short), rel=0.15)


def test_what_cannot_be_said_is_refused(heart: Speaker) -> None:
    for text in ("", "   ", "x" * 1000):
        with pytest.raises(EngineError, match="cannot be said"):
            heart.say(text)
    with pytest.raises(SilentPhrase):
        heart.say("\u4f60")


def test_turns_are_spoken_with_the_words_in_their_place(heart: Speaker) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx aligns the words: the extra [words]")
    talk = say_turns("t", SAID, heart.voice, 5, Aligner)
    assert [word.text for word in talk.words] == [text for phrase in SAID.phrases for text in phrase.words]
    gap = talk.words[7].start - talk.words[6].end
    assert 0.6 < gap < 1.1 and talk.split == "train" and "AMI" in talk.credit
    said = {talk.words[item.word].text for item in talk.stresses}
    assert said & {"battery", "expensive"} and not said & {"the", "is", "a", "so"}


def test_a_kept_talk_needs_no_voice(
    corpus: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heart: Speaker
) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx aligns the words: the extra [words]")
    rows, clock = [], 0.0
    for index in range(240):
        text = ("paper", "stone", "water", "the", "of", "table")[index % 6]
        rows.append(f"ES2002a,A,{clock:.2f},{clock + 0.3:.2f},word,{text}")
        clock += 0.3 if index % 6 < 5 else 0.9
    data = corpus(words=rows)
    clips = data / "speech_clips"
    clips.mkdir()
    (clips / "index.json").write_text("[]")
    monkeypatch.setattr(talks, "VOICES", (heart.voice,))
    keep = tmp_path / "kept"
    (first,) = build_talks(data, 0.5, 1, splits=["train"], cache=keep)
    monkeypatch.setattr(talks, "Speaker", None)
    (second,) = build_talks(data, 0.5, 1, splits=["train"], cache=keep)
    assert second.words == first.words and np.abs(second.pcm - first.pcm).max() < 2e-5
    with pytest.raises(EngineError, match="ask for fewer minutes"):
        list(build_talks(data, 40.0, 1, splits=["dev"], cache=keep))


def test_real_recordings_keep_their_splits_and_words(real_data: Path) -> None:
    found = {split: {item.name: item for item in recordings(real_data, split)} for split in SPLITS}
    assert set(found["dev"]) == {"real-katie-00", "real-steve-00"}
    assert set(found["test"]) == {"real-jfk-00", "real-librispeech-1088-00"}
    assert {"real-austen-00", "real-grid-s1-00", "real-mark-00"} <= set(found["train"])
    grid = recorded_talk(found["train"]["real-grid-s1-00"], Aligner)
    assert grid.split == "train" and grid.licence == "CC BY 4.0" and 45 < grid.seconds < 90
    assert all(after.start >= before.end - 1e-6 for before, after in zip(grid.words, grid.words[1:], strict=False))
