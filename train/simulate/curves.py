"""Random walks, filters and draws over a whole clip in numpy: what :mod:`models.listening.cell` does frame by frame, in
one pass and under the same names (seconds, rad/s, frames of 40 ms)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.listening.cell import DT

Curve = NDArray[np.float64]
CUT = 2.0


def lognormal(rng: np.random.Generator, median: float, sigma: float) -> float:
    """A positive draw with the given median and log-deviation, its tails cut at two deviations."""
    return float(median * np.exp(sigma * np.clip(rng.standard_normal(), -CUT, CUT)))


def follow(target: Curve, tau: float) -> Curve:
    """One-pole low-pass of ``target`` (T, ...) with time constant ``tau`` s, at rest on its first value."""
    keep = np.exp(-DT / tau)
    return _filter([1.0 - keep], [1.0, -keep], target)


def spring(target: Curve, omega: float) -> Curve:
    """A critically damped spring of ``omega`` rad/s after ``target`` (T, ...), at rest on its first value."""
    keep = np.exp(-omega * DT)
    return _filter([(1.0 - keep) ** 2], [1.0, -2.0 * keep, keep * keep], target)


def wander(rng: np.random.Generator, frames: int, tau: float, count: int = 1) -> Curve:
    """Ornstein-Uhlenbeck walks of unit variance and correlation time ``tau`` s, (frames, count), stationary from the
    first frame on."""
    keep = np.exp(-DT / tau)
    drawn = rng.standard_normal((frames, count)) * np.sqrt(1.0 - keep * keep)
    drawn[:1] /= np.sqrt(1.0 - keep * keep)
    return np.asarray(lfilter([1.0], [1.0, -keep], drawn, axis=0))


class HeldValue(NamedTuple):
    """A value from a moment on."""

    time_s: float
    value: float


def held(frames: int, changes: list[HeldValue]) -> Curve:
    """A curve (frames,) from 0 that holds each of ``changes``, in order of time, from its frame on."""
    curve = np.zeros(frames)
    for change in changes:
        curve[max(0, round(change.time_s / DT)) :] = change.value
    return curve


def _filter(b: list[float], a: list[float], target: Curve) -> Curve:
    start = target[:1]
    return np.asarray(lfilter(b, a, target - start, axis=0) + start)
