"""From counts to metrics: the definitions, and the names under which they are reported.

Every metric has the bootstrap's draws on axis 0, the point estimate first; what is not defined is not a number. How
single things are measured is told where they are: `sanity` (the body), `quality` (sets of dances), `recognition`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.dance.evaluation.recognition import accuracy, balanced
from train.dance.evaluation.rows import SOURCES
from train.dance.evaluation.sanity import DERIVATIVES, LONG, SUNK_M
from train.dance.takes import FRAMES, RATE
from train.report.feet import NEAR_FLOOR_M, RISING_M_S
from train.report.intervals import Tally
from train.report.tables import Metric

Array = NDArray[np.floating]

TABLES = {
    "body": "Body: is it the motion of a body?",
    "motion": "Motion: ratios to the truth; both too much and too little fail",
    "set": "Sets: as varied as real dances, and no copies of them?",
    "human": "Recognition, labels given by people",
    "computed": "Recognition, labels computed from motion",
    "effort": "The effort computed from the motion itself",
}

_RECOGNISED = "recognised by classifiers trained on held-out real takes, mean of the levels' recalls (chance 0.33)"
METRICS: tuple[Metric, ...] = (
    Metric("limbs", "limbs %", "body", "standard deviation of a bone's length over a dance, % of its mean; mean"),
    Metric("limb_peak", "worst limb %", "body", "the same of the worst bone of any dance", peak=True),
    Metric(
        "slide",
        "slide m/s",
        "body",
        f"speed over the floor of feet that stand: at most {100 * NEAR_FLOOR_M:g} cm above their usual low place, "
        f"rising or falling slower than {RISING_M_S:g} m/s",
    ),
    Metric("slide_ratio", "/ truth", "body", "slide over that of the truth"),
    Metric("standing", "standing", "body", "share of feet and frames that stand"),
    Metric("sunk", "sunk %", "body", f"frames with a foot more than {100 * SUNK_M:g} cm below where feet stand, %"),
    Metric("frozen", "frozen %", "body", "frames slower than 5 % of the training takes' median speed, %"),
    Metric("jumps", "jumps ‰", "body", "joint steps beyond the training takes' 99.9 % quantile, per mille"),
    Metric("step", "step m", "body", "largest step of a joint in a frame, m", peak=True),
    Metric("speed", "speed", "motion", "mean speed of the joints over truth"),
    Metric("acceleration", "acceleration", "motion", "mean acceleration of the joints over truth"),
    Metric("jerk", "jerk", "motion", "mean third derivative of the joints over truth"),
    Metric(
        "speed_tv", "speed TV", "motion", "total variation between the distributions of joint speed and the truth's"
    ),
    Metric("jerk_tv", "jerk TV", "motion", "the same of jerk"),
    Metric("turning", "turning °/s", "motion", "how fast the facing turns over a third of a second", 0),
    Metric("travel", "travel m/s", "motion", "how fast the body's centre goes over the floor, likewise"),
    Metric("spread", "spread %", "motion", f"spread of the pose in {FRAMES / RATE:.1f} s, % of body height", 1),
    Metric("spread_long", "in 10 s %", "motion", f"the same in {LONG / RATE:g} s", 1),
    Metric(
        "fid_train", "FID train", "set", "Fréchet distance of features to the training takes, as PirouNet reports", 0
    ),
    Metric("fid_truth", "FID truth", "set", "the same to the held-out takes", 0),
    Metric("diversity", "diversity", "set", "mean feature distance of 200 pairs", 1),
    Metric("multimodality", "multimod.", "set", "mean feature distance of 70 pairs of one label, mean over labels", 1),
    Metric("nearest", "nearest cm", "set", "distance per joint to the most similar window of the training takes", 1),
    Metric("nearest_ratio", "/ truth", "set", "nearest over that of the held-out takes: well below 1 is a copy"),
    Metric(
        "copied", "copied %", "set", "windows nearer to the training takes than all but 1 % of the held-out ones", 1
    ),
    *(
        metric
        for source in SOURCES
        for metric in (
            Metric(f"recognised_{source}", "recognised", source, _RECOGNISED),
            Metric(f"recognised_{source}_ratio", "/ real", source, "recognised over that of the truth"),
            Metric(
                f"accuracy_{source}", "accuracy", source, "share of windows recognised, levels as frequent as they are"
            ),
        )
    ),
    Metric(
        "shown", "shown", "effort", "windows whose computed level is the one asked for, mean of the levels' recalls"
    ),
    Metric("effort_low", "low", "effort", "computed effort, mean over windows asked to be low"),
    Metric("effort_medium", "medium", "effort", "the same of medium"),
    Metric("effort_high", "high", "effort", "the same of high"),
    Metric("contrast", "high - low", "effort", "difference of high and low over that of the truth"),
)


def metrics(row: Tally, truth: Tally, sets: dict[str, Array]) -> dict[str, Array]:
    """All metrics (D,) of a row from its pooled tally, the truth's, and what was measured of it as a set."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: dict[str, Array] = {
            "limbs": 100.0 * row.sums["limbs"] / row.sums["frames"],
            "limb_peak": 100.0 * row.peaks["limb"],
            "slide": slide(row),
            "slide_ratio": slide(row) / slide(truth),
            "standing": row.sums["standing"] / row.sums["feet"],
            "sunk": 100.0 * row.sums["sunk"] / row.sums["frames"],
            "frozen": 100.0 * row.sums["frozen"] / row.sums["speed.count"],
            "jumps": 1000.0 * row.sums["jumps"] / row.sums["steps"],
            "step": row.peaks["step"],
        }
        for name in DERIVATIVES:
            found[name] = mean(row, name) / mean(truth, name)
        for name in ("speed", "jerk"):
            found[f"{name}_tv"] = 0.5 * np.abs(shares(row, name) - shares(truth, name)).sum(1)
        for name in ("turning", "travel"):
            found[name] = row.sums[name] / row.sums["stage_s"]
        for name in ("spread", "spread_long"):
            found[name] = 100.0 * mean(row, name)
        found["nearest"] = 100.0 * row.sums["nearest"] / row.sums["windows"]
        found["nearest_ratio"] = found["nearest"] / (100.0 * truth.sums["nearest"] / truth.sums["windows"])
        found["copied"] = 100.0 * row.sums["copied"] / row.sums["windows"]
        for source in SOURCES:
            key = f"confusion.{source}"
            if key in row.sums:
                found[f"recognised_{source}"] = balanced(row.sums[key])
                found[f"recognised_{source}_ratio"] = balanced(row.sums[key]) / balanced(truth.sums[key])
                found[f"accuracy_{source}"] = accuracy(row.sums[key])
        found["shown"] = balanced(row.sums["confusion.motion"])
        by_level, real = efforts(row), efforts(truth)
        for level, name in enumerate(("low", "medium", "high")):
            found[f"effort_{name}"] = by_level[:, level]
        found["contrast"] = (by_level[:, 2] - by_level[:, 0]) / (real[:, 2] - real[:, 0])
    found |= sets
    missing = np.full(1, np.nan)
    return {metric.key: _finite(found.get(metric.key, missing)) for metric in METRICS}


def slide(row: Tally) -> Array:
    """Slide (D,) in m/s."""
    return row.sums["slide"] / row.sums["standing"]


def mean(row: Tally, name: str) -> Array:
    """Mean (D,) of what is summed with a count beside it."""
    return row.sums[name] / row.sums[f"{name}.count"]


def shares(row: Tally, name: str) -> Array:
    """Distribution (D, bins) of a derivative."""
    bins = row.sums[f"{name}.bins"]
    return np.asarray(bins / bins.sum(1, keepdims=True))


def efforts(row: Tally) -> Array:
    """Mean measured effort (D, levels) by the level that was asked for."""
    return row.sums["effort.sum"] / row.sums["effort.count"]


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
