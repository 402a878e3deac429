"""Bodies that do one known thing (walk so far, turn so much, raise that arm) on the uniform body at 20 fps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from train.text_motion.motions.uniform import BODY, REST

Array = NDArray[np.float64]
RATE = 20.0
LENGTHS = np.linalg.norm(REST, axis=-1)
PELVIS = BODY.index("pelvis")
STEP, DROP = 0.7, 0.09
"""Metres of a step, and how much lower the body is in a walk, so that its legs reach so far."""


def neutral() -> Array:
    """A body (22, 3) that stands with its arms down, facing +Z at the origin."""
    at = BODY.rest_positions().astype(np.float64)
    for side in "lr":
        elbow, wrist, shoulder = (BODY.index(f"{side}_{name}") for name in ("elbow", "wrist", "shoulder"))
        at[elbow] = at[shoulder] + (0.0, -0.278, -0.02)
        at[wrist] = at[elbow] + (0.0, -0.188, 0.02)
    return at


def still(frames: int) -> Array:
    """A body that stands (frames, 22, 3)."""
    return np.repeat(neutral()[None], frames, 0)


def turned(joints: Array, degrees: Array | float) -> Array:
    """Joints (T, 22, 3) turned to the left about the vertical axis."""
    angle = np.radians(np.broadcast_to(degrees, len(joints)))[:, None]
    c, s = np.cos(angle), np.sin(angle)
    x, z = c * joints[..., 0] + s * joints[..., 2], c * joints[..., 2] - s * joints[..., 0]
    return np.stack([x, joints[..., 1], z], -1)


def ease(frames: int, start: int, stop: int) -> Array:
    """From 0 to 1 between two frames, smoothly."""
    t = np.clip((np.arange(frames) - start) / (stop - start), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def posed(frames: int, weight: Array, pose: Callable[[Array], None]) -> Array:
    """A standing body that goes into a pose, as far as ``weight`` (T,) says: ``pose`` changes a (22, 3) body."""
    other = neutral()
    pose(other)
    mixed = neutral() + weight[:, None, None] * (other - neutral())
    return mixed


def up_and_down(frames: int, first: int, last: int) -> Array:
    """A weight that rises, stays and falls between two frames."""
    return ease(frames, first, first + 8) * (1 - ease(frames, last - 8, last))


def walk(speed: float, seconds: float, facing: float = 0.0, bend: float = 0.0) -> Array:
    """A walk at ``speed`` m/s along +Z, or a circle that turns ``bend`` degrees a second to the left; ``facing`` is
    where the body faces, seen from where it goes. Each foot stands while the other swings."""
    frames = round(seconds * RATE)
    time = np.arange(frames) / RATE
    body = still(frames)
    upper = [joint for joint, name in enumerate(BODY.joints) if not name.endswith(("knee", "ankle", "foot"))]
    body[:, upper, 1] -= DROP
    joints = turned(body, facing)
    joints += np.array([0.0, 0.0, 1.0]) * (speed * time)[:, None, None]
    ahead = np.array([np.sin(np.radians(facing)), 0.0, np.cos(np.radians(facing))])
    for number, side in enumerate("lr"):
        phase = speed * time / STEP - number
        whole = np.floor(phase / 2)
        inside = phase / 2 - whole  # the first half it swings two steps ahead, the second it stands
        swing = np.clip(inside * 2, 0.0, 1.0)
        at = STEP * (2 * whole + number - 0.5 + 2 * swing * swing * (3 - 2 * swing)) - speed * time
        hip, knee, ankle, foot = (BODY.index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot"))
        for joint in (ankle, foot):
            joints[:, joint, 2] += at
            joints[:, joint, 1] += 0.1 * np.sin(np.pi * swing)
        joints[:, knee] = _knee(joints[:, hip], joints[:, ankle], ahead)
    if not bend:
        return joints
    heading = bend * time
    radius = speed / np.radians(bend)
    centred = joints - np.array([0.0, 0.0, 1.0]) * (speed * time)[:, None, None]
    out = turned(centred, heading)
    out[..., 0] += radius * (1 - np.cos(np.radians(heading)))[:, None]
    out[..., 2] += radius * np.sin(np.radians(heading))[:, None]
    return out


def _knee(hip: Array, ankle: Array, ahead: Array) -> Array:
    """Where the knees (T, 3) are that bend to the front, thigh and shin having their lengths."""
    thigh, shin = LENGTHS[4], LENGTHS[7]
    way = ankle - hip
    reach = np.linalg.norm(way, axis=-1, keepdims=True)
    along = (thigh**2 - shin**2 + reach**2) / (2 * reach)
    way = way / reach
    out = ahead - (way * ahead).sum(-1, keepdims=True) * way
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    return hip + way * along + out * np.sqrt(np.maximum(thigh**2 - along**2, 0.0))


def turn(degrees: float, seconds: float = 3.0) -> Array:
    """A turn on the spot, in the middle second."""
    frames = round(seconds * RATE)
    middle = frames // 2
    return turned(still(frames), degrees * ease(frames, middle - 12, middle + 12))


def jump(height: float = 0.4, ahead: float = 0.0, one_leg: str = "", seconds: float = 3.0) -> Array:
    """A jump in free fall, in the middle; on ``one_leg`` (l or r) the other foot is held up all the time."""
    frames = round(seconds * RATE)
    time = np.arange(frames) / RATE - seconds / 2
    air = np.sqrt(2 * height / 9.81)
    up = np.maximum(height - 0.5 * 9.81 * time**2, 0.0) * (np.abs(time) < air)
    joints = still(frames)
    if one_leg:
        other = "r" if one_leg == "l" else "l"
        for name in ("ankle", "foot"):
            joints[:, BODY.index(f"{other}_{name}")] += (0.0, 0.3, -0.3)
    joints[..., 1] += up[:, None]
    joints[..., 2] += ahead * np.clip((time + air) / (2 * air), 0.0, 1.0)[:, None]
    return joints


def raised(sides: str, high: bool = True, frames: int = 80) -> Array:
    """Arms raised over the head, or to the front at the height of the shoulders and a little above."""

    def pose(at: Array) -> None:
        for side in sides:
            shoulder, elbow, wrist = (BODY.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
            along = np.array([0.0, 1.0, 0.0]) if high else np.array([0.0, 0.35, 0.93])
            at[elbow] = at[shoulder] + 0.279 * along
            at[wrist] = at[elbow] + 0.19 * along

    return posed(frames, up_and_down(frames, 15, 65), pose)


def kick(side: str, frames: int = 70) -> Array:
    """A quick kick to the front, to the height of the hip."""

    def pose(at: Array) -> None:
        hip, knee, ankle, foot = (BODY.index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot"))
        at[knee] = at[hip] + (0.0, 0.0, 0.42)
        at[ankle] = at[knee] + (0.0, 0.02, 0.42)
        at[foot] = at[ankle] + (0.0, 0.1, 0.05)

    weight = ease(frames, 32, 38) * (1 - ease(frames, 40, 46))
    return posed(frames, weight, pose)


def lowered(by: float, bow: float = 0.0, frames: int = 80) -> Array:
    """The pelvis lowered by metres, the knees to the front; the trunk bowed to the front by degrees."""

    def pose(at: Array) -> None:
        upper = [n for n, name in enumerate(BODY.joints) if not name.endswith(("knee", "ankle", "foot"))]
        at[upper, 1] -= by
        hang = (0.0, -by / 2, 0.3 if by else 0.0)
        for side in "lr":
            at[BODY.index(f"{side}_knee")] += hang
        trunk = [n for n in upper if not BODY.joints[n].endswith("hip") and n != PELVIS]
        base = at[PELVIS].copy()
        c, s = np.cos(np.radians(bow)), np.sin(np.radians(bow))
        seen = at[trunk] - base
        at[trunk] = base + np.stack([seen[:, 0], c * seen[:, 1] - s * seen[:, 2], s * seen[:, 1] + c * seen[:, 2]], -1)

    return posed(frames, up_and_down(frames, 15, 65), pose)


def wave(side: str, frames: int = 80) -> Array:
    """A raised hand that goes from side to side twice a second."""
    joints = raised(side, frames=frames)
    elbow, wrist = BODY.index(f"{side}_elbow"), BODY.index(f"{side}_wrist")
    weight = up_and_down(frames, 15, 65)
    joints[:, elbow] += weight[:, None] * (0.1, -0.2, 0.1)
    joints[:, wrist] += weight[:, None] * (0.1, -0.2, 0.1)
    joints[:, wrist, 0] += 0.15 * weight * np.sin(2 * np.pi * 2.0 * np.arange(frames) / RATE)
    return joints


def person(scale: float, leg: float = 1.0, arm: float = 1.0) -> Callable[[Array], Array]:
    """Makes of the uniform body another's: as large by ``scale``, with longer or shorter legs and arms."""
    factors = np.full(len(BODY.joints), scale)
    for name, by in (("knee", leg), ("ankle", leg), ("elbow", arm), ("wrist", arm)):
        for side in "lr":
            factors[BODY.index(f"{side}_{name}")] *= by

    def made(joints: Array) -> Array:
        out = joints.copy()
        rise = scale * leg
        out[:, 0] = joints[:, 0] * rise
        for joint, parent in enumerate(BODY.parents):
            if parent >= 0:
                out[:, joint] = out[:, parent] + factors[joint] * (joints[:, joint] - joints[:, parent])
        return out

    return made
