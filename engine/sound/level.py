"""How loud a voice is, and by how much it is raised or lowered so that models hear it at one level.

A level is taken over frames of 20 ms. The floor is the lowest of the last 1.5 to 3 s, to which speech keeps returning
between its syllables (minimum statistics, Martin 2001, IEEE Trans. Speech and Audio Processing 9); what stands well
above it is voice, so steady noise is none, however loud. The voice's level is its mean power over such frames (the
active speech level of ITU-T P.56, with a memory of some seconds).

The gain is slow and bounded. A voice within 6 dB of :data:`TARGET_DBFS`, the level at which models are trained, is left
exactly as it is; one further off is brought to it, at 10 dB a second of voice, and no more than :data:`MOST_UP_DB`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FRAME_S = 0.02
"""Seconds of a frame."""
TARGET_DBFS = -26.0
"""Level (mean power against full scale, dB) towards which voices are brought; that of ITU-T P.800's recordings."""
MOST_UP_DB, MOST_DOWN_DB = 36.0, 20.0
BEGIN_DB, END_DB = 6.0, 3.0
"""How far off a voice has to be before anything is done, and below which nothing is done any more."""
UP_DB_S, DOWN_DB_S = 10.0, 25.0
VOICE_ABOVE_FLOOR_DB, VOICE_LEAST_DBFS = 8.0, -75.0
KNOWN_S, MEMORY_S, BURST_DB = 0.5, 5.0, 10.0
"""Voice heard before its level is believed; the memory of that level; how far one frame may stand out of it."""
SURE_S, UNSURE_DB = 3.0, 6.0
"""Until so much voice was heard it has to be further off: a first word may be loud."""
LONGEST_RUN_S = 1.0
"""Of a stretch without any dip so much counts: speech has closures and pauses, a fan that was turned on has none."""
BLOCK_S = 1.5
SILENT = 1e-10
"""Power below which nothing is told apart: -100 dBFS."""


@dataclass(slots=True)
class Floor:
    """The lowest power of a frame in the last 1.5 to 3 s: ``value``, infinite before the first. Exact silence, as of a
    muted device, is no floor and says nothing."""

    value: float = math.inf
    _lowest: float = math.inf
    _before: float = math.inf
    _frames: int = 0

    def add(self, power: float) -> float:
        """The next frame's power, above :data:`SILENT`; the floor with it."""
        self._lowest = min(self._lowest, power)
        self._frames += 1
        self.value = min(self._lowest, self._before)
        if self._frames * FRAME_S >= BLOCK_S:
            self._before, self._lowest, self._frames = self._lowest, math.inf, 0
        return self.value


class VoiceLevel:
    """Hears of a voice frame by frame and says by how much to raise it. ``voice_s``: seconds of voice so far."""

    def __init__(self) -> None:
        self.gain_db = 0.0
        self.voice_s = 0.0
        self.active = False
        """Whether the last frame was voice."""
        self._floor = Floor()
        self._power = 0.0
        self._run_s = 0.0  # of voice without a dip
        self._engaged = False

    @property
    def voice_dbfs(self) -> float:
        """The voice's level as it comes; NaN before it is known."""
        return decibels(self._power) if self.voice_s >= KNOWN_S else math.nan

    @property
    def floor_dbfs(self) -> float:
        """The level between its words; NaN before the first frame."""
        return decibels(self._floor.value) if math.isfinite(self._floor.value) else math.nan

    def add(self, power: float, peak: float) -> float:
        """The next frame's ``power`` and ``peak`` (of full scale) before the gain; the gain (dB) of the frame after."""
        floor = self._floor.add(power) if power > SILENT else math.inf
        self.active = power > SILENT and decibels(power) > max(decibels(floor) + VOICE_ABOVE_FLOOR_DB, VOICE_LEAST_DBFS)
        self._run_s = self._run_s + FRAME_S if self.active else 0.0
        counts = self.active and self._run_s <= LONGEST_RUN_S
        if counts:
            self._learn(power)
        wanted = self._wanted()
        up = UP_DB_S * FRAME_S if counts else 0.0
        self.gain_db += min(max(wanted - self.gain_db, -DOWN_DB_S * FRAME_S), up)
        if self.gain_db > 0.0 and peak > 0.0:  # what is suddenly loud is not raised beyond full scale for long
            self.gain_db = max(0.0, min(self.gain_db, -decibels(peak * peak)))
        return self.gain_db

    def _learn(self, power: float) -> None:
        self.voice_s += FRAME_S
        known = self.voice_s >= KNOWN_S
        kept = min(power, self._power * 10 ** (BURST_DB / 10)) if known else power
        self._power += (kept - self._power) * max(FRAME_S / self.voice_s, FRAME_S / MEMORY_S)

    def _wanted(self) -> float:
        if self.voice_s < KNOWN_S:
            return 0.0
        off = TARGET_DBFS - self.voice_dbfs
        doubt = UNSURE_DB * max(0.0, 1.0 - self.voice_s / SURE_S)
        self._engaged = abs(off) > (END_DB if self._engaged else BEGIN_DB + doubt)
        return min(max(off, -MOST_DOWN_DB), MOST_UP_DB) if self._engaged else 0.0


def decibels(power: float) -> float:
    """A power, or the square of an amplitude, in dB of full scale, -100 at least."""
    return 10.0 * math.log10(max(power, SILENT))
