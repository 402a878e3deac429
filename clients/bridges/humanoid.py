"""A body of any announced skeleton as the bones of Unity's Humanoid, which VRM avatars and VMC receivers have.

An avatar of theirs rests in a T-pose in which no bone is turned; ours rest as their own skeleton does. So every bone
is told by how it lies in the world: how far its joint has turned from our rest, after the turn that brings the T-pose
to our rest (arms aside, legs down; a hand goes on as its forearm does, trunk and feet rest alike). Local turns follow
from bone to bone along Unity's tree. Which joint is which bone the engine announces (``humanoid`` of a skeleton).
Bones that a rig does not have, and joints that are no bone, fold into the next bone below.

Here all is in our axes (``turns.py``); a protocol turns it into its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .turns import STILL, Array, arc, of_matrix, times, to_matrix

_PRIOR = 1e-6
"""Weight of the parent's turn beside the directions of a joint's children: it settles a twist that they leave open."""
_ARM = ("Shoulder", "UpperArm", "LowerArm", "Hand")
_LEG = ("UpperLeg", "LowerLeg", "Foot", "Toes")
PARENTS: dict[str, str] = {"Spine": "Hips", "Chest": "Spine", "UpperChest": "Chest", "Neck": "UpperChest"}
PARENTS |= {"Head": "Neck", "LeftEye": "Head", "RightEye": "Head"}
for _side in ("Left", "Right"):
    for _chain, _top in ((_ARM, "UpperChest"), (_LEG, "Hips")):
        PARENTS |= {
            f"{_side}{bone}": above
            for bone, above in zip(_chain, (_top, *(f"{_side}{each}" for each in _chain[:-1])), strict=True)
        }
BONES = ("Hips", *PARENTS)
"""Of HumanBodyBones, all but fingers and jaw: parents before children."""


@dataclass(frozen=True)
class Bone:
    """``turn``: local, against the T-pose (quaternion); ``place``: from the bone above, in its axes, metres; of the
    hips where they are in the world."""

    turn: Array
    place: Array


class Humanoid:
    """Of one announced skeleton (a dict as in ``Announced.skeletons``). ``bones`` (joint's number by bone) is empty for
    what is no person's body, such as a set of markers."""

    def __init__(self, skeleton: Mapping[str, Any]) -> None:
        joints: list[str] = skeleton["joints"]
        self.count = len(joints)
        self._parents: list[int] = skeleton["parents"]
        self._rest = np.array(skeleton["rest"], np.float64)
        named = {bone: joints.index(joint) for bone, joint in skeleton.get("humanoid", {}).items() if bone in BONES}
        self.bones = {bone: named[bone] for bone in BONES if bone in named} if "Hips" in named else {}
        self._above = {bone: self._parent(bone) for bone in self.bones}
        self._children = [[c for c, of in enumerate(self._parents) if of == j] for j in range(self.count)]
        self._aligned = self._alignments()
        head = self.bones.get("Head")
        self._hangs_on_head = head is not None and bool(self._children[head])

    def turns_head(self, rotations: bool) -> bool:
        """Whether a pose tells how the head is turned: of ``rotations`` always, of places alone where something hangs
        on the head."""
        return "Head" in self.bones and (rotations or self._hangs_on_head)

    def posed(self, places: Array | None, rotations: Array | None) -> dict[str, Bone]:
        """Bones of joints at ``places`` (J, 3), metres, and of local ``rotations`` (J, 4), either of which may be
        missing: rotations are then solved from places, and hips without a place are where they rest."""
        if rotations is not None:
            world = self._chained(to_matrix(rotations))
        elif places is not None:
            world = self._solved(places)
        else:
            return {}
        turned = {bone: world[joint] @ self._aligned[bone] for bone, joint in self.bones.items()}
        told = {}
        for bone, joint in self.bones.items():
            above = self._above[bone]
            if above is None:
                at = self._rest[joint] if places is None else places[joint]
                told[bone] = Bone(of_matrix(turned[bone]), np.asarray(at, np.float64))
                continue
            offset = self._aligned[above].T @ self._offset(joint, self.bones[above])
            told[bone] = Bone(of_matrix(turned[above].T @ turned[bone]), offset)
        return told

    def _parent(self, bone: str) -> str | None:
        """The next bone above that this rig has."""
        above = PARENTS.get(bone)
        while above is not None and above not in self.bones:
            above = PARENTS.get(above)
        return above

    def _alignments(self) -> dict[str, Array]:
        """By bone the rotation from the T-pose to this skeleton's rest."""
        found: dict[str, Array] = {bone: np.eye(3) for bone in self.bones}
        for side, aside in (("Left", 1.0), ("Right", -1.0)):
            for chain, way in ((_ARM[1:], (aside, 0.0, 0.0)), (_LEG[:3], (0.0, -1.0, 0.0))):
                for upper, lower in pairwise(chain):
                    top, under = self.bones.get(side + upper), self.bones.get(side + lower)
                    if top is not None and under is not None:
                        found[side + upper] = arc(np.array(way), self._offset(under, top))
                        if chain[0] == "UpperArm":  # feet stand as they rest; hands lie on with the forearm
                            found[side + lower] = found[side + upper]
        return found

    def _offset(self, joint: int, above: int) -> Array:
        """Where a joint is from one above it, at rest."""
        way = np.zeros(3)
        while joint >= 0 and joint != above:
            way = way + self._rest[joint]
            joint = self._parents[joint]
        return way

    def _chained(self, local: Array) -> Array:
        """Rotations (J, 3, 3) in the world of local ones."""
        world = local.copy()
        for joint, parent in enumerate(self._parents):
            if parent >= 0:
                world[joint] = world[parent] @ local[joint]
        return world

    def _solved(self, places: Array) -> Array:
        """Rotations (J, 3, 3) in the world under which what hangs on each joint lies as it does at ``places`` (J, 3):
        by least squares (Kabsch 1976); a joint on which nothing hangs is turned as the one above it."""
        world = np.empty((self.count, 3, 3))
        for joint, parent in enumerate(self._parents):
            above = np.eye(3) if parent < 0 else world[parent]
            below = self._children[joint]
            if not below:
                world[joint] = above
                continue
            offsets, seen = self._rest[below], places[below] - places[joint]
            left, _, right = np.linalg.svd(seen.T @ offsets / (float((offsets**2).sum()) or 1.0) + _PRIOR * above)
            proper = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
            world[joint] = (left * proper) @ right
        return world


def turned_on(bones: dict[str, Bone], name: str, turn: Array) -> dict[str, Bone]:
    """``bones`` with one of them turned on by ``turn`` about its own axes; as they are where it is missing."""
    bone = bones.get(name)
    return bones if bone is None else bones | {name: Bone(times(bone.turn, turn), bone.place)}


REST = {
    "Neck": (0.0, 0.22, 0.0),
    "Head": (0.0, 0.08, 0.01),
    "LeftEye": (0.035, 0.08, 0.08),
    "RightEye": (-0.035, 0.08, 0.08),
}
"""Where bones are from the one above, metres, in a figure of 1.7 m that has a face and no body; measured on `cmu`."""


def of_face(head: Array, left_eye: Array, right_eye: Array, neck: Array = STILL) -> dict[str, Bone]:
    """Neck, head and eyes of a face without a body, from their turns."""
    turns = {"Neck": neck, "Head": head, "LeftEye": left_eye, "RightEye": right_eye}
    return {name: Bone(turn, np.array(REST[name])) for name, turn in turns.items()}
