"""A known text in its sound, and what is heard without one: PocketSphinx on the built-in partner's voice."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import engine
from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.words import Word
from engine.speech.align import RATE, Aligner, AlignmentError, spelled
from engine.speech.finding import find_words
from engine.speech.listening import Listening
from engine.speech.recognise import BUFFER_S, Agreement, Sphinx, Whisper, of_sound, recogniser
from engine.speech.spoken import SpokenWord
from tests.engine.feeds.made import feeds as made_feeds
from tests.engine.speech.made import own_side, write_wav

needs_sphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None,
    reason="PocketSphinx is not installed: pip install -e '.[words]'",
)
SPEECH = Path(engine.__file__).parent / "data" / "partner" / "speech.flac"
TEXT = "something really funny happened to me this morning"
FROM, UNTIL = 2.2, 5.4
STARTS = (2.82, 3.25, 3.53, 3.87, 4.27, 4.35, 4.5, 4.73)


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return engine.read_audio(SPEECH, RATE)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def cut(voice: np.ndarray, start: float = FROM, end: float = UNTIL) -> np.ndarray:
    return voice[round(start * RATE) : round(end * RATE)]


@needs_sphinx
def test_every_word_of_a_text_is_found_where_it_is_said(voice: np.ndarray, aligner: Aligner) -> None:
    words = aligner.align(cut(voice), ["So", *TEXT.split()])
    assert [word.text for word in words] == ["So", *TEXT.split()]
    assert [FROM + word.start for word in words[1:]] == pytest.approx(STARTS, abs=0.06)
    assert all(word.start < word.end for word in words)
    shouted = aligner.align(cut(voice), ["SO", *TEXT.upper().split()])
    assert [word.start for word in shouted] == [word.start for word in words]


@needs_sphinx
def test_words_that_no_dictionary_has_are_read_by_their_letters(voice: np.ndarray, aligner: Aligner) -> None:
    words = aligner.align(cut(voice), ["So", "sumthing", "reely", "fun-ny", "happened", "2", "me,", "this", "MORNING"])
    starts = [FROM + word.start for word in words[1:]]
    assert starts == pytest.approx(STARTS, abs=0.15) and words[3].text == "fun-ny"
    assert aligner.align(cut(voice), ["Привет", "世界"])[1].text == "世界"
    assert spelled("school") == "SH AA L" and spelled("note") == "N AA T"


@needs_sphinx
def test_every_phone_of_a_text_lies_in_its_word(voice: np.ndarray, aligner: Aligner) -> None:
    words = aligner.align(cut(voice), TEXT.split())
    phones = aligner.phones(cut(voice), TEXT.split())
    said = " ".join(phone.text for phone in phones if phone.text != "SIL")
    assert said.startswith(("S AH M TH IH NG R IH", "S AH M TH IH NG R IY")), said
    closing = [phone for phone in phones if phone.text in ("M", "P", "B")]
    # something, happened, me, morning
    assert [phone.text for phone in closing] == ["M", "P", "M", "M"]
    for phone, number in zip(closing, (0, 3, 5, 7), strict=True):
        assert words[number].start - 0.05 <= phone.start < phone.end <= words[number].end + 0.05
    with pytest.raises(AlignmentError, match=r"not found in 0\.5 s"):
        aligner.phones(cut(voice, 3.0, 3.5), TEXT.split() * 3)


@needs_sphinx
def test_what_cannot_be_aligned_is_refused_and_harms_nothing(voice: np.ndarray, aligner: Aligner) -> None:
    with pytest.raises(AlignmentError, match=r"not found in 0\.5 s"):
        aligner.align(cut(voice, 3.0, 3.5), TEXT.split() * 3)
    for texts, says in ((["--"], "no letter or digit"), ([], "no words")):
        with pytest.raises(EngineError, match=says):
            aligner.align(cut(voice), texts)
    with pytest.raises(EngineError, match="cannot be aligned: give 1200 s"):
        aligner.align(np.zeros(0, np.float32), ["a"])
    assert aligner.align(np.zeros(RATE, np.float32), ["a"])[0].end <= 1.01
    assert len(aligner.align(cut(voice), TEXT.split())) == 8


@needs_sphinx
def test_a_text_beside_a_sound_gives_its_words_their_times(tmp_path: Path, voice: np.ndarray) -> None:
    file = write_wav(tmp_path / "talk.wav", cut(voice))
    file.with_suffix(".txt").write_text(f"So – {TEXT}!\n")
    found = find_words(file, how="pocketsphinx")
    assert found.told == "9 words of talk.txt, their times found by pocketsphinx"
    starts = [FROM + word.start_ns / 1e9 for word in found.words[1:]]
    assert starts == pytest.approx(STARTS, abs=0.06) and found.words[-1].text == "morning!"
    file.with_suffix(".txt").write_text("-")
    with pytest.raises(EngineError, match="no words in it"):
        find_words(file, how="pocketsphinx")
    file.with_suffix(".txt").unlink()
    heard = find_words(file, how="pocketsphinx")
    assert {"something", "really", "happened", "morning"} <= {word.text for word in heard.words}
    assert heard.told == f"{len(heard.words)} words as pocketsphinx hears them"


@needs_sphinx
def test_words_come_in_time_however_the_sound_is_cut(voice: np.ndarray) -> None:
    sound, late, words = cut(voice, 2.0, 7.0), [], []
    by = Sphinx()
    for first in range(0, len(sound), 320):
        for word in by.push(sound[first : first + 320]):
            words.append(word)
            late.append((first + 320) / RATE - word.end)
    assert len(words) > 10 and float(np.median(late)) < 0.9 and max(late) < 2.5 and min(late) > 0.0
    assert all(one.start <= other.start + 0.1 for one, other in itertools.pairwise(words))
    assert of_sound([sound], Sphinx())[: len(words)] == words
    assert of_sound([np.zeros(RATE * 5, np.float32)], Sphinx()) == []


@needs_sphinx
def test_a_live_voice_is_heard_beside_the_frames(voice: np.ndarray) -> None:
    feeds, clock = own_side(), MonotonicClock()
    words: list[Word] = []
    feeds.words["self"].listen(words.append)
    source = Listening("pocketsphinx")
    try:
        source.start(feeds, clock)
        sound, start_ns = cut(voice, 0.0, 6.5), clock.now_ns()
        until = time.monotonic() + 30
        for first in range(0, len(sound), 320):
            end_ns = start_ns + (first + 320) * 1_000_000_000 // RATE
            while source._pieces.qsize() > 40 and time.monotonic() < until:
                time.sleep(0.01)
            feeds.samples["self"].write(sound[first : first + 320], end_ns)
        while time.monotonic() < until and not any(word.text == "morning" for word in words):
            time.sleep(0.02)
        found = {word.text: (word.start_ns - start_ns) / 1e9 for word in words}
        assert found["something"] == pytest.approx(2.82, abs=0.06) and found["morning"] == pytest.approx(4.73, abs=0.06)
        assert source.describe()["words"] == len(words) and source.problem is None and not source.finished
        source._worker.kill()
        while time.monotonic() < until and source.problem is None:
            time.sleep(0.02)
        assert "ended" in (source.problem or "")
        feeds.samples["self"].write(sound[:1600], start_ns)  # nobody listens any more, and nobody minds
    finally:
        source.stop()
    source.stop()


@needs_sphinx
def test_who_cannot_keep_up_leaves_sound_out_and_says_so(voice: np.ndarray) -> None:
    feeds = own_side()
    source = Listening("pocketsphinx")
    try:
        source.start(feeds, MonotonicClock())
        feeds.samples["self"].write(np.tile(voice, 3), 1)
        for first in range(0, len(voice), 3200):
            feeds.samples["self"].write(voice[first : first + 3200], first)
        assert "slower than speech" in (source.problem or "") and source.describe()["dropped_s"] > 1
    finally:
        source.stop()


def test_what_hears_no_words_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match="recogniser vosk: give pocketsphinx, or whisper"):
        recogniser("vosk")
    with pytest.raises(EngineError, match="recogniser vosk: give"):
        Listening("vosk")


@needs_sphinx
def test_a_session_without_own_words_has_no_use_for_a_recogniser() -> None:
    source = Listening("pocketsphinx")
    try:
        with pytest.raises(EngineError, match="no bundle hears the words of its self"):
            source.start(made_feeds(), MonotonicClock())
    finally:
        source.stop()


def word(text: str, start: float) -> SpokenWord:
    return SpokenWord(text, start, start + 0.2)


def test_a_word_counts_when_two_hypotheses_begin_with_it() -> None:
    agreed = Agreement()
    assert agreed.hear([word("I", 0.0), word("red", 0.3)]) == []
    assert agreed.hear([word("i", 0.05), word("read", 0.3)]) == [word("i", 0.05)]
    assert agreed.hear([word("hi", 0.0), word("read", 0.31), word("a", 0.6)]) == [word("read", 0.31)]
    assert agreed.hear([word("a", 1.2)]) == []  # the same word elsewhere is another one
    assert agreed.over([word("i", 0.0), word("a", 1.1), word("book", 1.4)]) == [word("a", 1.1), word("book", 1.4)]
    assert agreed.hear([word("book", 1.4)]) == [] and agreed.hear([word("book", 1.4)]) == []


class _Pretended:
    """faster-whisper's model as its documentation has it: hears a word a second, spells the newest one wrong."""

    asked: ClassVar[list[tuple[str, bool]]] = []

    def __init__(self, model: str, device: str, compute_type: str, local_files_only: bool) -> None:
        if model == "absent":
            raise RuntimeError("Cannot find an appropriate cached snapshot folder")
        self.asked.append((model, local_files_only))
        self.heard = 0.0

    def transcribe(self, sound: np.ndarray, word_timestamps: bool, **_: object) -> tuple[Iterator[Any], None]:
        begins, ends = float(sound[0]), float(sound[-1])  # each sample says its time
        inside = [k for k in range(round(begins), round(ends) + 1) if begins <= k + 0.1 and k + 0.6 <= ends]
        texts = {k: f" w{k}" if k != inside[-1] else f" wrong{len(sound)}" for k in inside}
        words = [SimpleNamespace(word=texts[k], start=k + 0.1 - begins, end=k + 0.6 - begins) for k in inside]
        return iter([SimpleNamespace(words=words)]), None


def test_whisper_gives_each_word_once_and_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=_Pretended))
    with pytest.raises(EngineError, match=r"model absent does not load \(Cannot find"):
        recogniser("whisper", "absent")
    sound = np.arange(12 * RATE, dtype=np.float32) / RATE
    by = recogniser("whisper")
    words = of_sound([sound[first : first + 1600] for first in range(0, len(sound), 1600)], by)
    assert _Pretended.asked == [("base.en", True)]
    assert [word.text for word in words[:-1]] == [f"w{k}" for k in range(11)] and words[-1].text.startswith("wrong")
    assert [word.start for word in words] == pytest.approx([k + 0.1 for k in range(12)], abs=0.01)


def test_what_whisper_never_agrees_on_comes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=_Unsure))
    words = of_sound([np.zeros(8000, np.float32)] * 100, recogniser("whisper", "some"))
    assert 2 <= len(words) <= 4 and all(one.end <= other.start for one, other in itertools.pairwise(words))


def test_an_hour_of_silence_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=_Unsure))
    by = Whisper("some")
    by._model.transcribe = lambda *_, **__: (iter(()), None)
    for _ in range(60):
        assert by.push(np.zeros(RATE, np.float32)) == [] and len(by._sound) <= (BUFFER_S + 1) * RATE
    assert by.finish() == []


class _Unsure(_Pretended):
    """Never says the same."""

    def transcribe(self, sound: np.ndarray, word_timestamps: bool, **_: object) -> tuple[Iterator[Any], None]:
        words = [SimpleNamespace(word=f"w{len(sound)}", start=0.0, end=len(sound) / RATE + 5.0)]
        return iter([SimpleNamespace(words=words)]), None
