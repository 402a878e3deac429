"""Where a body stands and faces: the frame of reference that moves along with it.

A heading is a pair (cos, sin) of the angle about Y, 0 towards +Z and positive towards +X, so that nothing wraps. It
comes from the line across the hips; a skeleton that names none (``across``) keeps the heading of the stage.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.body.skeleton import Skeleton

LEAST = 1e-6


def anchor(positions: Tensor, skeleton: Skeleton) -> Tensor:
    """Where the body stands, (..., 2) as x and z in metres: its root, or the centre of markers; ``positions``
    (..., J, 3)."""
    if skeleton.is_tree:
        return positions[..., 0, ::2]
    return positions[..., ::2].mean(-2)


def heading(positions: Tensor, skeleton: Skeleton) -> Tensor:
    """Where the body faces, (..., 2) as cos and sin."""
    if not skeleton.across:
        ahead = torch.zeros_like(positions[..., 0, :2])
        return ahead + torch.tensor([1.0, 0.0], dtype=positions.dtype, device=positions.device)
    left, right = (skeleton.index(joint) for joint in skeleton.across)
    across = positions[..., left, :] - positions[..., right, :]
    return unit(torch.stack([across[..., 0], -across[..., 2]], -1))


def unit(pair: Tensor) -> Tensor:
    """A pair (..., 2) at length 1; (1, 0) where it has none."""
    # Held above zero before the root, whose slope at zero has no number.
    length = pair.square().sum(-1, keepdim=True).clamp_min((LEAST / 2) ** 2).sqrt()
    ahead = torch.cat([torch.ones_like(length), torch.zeros_like(length)], -1)
    return torch.where(length > LEAST, pair / length, ahead)


def turned(plane: Tensor, by: Tensor) -> Tensor:
    """Points (..., 2) of the floor, (x, z), turned by headings (..., 2): from a body's own frame to the stage's."""
    x, z, c, s = plane[..., 0], plane[..., 1], by[..., 0], by[..., 1]
    return torch.stack([c * x + s * z, c * z - s * x], -1)


def turned_back(plane: Tensor, by: Tensor) -> Tensor:
    """The inverse of :func:`turned`: from the stage's frame to the body's own."""
    return turned(plane, by * torch.tensor([1.0, -1.0], dtype=by.dtype, device=by.device))


def added(a: Tensor, b: Tensor) -> Tensor:
    """The heading (..., 2) after turning by ``a`` and by ``b``."""
    c = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
    return torch.stack([c, a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], -1)


def between(a: Tensor, b: Tensor) -> Tensor:
    """The heading (..., 2) that leads from ``a`` to ``b``."""
    c = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1]
    return torch.stack([c, a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]], -1)


def in_frame(positions: Tensor, at: Tensor, facing: Tensor) -> Tensor:
    """``positions`` (..., J, 3) seen from a body that stands ``at`` (..., 2) and faces ``facing`` (..., 2)."""
    plane = turned_back(positions[..., ::2] - at[..., None, :], facing[..., None, :])
    return torch.stack([plane[..., 0], positions[..., 1], plane[..., 1]], -1)


def on_stage(positions: Tensor, at: Tensor, facing: Tensor) -> Tensor:
    """The inverse of :func:`in_frame`."""
    plane = turned(positions[..., ::2], facing[..., None, :]) + at[..., None, :]
    return torch.stack([plane[..., 0], positions[..., 1], plane[..., 1]], -1)
