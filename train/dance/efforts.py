"""Laban's time and space efforts computed from motion, for sets that nobody labelled.

Measures, on windows of 40 frames, as reviewed by Larboulette & Gibet 2015 ("A review of computable expressive
descriptors of human motion", MOCO), after Hachimura et al. 2005, Samadani et al. 2013 and Aristidou et al. 2015:

- *time* (sustained to sudden): the mean magnitude of acceleration over the window and over the joints, in m/s^2. All
  joints weigh the same. Shares of mass would leave the trunk to speak for the hands, which people look at.
- *space* (indirect to direct): net displacement over length of path of the end effectors, 0 to 1. The review has the
  inverse, averaged over joints; that grows without bound where a hand returns to where it was, and a hand at rest
  would weigh as much as one that moves. So here the displacements' sum is divided by the paths' sum. Every marker is
  an end effector of a body without a tree.

Both are taken of the body as the model sees it: every frame's centroid is taken away on the floor, so travelling across
the stage is neither sudden nor direct. A second difference multiplies what noise positions have by the square of the
rate; so positions and accelerations come from a Savitzky-Golay filter of third order over 0.3 s. At 30 fps it passes
positions up to 3.8 Hz and accelerations up to 2.5 Hz (-3 dB): gestures, not tremor. A filter of the fourth order goes
to 5.3 Hz, as far as human movement does (Winter 2009 takes 6 Hz), but then 5 mm of noise change two levels in three,
here one in ten. The frames at a window's ends for which the filter lacks neighbours are left out: a window's measure is
the same whether it is cut from its take before or after.

Levels are the thirds of the training windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.labels import EFFORTS, LEVELS, Table
from train.dance.takes import FRAMES, Take

SPAN = 0.3
"""Seconds over which motion is smoothed."""
ORDER = 3
STILL = 0.05
"""Metres of path, of one end effector in a window, below which nothing went anywhere: mixed into the ratio so that
a body at rest is indirect rather than random."""


class Bounds(NamedTuple):
    """Where low ends and where high begins."""

    low: float
    high: float


@dataclass(frozen=True)
class Thresholds:
    """The bounds of the levels: of ``time`` in m/s^2, of ``space`` without unit. ``windows`` is how many they were
    fitted on."""

    time: Bounds
    space: Bounds
    windows: int

    def of(self, effort: str) -> Bounds:
        """The bounds of an effort."""
        if effort not in EFFORTS:
            raise EngineError(f"no effort {effort!r}; there is {', '.join(EFFORTS)}")
        return self.time if effort == "time" else self.space

    def levels(self, values: NDArray[np.float64], effort: str) -> NDArray[np.int8]:
        """0 low, 1 medium, 2 high for measured values; -1 where a value is not finite."""
        found = np.searchsorted(self.of(effort), values, "right").astype(np.int8)
        return np.where(np.isfinite(values), found, np.int8(-1))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a card or a checkpoint."""
        return {"time": list(self.time), "space": list(self.space), "windows": self.windows}


def measure(positions: NDArray[np.floating[Any]], skeleton: Skeleton, rate: float, effort: str) -> NDArray[np.float64]:
    """The effort of every window of 40 frames in positions (..., T, J, 3) in metres: (..., T - 39).

    Of cut windows (N, 40, J, 3) that is (N, 1). Raises :class:`EngineError` where T is less than a window.
    """
    width = 2 * round(SPAN * rate / 2) + 1
    if positions.shape[-3] < FRAMES or width >= FRAMES:
        raise EngineError(f"{positions.shape[-3]} frames at {rate:g} fps: an effort needs {max(FRAMES, width + 1)}")
    body = positions.astype(np.float64)
    body[..., [0, 2]] -= body[..., [0, 2]].mean(-2, keepdims=True)
    inner = slice(width // 2, -(width // 2))
    kept = FRAMES - 2 * (width // 2)  # frames of a window that are measured
    if effort == "time":
        speeding = savgol_filter(body, width, ORDER, deriv=2, delta=1.0 / rate, axis=-3)[..., inner, :, :]
        return _sums(np.linalg.norm(speeding, axis=-1).mean(-1), kept) / kept
    if effort != "space":
        raise EngineError(f"no effort {effort!r}; there is {', '.join(EFFORTS)}")
    ends = end_effectors(skeleton)
    way = savgol_filter(body[..., ends, :], width, ORDER, axis=-3)[..., inner, :, :]
    path = _sums(np.linalg.norm(np.diff(way, axis=-3), axis=-1).sum(-1), kept - 1)
    net = np.linalg.norm(way[..., kept - 1 :, :, :] - way[..., : way.shape[-3] - kept + 1, :, :], axis=-1).sum(-1)
    return np.asarray(net / (path + STILL * len(ends)))


def end_effectors(skeleton: Skeleton) -> list[int]:
    """Joints at which the body ends: those on which none hangs; of markers all."""
    if not skeleton.is_tree:
        return list(range(len(skeleton.joints)))
    return [joint for joint in range(len(skeleton.joints)) if joint not in skeleton.parents]


def take_measure(take: Take, effort: str) -> NDArray[np.float64]:
    """The effort of the window that starts at each frame (T,); not a number where none starts or it is not sound."""
    values = np.full(len(take.motion), np.nan)
    found = measure(take.motion.positions, take.motion.skeleton, take.motion.rate, effort)
    broken = _sums((~take.sound).astype(np.float64), FRAMES) > 0.5
    values[: len(found)] = np.where(broken, np.nan, found)
    return values


def fit_thresholds(takes: Sequence[Take]) -> Thresholds:
    """Thresholds that part the windows of the training takes into three equal thirds."""
    training = [take for take in takes if take.split == "train"]
    if not training:
        raise EngineError(
            "no take is in the training split, on which thresholds of efforts are fitted; give takes to it"
        )
    found: dict[str, Bounds] = {}
    for effort in EFFORTS:
        values = np.concatenate([take_measure(take, effort) for take in training])
        values = values[np.isfinite(values)]
        if len(values) < len(LEVELS):
            raise EngineError(
                f"{len(values)} windows of {FRAMES} undamaged frames in the training takes, thresholds of efforts need "
                f"{len(LEVELS)}; give longer takes"
            )
        low, high = np.quantile(values, [1 / 3, 2 / 3])
        found[effort] = Bounds(float(low), float(high))
    return Thresholds(found["time"], found["space"], len(values))


def computed_table(takes: Sequence[Take], thresholds: Thresholds, effort: str) -> Table:
    """Levels by take and first frame, like :func:`train.dance.labels.label_table`, of every sound window."""
    return {take.name: thresholds.levels(take_measure(take, effort), effort) for take in takes}


def _sums(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sums over ``count`` neighbours along the last axis."""
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, -1)], -1)
    return np.asarray(total[..., count:] - total[..., :-count])
