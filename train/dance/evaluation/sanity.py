"""Is it the motion of a body? What is counted on one dance: sums that add up, so that a bootstrap can draw dances.

What counts as low, as still and as a jump is taken from the training takes (:class:`Reference`), since floors, feet and
dancers differ between data sets.

- **Slide**: how fast a foot moves over the floor while it stands on it (:mod:`train.report.feet`).
- **Speed, acceleration, jerk**: mean over joints of the length of the first, second and third derivative.
- **Spread**: how far the body's shape goes in a window and in ten seconds: the root mean square distance of the joints
  from their mean place, the body's centre taken out, as a share of its height at rest.
- **Travel** and **turning**: speed of the body's centre over the floor, and of where it faces, over a third of a
  second, so that swaying hips are no turn.
- **Limb variation**: standard deviation of a bone's length over a dance, as a share of its mean; mean over bones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import facing, limb_variation
from engine.body.skeleton import Skeleton
from train.dance.evaluation.rows import DanceRow, Performance
from train.dance.takes import FRAMES, RATE
from train.report.feet import LOW, over_floor, standing
from train.report.intervals import Tally

Array = NDArray[np.floating]

SUNK_M = 0.03
STILL_SHARE = 0.05
"""Of the median speed in the training takes, under which a frame counts as frozen."""
JUMP_QUANTILE = 0.999
SMOOTH = 10  # frames: a third of a second
LONG = 300  # frames: ten seconds
DERIVATIVES = ("speed", "acceleration", "jerk")
BIN_EDGES = {name: np.linspace(-3.0 + order, 2.0 + order, 51) for order, name in enumerate(DERIVATIVES)}
"""Edges of the histograms of the logarithm (base 10) of a joint's speed, acceleration and jerk in m/s and so on."""


@dataclass(frozen=True)
class Reference:
    """What the training takes say is usual: ``low`` (feet,) heights in metres of feet that stand, ``still`` the mean
    joint speed in m/s under which a body is frozen, ``jump`` the step of a joint in metres a frame that next to none
    exceeds, ``height`` of the body at rest in metres."""

    skeleton: Skeleton
    feet: tuple[int, ...]
    low: Array
    still: float
    jump: float
    height: float

    @classmethod
    def of(cls, skeleton: Skeleton, train: DanceRow) -> Reference:
        """From the training takes."""
        feet = tuple(skeleton.index(joint) for joint in skeleton.feet)
        sound = [dance.positions[dance.sound] for dance in train.dances]
        low = np.quantile(np.concatenate([p[:, list(feet), 1] for p in sound]), LOW, axis=0)
        # Derivatives are taken within takes; what the damaged frames join is left out.
        steps = [np.linalg.norm(np.diff(d.positions, axis=0), axis=-1)[_sound(d, 1)] for d in train.dances]
        every = np.concatenate(steps)
        rest = skeleton.rest_positions()
        return cls(
            skeleton=skeleton,
            feet=feet,
            low=low,
            still=STILL_SHARE * RATE * float(np.median(every.mean(1))),
            jump=float(np.quantile(every, JUMP_QUANTILE)),
            height=float(np.ptp(rest[:, 1])),
        )


def tally(dance: Performance, reference: Reference) -> Tally:
    """All counts of one dance at 30 fps."""
    positions = dance.positions.astype(np.float64)
    sums: dict[str, Array] = {"frames": np.array(float(len(dance)))}
    peaks: dict[str, Array] = {}
    moved = positions
    for order, name in enumerate(DERIVATIVES, 1):
        moved = np.diff(moved, axis=0) * RATE
        size = np.linalg.norm(moved, axis=-1)[_sound(dance, order)]
        sums[name] = size.mean(1).sum()
        sums[f"{name}.count"] = np.array(float(len(size)))
        floor = 10.0 ** BIN_EDGES[name][0]
        sums[f"{name}.bins"] = np.histogram(np.log10(np.maximum(size, floor)), BIN_EDGES[name])[0].astype(float)
        if name == "speed":
            sums["frozen"] = np.array(float((size.mean(1) < reference.still).sum()))
            steps = size / RATE
            sums["jumps"] = np.array(float((steps > reference.jump).sum()))
            sums["steps"] = np.array(float(steps.size))
            peaks["step"] = np.array(steps.max(initial=0.0))
    sums |= _feet(positions, dance, reference) | _over_stage(positions, dance, reference.skeleton)
    for name, frames in (("spread", FRAMES), ("spread_long", LONG)):
        found = spreads(positions, frames)
        sums[name], sums[f"{name}.count"] = np.array(found.sum() / reference.height), np.array(float(len(found)))
    varies = limb_variation(reference.skeleton, dance.positions[dance.sound])
    sums["limbs"] = np.array(float(varies.mean()) * len(dance)) if len(varies) else np.array(np.nan)
    peaks["limb"] = np.array(float(varies.max())) if len(varies) else np.array(np.nan)
    return Tally({name: np.asarray(value, float) for name, value in sums.items()}, peaks)


def spreads(positions: Array, frames: int) -> Array:
    """Spread in metres of each whole stretch of ``frames`` of ``positions`` (T, J, 3); none where that is shorter."""
    shape = positions - positions.mean(1, keepdims=True) * np.array([1.0, 0.0, 1.0])
    cut = shape[: len(shape) // frames * frames].reshape(-1, frames, *shape.shape[1:])
    variance = cut.var(1).sum(-1)  # over time, summed over x, y and z
    return np.asarray(np.sqrt(variance.mean(-1)))


def contacts(positions: Array, reference: Reference) -> NDArray[np.bool_]:
    """Where a foot stands, (T - 1, feet), of ``positions`` (T, J, 3)."""
    return standing(positions[:, list(reference.feet)], reference.low, RATE)


def _feet(positions: Array, dance: Performance, reference: Reference) -> dict[str, Array]:
    if not reference.feet:
        return {name: np.array(0.0) for name in ("standing", "slide", "feet", "sunk", "sunk_depth")}
    sound = _sound(dance, 1)
    feet = positions[:, list(reference.feet)]
    stands = contacts(positions, reference)[sound]
    over = over_floor(feet, RATE)[sound]
    under = (reference.low - feet[..., 1]).max(1)  # how far the lowest foot is below where it stands
    return {
        "standing": np.array(float(stands.sum())),
        "slide": np.array(float(over[stands].sum())),
        "feet": np.array(float(stands.size)),
        "sunk": np.array(float((under > SUNK_M).sum())),
        "sunk_depth": np.maximum(under, 0.0).sum(),
    }


def _over_stage(positions: Array, dance: Performance, skeleton: Skeleton) -> dict[str, Array]:
    """``travel`` in metres, ``turning`` in degrees, and the seconds in which that was."""
    count = len(dance) - SMOOTH
    if count < 1:
        return {name: np.array(0.0) for name in ("travel", "turning", "stage_s")}
    moved = positions.mean(1)[:, [0, 2]]
    far = np.linalg.norm(moved[SMOOTH:] - moved[:-SMOOTH], axis=-1)
    turned = np.zeros(count)
    if skeleton.across:
        angle = np.unwrap(facing(skeleton, dance.positions).astype(float))
        turned = np.degrees(np.abs(angle[SMOOTH:] - angle[:-SMOOTH]))
    use = np.logical_and.reduce([dance.sound[shift : shift + count] for shift in range(SMOOTH + 1)])
    return {
        "travel": far[use].sum(),
        "turning": turned[use].sum(),
        "stage_s": np.array(use.sum() * SMOOTH / RATE),
    }


def _sound(dance: Performance, order: int) -> NDArray[np.bool_]:
    """Which differences of ``order`` touch no damaged frame, (T - order,)."""
    frames = len(dance) - order
    return np.asarray(np.logical_and.reduce([dance.sound[shift : shift + frames] for shift in range(order + 1)]))
