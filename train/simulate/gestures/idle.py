"""What a body does beside its gestures: it breathes, sways, shifts its weight and moves its head.

Walks are drawn at 25 a second and smoothed twice (:mod:`train.simulate.curves`); between their points they are cubic,
so speed and acceleration have no jumps at any rate. Somebody who speaks moves more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from models.listening.cell import DT
from train.simulate.curves import follow, spring, wander

Array = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

WALKS = (
    ("abdomen", 2, 0.016, 7.0),
    ("abdomen", 1, 0.018, 6.0),
    ("chest", 0, 0.014, 5.0),
    ("chest", 1, 0.022, 4.0),
    ("chest", 2, 0.014, 5.0),
    ("neck", 0, 0.018, 2.5),
    ("neck", 1, 0.030, 2.5),
    ("head", 0, 0.030, 1.4),
    ("head", 1, 0.050, 1.8),
    ("head", 2, 0.024, 1.6),
)
"""Joint, axis (0 pitch, 1 yaw, 2 roll), usual size (rad) and correlation time (s) of each angle that wanders."""
SMOOTH = 5.0
"""rad/s of the spring behind which walks are smoothed."""
BREATH_HZ, BREATH = 0.25, 0.010
"""Breaths a second, and the chest's pitch (rad)."""
SHIFT_S, SHIFT, SHIFT_TAKES = 14.0, 0.022, 1.6
"""Seconds between two shifts of weight, how far the trunk leans (rad), and seconds that one takes."""
QUIET = 0.5
"""How large the movements of somebody are who does not speak, against those of one who does."""
HANDS, HANDS_TAU = 0.022, 1.5
"""Size (rad) and correlation time (s) of a hand's and an arm's own drift."""


class Idle:
    """The movements of ``seconds`` of idling, the same for the same state of ``rng``; ``restless`` scales them.
    ``active`` are spans (s) in which the body speaks or gestures."""

    def __init__(self, seconds: float, rng: np.random.Generator, restless: float = 1.0, active: Spans = ()) -> None:
        frames = int(np.ceil(seconds / DT)) + 2
        self._times = np.arange(frames) * DT
        self._walks = self._smooth(rng, frames, [tau for *_, tau in WALKS])
        self._arms = self._smooth(rng, frames, [HANDS_TAU] * 14)
        self._restless = restless
        self._breath = CubicSpline(self._times, self._breathing(rng, frames))
        self._shift = CubicSpline(self._times, self._shifts(rng, seconds))
        speaks = np.zeros(frames)
        for start, end in active:
            speaks[(self._times >= start - 0.3) & (self._times < end)] = 1.0
        self._lively = CubicSpline(self._times, follow(spring(speaks, 4.0), 0.4))

    def trunk(self, times: Array) -> dict[str, Array]:
        """Rotation vectors (N, 3) of the trunk's joints and the head at ``times`` (N,) s."""
        lively = QUIET + (1.0 - QUIET) * np.clip(self._lively(times), 0.0, 1.0)
        out = {joint: np.zeros((len(times), 3)) for joint, *_ in WALKS}
        walks = self._walks(times) * lively[:, None] * self._restless
        for number, (joint, axis, size, _) in enumerate(WALKS):
            out[joint][:, axis] += size * walks[:, number]
        lean = self._restless * self._shift(times)
        out["abdomen"][:, 2] += lean
        out["chest"][:, 2] -= 0.5 * lean
        out["head"][:, 2] -= 0.4 * lean
        breath = self._breath(times)
        out["chest"][:, 0] -= BREATH * breath
        out["neck"][:, 0] += 0.7 * BREATH * breath
        return out

    def arms(self, times: Array) -> Array:
        """Drift (2, N, 7) rad of the right and the left arm's angles; breathing lifts the elbows a little."""
        drift: Array = HANDS * self._restless * self._arms(times).reshape(len(times), 2, 7).transpose(1, 0, 2)
        drift[:, :, 3] *= 1.3
        drift[:, :, 4:] *= 1.5
        drift[:, :, 0] -= 0.006 * self._breath(times)
        return drift

    def _smooth(self, rng: np.random.Generator, frames: int, taus: Sequence[float]) -> CubicSpline:
        walks = [spring(wander(rng, frames, tau), SMOOTH) for tau in taus]
        return CubicSpline(self._times, np.concatenate(walks, 1))

    def _breathing(self, rng: np.random.Generator, frames: int) -> Array:
        pace = BREATH_HZ * (1.0 + 0.15 * np.clip(spring(wander(rng, frames, 6.0), 2.0)[:, 0], -2.0, 2.0))
        return np.asarray(np.sin(2.0 * np.pi * (rng.uniform() + np.cumsum(pace) * DT)))

    def _shifts(self, rng: np.random.Generator, seconds: float) -> Array:
        """Leans of the trunk from one leg to the other."""
        lean = np.zeros(len(self._times))
        side, time = float(rng.choice((-1.0, 1.0))), float(rng.uniform(0.0, SHIFT_S))
        lean += side * SHIFT * rng.uniform(0.3, 1.0)
        while time < seconds:
            side = -side
            lean[self._times >= time] = side * SHIFT * rng.uniform(0.3, 1.0)
            time += SHIFT_S * rng.uniform(0.5, 1.6)
        return spring(lean, 6.0 / SHIFT_TAKES)
