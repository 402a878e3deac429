"""Synthetic voices for training: a text and how long it should take in, sound at 16 kHz out. The programs that speak
are those of :mod:`engine.speech.tts`.

:data:`VOICES` is the table with the splits. A voice with a ``shift`` is its base spoken slower and played faster, or
the other way round: pitch and formants move together, and a base with all its shifts stays in one split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from engine.speech.tts import synthesiser
from train.speech.sound import trim
from train.speech.stresses import syllables
from train.speech.talk import RATE

INSTALL = 'pip install "reaction-engine[speech]"'
SLOWEST, FASTEST = 0.75, 1.35  #: tempo is asked for within these bounds: beyond them the engines mumble
LONGEST_TEXT = 600  #: characters of one phrase

APACHE, KOKORO_CREDIT = "Apache-2.0", "Kokoro-82M (hexgrad)"


@dataclass(frozen=True)
class TtsVoice:
    """A line of the table: ``base`` is the voice within its ``engine``, ``shift`` the factor on pitch and formants,
    ``pace`` the seconds that it takes per syllable by itself (measured on AMI's phrases)."""

    name: str
    engine: str
    base: str
    split: str
    shift: float
    pace: float
    licence: str
    credit: str

    @property
    def source(self) -> str:
        """Engine and base voice: what must stay within one split."""
        return f"{self.engine} {self.base}"


def _shifts(engine: str, base: str, split: str, pace: float, shifts: dict[str, float]) -> tuple[TtsVoice, ...]:
    licence, credit = {
        "piper": ("CC0", "Piper voice joe (rhasspy/piper-voices)"),
        "hibari": (APACHE, "Hibari (Maureese Williams), a student of " + KOKORO_CREDIT),
        "kokoro": (APACHE, KOKORO_CREDIT),
    }[engine]
    return tuple(
        TtsVoice(base + (f"-{suffix}" if suffix else ""), engine, base, split, shift, pace, licence, credit)
        for suffix, shift in shifts.items()
    )


VOICES: tuple[TtsVoice, ...] = (
    *_shifts("piper", "joe", "train", 0.19, {"": 1.0, "deep": 0.91, "high": 1.12}),
    *_shifts("hibari", "heart", "train", 0.2, {"": 1.0, "low": 0.84, "high": 1.1}),
    *_shifts("kokoro", "jf_alpha", "train", 0.22, {"": 1.0}),
    *_shifts("kokoro", "jf_gongitsune", "train", 0.25, {"deep": 0.8}),
    *_shifts("kokoro", "jf_nezumi", "dev", 0.25, {"": 1.0, "deep": 0.82}),
    *_shifts("kokoro", "jm_kumo", "test", 0.23, {"": 1.0, "deep": 0.87}),
    *_shifts("kokoro", "jf_tebukuro", "test", 0.25, {"": 1.0, "high": 1.1}),
)
"""Who speaks, and in which split: no base voice is in two."""


class SilentPhrase(EngineError):
    """A voice made no sound of a phrase."""


class Speaker:
    """One voice ready to speak; what it says repeats bit by bit for the same seed and the same texts before it.

    Raises :class:`EngineError` where a package of the voice's engine is not installed.
    """

    def __init__(self, voice: TtsVoice, seed: int) -> None:
        self.voice = voice
        self._engine = synthesiser(voice.engine, voice.base, seed, INSTALL)

    def say(self, text: str, seconds: float | None = None) -> NDArray[np.float32]:
        """``text`` as sound (n,) at 16 kHz without silent ends, in about ``seconds`` where that is within a tempo of
        0.75 to 1.35; by itself otherwise. Raises :class:`SilentPhrase` where nothing comes out."""
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise EngineError(f"a phrase of {len(text)} characters cannot be said: give 1 to {LONGEST_TEXT}")
        tempo = 1.0
        if seconds is not None:
            expected = self.voice.pace * (sum(syllables(word) for word in text.split()) + 0.5)
            tempo = float(np.clip(expected / seconds, SLOWEST, FASTEST))
        # spoken slower and played faster by the same factor: another pitch, the same duration
        raw = self._engine.say(text, tempo / self.voice.shift)
        rate = round(self._engine.rate * self.voice.shift)
        change = StreamingResampler(rate, RATE)
        heard = np.concatenate([change.push(raw), change.flush()])
        if not np.any(heard) or not np.isfinite(heard).all():
            raise SilentPhrase(f"voice {self.voice.name!r} says nothing at {text[:40]!r}: change the text")
        return trim(heard.astype(np.float64)).astype(np.float32)
