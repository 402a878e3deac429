"""Bodies of many people and rigs as one body: skeleton ``humanml3d``, with its bone lengths and its rest pose.

Feet are what a viewer sees slide, so they come first: where the ankles of the recording go, scaled as the legs are, the
ankles of the uniform body go, and knees are solved between hips and ankles (two bones of fixed length, in the plane of
the recorded knee). The trunk follows the recorded spine; arms and head point where they pointed. Rigs differ in what
their neutral pose is (a head bone that leans forwards, shoulders that hang lower): the median of a rig's takes,
:func:`habits`, is laid onto the rest pose of the uniform body. The floor is the height 0 of the lowest foot joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton, skeleton

Array = NDArray[np.float64]
BODY: Skeleton = skeleton("humanml3d")
REST: Array = np.array(BODY.rest, np.float64)
FLOOR = 2.0
"""Percentile of the lowest foot joint's height that is laid at 0: single frames below it are noise of the markers."""
STRAIGHT = 0.999
"""Share of its length to which a leg is stretched at most, so that its knee always has a plane."""
SLOW, LOW = 0.2, 0.12
"""m/s and m above the lowest place: an ankle beneath both stands."""
NO_BONE = 0.02
"""Metres below which a bone of a rig is none (some rigs have no toe)."""
_LEGS = ((1, 4, 7, 10), (2, 5, 8, 11))  # hip, knee, ankle, toe
_ARMS = ((13, 16, 18, 20), (14, 17, 19, 21))  # collar, shoulder, elbow, wrist
_SPINE = (3, 6, 9, 12)


class Habits(NamedTuple):
    """What is usual in a rig: pitch of the head bone and of a standing foot in radians, and where the left shoulder is
    from the neck in the frame of the chest (3,), in lengths of the shoulders' half width."""

    head: float
    foot: float
    shoulder: Array


def habits(takes: Sequence[NDArray[np.floating]]) -> Habits:
    """The medians over the takes (T, 22, 3) of a rig; a foot that never stands counts as it rests."""
    found = [_habits(np.asarray(take, np.float64)) for take in takes]
    feet = [foot for _, foot, _ in found if np.isfinite(foot)]
    return Habits(
        float(np.median([head for head, _, _ in found])),
        float(np.median(feet)) if feet else float(_pitch(REST[10])),
        np.median([shoulder for _, _, shoulder in found], 0),
    )


def uniform(joints: NDArray[np.floating], usual: Habits) -> NDArray[np.float32]:
    """The motion (T, 22, 3) of any person on the uniform body, floor at 0; ``usual`` of its rig."""
    at = np.asarray(joints, np.float64)
    scale = (np.linalg.norm(REST[4]) + np.linalg.norm(REST[7])) / _leg(at)
    out = np.zeros_like(at)
    spine = _spine(at)
    across = _unit(at[:, 1] - at[:, 2])
    up = _unit(_across(spine[:, 1] - spine[:, 0], across))
    pelvis = np.stack([across, up, np.cross(across, up)], -1)
    middle = (REST[1] + REST[2]) / 2
    out[:, 0] = scale * (at[:, 1] + at[:, 2]) / 2 - pelvis @ middle
    for joint in (1, 2):
        out[:, joint] = out[:, 0] + pelvis @ REST[joint]
    for leg in _LEGS:
        _set_leg(out, at * scale, leg, pelvis[:, :, 2], usual.foot)
    _set_spine(out, spine)
    chest = _frame(out[:, 1] - out[:, 2], out[:, 12] - out[:, 9], at[:, 16] - at[:, 17])
    _set_arms(out, at, chest, usual.shoulder)
    _set_head(out, at, chest, usual.head)
    out[:, :, 1] -= np.percentile(out[:, [7, 8, 10, 11], 1].min(1), FLOOR)
    out[:, :, [0, 2]] -= out[:1, :1, [0, 2]]
    return out.astype(np.float32)


def standing(joints: NDArray[np.floating], rate: float) -> NDArray[np.bool_]:
    """Which of (T, 2) ankles stand: near the floor and hardly moving."""
    ankles = np.asarray(joints, np.float64)[:, [7, 8]]
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * rate if len(ankles) > 1 else np.zeros((1, 2))
    low = ankles[..., 1] < np.percentile(ankles[..., 1].min(1), FLOOR) + LOW
    return np.asarray((speed < SLOW) & low)


def _habits(at: Array) -> tuple[float, float, Array]:
    spine = _spine(at)
    chest = _frame(at[:, 1] - at[:, 2], spine[:, 4] - spine[:, 3], at[:, 16] - at[:, 17])
    head = np.einsum("tji,tj->ti", chest, at[:, 15] - at[:, 12])
    sides = [np.einsum("tji,tj->ti", chest, at[:, joint] - at[:, 12]) for joint in (16, 17)]
    both = (np.median(sides[0], 0) + np.median(sides[1], 0) * (-1, 1, 1)) / 2
    stands = standing(at, 20.0)
    toes = at[:, [10, 11]] - at[:, [7, 8]]
    flat = toes[stands]
    foot = float(np.median(_pitch(flat))) if len(flat) and np.linalg.norm(flat, axis=-1).min() > NO_BONE else np.nan
    return float(np.median(np.arctan2(head[:, 2], head[:, 1]))), foot, both / np.abs(both[0])


def _leg(at: Array) -> float:
    bones = [
        np.linalg.norm(at[:, a] - at[:, b], axis=-1) for leg in _LEGS for a, b in zip(leg[1:3], leg[:2], strict=True)
    ]
    return float(sum(np.median(bone) for bone in bones)) / 2


def _spine(at: Array) -> Array:
    """(T, 5, 3): below the pelvis between the hips, then spine and neck. Rigs have their root before, behind or at the
    hips; from a place as far back as the root, every spine rises straight."""
    middle = (at[:, 1] + at[:, 2]) / 2
    ahead = _frame(at[:, 1] - at[:, 2], at[:, 12] - at[:, 0])[:, :, 2]
    base = middle + ahead * ((at[:, 0] - middle) * ahead).sum(-1, keepdims=True)
    return np.stack([base, *(at[:, joint] for joint in _SPINE)], 1)


def _set_spine(out: Array, spine: Array) -> None:
    """Spine and neck along the recorded line: where along it the joints of the uniform body are, then its lengths."""
    lengths = np.linalg.norm(np.diff(spine, axis=1), axis=-1)
    along = np.concatenate([np.zeros((len(spine), 1)), lengths.cumsum(1)], 1) / lengths.sum(1, keepdims=True)
    wanted = np.cumsum([-REST[1, 1], *(np.linalg.norm(REST[joint]) for joint in _SPINE)])
    wanted /= wanted[-1]
    points = np.empty_like(spine)
    for frame in range(len(spine)):
        for axis in range(3):
            points[frame, :, axis] = np.interp(wanted, along[frame], spine[frame, :, axis])
    for number, joint in enumerate(_SPINE):
        step = _unit(points[:, number + 1] - points[:, number])
        out[:, joint] = out[:, BODY.parents[joint]] + step * np.linalg.norm(REST[joint])


def _set_leg(out: Array, at: Array, leg: tuple[int, int, int, int], ahead: Array, habit: float) -> None:
    hip, knee, ankle, toe = leg
    thigh, shin = np.linalg.norm(REST[knee]), np.linalg.norm(REST[ankle])
    way = at[:, ankle] - out[:, hip]
    reach = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way / np.maximum(reach, 1e-9)
    reach = np.clip(reach, abs(thigh - shin) + 0.05, STRAIGHT * (thigh + shin))
    bent = _across(at[:, knee] - at[:, hip], at[:, ankle] - at[:, hip]) + 0.01 * _across(ahead, way)
    side = _unit(_across(bent, way))
    along = (thigh**2 - shin**2 + reach**2) / (2 * reach)
    out[:, knee] = out[:, hip] + way * along + side * np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    out[:, ankle] = out[:, hip] + way * reach
    foot = at[:, toe] - at[:, ankle]
    shank = _unit(out[:, knee] - out[:, ankle])
    if np.median(np.linalg.norm(foot, axis=-1)) < NO_BONE:  # no toe: at right angles to the shin, ahead of the body
        foot, habit = _across(ahead, shank), 0.0
    by = float(_pitch(REST[toe])) - habit
    foot = _unit(foot)
    over = _unit(_across(shank, foot))  # upwards, in the plane of foot and shin
    out[:, toe] = out[:, ankle] + (foot * np.cos(by) + over * np.sin(by)) * np.linalg.norm(REST[toe])


def _set_arms(out: Array, at: Array, chest: Array, habit: Array) -> None:
    width = np.abs(REST[13, 0] + REST[16, 0])
    for side, (collar, shoulder, elbow, wrist) in zip((1.0, -1.0), _ARMS, strict=True):
        out[:, collar] = out[:, 9] + chest @ REST[collar]
        seen = np.einsum("tji,tj->ti", chest, at[:, shoulder] - at[:, 12])
        size = np.median(np.abs(seen[:, 0]))
        moved = (seen / max(size, 1e-6) - habit * (side, 1.0, 1.0)) * width
        out[:, shoulder] = out[:, collar] + np.einsum(
            "tij,tj->ti", chest, _unit(REST[shoulder] + moved) * np.linalg.norm(REST[shoulder])
        )
        for joint, parent in ((elbow, shoulder), (wrist, elbow)):
            out[:, joint] = out[:, parent] + _unit(at[:, joint] - at[:, parent]) * np.linalg.norm(REST[joint])


def _set_head(out: Array, at: Array, chest: Array, habit: float) -> None:
    seen = np.einsum("tji,tj->ti", chest, at[:, 15] - at[:, 12])
    by = float(np.arctan2(REST[15, 2], REST[15, 1])) - habit
    c, s = np.cos(by), np.sin(by)
    turned = np.stack([seen[:, 0], c * seen[:, 1] - s * seen[:, 2], s * seen[:, 1] + c * seen[:, 2]], -1)
    out[:, 15] = out[:, 12] + np.einsum("tij,tj->ti", chest, _unit(turned)) * np.linalg.norm(REST[15])


def _frame(across: Array, up: Array, near: Array | None = None) -> Array:
    """Rotations (T, 3, 3) whose columns are left, up and ahead; ``up`` is kept, ``near`` is a better left if given."""
    up = _unit(up)
    left = _across(across if near is None else near, up)
    poor = np.linalg.norm(left, axis=-1, keepdims=True) < 1e-3
    left = _unit(np.where(poor, _across(across, up), left))
    return np.stack([left, up, np.cross(left, up)], -1)


def _across(vector: Array, axis: Array) -> Array:
    """What of ``vector`` is at right angles to ``axis``."""
    axis = _unit(axis)
    return np.asarray(vector - (vector * axis).sum(-1, keepdims=True) * axis)


def _pitch(vector: Array) -> Array:
    return np.asarray(np.arctan2(vector[..., 1], np.hypot(vector[..., 0], vector[..., 2])))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))
