"""What one talk is: a voice, its sound, its words with their times, and the syllables that it stresses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.speech.spoken import SpokenWord

__all__ = ["LEVEL", "RATE", "SPLITS", "SpokenWord", "Stress", "Talk"]

RATE = 16_000  #: samples a second of every talk
LEVEL = 0.05  #: RMS of the spoken parts of a talk: -26 dBFS
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Stress:
    """A stressed syllable: ``time`` (s) is the energy peak of its vowel, ``strength`` 0..1 compares within its talk,
    ``word`` is the place of its word in the talk's words."""

    time: float
    strength: float
    word: int


@dataclass(frozen=True)
class Talk:
    """A stretch of speech of one voice with its own pauses.

    ``pcm`` is (n,) float32 at 16 kHz, -1..1, the speech at -26 dBFS. ``words`` rise in time and do not overlap;
    a talk whose words nobody knows has none, and its stresses then have ``word`` -1. ``voice`` and ``source`` (whose
    recording, or which synthesiser) each belong to one split of :data:`SPLITS`.
    """

    name: str
    voice: str
    split: str
    source: str
    licence: str
    credit: str
    pcm: NDArray[np.float32]
    words: tuple[SpokenWord, ...]
    stresses: tuple[Stress, ...]

    @property
    def seconds(self) -> float:
        """Length of the sound in seconds."""
        return len(self.pcm) / RATE
