"""What a body is made of: joints, who hangs on whom, and the pose at rest; and the registry of bodies known by name.

One convention everywhere: right-handed, Y up, metres, a figure at rest faces +Z with its left at +X (the usual frame
of BVH files). A *skeleton* has a tree of joints whose offsets are fixed; a set of *markers* has no parents (every
parent is -1), its rest positions are a typical stance, and its limbs are listed as edges.

Skeletons travel: a bundle's spec holds those that its streams name, and the control socket announces them, so a client
draws any body without knowing it beforehand.
"""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.plain import STRICT, PlainError, read

FOLDER = Path(__file__).parent.parent / "data" / "skeletons"
AXES = ("x", "y", "z")
MOST_JOINTS = 1024
LONGEST_NAME = 64
FARTHEST = 1e3
"""Metres of an offset."""


class SkeletonError(EngineError, ValueError):
    """A skeleton contradicts itself or is not known; the message names it, the joint and the remedy."""


@dataclass(frozen=True)
class Skeleton:
    """A body. ``parents[j]`` is the index of joint j's parent, always smaller than j, or -1. ``rest[j]`` is the offset
    (x, y, z) in metres to the parent in the rest pose, or the rest position where there is no parent. ``edges`` are
    drawn beside the bones from parent to child. ``across`` names a left and a right joint at the hips: their line,
    turned by a quarter, is where the body faces. ``feet`` names joints that touch the ground."""

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    rest: tuple[tuple[float, float, float], ...]
    edges: tuple[tuple[int, int], ...] = ()
    across: tuple[str, str] | tuple[()] = ()
    feet: tuple[str, ...] = ()
    unit: str = "m"

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        count = len(self.joints)
        if max(count, len(self.edges), len(self.feet)) > MOST_JOINTS:
            raise SkeletonError(f"skeleton {self.name[:LONGEST_NAME]!r}: {MOST_JOINTS} joints, edges and feet at most")
        for name in (self.name, *self.joints):
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise SkeletonError(
                    f"skeleton: {name[:LONGEST_NAME]!r} is no name; give 1 to {LONGEST_NAME} characters"
                )
        if not count or len(self.parents) != count or len(self.rest) != count:
            raise SkeletonError(
                f"skeleton {self.name!r}: {count} joints, {len(self.parents)} parents, {len(self.rest)} rest offsets; "
                "give one parent and one offset for each joint, and at least one joint"
            )
        twice = sorted(joint for joint, times in Counter(self.joints).items() if times > 1)
        if twice:
            raise SkeletonError(
                f"skeleton {self.name!r}: joints {twice} are named twice; every joint needs its own name"
            )
        for joint, (parent, offset) in enumerate(zip(self.parents, self.rest, strict=True)):
            if not -1 <= parent < joint:
                raise SkeletonError(
                    f"skeleton {self.name!r}: parent of {self.joints[joint]!r} is {parent}; "
                    "list parents before children"
                )
            if len(offset) != 3 or not all(math.isfinite(value) and abs(value) <= FARTHEST for value in offset):
                raise SkeletonError(
                    f"skeleton {self.name!r}: offset of {self.joints[joint]!r} is {offset}; give x, y, z in metres"
                )
        if any(not 0 <= end < count for edge in self.edges for end in edge):
            raise SkeletonError(f"skeleton {self.name!r}: an edge names no joint; edges are pairs of 0 to {count - 1}")
        absent = [joint for joint in (*self.across, *self.feet) if joint not in self.joints]
        if absent:
            raise SkeletonError(f"skeleton {self.name!r}: across or feet name {absent}, which are no joints")
        if self.unit != "m":
            raise SkeletonError(f"skeleton {self.name!r}: unit {self.unit!r}; convert to metres ('m')")

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of a flattened (joints, 3) position array: ``hip.x``, ``hip.y``, ..."""
        return tuple(f"{joint}.{axis}" for joint in self.joints for axis in AXES)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs of joints a constant length apart: parent and child; of markers, the edges."""
        tree = tuple((parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0)
        return tree or self.edges

    @property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """Pairs of joints to draw a line between."""
        return tuple(dict.fromkeys((*self.bones, *self.edges)))

    @property
    def is_tree(self) -> bool:
        """Whether rotations of joints move it (one root, all others hanging on it); markers are no tree."""
        return self.parents.count(-1) == 1

    def index(self, joint: str) -> int:
        """The number of a joint. Raises :class:`SkeletonError` listing what there is."""
        if joint not in self.joints:
            raise SkeletonError(f"skeleton {self.name!r} has no joint {joint!r}; there is {', '.join(self.joints)}")
        return self.joints.index(joint)

    def rest_positions(self) -> NDArray[np.float32]:
        """Positions (joints, 3) in the rest pose, the root at its own offset."""
        at = np.array(self.rest, np.float32)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                at[joint] += at[parent]
        return at

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to manifests and announced on the control socket."""
        plain = asdict(self)
        return {
            key: [list(item) if isinstance(item, tuple) else item for item in value]
            if isinstance(value, tuple)
            else value
            for key, value in plain.items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Skeleton:
        """The skeleton that :meth:`to_dict` wrote. Raises :class:`SkeletonError` naming what does not fit."""
        try:
            return read(cls, data)
        except PlainError as error:
            raise SkeletonError(f"a skeleton does not read: {error}") from None


def known() -> list[str]:
    """Names of the skeletons that ship with the engine, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


@functools.cache
def skeleton(name: str) -> Skeleton:
    """A shipped skeleton by name. Raises :class:`SkeletonError` naming what there is."""
    if name not in known():
        raise SkeletonError(f"no skeleton {name!r}; there is {', '.join(known())}")
    return Skeleton.from_dict(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))
