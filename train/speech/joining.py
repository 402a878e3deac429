"""Phrases joined to one talk: pauses of faint room noise between, one level, words in their place, stresses found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.speech.sound import level_db
from train.speech.stresses import find_stresses
from train.speech.talk import LEVEL, RATE, SpokenWord, Talk

LEAD_IN_S = 0.5  #: a talk begins with so much silence
LEAD_OUT_S = 0.3  #: and ends with so much at least
ROOM_DB = -72.0  #: room noise under everything: digital silence would tell synthetic talks from recorded ones
PEAK = 0.95  #: no sample is beyond


class Piece(NamedTuple):
    """A phrase: ``pcm`` (n,) at 16 kHz, its words in seconds from its own start, and the pause after it in seconds."""

    pcm: NDArray[np.float32]
    words: tuple[SpokenWord, ...]
    pause: float


def joined(name: str, voice: str, split: str, source: str, licence: str, credit: str, pieces: Sequence[Piece]) -> Talk:
    """One talk of ``pieces``: each moved half-way to a common level, all together at -26 dBFS where they speak.

    Raises :class:`EngineError` where there is nothing to be heard.
    """
    if not pieces:
        raise EngineError(f"talk {name} has no phrases: give it at least one")
    levels = np.array([level_db(np.pad(piece.pcm.astype(np.float64), RATE // 5)) for piece in pieces])
    sizes = np.array([len(piece.pcm) for piece in pieces])
    middle = float(np.average(levels, weights=sizes))
    starts, clock = [], round(LEAD_IN_S * RATE)
    for piece in pieces:
        starts.append(clock)
        clock += len(piece.pcm) + round(max(piece.pause, LEAD_OUT_S if piece is pieces[-1] else 0.0) * RATE)
    noise = np.random.default_rng(sum(name.encode())).standard_normal(clock)
    track = np.zeros(clock)
    words: list[SpokenWord] = []
    for piece, start, level in zip(pieces, starts, levels, strict=True):
        track[start : start + len(piece.pcm)] += piece.pcm * 10 ** ((middle - level) / 40)
        shift = start / RATE
        length = len(piece.pcm) / RATE  # an aligner's last frame may reach beyond the sound
        words += [SpokenWord(word.text, word.start + shift, min(word.end, length) + shift) for word in piece.words]
    track *= 10 ** ((20 * np.log10(LEVEL) - level_db(track)) / 20)
    track *= min(1.0, PEAK / np.abs(track).max())
    pcm = (track + noise * 10 ** (ROOM_DB / 20)).astype(np.float32)
    return Talk(name, voice, split, source, licence, credit, pcm, tuple(words), find_stresses(pcm, words))
