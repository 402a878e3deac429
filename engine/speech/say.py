"""A line that somebody types becomes speech: sound, and the times of its words, as an avatar's own voice wants them.

The voices are those of :mod:`engine.speech.tts` that are installed. Which words are said is known; when each is said is
found in the sound by :mod:`engine.speech.align` where PocketSphinx is installed, and otherwise told from the words'
lengths, a few tenths of a second from the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from engine.speech.align import RATE, Aligner
from engine.speech.spoken import SpokenWord, as_word, shared
from engine.speech.tts import Synthesiser, missing, synthesiser
from engine.text.tidy import tidy

VOICES = {"heart": ("hibari", "heart"), "joe": ("piper", "joe")}
"""By name: the program that speaks, and its voice. The first that is installed speaks where nobody chose."""
INSTALL = "pip install 'reaction-engine[voice]'"
LONGEST_TEXT = 600
"""Characters of one line; that are some 40 s."""
SEED = 1
_SILENT = 10 ** (-45 / 20)  # of the peak: below it the ends of a sound are silent


@dataclass(frozen=True)
class Utterance:
    """``samples`` (n,) float32 of a voice at ``rate`` Hz; ``words`` with seconds from its start; ``aligned``: whether
    their times were found in the sound."""

    samples: NDArray[np.float32]
    rate: int
    words: tuple[SpokenWord, ...]
    aligned: bool


def voices() -> list[str]:
    """The voices that are installed."""
    return [name for name, (program, _) in VOICES.items() if not missing(program)]


class Reader:
    """Reads lines aloud; keeps what it has loaded."""

    def __init__(self) -> None:
        self._voices: dict[str, Synthesiser] = {}
        self._aligner: Aligner | None = None
        self._can_align = True

    def say(self, text: str, voice: str = "") -> Utterance:
        """``text`` in a voice of :data:`VOICES`, by default the first that is installed. Raises :class:`EngineError`
        where there is no such voice, or nothing that it can say."""
        line = tidy(text)
        words = [word for word in line.split() if any(letter.isalnum() for letter in word)]
        if not words or len(line) > LONGEST_TEXT:
            said = f"a text of {len(line)} characters" if words else "a text without a word"
            raise EngineError(f"{said} cannot be said: give 1 to {LONGEST_TEXT} characters")
        name = voice or next(iter(voices()), next(iter(VOICES)))
        if name not in VOICES:
            raise EngineError(f"voice {name[:40]!r}: there is {', '.join(VOICES)}")
        if name not in self._voices:
            self._voices[name] = synthesiser(*VOICES[name], SEED, INSTALL)
        by = self._voices[name]
        samples = by.say(line, 1.0)
        if not np.any(samples) or not np.isfinite(samples).all():
            raise EngineError(f"voice {name!r} finds nothing to say in this text; it reads English")
        found = self._found(samples, by.rate, words)
        timed = found or tuple(shared([as_word(word) for word in words], *_sounding(samples, by.rate)))
        return Utterance(samples, by.rate, timed, bool(found))

    def _found(self, samples: NDArray[np.float32], rate: int, words: list[str]) -> tuple[SpokenWord, ...]:
        """The words by their sound; () where that cannot be."""
        if not self._can_align:
            return ()
        try:
            self._aligner = self._aligner or Aligner()
        except EngineError:
            self._can_align = False
            return ()
        change = StreamingResampler(rate, RATE)
        try:
            aligned = self._aligner.align(np.concatenate([change.push(samples), change.flush()]), words)
        except EngineError:  # what is written is not what is said, as of figures
            return ()
        return tuple(SpokenWord(as_word(word.text), word.start, word.end) for word in aligned)


def _sounding(samples: NDArray[np.float32], rate: int) -> tuple[float, float]:
    """From when to when a sound is none of silence, s."""
    loud = np.flatnonzero(np.abs(samples) > _SILENT * np.abs(samples).max())
    return float(loud[0]) / rate, float(loud[-1] + 1) / rate
