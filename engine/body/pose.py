"""From a BVH file's numbers to joints: what its channels do to a tree of joints, in the file's own unit and axes.

Any joint may have any channels in any order. Rotations are applied as listed (the first turns last, about the parent's
axes). Position channels say where a joint is against its parent, in place of its offset, as Blender and MotionBuilder
read them; where they stay near zero although the offset does not, they are taken as added to it, as some exporters
write them. A joint without position channels stands at its offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.body.parse import Parsed

Doubles = NDArray[np.float64]
SAMPLES = 200
"""Frames that are looked at to learn what holds for a whole take: its unit, its axes, how channels are meant."""
SPIN = 1e6
"""Degrees beyond which an angle is no angle."""


@dataclass(frozen=True)
class Posed:
    """``positions`` (T, J, 3) and ``local`` rotations (T, J, 3, 3) of every joint, end sites included; ``offsets``
    (J, 3) of the rest pose; ``sound`` (T,) False at frames that hold the pose before them."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    ends: tuple[bool, ...]
    offsets: Doubles
    positions: Doubles
    local: NDArray[np.float32]
    sound: NDArray[np.bool_]

    def world(self) -> NDArray[np.float32]:
        """Rotations (T, J, 3, 3) against the world."""
        turned = np.empty_like(self.local)
        for joint, parent in enumerate(self.parents):
            turned[:, joint] = self.local[:, joint] if parent < 0 else turned[:, parent] @ self.local[:, joint]
        return turned

    def rest(self) -> Doubles:
        """Positions (J, 3) with no joint turned."""
        at = self.offsets.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                at[joint] += at[parent]
        return at

    def sample(self) -> NDArray[np.int64]:
        """At most :data:`SAMPLES` sound frames, spread over the take."""
        sound = np.flatnonzero(self.sound)
        return sound[np.linspace(0, len(sound) - 1, min(SAMPLES, len(sound))).astype(np.int64)]


def pose(parsed: Parsed) -> Posed:
    """The joints of a file's frames. Damaged frames hold the one before (at the start: the first sound one); if no
    frame is sound, all are at rest."""
    angles = np.array([name.endswith("r") for joint in parsed.channels for name in joint])
    with np.errstate(invalid="ignore"):
        sound = np.asarray(np.isfinite(parsed.values).all(1) & (np.abs(parsed.values[:, angles]) <= SPIN).all(1))
    values = parsed.values[held(sound)] if sound.any() else np.zeros_like(parsed.values)
    frames, count = len(values), len(parsed.names)
    starts = np.cumsum([0, *(len(joint) for joint in parsed.channels)])
    local = np.empty((frames, count, 3, 3), np.float32)
    positions = np.empty((frames, count, 3))
    offsets = parsed.offsets.copy()
    world: list[Doubles] = []
    for joint, parent in enumerate(parsed.parents):
        channels = parsed.channels[joint]
        own = values[:, starts[joint] : starts[joint + 1]]
        turned = _rotation(channels, own)
        moved = _offset(parsed.offsets[joint], channels, own)
        if parent < 0:
            positions[:, joint], above = moved, turned
        else:
            if any(name.endswith("p") for name in parsed.channels[joint]):
                offsets[joint] = np.median(moved, axis=0)
            positions[:, joint] = positions[:, parent] + np.einsum("tij,tj->ti", world[parent], moved)
            above = world[parent] @ turned
        local[:, joint] = turned
        world.append(above)
    return Posed(parsed.names, parsed.parents, tuple(parsed.ends), offsets, positions, local, sound)


def held(sound: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each frame the newest sound one up to it (T,); before the first, the first."""
    newest = np.maximum.accumulate(np.where(sound, np.arange(len(sound)), -1))
    return np.asarray(np.where(newest < 0, int(sound.argmax()), newest), np.int64)


def _rotation(channels: tuple[str, ...], values: Doubles) -> Doubles:
    turned = np.broadcast_to(np.eye(3), (len(values), 3, 3))
    for number, name in enumerate(channels):
        if name.endswith("r"):
            turned = turned @ _about("xyz".index(name[0]), np.radians(values[:, number]))
    return turned


def _about(axis: int, angle: Doubles) -> Doubles:
    """Rotations (T, 3, 3) by ``angle`` (T,) about an axis."""
    matrix = np.zeros((len(angle), 3, 3))
    after, last = (axis + 1) % 3, (axis + 2) % 3
    matrix[:, axis, axis] = 1.0
    matrix[:, after, after] = matrix[:, last, last] = np.cos(angle)
    matrix[:, last, after] = np.sin(angle)
    matrix[:, after, last] = -matrix[:, last, after]
    return matrix


def _offset(offset: Doubles, channels: tuple[str, ...], values: Doubles) -> Doubles:
    """Where a joint is against its parent (T, 3)."""
    places = [(number, "xyz".index(name[0])) for number, name in enumerate(channels) if name.endswith("p")]
    moved = np.broadcast_to(offset, (len(values), 3)).copy()
    if not places:
        return moved
    told, axes = values[:, [number for number, _ in places]], [axis for _, axis in places]
    usual = np.median(told, axis=0)
    added = np.linalg.norm(usual) < 0.1 * np.linalg.norm(usual - offset[axes])
    moved[:, axes] = told + offset[axes] if added else told
    return moved
