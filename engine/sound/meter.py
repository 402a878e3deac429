"""The level meter: what a voice's sound is like as it comes, in numbers, and what is wrong with it, in words.

Each trouble is told once (:attr:`SoundMeter.notices` only grows): the front end mends what can be mended, and whoever
holds the microphone can do better than that.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.sound.level import FRAME_S, SILENT, VoiceLevel, decibels

WINDOW_S = 1.0
"""Seconds over which level and peak are shown."""
FULL, RUN = 0.99, 3
"""So many samples in a row at so much of full scale are clipped: one alone may be a peak."""
CLIPPED_FRAMES, CLIPPED_WITHIN_S = 10, 5.0
QUIET_DBFS, NOTHING_DBFS, VOICE_S, NOTHING_S = -50.0, -65.0, 2.0, 10.0
"""A voice below the first, of which so much was heard, is too quiet; so is sound below the second for so long."""


class SoundMeter:
    """Of one voice; written by the front end, read from any thread."""

    def __init__(self) -> None:
        self.notices: tuple[str, ...] = ()
        self._kinds: set[str] = set()
        self._told: dict[str, Any] = {}
        self._recent: deque[tuple[float, float]] = deque(maxlen=round(WINDOW_S / FRAME_S))  # power, peak
        self._clips: deque[int] = deque(maxlen=CLIPPED_FRAMES)  # frames
        self._frames = self._clipped = 0
        self._heard_at = self._voice_at = self._loud_at = 0  # frames: the last with sound, voice, not next to none
        self._offset = 0.0

    def told(self) -> dict[str, Any]:
        """Plain values: ``level_dbfs`` and ``peak_dbfs`` of the last second as it came, ``voice_dbfs``, ``noise_dbfs``
        (None until known), ``gain_db``, ``offset``, ``hum`` (whether it is taken off), ``channels``, ``clipped_s``
        (seconds with clipped samples so far) and ``notices``."""
        return self._told | {"notices": list(self.notices)}

    def add(self, raw: NDArray[np.float64], voice: VoiceLevel, gain_db: float, hum: bool) -> None:
        """The next frame as it came (n, channels), what is known of the voice, by how much it is raised, and whether
        there is hum."""
        self._frames += 1
        sizes = np.abs(raw)
        peak, power = float(sizes.max()), max(float(one @ one) for one in raw.T) / len(raw)
        self._recent.append((power, peak))
        self._offset += (float(raw.mean()) - self._offset) * FRAME_S / WINDOW_S
        if peak >= FULL and _clipped(sizes):
            self._clipped += 1
            self._clips.append(self._frames)
        if power > SILENT:
            self._heard_at = self._frames
        if voice.active:
            self._voice_at = self._frames
        if decibels(power) > NOTHING_DBFS:
            self._loud_at = self._frames
        if self._frames % self._recent.maxlen == 0 or not self._told:  # type: ignore[operator]
            self._show(raw.shape[1], voice, gain_db, hum)
        self._judge(voice, gain_db, hum)

    def notice(self, kind: str, text: str) -> None:
        """Tell of a trouble, unless one of its ``kind`` was told."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            self.notices = (*self.notices, text)

    def _show(self, channels: int, voice: VoiceLevel, gain_db: float, hum: bool) -> None:
        powers, peaks = zip(*self._recent, strict=True)
        self._told = {
            "level_dbfs": round(decibels(sum(powers) / len(powers)), 1),
            "peak_dbfs": round(decibels(max(peaks) ** 2), 1),
            "voice_dbfs": _known(voice.voice_dbfs),
            "noise_dbfs": _known(voice.floor_dbfs),
            "gain_db": round(gain_db, 1),
            "offset": round(self._offset, 3),
            "hum": hum,
            "channels": channels,
            "clipped_s": round(self._clipped * FRAME_S, 2),
        }

    def _judge(self, voice: VoiceLevel, gain_db: float, hum: bool) -> None:
        if len(self._clips) == CLIPPED_FRAMES and self._frames - self._clips[0] < CLIPPED_WITHIN_S / FRAME_S:
            self.notice("clipped", "clipped: its peaks are cut off; turn the input level down")
        silent_s = (self._frames - self._voice_at) * FRAME_S
        if hum and silent_s > NOTHING_S:
            self.notice("hum", "nothing but hum: is a microphone plugged in, and its cable whole?")
        if voice.voice_s > VOICE_S and voice.voice_dbfs < QUIET_DBFS:
            level, gain = round(voice.voice_dbfs), round(gain_db)
            text = f"too quiet: the voice is at {level} dBFS (raised by {gain} dB); turn the input up or come nearer"
            self.notice("quiet", text)
        there = self._frames - self._heard_at < VOICE_S / FRAME_S
        if there and silent_s > NOTHING_S and (self._frames - self._loud_at) * FRAME_S > NOTHING_S:
            level = round(decibels(max(peak for _, peak in self._recent) ** 2))
            self.notice("quiet", f"too quiet: no more than {level} dBFS; is it the right microphone, and turned up?")


def _clipped(sizes: NDArray[np.float64]) -> bool:
    full = sizes >= FULL
    runs = full[RUN - 1 :]
    for back in range(1, RUN):
        runs = runs & full[RUN - 1 - back : -back]
    return bool(runs.any())


def _known(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None
