"""Rotations as quaternions (x, y, z, w), and the step from our axes to those of Unity.

Ours are right-handed: x to the person's own left, y up, z forward. Unity's are left-handed: x to the person's own
right, y up, z forward. So one is the other in a mirror across x: places change the sign of x, and rotations, whose
axes a mirror reverses, that of y and z.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STILL: Array = np.array([0.0, 0.0, 0.0, 1.0])
"""No turn."""


def about(axis: int, angle: float) -> Array:
    """The turn by ``angle`` (radians, right-hand rule) about axis 0, 1 or 2."""
    turn = np.zeros(4)
    turn[axis], turn[3] = math.sin(angle / 2), math.cos(angle / 2)
    return turn


def times(one: Array, other: Array) -> Array:
    """The turn ``other`` followed by ``one`` (both (4,)), as the product of their matrices."""
    ax, ay, az, aw = one
    bx, by, bz, bw = other
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def back(turn: Array) -> Array:
    """The opposite turn."""
    return turn * (-1.0, -1.0, -1.0, 1.0)


def part(turn: Array, share: float) -> Array:
    """A ``share`` of the way from no turn to ``turn``."""
    x, y, z, w = turn if turn[3] >= 0 else -turn
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-9:
        return STILL
    half = math.atan2(length, w) * share
    return np.array([*(np.array([x, y, z]) * (math.sin(half) / length)), math.cos(half)])


def of_matrix(matrix: Array) -> Array:
    """The quaternion, w >= 0, of a (3, 3) rotation: the eigenvector of Bar-Itzhack's symmetric matrix (2000), which has
    no special cases."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = matrix
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    turn: Array = np.linalg.eigh(symmetric)[1][:, -1]
    return turn if turn[3] >= 0 else -turn


def to_matrix(turns: Array) -> Array:
    """Rotations (..., 3, 3) of quaternions (..., 4) of any length but 0; those of length 0 turn nothing."""
    length = np.linalg.norm(turns, axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(np.where(length > 1e-6, turns / np.maximum(length, 1e-6), STILL), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def arc(one: Array, other: Array) -> Array:
    """The smallest rotation (3, 3) that turns the direction ``one`` (3,) into ``other``; none where one is no
    direction, half a turn about some axis across where they are opposite."""
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if lengths < 1e-12:
        return np.eye(3)
    cosine = float(one @ other) / lengths
    if cosine < -1 + 1e-9:
        across = np.cross(one, np.eye(3)[np.abs(one).argmin()])
        across /= np.linalg.norm(across)
        return 2 * np.outer(across, across) - np.eye(3)
    x, y, z = np.cross(one, other) / lengths
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turned: Array = np.eye(3) + cross + cross @ cross / (1 + cosine)
    return turned


def unity_turn(turn: Array) -> Array:
    """A turn about our axes as Unity has it."""
    return turn * (1.0, -1.0, -1.0, 1.0)


def unity_place(place: Array) -> Array:
    """A place in our axes (metres) as Unity has it."""
    return place * (-1.0, 1.0, 1.0)
