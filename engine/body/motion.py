"""Motion of a body: joint positions over time and, where the body is a tree, the rotations that make them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton, SkeletonError

Array = NDArray[np.float32]
JUMP = 1.5
"""Mean speed of the joints in m/s, and multiple of what follows, above which a first frame is a jump, not motion."""
START_S = 0.1
"""Seconds from the start in which such jumps are looked for."""


@dataclass(frozen=True)
class Motion:
    """``positions`` (T, J, 3) in metres in the world, ``rate`` frames a second. ``rotations`` (T, J, 3, 3) turn each
    joint against its parent (the root against the world), None for markers or where only positions are known."""

    skeleton: Skeleton
    rate: float
    positions: Array
    rotations: Array | None = None

    def __post_init__(self) -> None:
        joints = len(self.skeleton.joints)
        if self.positions.ndim != 3 or self.positions.shape[1:] != (joints, 3):
            raise SkeletonError(
                f"positions have shape {self.positions.shape}, "
                f"skeleton {self.skeleton.name!r} needs (frames, {joints}, 3)"
            )
        if self.rotations is not None and self.rotations.shape != (*self.positions.shape, 3):
            raise SkeletonError(
                f"rotations have shape {self.rotations.shape}; they must be {(*self.positions.shape, 3)}"
            )

    def __len__(self) -> int:
        return len(self.positions)

    def cut(self, start: int, stop: int) -> Motion:
        """Frames ``start`` to ``stop``."""
        turned = None if self.rotations is None else self.rotations[start:stop]
        return replace(self, positions=self.positions[start:stop], rotations=turned)


def forward_kinematics(skeleton: Skeleton, root: Array, rotations: Array) -> Array:
    """Positions (T, J, 3) of a tree from root positions (T, 3) and local rotations (T, J, 3, 3)."""
    if not skeleton.is_tree:
        raise SkeletonError(f"skeleton {skeleton.name!r} is no tree: its joints have positions only")
    positions = np.empty((*rotations.shape[:2], 3), np.float32)
    turned = np.empty_like(rotations)
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            positions[:, joint], turned[:, joint] = root, rotations[:, joint]
            continue
        positions[:, joint] = positions[:, parent] + turned[:, parent] @ np.array(skeleton.rest[joint], np.float32)
        turned[:, joint] = turned[:, parent] @ rotations[:, joint]
    return positions


def limb_variation(skeleton: Skeleton, positions: Array) -> Array:
    """How much each bone's length varies over time (T, J, 3): standard deviation over mean, (bones,)."""
    parents, children = np.array(skeleton.bones).T
    lengths = np.linalg.norm(positions[:, children] - positions[:, parents], axis=-1)
    return np.asarray(lengths.std(0) / np.maximum(lengths.mean(0), 1e-9), np.float32)


def facing(skeleton: Skeleton, positions: Array) -> Array:
    """Where the body faces, (T,) radians about Y, 0 towards +Z and positive towards +X (its left at rest)."""
    if not skeleton.across:
        raise SkeletonError(f"skeleton {skeleton.name!r} names no joints across the hips; add `across`: [left, right]")
    left, right = (skeleton.index(joint) for joint in skeleton.across)
    across = positions[:, left] - positions[:, right]
    return np.asarray(np.arctan2(-across[:, 2], across[:, 0]), np.float32)


def rest_frames(motion: Motion) -> int:
    """How many frames at the start are no motion: those before the last jump within :data:`START_S` seconds. Many
    converters put a rest pose there, from which the body then jumps to where it is."""
    speed = np.linalg.norm(np.diff(motion.positions, axis=0), axis=-1).mean(1) * motion.rate
    first = max(3, round(START_S * motion.rate))
    usual = float(np.median(speed[first : first + round(motion.rate)])) if len(speed) > first else 0.0
    jumps = np.flatnonzero(speed[:first] > max(JUMP, 3 * usual))
    return int(jumps[-1]) + 1 if len(jumps) else 0
