"""Shakes of a listener's head: yaw to and fro, as nods are pitch, from rest to rest.

A shake has cycles of the pace of nods: a listener's nods and shakes share a band of frequency (Hadar, Steiner & Rose
1985, J. Nonverbal Behavior 9). It swings to both sides, larger in its middle than at its ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.listening.cell import DT
from train.simulate.curves import Curve
from train.simulate.talk import Cue


@dataclass(frozen=True)
class Shake:
    """A shake: ``start_s``, amplitude in radians (negative: to the own right first), cycles and their pace in Hz."""

    start_s: float
    amplitude: float
    cycles: int
    hertz: float

    @property
    def end_s(self) -> float:
        """When the last cycle is over."""
        return self.start_s + self.cycles / self.hertz

    def event(self) -> Cue:
        """The shake as an event, its strength the amplitude over 10 degrees."""
        return Cue("shake", self.start_s, float(min(1.0, np.degrees(abs(self.amplitude)) / 10.0)))


def render_shakes(shakes: Sequence[Shake], frames: int) -> Curve:
    """Head yaw (rad, own left positive) of the shakes, (frames,)."""
    yaw = np.zeros(frames)
    for shake in shakes:
        first, stop = max(0, int(shake.start_s / DT)), min(frames, int(shake.end_s / DT) + 2)
        phase = np.clip((np.arange(first, stop) * DT - shake.start_s) * shake.hertz, 0.0, shake.cycles)
        # At its end the sine is zero but for rounding, and below zero it would have no root.
        swell = np.sqrt(np.maximum(np.sin(np.pi * phase / shake.cycles), 0.0))
        yaw[first:stop] += shake.amplitude * np.sin(2.0 * np.pi * phase) * swell
    return yaw
