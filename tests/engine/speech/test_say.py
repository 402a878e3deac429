"""A typed line becomes sound and timed words, and what cannot be said is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from engine.speech import align, say, tts
from engine.speech.say import LONGEST_TEXT, Reader, voices
from engine.speech.spoken import SpokenWord

LINE = "Hello there, I am the avatar. What would you like to talk about?"


@pytest.fixture(scope="module")
def reader() -> Reader:
    pytest.importorskip("hibari", reason="no voice is installed: pip install -e '.[voice]'")
    return Reader()


def order(words: tuple[SpokenWord, ...], seconds: float) -> None:
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= seconds


def test_a_line_is_said_and_its_words_are_found_in_it(reader: Reader) -> None:
    pytest.importorskip("pocketsphinx", reason="PocketSphinx is not installed: pip install -e '.[words]'")
    made = reader.say(LINE)
    seconds = len(made.samples) / made.rate
    assert 2.0 < seconds < 8.0 and 0.05 < np.abs(made.samples).max() <= 1.5 and made.aligned
    assert [word.text for word in made.words] == LINE.split()
    order(made.words, seconds)
    pause = made.words[6].start - made.words[5].end  # between the two sentences, and nowhere else so long
    assert pause > 0.3 and pause == max(b.start - a.end for a, b in zip(made.words, made.words[1:], strict=False))


def test_the_same_line_is_said_alike(reader: Reader) -> None:
    assert np.array_equal(Reader().say("Good morning.").samples, Reader().say("  Good\nmorning.\t").samples)


def test_without_an_aligner_words_share_the_sound(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    def absent(**_: object) -> None:
        raise EngineError("not here")

    monkeypatch.setattr(align, "sphinx", absent)
    made = Reader().say(LINE)
    assert not made.aligned and [word.text for word in made.words] == LINE.split()
    order(made.words, len(made.samples) / made.rate)
    assert made.words[0].start > 0.05  # the silence at the beginning is nobody's word
    lengths = {word.text: word.end - word.start for word in made.words}
    assert lengths["avatar."] == pytest.approx(7 * lengths["I"], rel=0.01)


@pytest.mark.parametrize("text", ["", " \n ", "...", "?!", "x" * (LONGEST_TEXT + 1)])
def test_a_line_without_words_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match=f"cannot be said: give 1 to {LONGEST_TEXT} characters"):
        Reader().say(text)


def test_what_the_voice_cannot_read_is_refused(reader: Reader) -> None:
    with pytest.raises(EngineError, match="finds nothing to say in this text; it reads English"):
        reader.say("你好")


def test_a_voice_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="voice 'nobody': there is heart, joe"):
        Reader().say("Hello.", "nobody")
    monkeypatch.setitem(tts.PACKAGES, "hibari", ("no_such_package",))
    monkeypatch.setitem(tts.PACKAGES, "piper", ("no_such_package",))
    assert voices() == []
    with pytest.raises(EngineError, match=r"'heart' cannot speak, no-such-package is not installed.*\[voice\]"):
        Reader().say("Hello.")


def test_the_first_voice_that_is_installed_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Tone:
        rate = 16_000

        def say(self, text: str, tempo: float) -> np.ndarray:
            return np.full(8000, 0.1, np.float32)

    def made(program: str, base: str, seed: int, install: str) -> Tone:
        asked.append((program, base))
        return Tone()

    monkeypatch.setitem(tts.PACKAGES, "hibari", ("no_such_package",))
    monkeypatch.setitem(tts.PACKAGES, "piper", ())
    monkeypatch.setattr(say, "synthesiser", made)
    reader = Reader()
    reader.say("One."), reader.say("Two.")
    assert asked == [("piper", "joe")]  # loaded once
