"""The metrics of AISLe (Ahuja et al., EMNLP Findings 2020) as its programs count them, by their names there.

:func:`count` gives what one interval adds to sums and :func:`derive` the metrics of sums, one interval's or many
pooled, with the draws of a bootstrap on axis 0 (:mod:`train.report.intervals`); :func:`fid` is of all frames together.
Rows are PATS' (T, 104): x of 52 joints, then y, in pixels; neck, nose and eyes count nowhere but in the box of PCK.
Given in windows (B, T, 104), as the seed does it, velocities of ``VelL1`` and ``W1`` do not cross from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.gesture.pats.clusters import COUNT
from train.gesture.pats.layout import FEATURES, JOINTS, KEPT
from train.gesture.pats.pose import Scale, features
from train.report import frechet
from train.report.intervals import Tally
from train.report.tables import Metric

Array = NDArray[np.floating]
Label = Callable[[NDArray[Any]], NDArray[np.integer]]
"""Clusters (..., T) of modelled pixels (..., T, 96): those of a speaker, as
:meth:`train.gesture.pats.clusters.Clusters.label_features`."""
ALPHAS = (0.1, 0.2)
BIN, LAST = 0.1, 300.0
"""Width and end (px a frame) of the histograms that W1 compares; what is beyond counts nowhere."""
EDGES = np.arange(0.0, LAST, BIN)

METRICS = (
    Metric("L1", "L1", "seed", "mean difference of coordinates, in standard deviations of the speaker's"),
    Metric("VelL1", "VelL1", "seed", "the same of their change from frame to frame", 3),
    Metric("pck", "PCK", "seed", "share of joints within 0.1 and 0.2 (mean of both) of the true body's longer side"),
    Metric("FID", "FID", "seed", "Fréchet distance of frames, standardised coordinates themselves being the features"),
    Metric("W1_vel", "W1 vel", "seed", "distance of the distributions of a frame's mean speed, px a frame"),
    Metric("W1_acc", "W1 acc", "seed", "the same of the size of a frame's mean acceleration"),
    Metric("F1", "F1", "seed", "F1 of the cluster of each frame, clusters weighted by how often they are true"),
    Metric("diversity", "diversity", "seed", "mean difference of coordinates from the speaker's mean pose, px", 1),
    Metric("spatialNorm", "spatial", "seed", "how far off the distance from the mean pose is; 1 is that pose itself"),
    Metric("energy", "energy", "seed", "how far off the mean speed is, px a frame"),
    Metric("power", "power", "seed", "how far off the size of the mean acceleration is, px a frame"),
)
"""What a table shows; :func:`derive` gives more."""


def count(made: NDArray[Any], truth: NDArray[Any], scale: Scale, label: Label | None = None) -> Tally:
    """Sums of one interval of one speaker: ``made`` and ``truth``, rows (T, 104) or windows (B, T, 104) in pixels, of
    its ``scale``; ``label`` gives its clusters (without it there is no F1).

    As in the seed frames weigh alike, and ``spatialNorm``, ``energy`` and ``power`` are roots of mean squares in each
    interval, of which the mean weighs frames. Raises :class:`EngineError` for two of different shapes, for less than 3
    frames and for what is not finite.
    """
    made, truth = _windows(made), _windows(truth)
    if made.shape != truth.shape or made.shape[1] < 3:
        raise EngineError(f"rows made are {made.shape}, true {truth.shape}; the same, of 3 frames or more, are needed")
    own, true = features(made), features(truth)
    sums: dict[str, Any] = {"frames": float(own.shape[0] * own.shape[1])}
    apart = scale.standard(own) - scale.standard(true)
    sums["L1"], sums["L1.count"] = np.abs(apart).sum(), float(apart.size)
    change = np.diff(apart, axis=1)
    sums["VelL1"], sums["VelL1.count"] = np.abs(change).sum(), float(change.size)
    sums |= _near(made, truth)
    for order, name in enumerate(("vel", "acc"), 1):
        for whose, rows in (("made", own), ("true", true)):
            sums[f"W1_{name}.{whose}"] = np.histogram(_reach(np.diff(rows, order, axis=1)), EDGES)[0].astype(float)
    sums |= _expression(own.reshape(-1, FEATURES), true.reshape(-1, FEATURES), features(scale.mean))
    if label is not None:
        # The seed labels the interval as one, so that only its first frame stands still.
        pairs = COUNT * label(true.reshape(-1, FEATURES)) + label(own.reshape(-1, FEATURES))
        sums["F1"] = np.bincount(pairs, minlength=COUNT**2).reshape(COUNT, COUNT).astype(float)
    return Tally({name: np.asarray(value, float) for name, value in sums.items()}, {})


def derive(sums: Mapping[str, Array]) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0, by the seed's names: those of :data:`METRICS` but ``FID``, and
    ``pck_0.1``, ``pck_0.2``, ``pck_0.1_JOINT`` and so on, ``acc``, ``precision``, ``recall``, ``diversity_gt`` and
    ``spatial``. Not a number where there is nothing to divide by."""
    frames = sums["frames"]
    with np.errstate(divide="ignore", invalid="ignore"):
        found: dict[str, Array] = {
            name: sums[name] / sums[f"{name}.count"] for name in ("L1", "VelL1", "energy", "power")
        }
        for alpha in ALPHAS:
            share = sums[f"pck_{alpha}"] / frames[:, None]
            found |= {f"pck_{alpha}_{joint}": share[:, joint] for joint in range(JOINTS)}
            found[f"pck_{alpha}"] = share[:, list(KEPT)].mean(1)
        found["pck"] = np.mean([found[f"pck_{alpha}"] for alpha in ALPHAS], axis=0)
        for name in ("W1_vel", "W1_acc"):
            found[name] = _w1(sums[f"{name}.made"], sums[f"{name}.true"])
        for name in ("diversity", "diversity_gt", "spatial"):
            found[name] = sums[name] / frames
        found["spatialNorm"] = np.where(sums["spatial.mean"] > 0, sums["spatial"] / sums["spatial.mean"], np.nan)
        if "F1" in sums:
            found |= _scores(sums["F1"])
    return found


def fid(made: Array, truth: Array, group: NDArray[np.intp], groups: int) -> Callable[[Array], dict[str, Array]]:
    """From how often each group counts (D, groups) to ``FID`` (D,), of standardised frames (N, 96) of both, each of a
    ``group`` (N,) (a voice): what :class:`train.report.evaluation.Counts` calls ``whole``. Truth is drawn with what
    was made."""
    both = [frechet.GroupSums(np.asarray(points, np.float64), group, groups) for points in (made, truth)]

    def whole(weight: Array) -> dict[str, Array]:
        pairs = ([_unbiased(sums, one) for sums in both] for one in weight)
        return {"FID": np.array([frechet.fid(own, true) for own, true in pairs])}

    return whole


def seed_metrics(made: NDArray[Any], truth: NDArray[Any], scale: Scale, label: Label | None = None) -> dict[str, float]:
    """All metrics of one interval, or one stretch of windows, as plain numbers; see :func:`count`."""
    found = derive({name: value[None] for name, value in count(made, truth, scale, label).sums.items()})
    points = [scale.standard(features(_windows(rows))).reshape(-1, FEATURES) for rows in (made, truth)]
    found |= fid(points[0], points[1], np.zeros(len(points[0]), np.intp), 1)(np.ones((1, 1)))
    return {name: float(values[0]) for name, values in found.items()}


def cumulative(metrics: Mapping[str, float], split: str) -> dict[str, float]:
    """As the seed's ``cummMetrics`` names them: ``test_pck`` and so on."""
    return {f"{split}_{name}": value for name, value in metrics.items()}


def pooled_metrics(tallies: Iterable[Tally]) -> dict[str, float]:
    """All metrics but ``FID`` of many intervals together. Raises :class:`EngineError` where there is none."""
    whole: Tally | None = None
    for tally in tallies:
        whole = tally if whole is None else whole + tally
    if whole is None:
        raise EngineError("no interval was counted, so there are no metrics; check the split and the speaker")
    return {name: float(values[0]) for name, values in derive({k: v[None] for k, v in whole.sums.items()}).items()}


def _windows(rows: NDArray[Any]) -> Array:
    found = np.asarray(rows, np.float64)
    found = found[None] if found.ndim == 2 else found
    if found.ndim != 3 or found.shape[2] != 2 * JOINTS or not np.isfinite(found).all():
        raise EngineError(f"poses are {np.shape(rows)}; finite rows (T, 104) or windows (B, T, 104) are needed")
    return found


def _near(made: Array, truth: Array) -> dict[str, Array]:
    """For each threshold how often each joint (52,) is nearer to the true one, the neck at 0."""
    own, true = (rows.reshape(-1, 2, JOINTS).copy() for rows in (made, truth))
    own[..., 0] = true[..., 0] = 0.0
    apart = np.sqrt(((own - true) ** 2).sum(1))
    side = (true.max(-1) - true.min(-1)).max(-1)
    return {f"pck_{alpha}": (apart < alpha * side[:, None]).sum(0).astype(float) for alpha in ALPHAS}


def _reach(change: Array) -> Array:
    """The mean over joints of how long a change (..., 96) is."""
    return np.asarray(np.sqrt((change.reshape(*change.shape[:-1], 2, -1) ** 2).sum(-2)).mean(-1))


def _expression(own: Array, true: Array, mean: Array) -> dict[str, Any]:
    """Differences from the mean pose, and how far off (root of the mean square) distance, speed and acceleration."""
    frames = len(own)
    sums: dict[str, Any] = {
        "diversity": np.abs(own - mean).mean(-1).sum(),
        "diversity_gt": np.abs(true - mean).mean(-1).sum(),
        "spatial": frames * _rms(_reach(own - mean) - _reach(true - mean)),
        "spatial.mean": frames * _rms(_reach(true - mean)),
    }
    for order, name in enumerate(("energy", "power"), 1):
        off = _reach(np.diff(own, order, axis=0)) - _reach(np.diff(true, order, axis=0))
        sums[name], sums[f"{name}.count"] = len(off) * _rms(off), float(len(off))
    return sums


def _rms(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))


def _w1(made: Array, true: Array) -> Array:
    """Wasserstein-1 distance (D,) of histograms (D, bins), whose mass stands at the bins' beginnings."""
    ways = [np.cumsum(bins, 1) / bins.sum(1, keepdims=True) for bins in (made, true)]
    return np.asarray(BIN * np.abs(ways[0] - ways[1]).sum(1))


def _scores(pairs: Array) -> dict[str, Array]:
    """Scores (D,) of counts (D, true, made). A cluster that is never made, or never true, scores 0."""
    hit = np.diagonal(pairs, axis1=1, axis2=2)
    precision, recall = (np.nan_to_num(hit / pairs.sum(axis)) for axis in (1, 2))
    each = np.nan_to_num(2.0 * precision * recall / (precision + recall))
    support = pairs.sum(2)
    return {
        "F1": (each * support).sum(1) / support.sum(1),
        "acc": hit.sum(1) / support.sum(1),
        "precision": precision.mean(1),
        "recall": recall.mean(1),
    }


def _unbiased(sums: frechet.GroupSums, weight: Array) -> frechet.Gaussian:
    """The seed divides by one less than the frames."""
    fitted, frames = sums.fitted(weight), float(weight @ sums.count)
    return frechet.Gaussian(fitted.mean, fitted.covariance * frames / max(frames - 1.0, 1.0))
