"""Is it the motion of a body? What is counted of one motion: sums that add up, so that a bootstrap can draw takes.

- **Skate**: speed over the floor of feet that stand (:mod:`train.report.feet`), ankles and toes.
- **Penetration**: how far the lowest joint is under the floor, and the share of frames more than 2 cm under it.
- **Speed**, **jerk**: mean over joints of the first and third derivative's length, m/s and m/s^3.
- **Bones**: standard deviation of a bone's length over a motion, % of its mean; mean over bones, and the worst.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import limb_variation
from engine.body.skeleton import Skeleton, known, skeleton
from models.text_motion.layout import Layout
from train.report.feet import LOW, over_floor, standing
from train.report.intervals import Tally
from train.text_motion.evaluation.geometry import sizes

Array = NDArray[np.floating]

UNDER_M = 0.02
DERIVATIVES = ("speed", "acceleration", "jerk")
STILL_M_S = 0.05
"""Mean speed of the joints under which a frame is still."""


@dataclass(frozen=True)
class Reference:
    """What the training takes say is usual: ``low`` (feet,) heights in metres of feet that stand."""

    skeleton: Skeleton
    rate: float
    feet: tuple[int, ...]
    low: Array

    @classmethod
    def of(cls, skeleton: Skeleton, rate: float, takes: list[Array]) -> Reference:
        """From training takes (T, J, 3)."""
        feet = tuple(skeleton.index(joint) for joint in skeleton.feet)
        low = np.quantile(np.concatenate([take[:, list(feet), 1] for take in takes]), LOW, axis=0)
        return cls(skeleton, rate, feet, low)


def body_of(layout: Layout) -> Skeleton:
    """The body of a layout: the shipped one of that name, else its tree of joints, at rest as its bones point."""
    if layout.name in known():
        return skeleton(layout.name)
    feet = tuple(layout.joints[joint] for joint in layout.feet)
    return Skeleton(layout.name, layout.joints, layout.parents, layout.raw_offsets, feet=feet)


def tally(positions: Array, reference: Reference) -> Tally:
    """All counts of one motion (T, J, 3) in metres on a floor at 0, of at least four frames."""
    positions, rate = positions.astype(np.float64), reference.rate
    sums: dict[str, Array] = {"frames": np.array(float(len(positions)))}
    for order, name in enumerate(DERIVATIVES, 1):
        found = sizes(positions, order, rate).mean(1)
        sums[name], sums[f"{name}.count"] = found.sum(), np.array(float(len(found)))
        if name == "speed":
            sums["still"] = np.array(float((found < STILL_M_S).sum()))
    feet = positions[:, list(reference.feet)]
    stands = standing(feet, reference.low, rate)
    sums["skate"], sums["stands"] = over_floor(feet, rate)[stands].sum(), np.array(float(stands.sum()))
    sums["feet"] = np.array(float(stands.size))
    under = np.maximum(-positions[..., 1].min(1), 0.0)
    sums["under"], sums["sunk"] = under.sum(), np.array(float((under > UNDER_M).sum()))
    varies = limb_variation(reference.skeleton, positions)
    sums["bones"] = np.array(float(varies.mean()) * len(positions))
    return Tally({name: np.asarray(value, float) for name, value in sums.items()}, {"bone": np.array(varies.max())})


def metrics(row: Tally, truth: Tally) -> dict[str, Array]:
    """Metrics (D,) of a row's pooled tally, some over the truth's."""
    skate, jerk = skating(row), mean(row, "jerk")
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "skate": skate,
            "skate_ratio": skate / skating(truth),
            "standing": row.sums["stands"] / row.sums["feet"],
            "under": 100.0 * row.sums["under"] / row.sums["frames"],
            "sunk": 100.0 * row.sums["sunk"] / row.sums["frames"],
            "speed": mean(row, "speed"),
            "jerk": jerk,
            "jerk_ratio": jerk / mean(truth, "jerk"),
            "still": 100.0 * row.sums["still"] / row.sums["speed.count"],
            "bones": 100.0 * row.sums["bones"] / row.sums["frames"],
            "bone": 100.0 * row.peaks["bone"],
        }


def skating(row: Tally) -> Array:
    """Skate (D,) in m/s."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(row.sums["skate"] / row.sums["stands"])


def mean(row: Tally, name: str) -> Array:
    """Mean (D,) of what is summed with a count beside it."""
    return np.asarray(row.sums[name] / row.sums[f"{name}.count"])
