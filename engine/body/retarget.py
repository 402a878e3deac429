"""A body onto a skeleton of other names or other proportions.

Joints are matched by name, or by what they are in their rigs (:mod:`engine.body.rigs`). A body whose bones are as long
as the skeleton's, within a fifth, keeps its joints where they are. Any other is *retargeted*: limbs point where they
pointed, in the world, so that it does not matter whether a rig rests in a T or an A; trunk, head and feet turn as they
turned from their rest; bones are as long as the skeleton's, and the way through the room is scaled as the legs are.
Rest poses that are no standing figure (some programs rest all joints in a heap) tell nothing of the trunk, which is
then turned as hips, spine and shoulders lie in each frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.match import Match
from engine.body.motion import Array, forward_kinematics
from engine.body.pose import Doubles, Posed
from engine.body.rigs import Rig
from engine.body.skeleton import Skeleton
from engine.body.solve import solve_rotations

BONES = 0.2
"""Share by which bones may differ from the skeleton's (or from 5 cm) without being made as long."""
STRETCH = 0.05
"""Share by which a bone may vary over the frames, likewise."""
REST = np.cos(np.radians(15.0))
"""Rest poses whose bones point as the skeleton's within this turn by the same rotations."""
SANE = np.cos(np.radians(30.0))
"""How upright a rest pose has to be to be taken for a standing figure."""
LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle"), ("thigh", "shin"), ("shin", "foot"))
"""Bones that point where they pointed."""


@dataclass(frozen=True)
class Moved:
    """``positions`` (T, J, 3) in metres and local ``rotations`` (T, J, 3, 3; None for markers) of a skeleton's joints;
    ``note`` where the body was retargeted."""

    positions: Array
    rotations: Array | None
    note: str = ""


def onto(posed: Posed, skeleton: Skeleton, match: Match) -> Moved:
    """The joints of a body in metres, Y up, on a skeleton. Only a person's are retargeted: of other bodies nobody knows
    which bones could be made to fit, so theirs stay as they are."""
    if not skeleton.is_tree:
        order = [match.joints[joint] for joint in range(len(skeleton.joints))]
        return Moved(posed.positions[:, order].astype(np.float32), None)
    alike, whole = _rest_alike(posed, skeleton, match), len(match.joints) == len(skeleton.joints)
    if match.own is None or match.wanted is None or (_fits(posed, skeleton, match) and (alike or whole)):
        return _kept(posed, skeleton, match, alike or not whole)
    return _retargeted(posed, skeleton, match, match.own, match.wanted)


def _fits(posed: Posed, skeleton: Skeleton, match: Match) -> bool:
    """Whether the matched bones are as long as the skeleton's and stay so."""
    at = posed.positions[posed.sample()]
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0 or joint not in match.joints or parent not in match.joints:
            continue
        length = float(np.linalg.norm(skeleton.rest[joint]))
        seen = np.linalg.norm(at[:, match.joints[joint]] - at[:, match.joints[parent]], axis=-1)
        # Of a bone of a centimetre nobody minds half of it.
        if abs(float(np.median(seen)) - length) > BONES * max(length, 0.05) or seen.std() > STRETCH * max(length, 0.05):
            return False
    return True


def _rest_alike(posed: Posed, skeleton: Skeleton, match: Match) -> bool:
    """Whether the file's rest pose has every matched bone where the skeleton's has it."""
    rest = posed.rest()
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0 or joint not in match.joints or parent not in match.joints:
            continue
        own, wanted = rest[match.joints[joint]] - rest[match.joints[parent]], np.array(skeleton.rest[joint])
        size = float(np.linalg.norm(own) * np.linalg.norm(wanted))
        if np.linalg.norm(wanted) > 0.02 and float(own @ wanted) < REST * size:
            return False
    return True


def _kept(posed: Posed, skeleton: Skeleton, match: Match, alike: bool) -> Moved:
    """Joints where they are; those that the file lacks, at the skeleton's rest."""
    frames, count = len(posed.positions), len(skeleton.joints)
    positions = np.empty((frames, count, 3), np.float32)
    for joint, own in match.joints.items():
        positions[:, joint] = posed.positions[:, own]
    if not alike:
        return Moved(positions, solve_rotations(skeleton, positions))
    turned, world = posed.world(), np.empty((frames, count, 3, 3), np.float32)
    rest = skeleton.rest_positions()
    for joint, parent in enumerate(skeleton.parents):
        if joint in match.joints:
            world[:, joint] = turned[:, match.joints[joint]]
        elif parent < 0:  # a root above the hips, which the file does not have
            first = min(match.joints)
            world[:, joint] = np.eye(3)
            positions[:, joint] = positions[:, first] + rest[joint] - rest[first]
        else:
            world[:, joint] = world[:, parent]
            positions[:, joint] = positions[:, parent] + world[:, parent] @ np.array(skeleton.rest[joint], np.float32)
    return Moved(positions, local_of(skeleton, world))


def local_of(skeleton: Skeleton, world: NDArray[np.float32]) -> Array:
    """Rotations against the parents (T, J, 3, 3) of rotations against the world."""
    local = world.copy()
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, joint] = np.swapaxes(world[:, parent], -1, -2) @ world[:, joint]
    return local


def _retargeted(posed: Posed, skeleton: Skeleton, match: Match, rig: Rig, wanted: Rig) -> Moved:
    body = _Bodies(posed, skeleton, match, rig, wanted)
    world = body.turned()
    local = local_of(skeleton, world)
    positions = forward_kinematics(skeleton, np.zeros((len(world), 3), np.float32), local)
    scale = body.scale()
    thighs, own = ([each.parts["l.thigh"], each.parts["r.thigh"]] for each in (wanted, rig))
    root = scale * posed.positions[:, own].mean(1) - positions[:, thighs].mean(1)
    positions = positions + root[:, None].astype(np.float32)
    lift = scale * body.lowest(posed.positions, rig)
    lift -= body.lowest(positions, wanted)
    positions[..., 1] += np.float32(lift)
    note = (
        f"retargeted onto skeleton {skeleton.name!r}: its bones, directions as in the take; "
        f"travel scaled by {scale:.3g}"
    )
    return Moved(positions, local, note)


class _Bodies:
    """The body of a file and the skeleton that it is to move."""

    def __init__(self, posed: Posed, skeleton: Skeleton, match: Match, own: Rig, wanted: Rig) -> None:
        self._posed, self._skeleton, self._match, self._own, self._wanted = posed, skeleton, match, own, wanted
        self._rest = skeleton.rest_positions().astype(np.float64)
        self._own_rest = posed.rest()
        self._world = posed.world().astype(np.float64)

    def scale(self) -> float:
        """How long the skeleton's legs are against the body's."""

        def legs(rig: Rig, at: Doubles) -> float:
            bones = [
                at[:, rig.parts[f"{side}.{above}"]] - at[:, rig.parts[f"{side}.{below}"]]
                for side in "lr"
                for above, below in (("thigh", "shin"), ("shin", "foot"))
            ]
            return sum(float(np.median(np.linalg.norm(bone, axis=-1))) for bone in bones)

        return legs(self._wanted, self._rest[None]) / max(legs(self._own, self._posed.positions), 1e-9)

    def lowest(self, positions: NDArray[Any], rig: Rig) -> float:
        """How high the feet are when they are lowest: ankles and what tells where they point (5 % of the frames)."""
        joints = [rig.parts["l.foot"], rig.parts["r.foot"]]
        if None not in (*self._own.tips, *self._wanted.tips):
            joints += [tip for tip in rig.tips if tip is not None]
        return float(np.quantile(positions[:, joints, 1].min(1), 0.05))

    def turned(self) -> NDArray[np.float32]:
        """Rotations (T, J, 3, 3) of the skeleton's joints against the world."""
        sane, ahead = self._rest_stands()
        frames = len(self._world)
        world = np.empty((frames, len(self._skeleton.joints), 3, 3))
        trunk = {} if sane else self._trunk()
        limbs = self._limbs(feet=not sane)
        for joint, parent in enumerate(self._skeleton.parents):
            own = self._match.joints.get(joint)
            if joint in trunk:
                world[:, joint] = trunk[joint]
            elif own is None:
                world[:, joint] = world[:, parent] if parent >= 0 else np.eye(3)
            elif joint in limbs:
                world[:, joint] = self._pointed(joint, *limbs[joint], self._world[:, own] @ ahead)
            else:
                rests = self._foot(joint, ahead) if sane else self._usual(own, world[:, parent])
                world[:, joint] = self._world[:, own] @ rests
        return world.astype(np.float32)

    def _rest_stands(self) -> tuple[bool, Doubles]:
        """Whether the file's rest pose is a standing figure; the turn about Y from the skeleton's to it."""
        rest, rig = self._own_rest, self._own
        at = {part: rest[joint] for part, joint in rig.parts.items()}
        up = rest[rig.neck[-1]] - (at["l.foot"] + at["r.foot"]) / 2
        hips, arms = at["l.thigh"] - at["r.thigh"], at["l.shoulder"] - at["r.shoulder"]
        spine = rest[rig.chest] - rest[rig.hips]
        legs = [at[f"{side}.foot"] - at[f"{side}.thigh"] for side in "lr"]
        level = hips - np.array([0.0, hips[1], 0.0])
        checks = [_cosine(up, _UP), _cosine(hips, arms), _cosine(hips, level), *(_cosine(leg, -_UP) for leg in legs)]
        if rig.hips != rig.chest:
            checks.append(_cosine(spine, _UP))
        wanted = self._rest[self._wanted.parts["l.thigh"]] - self._rest[self._wanted.parts["r.thigh"]]
        angle = np.arctan2(-hips[2], hips[0]) - np.arctan2(-wanted[2], wanted[0])
        cos, sin = np.cos(angle), np.sin(angle)
        return min(checks) > SANE, np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])

    def _limbs(self, feet: bool) -> dict[int, tuple[int, int]]:
        """The skeleton's joints that point to another, to which, and which joint of the file that is."""
        parts = self._wanted.parts
        found = {}
        for side, own, tip in zip("lr", self._own.tips, self._wanted.tips, strict=True):
            for above, below in LIMBS:
                joint, to = parts.get(f"{side}.{above}"), parts.get(f"{side}.{below}")
                if joint is not None and to is not None and to in self._match.joints:
                    found[joint] = to, self._match.joints[to]
            if feet and own is not None and tip is not None:
                found[parts[f"{side}.foot"]] = tip, own
        return found

    def _pointed(self, joint: int, to: int, own: int, turned: Doubles) -> Doubles:
        """``turned`` (T, 3, 3), turned on by as little as makes the bone to ``to`` point as the body's to ``own``."""
        bone = self._posed.positions[:, own] - self._posed.positions[:, self._match.joints[joint]]
        return _arc(turned @ (self._rest[to] - self._rest[joint]), bone) @ turned

    def _foot(self, joint: int, ahead: Doubles) -> Doubles:
        """How trunk and feet rest against the skeleton's: feet by where they point, seen from above."""
        for side, own, wanted in zip("lr", self._own.tips, self._wanted.tips, strict=True):
            if joint != self._wanted.parts[f"{side}.foot"] or own is None or wanted is None:
                continue
            flat = np.array([1.0, 0.0, 1.0])
            here = (self._own_rest[own] - self._own_rest[self._match.joints[joint]]) * flat
            there = ahead @ (self._rest[wanted] - self._rest[joint]) * flat
            if min(np.linalg.norm(here), np.linalg.norm(there)) > 1e-3:
                return np.asarray(_arc(there[None], here[None])[0] @ ahead)
        return ahead

    def _usual(self, own: int, parent: Doubles) -> Doubles:
        """How a joint rests where the rest pose does not tell: so that over the frames it is turned as its parent."""
        left, _, right = np.linalg.svd(np.einsum("tji,tjk->ik", self._world[:, own], parent))
        return np.asarray(left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right)

    def _trunk(self) -> dict[int, Doubles]:
        """Rotations (T, 3, 3) of hips, spine, chest and neck from how they lie in each frame."""
        at, rest = self._posed.positions, self._rest
        own, wanted = self._own, self._wanted

        def across(rig: Rig, where: Doubles, part: str) -> Doubles:
            return np.asarray(where[..., rig.parts[f"l.{part}"], :] - where[..., rig.parts[f"r.{part}"], :])

        line = [joint for joint in (*wanted.spine, *wanted.neck[1:]) if joint in self._match.joints]
        turned = {}
        for number, joint in enumerate(line[:-1]):
            to = line[number + 1]
            share = min(number / max(len(wanted.spine) - 1, 1), 1.0)
            sides = [
                (1 - share) * across(rig, where, "thigh") + share * across(rig, where, "shoulder")
                for rig, where in ((own, at), (wanted, rest))
            ]
            up = at[:, self._match.joints[to]] - at[:, self._match.joints[joint]]
            turned[joint] = _frame(sides[0], up) @ _frame(sides[1][None], (rest[to] - rest[joint])[None])[0].T
        return turned


_UP = np.array([0.0, 1.0, 0.0])


def _cosine(one: Doubles, other: Doubles) -> float:
    return float(one @ other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)


def _frame(across: Doubles, up: Doubles) -> Doubles:
    """Rotations (T, 3, 3) whose first axis is ``across`` and whose second is nearest to ``up``, both (T, 3)."""
    x = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
    z = np.cross(x, up)
    z /= np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-12)
    return np.stack([x, np.cross(z, x), z], -1)


def _arc(one: Doubles, other: Doubles) -> Doubles:
    """The smallest rotations (T, 3, 3) that turn directions (T, 3) into others."""
    a, b = (each / np.maximum(np.linalg.norm(each, axis=-1, keepdims=True), 1e-12) for each in (one, other))
    axis, cosine = np.cross(a, b), np.einsum("ti,ti->t", a, b)
    # Opposite directions: half a turn about any axis across them.
    opposite = cosine < -1 + 1e-9
    x, y, z = axis.T
    zero = np.zeros_like(x)
    cross = np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2)
    turn = np.eye(3) + cross + cross @ cross / np.where(opposite, 1.0, 1 + cosine)[:, None, None]
    if opposite.any():
        away = np.cross(a[opposite], np.eye(3)[np.abs(a[opposite]).argmin(-1)])
        away /= np.linalg.norm(away, axis=-1, keepdims=True)
        turn[opposite] = 2 * away[:, :, None] * away[:, None, :] - np.eye(3)
    return np.asarray(turn)
