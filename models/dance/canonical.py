"""The window of motion that encoder and classifier see: what the body does, not where on the stage or which way.

As in PirouNet the centre of the body is taken out of every frame, so a step to the side and a step in place look alike;
instead of learning from randomly turned copies, the window is turned so that its newest frame faces +Z.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.body.skeleton import Skeleton
from models.bodies.heading import heading, turned_back


def canonical(positions: Tensor, skeleton: Skeleton) -> Tensor:
    """Windows (..., T, J, 3) in metres with the centroid's x and z removed per frame, the newest frame facing +Z."""
    return turned_to_newest(positions - centre(positions), heading(positions[..., -1, :, :], skeleton))


def travelling(positions: Tensor, skeleton: Skeleton) -> Tensor:
    """How the centre of each frame moved, (..., T, 2) in metres a frame along x and z, in the frame of
    :func:`canonical`; 0 for the oldest, whose predecessor is unknown."""
    at = positions[..., ::2].mean(-2)
    moved = at.diff(dim=-2, prepend=at[..., :1, :])
    return turned_back(moved, heading(positions[..., -1, :, :], skeleton)[..., None, :])


def centre(positions: Tensor) -> Tensor:
    """The mean of the joints on the floor, (..., T, 1, 3) with y = 0."""
    mean = positions.mean(-2, keepdim=True)
    return mean * mean.new_tensor([1.0, 0.0, 1.0])


def turned_to_newest(positions: Tensor, facing: Tensor) -> Tensor:
    """``positions`` (..., T, J, 3) turned back by one heading (..., 2) for the whole window."""
    plane = turned_back(positions[..., ::2], facing[..., None, None, :])
    return torch.stack([plane[..., 0], positions[..., 1], plane[..., 1]], -1)


def windows(bodies: Tensor, window: int, age: Tensor) -> Tensor:
    """Windows (B, T, window, J, 3) that end with each of the last T of ``bodies`` (B, window - 1 + T, J, 3), where the
    first window - 1 are carried and of those only ``age`` (B,) are real: the oldest real frame fills their place."""
    count = bodies.shape[1] - window + 1
    oldest = (window - 1 - age).clamp_min(0)[:, None]
    index = torch.arange(bodies.shape[1], device=bodies.device)[None].maximum(oldest)
    filled = bodies.gather(1, index[:, :, None, None].expand(-1, -1, *bodies.shape[2:]))
    return torch.stack([filled[:, k : k + window] for k in range(count)], 1)
