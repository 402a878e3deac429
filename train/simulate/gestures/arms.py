"""Arms as a few angles: poses that can be scaled, mirrored and gone between, limits of the joints, and hands that stay
out of the body.

An arm pose is a vector of :data:`ANGLES`, the same for both sides: the shoulder's rotation vector from :data:`HOME` (a
relaxed arm whose forearm is ahead), the elbow's bend, and three of the wrist. Along a straight line between two such
vectors the shoulder turns by nearly the shortest way, elbows bend about their own axis and nothing else, and a vector
times a number is the same movement smaller or larger about the middle of the space in which people gesture (McNeill
1992). Movements go there with least jerk (Flash & Hogan 1985, *J. Neurosci.* 5).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from engine.body.skeleton import skeleton

Array = NDArray[np.float64]
BODY = skeleton("cmu")
ANGLES = ("shoulder.x", "shoulder.y", "shoulder.z", "elbow", "pronation", "wrist", "deviation")
"""rad. ``elbow`` bends beyond :data:`HOME`'s; ``pronation`` turns the palm down, and up where negative, from facing
inwards; ``wrist`` bends to the palm; ``deviation`` to the thumb."""
WIDTH = len(ANGLES)
STEPS = 17
"""Poses along a stroke, evenly spaced in time."""
LOW = np.array([-2.2, -1.6, -1.6, -1.35, -1.3, -0.9, -0.35])
HIGH = np.array([1.6, 1.6, 1.6, 0.95, 1.3, 1.0, 0.5])
"""Limits of :data:`ANGLES`; an elbow neither bends back nor closes."""
MIRROR = np.array([1.0, -1.0, -1.0])
"""What becomes of a rotation vector when left and right change places; of a place, ``MIRROR * (-1)``."""

_UPPER, _FORE, _MIDDLE = (np.array(BODY.rest[BODY.index(joint)]) for joint in ("rForeArm", "rHand", "rMid1"))
SHOULDER = np.array(BODY.rest[BODY.index("rCollar")]) + np.array(BODY.rest[BODY.index("rShldr")])
"""The right shoulder from the chest's joint, metres."""
_HINGE = np.cross(_UPPER, _FORE) / np.linalg.norm(np.cross(_UPPER, _FORE))
_ALONG = _FORE / np.linalg.norm(_FORE)
_BEND = 1.2
"""Bend of the elbow (rad) in :data:`HOME`, beyond that of the skeleton at rest."""
_BENT = _BEND + float(np.arccos(_UPPER @ _FORE / np.linalg.norm(_UPPER) / np.linalg.norm(_FORE)))
HOME = Rotation.from_euler("ZXY", [78.0, -12.0, 12.0], degrees=True)
HAND = 0.09
"""Metres from the wrist to the middle of the hand."""

TRUNK = np.array([0.185, 0.165])
"""Half axes (x, z) in metres of the column that the middle of a hand stays out of, with the hand's own thickness."""
WAIST = np.array([0.155, 0.13])
"""The same of the column that elbows stay out of."""
TRUNK_BACK, TRUNK_TOP = -0.02, 0.27
"""The column's axis (z) and its top (y) from the chest's joint; there is no bottom: below are the thighs."""
APART = 0.105
"""Metres that the middles of two hands keep."""
SOFT = 0.06
"""Width of the margin in which a hand begins to give way, as a share of the column's axes."""


class ArmPlaces(NamedTuple):
    """Where an arm is, in the chest's frame, as a right arm: each (..., 3) in metres."""

    elbow: Array
    wrist: Array
    hand: Array


class ArmTurns(NamedTuple):
    """Local rotations of an arm's joints as a right arm."""

    shoulder: Rotation
    elbow: Rotation
    hand: Rotation


def least_jerk(share: Array) -> Array:
    """How much of the way is done when ``share`` (0..1) of the time is over."""
    s = np.clip(share, 0.0, 1.0)
    return np.asarray(s**3 * (10.0 - 15.0 * s + 6.0 * s * s))


def turns(poses: Array) -> ArmTurns:
    """Local rotations of poses (N, :data:`WIDTH`)."""
    shoulder = Rotation.from_rotvec(poses[:, :3]) * HOME
    elbow = Rotation.from_rotvec((poses[:, 3:4] + _BEND) * _HINGE)
    twist = Rotation.from_rotvec(-poses[:, 4:5] * _ALONG)
    bend = Rotation.from_rotvec(np.stack([np.zeros(len(poses)), poses[:, 6], poses[:, 5]], -1))
    return ArmTurns(shoulder, elbow, twist * bend)


def places(poses: Array) -> ArmPlaces:
    """Where poses (N, :data:`WIDTH`) have elbow, wrist and the middle of the hand."""
    turned = turns(poses)
    elbow = SHOULDER + turned.shoulder.apply(_UPPER)
    fore = turned.shoulder * turned.elbow
    wrist = elbow + fore.apply(_FORE)
    hand = wrist + (fore * turned.hand).apply(HAND * _MIDDLE / np.linalg.norm(_MIDDLE))
    return ArmPlaces(elbow, wrist, hand)


def fitted(upper: Array, fore: Array) -> Array:
    """Poses (N, :data:`WIDTH`) of a right arm whose bones point along ``upper`` and ``fore`` (N, 3) in the chest's
    frame, wrists straight. Where the elbow is nearly straight its axis is that of the frames beside it."""
    upper = upper / np.linalg.norm(upper, axis=-1, keepdims=True)
    fore = fore / np.linalg.norm(fore, axis=-1, keepdims=True)
    axis = np.cross(upper, fore) + 1e-3 * HOME.apply(_HINGE)
    near = np.exp(-0.5 * (np.subtract.outer(np.arange(len(axis)), np.arange(len(axis))) / 2.0) ** 2)
    sure = np.linalg.norm(axis, axis=-1, keepdims=True) > 0.35
    axis = np.where(sure, axis, near @ axis)
    axis -= (axis * upper).sum(-1, keepdims=True) * upper
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    own = np.stack([_UPPER / np.linalg.norm(_UPPER), _HINGE, np.cross(_UPPER / np.linalg.norm(_UPPER), _HINGE)], -1)
    seen = np.stack([upper, axis, np.cross(upper, axis)], -1)
    out = np.zeros((len(upper), WIDTH))
    out[:, :3] = (Rotation.from_matrix(seen @ own.T) * HOME.inv()).as_rotvec()
    out[:, 3] = np.arctan2((np.cross(upper, fore) * axis).sum(-1), (upper * fore).sum(-1)) - _BENT
    return out


def reached(poses: Array, wrists: Array) -> Array:
    """Poses (N, :data:`WIDTH`) bent and turned by as little as brings the wrist to ``wrists`` (N, 3), or as near as
    the arm is long."""
    out = poses.copy()
    long, short = np.linalg.norm(_UPPER), np.linalg.norm(_FORE)
    way = wrists - SHOULDER
    far = np.clip(np.linalg.norm(way, axis=-1), abs(long - short) + 0.05, 0.995 * (long + short))
    inside = (far**2 - long**2 - short**2) / (2 * long * short)
    out[:, 3] = np.arccos(np.clip(inside, -1.0, 1.0)) - _BENT
    now = places(out).wrist - SHOULDER
    out[:, :3] = (_arc(now, way) * Rotation.from_rotvec(out[:, :3])).as_rotvec()
    return out


def limited(poses: Array) -> Array:
    """Poses (..., :data:`WIDTH`) within :data:`LOW` and :data:`HIGH`."""
    return np.clip(poses, LOW, HIGH)


def cleared(right: Array, left: Array, least: float = APART) -> tuple[Array, Array]:
    """Poses (N, :data:`WIDTH`) of both arms whose hands keep out of trunk and thighs and ``least`` metres from each
    other; elbows go aside as far as they would be inside. Arms give way a little before they touch, so that
    movements stay smooth."""
    arms = [right, left]
    for _ in range(2):
        arms = [_elbow_out(arm) for arm in arms]
        at = [places(arm) for arm in arms]
        pushed = [_out_of_trunk(each.hand) - each.hand for each in at]
        hands = [each.hand + push for each, push in zip(at, pushed, strict=True)]
        between = hands[0] - hands[1] * (-1.0, 1.0, 1.0)
        gap = np.linalg.norm(between, axis=-1, keepdims=True)
        way = between / np.maximum(gap, 1e-6) * 0.5 * (_soft(gap / least) * least - gap)
        pushed = [pushed[0] + way, pushed[1] - way * (-1.0, 1.0, 1.0)]
        arms = [
            np.where(np.linalg.norm(push, axis=-1, keepdims=True) > 1e-6, reached(arm, each.wrist + push), arm)
            for arm, each, push in zip(arms, at, pushed, strict=True)
        ]
    return arms[0], arms[1]


def _elbow_out(arm: Array) -> Array:
    """Poses whose elbow is turned outwards, about the line from shoulder to wrist, until it is beside the trunk."""
    at = places(arm)
    share = np.hypot(at.elbow[:, 0] / WAIST[0], (at.elbow[:, 2] - TRUNK_BACK) / WAIST[1])[:, None]
    lack = (_soft(share) - share) * WAIST[0]
    line = at.wrist - SHOULDER
    line /= np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-6)
    bow = at.elbow - SHOULDER
    bow -= (bow * line).sum(-1, keepdims=True) * line
    angle = np.clip(lack / np.maximum(np.linalg.norm(bow, axis=-1, keepdims=True), 0.06), 0.0, 0.9)
    out = arm.copy()
    out[:, :3] = (Rotation.from_rotvec(-line * angle) * Rotation.from_rotvec(arm[:, :3])).as_rotvec()
    return out


def inside(hand: Array) -> Array:
    """How far places (N, 3) are from the trunk's axis, 1 at its surface; above it they are outside."""
    x, z = hand[..., 0] / TRUNK[0], (hand[..., 2] - TRUNK_BACK) / TRUNK[1]
    return np.asarray(np.hypot(x, z) + np.maximum(0.0, hand[..., 1] - TRUNK_TOP) * 20.0)


def _out_of_trunk(hand: Array) -> Array:
    share = inside(hand)[..., None]
    out = hand.copy()
    scale = _soft(share) / np.maximum(share, 1e-3)
    out[..., 0] *= scale[..., 0]
    out[..., 2] = TRUNK_BACK + (hand[..., 2] - TRUNK_BACK) * scale[..., 0]
    return out


def _soft(value: Array) -> Array:
    """``value`` where it is well above 1, and above 1 anyway, without a corner."""
    return np.asarray(1.0 + SOFT * np.logaddexp(0.0, np.clip((value - 1.0) / SOFT, -30.0, None)))


def _arc(one: Array, other: Array) -> Rotation:
    """The smallest rotations that turn directions (N, 3) into others, which are not opposite."""
    a, b = (each / np.maximum(np.linalg.norm(each, axis=-1, keepdims=True), 1e-9) for each in (one, other))
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (a * b).sum(-1, keepdims=True))
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-9) * angle)


def pose_at(wrist: tuple[float, float, float], swivel: float, *hand: float) -> Array:
    """One pose (:data:`WIDTH`,) with the wrist at a place in the chest's frame, the elbow turned outwards by
    ``swivel`` rad about the line from the shoulder to the wrist, and the last angles of :data:`ANGLES`."""
    start = np.zeros((1, WIDTH))
    target = np.array([wrist])
    pose = reached(start, target)
    line = target[0] - SHOULDER
    about = Rotation.from_rotvec(-line / np.linalg.norm(line) * swivel)
    pose[:, :3] = (about * Rotation.from_rotvec(pose[:, :3])).as_rotvec()
    pose[0, 4 : 4 + len(hand)] = hand
    return np.asarray(pose[0])


RESTS = {
    "sides": (pose_at((-0.235, -0.32, 0.08), 0.1, 0.25, 0.1), pose_at((-0.23, -0.325, 0.07), 0.1, 0.2, 0.1)),
    "front": (pose_at((-0.13, -0.10, 0.21), 0.55, 0.7, 0.1), pose_at((-0.14, -0.12, 0.20), 0.55, 0.6, 0.1)),
    "clasped": (pose_at((-0.07, -0.14, 0.20), 0.75, 0.3, 0.3), pose_at((-0.065, -0.17, 0.20), 0.75, 0.4, 0.3)),
    "hips": (pose_at((-0.235, -0.19, 0.02), 1.4, 0.3, 0.6), pose_at((-0.235, -0.19, 0.02), 1.4, 0.3, 0.6)),
}
"""Poses (:data:`WIDTH`,) of the right and the left arm for each of the rests that a persona may have."""
