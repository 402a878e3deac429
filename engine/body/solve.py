"""Rotations of joints: solved from positions where a file wants angles, and read from quaternions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton, SkeletonError

_PRIOR = 1e-6
"""Weight of the parent's turn beside the children's directions: enough to settle a twist that they leave open."""


def solve_rotations(skeleton: Skeleton, positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local rotations (T, J, 3, 3) under which the rest offsets of a tree come closest to ``positions`` (T, J, 3).

    Each joint is turned so that the offsets of its children fit those seen best in the least-squares sense (Kabsch
    1976, by singular values). Where that leaves the twist about a bone open - one child, or several in a line - the
    joint follows its parent, which for one child is the shortest arc. A joint without children keeps its parent's turn.
    Raises :class:`SkeletonError` for markers.
    """
    if not skeleton.is_tree:
        raise SkeletonError(f"skeleton {skeleton.name!r} is no tree: its joints have positions only")
    frames, count = positions.shape[:2]
    rest, seen = np.array(skeleton.rest, np.float64), positions.astype(np.float64)
    world = np.empty((frames, count, 3, 3))
    local = np.empty_like(world)
    for joint, parent in enumerate(skeleton.parents):
        above = np.broadcast_to(np.eye(3), (frames, 3, 3)) if parent < 0 else world[:, parent]
        children = [child for child, of in enumerate(skeleton.parents) if of == joint]
        offsets = rest[children]
        fit = np.einsum("tci,cj->tij", seen[:, children] - seen[:, [joint]], offsets)
        scale = float((offsets**2).sum()) or 1.0
        world[:, joint] = _nearest_rotation(fit / scale + _PRIOR * above) if children else above
        local[:, joint] = np.swapaxes(above, -1, -2) @ world[:, joint]
    return local.astype(np.float32)


def rotations_of(quaternions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4) in the order x, y, z, w, of any length but 0."""
    length = np.linalg.norm(quaternions.astype(np.float64), axis=-1, keepdims=True)
    if not (np.isfinite(length).all() and (length > 1e-6).all()):
        raise SkeletonError("rotations hold a quaternion of length 0 or a number that is not finite; record again")
    x, y, z, w = np.moveaxis(quaternions.astype(np.float64) / length, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2).astype(np.float32)


def _nearest_rotation(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotations (T, 3, 3) of largest inner product with ``matrices``."""
    left, _, right = np.linalg.svd(matrices)
    proper = np.ones(matrices.shape[:-1])
    proper[..., -1] = np.sign(np.linalg.det(left @ right))
    return np.asarray((left * proper[..., None, :]) @ right)
