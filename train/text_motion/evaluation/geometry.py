"""Distances between two motions of one body, frame by frame, and how a motion moves. Numpy alone, metres and seconds.

- **MPJPE**: mean distance of the joints with the pelvis put on the pelvis (as T2M-GPT and MoMask measure it);
  **world**: the same without that, so what the root's path drifts counts too.
- **PA-MPJPE**: mean distance after the similarity (turn, size, place) that fits each frame best (Procrustes; Gower
  1975).
- **Acceleration error**: mean distance of the joints' accelerations (Kanazawa et al. 2019), in m/s^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def world(one: Array, other: Array) -> Array:
    """Mean distance (T,) of the joints of two motions (T, J, 3) where they are."""
    return np.asarray(np.linalg.norm(one - other, axis=-1).mean(-1))


def mpjpe(one: Array, other: Array) -> Array:
    """Mean distance (T,) of the joints of two motions (T, J, 3), pelvis on pelvis."""
    return world(one - one[:, :1], other - other[:, :1])


def aligned(one: Array, other: Array) -> Array:
    """``one`` (T, J, 3), each frame turned, sized and placed to lie on ``other`` best; never mirrored."""
    a, b = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(np.einsum("tji,tjk->tik", a, b))
    flip = np.ones_like(s)
    flip[:, -1] = np.sign(np.linalg.det(u @ vt))
    turn = (u * flip[:, None]) @ vt
    size = (s * flip).sum(-1) / np.maximum(np.square(a).sum((1, 2)), 1e-12)
    return np.asarray(size[:, None, None] * (a @ turn) + other.mean(1, keepdims=True))


def pa_mpjpe(one: Array, other: Array) -> Array:
    """Mean distance (T,) of the joints after :func:`aligned`."""
    return world(aligned(one, other), other)


def derivative(positions: Array, order: int, rate: float) -> Array:
    """The ``order``-th difference in time (T - order, ...) of positions (T, ...) at ``rate`` frames a second."""
    return np.asarray(np.diff(positions.astype(np.float64), order, axis=0) * rate**order)


def sizes(positions: Array, order: int, rate: float) -> Array:
    """Length (T - order, J) of the joints' velocity (1), acceleration (2) or jerk (3) in m/s, m/s^2, m/s^3."""
    return np.asarray(np.linalg.norm(derivative(positions, order, rate), axis=-1))


def acceleration_error(one: Array, other: Array, rate: float) -> Array:
    """Mean distance (T - 2,) of the joints' accelerations of two motions (T, J, 3), m/s^2."""
    return np.asarray(np.linalg.norm(derivative(one - other, 2, rate), axis=-1).mean(-1))
