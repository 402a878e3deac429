"""The REACT challenge's metrics on the 25 emotion numbers, with the quirks of their reference implementation.

Written from a description of ``baseline_react2024/metric`` (Song et al., REACT 2023 and 2024). K samples a clip:

- **FRC** sums over the samples (a perfect system scores K, 10 in the papers, and a channel that is constant scores 0
  even when predicted exactly); CCC takes its correlation with ddof 1 and its variances with ddof 0.
- **FRD** sums over the samples; per sample the least, over appropriate listeners, of DTW(action units) / 15 +
  DTW(valence, arousal) + DTW(expressions) / 8, each the root of the summed squared distances along the path.
- **FRDvs** compares the same sample of different clips, **FRDiv** the samples of one clip; both count each pair twice,
  so that uniform noise scores 2 / 12. **FRVar** is the unbiased variance over time.
- **FRSyn** is |lag| in frames, within 2 s, of the highest mean correlation with the speaker; a channel that is
  constant over a window makes that window's mean not a number, which counts as highest (so 49 says that some channel
  stood still, nothing more). *FRSyn moving* is ours: the same without the constant channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dtaidistance import dtw_ndim
from numpy.typing import NDArray

Array = NDArray[np.floating]

CLIP_FRAMES = 750
LAG_FRAMES = 49
BLOCKS = ((slice(15, 17), 1.0), (slice(17, 25), 8.0), (slice(0, 15), 15.0))
"""Valence and arousal, expressions, action units, with what FRD divides their distances by; the cheapest first."""

REFERENCE = (
    ("GT", 8.35, 0.0, 0.2117, 0.0635, 0.0, 48.42),
    ("Mime", 0.37, 84.78, 0.2117, 0.0635, 0.2483, 43.50),
    ("Random", 0.05, 228.33, 0.1666, 0.0833, 0.1666, 46.27),
    ("Trans-VAE online", 0.07, 90.31, 0.0064, 0.0012, 0.0009, 44.65),
    ("BeLFusion k=10 +BinAU", 0.12, 94.09, 0.0379, 0.0248, 0.0397, 49.0),
    ("AIS", 0.26, 86.73, 0.1160, 0.0346, 0.1162, 46.96),
    ("AIS, test set", 0.3190, 82.0288, 0.1165, 0.0344, 0.1162, 43.0918),
)
"""Published values on REACT2024 (validation set unless it says test), 10 samples: FRC, FRD, FRDvs, FRVar, FRDiv, FRSyn.
The data are other data: nothing here may be ranked against them."""


def measure(
    predictions: Array,
    listeners: Array,
    speakers: Array,
    neighbours: NDArray[np.bool_],
    drawn: NDArray[np.integer] | None = None,
) -> dict[str, Array]:
    """Per clip (N,) ``frc``, ``frd``, ``frvar``, ``frdiv``, ``frsyn``, ``frsyn_moving``, and ``frdvs`` as pairs (N, N).

    ``predictions`` (N, K, T, 25), ``listeners`` (M, T, 25), ``speakers`` (N, T, 25); ``neighbours`` (N, M) True where
    listener m is an appropriate answer to clip n, its own among them. ``drawn`` (N, K): of which listener a sample is a
    copy, which that sample is then not held against; -1 of none."""
    count = len(predictions)
    found = {name: np.zeros(count) for name in ("frc", "frd", "frvar", "frdiv", "frsyn", "frsyn_moving")}
    for k in range(count):
        known: dict[tuple[bytes, int], tuple[float, float, float, float]] = {}  # copies of one answer are scored once
        for index, sample in enumerate(predictions[k]):
            copied = -1 if drawn is None else int(drawn[k, index])
            key = (sample.tobytes(), copied)
            if key not in known:
                right = [listeners[m] for m in np.flatnonzero(neighbours[k]) if m != copied]
                known[key] = (*fit(sample, right), *lag(sample, speakers[k]))
            best, nearest, late, late_moving = known[key]
            found["frc"][k] += best
            found["frd"][k] += nearest
            found["frsyn"][k] += late / len(predictions[k])
            found["frsyn_moving"][k] += late_moving / len(predictions[k])
        found["frvar"][k] = predictions[k].var(1, ddof=1).mean()
        found["frdiv"][k] = diversity(predictions[k])
    return found | {"frdvs": differences(predictions)}


def fit(sample: Array, appropriate: Sequence[Array]) -> tuple[float, float]:
    """The highest concordance and the least warped distance of a sample (T, 25) to ``appropriate`` listeners."""
    alike = [float(ccc(truth, sample).mean()) for truth in appropriate]
    nearest = np.inf
    for index in np.argsort(alike)[::-1]:  # whoever is alike is likely near: then the others are given up early
        nearest = min(nearest, warped_distance(appropriate[index], sample, nearest))
    return max(alike), nearest


def score(found: dict[str, Array], weight: Array) -> dict[str, Array]:
    """The metrics (D,) of clips weighted by ``weight`` (D, N): means over clips, FRDvs over pairs of clips."""
    total = weight.sum(1)
    apart = total**2 - (weight**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = {name: weight @ values / total for name, values in found.items() if name != "frdvs"}
        scores["frdvs"] = np.einsum("dk,kn,dn->d", weight, found["frdvs"], weight) / apart
    return scores


def ccc(truth: Array, sample: Array) -> Array:
    """Concordance (25,) of two clips (T, 25): Lin 1989, as the reference computes it (0 for a constant channel)."""
    x, y = truth.astype(float), sample.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx, dy = x - x.mean(0), y - y.mean(0)
        rho = (dx * dy).sum(0) / np.sqrt((dx**2).sum(0) * (dy**2).sum(0))
    rho = np.where(np.ptp(x, 0) * np.ptp(y, 0) > 0, np.nan_to_num(rho), 0.0)
    spread = x.var(0) + y.var(0) + (x.mean(0) - y.mean(0)) ** 2 + 1e-8
    return np.asarray(2.0 * rho * x.std(0) * y.std(0) / spread)


def warped_distance(truth: Array, sample: Array, within: float = np.inf) -> float:
    """FRD's distance of two clips (T, 25); infinity once it is more than ``within``."""
    distance = 0.0
    for block, divisor in BLOCKS:
        pieces = (np.ascontiguousarray(clip[:, block], np.double) for clip in (truth, sample))
        room = (within - distance) * divisor * (1.0 + 1e-9) + 1e-9  # what equals the bound is not beyond it
        distance += dtw_ndim.distance_fast(*pieces, max_dist=room if np.isfinite(room) else None) / divisor
        if distance > within:
            return np.inf
    return distance


def differences(predictions: Array) -> Array:
    """FRDvs' pairs (N, N): mean squared difference of the same samples of two clips, per number."""
    flat = predictions.reshape(len(predictions), -1).astype(float)
    squares = (flat**2).sum(1)
    return np.asarray(np.maximum(squares[:, None] + squares[None] - 2.0 * flat @ flat.T, 0.0) / flat.shape[1])


def diversity(samples: Array) -> float:
    """FRDiv of the samples (K, T, 25) of one clip; 0 of a single one."""
    count = len(samples)
    return float(differences(samples[:, None]).sum() / (count * (count - 1))) if count > 1 else 0.0


def lag(sample: Array, speaker: Array) -> tuple[float, float]:
    """FRSyn of one clip (T, 25) and its speaker, frames between them at the highest mean correlation: as the reference
    counts it, and with the channels that are constant in a window left out of its mean (not a number if all are)."""
    x, y = (np.ascontiguousarray(stream.T, np.double) for stream in (sample, speaker))
    means, moving = [], []
    for shift in range(-LAG_FRAMES, LAG_FRAMES + 1):
        late, early = (x, y) if shift >= 0 else (y, x)
        each = _correlations(late[:, abs(shift) :], early[:, : early.shape[1] - abs(shift)])
        means.append(each.mean())
        moving.append(each[np.isfinite(each)].mean() if np.isfinite(each).any() else -np.inf)
    best = float(abs(LAG_FRAMES - int(np.argmax(moving)))) if np.isfinite(moving).any() else np.nan
    # argmax takes the first that is not a number, as torch's does.
    return float(abs(LAG_FRAMES - int(np.argmax(means)))), best


def _correlations(x: Array, y: Array) -> Array:
    """Pearson's correlation of each channel of (channels, T), not a number where it is constant in either."""
    dx, dy = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    constant = (x == x[:, :1]).all(1) | (y == y[:, :1]).all(1)
    spread = np.sqrt(np.einsum("ct,ct->c", dx, dx) * np.einsum("ct,ct->c", dy, dy))
    return np.where(constant, np.nan, np.einsum("ct,ct->c", dx, dy) / np.where(constant, 1.0, spread))


def padded(samples: Sequence[Any], count: int) -> NDArray[Any]:
    """``count`` samples (count, T, 25), repeating those there are: the challenge scores a system of one answer so. Or
    (count,) of what is known of each."""
    return np.stack([samples[k % len(samples)] for k in range(count)])
