"""Rotations and forward kinematics in torch: 6-D rotations (Zhou et al., CVPR 2019) to joint positions and quaternions.

Joints of one depth in the tree are turned together, so a graph has a few nodes per level and not per joint. Joints that
never turn (``moving`` leaves them out) ride along on their parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.body.skeleton import Skeleton

LEAST = 1e-8


def from_six(six: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) from their first two columns (..., 6), made orthonormal by Gram and Schmidt."""
    a, b = six[..., :3], six[..., 3:]
    x = a / a.square().sum(-1, keepdim=True).clamp_min(LEAST).sqrt()
    b = b - (x * b).sum(-1, keepdim=True) * x
    y = b / b.square().sum(-1, keepdim=True).clamp_min(LEAST).sqrt()
    z = torch.stack(
        [
            x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1],
            x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2],
            x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0],
        ],
        -1,
    )
    return torch.stack([x, y, z], -1)


def to_six(matrix: Tensor) -> Tensor:
    """The first two columns (..., 6) of rotation matrices (..., 3, 3)."""
    return torch.cat([matrix[..., 0], matrix[..., 1]], -1)


def about_y(facing: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of headings (..., 2)."""
    c, s = facing[..., 0], facing[..., 1]
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    rows = [torch.stack(row, -1) for row in ((c, zero, s), (zero, one, zero), (-s, zero, c))]
    return torch.stack(rows, -2)


def to_quaternion(matrix: Tensor) -> Tensor:
    """Unit quaternions (..., 4) as x, y, z, w with w >= 0, by the largest of the four ways to read them off."""
    m = [[matrix[..., row, column] for column in range(3)] for row in range(3)]
    ways = torch.stack(
        [
            torch.stack([1 + m[0][0] - m[1][1] - m[2][2], m[0][1] + m[1][0], m[0][2] + m[2][0], m[2][1] - m[1][2]], -1),
            torch.stack([m[0][1] + m[1][0], 1 - m[0][0] + m[1][1] - m[2][2], m[1][2] + m[2][1], m[0][2] - m[2][0]], -1),
            torch.stack([m[0][2] + m[2][0], m[1][2] + m[2][1], 1 - m[0][0] - m[1][1] + m[2][2], m[1][0] - m[0][1]], -1),
            torch.stack([m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1], 1 + m[0][0] + m[1][1] + m[2][2]], -1),
        ],
        -2,
    )
    best = ways.square().sum(-1, keepdim=True).argmax(-2, keepdim=True)
    chosen = ways.gather(-2, best.expand(*best.shape[:-1], 4))[..., 0, :]
    chosen = chosen / chosen.square().sum(-1, keepdim=True).clamp_min(LEAST).sqrt()
    return torch.where(chosen[..., 3:] < 0, -chosen, chosen)


class _Level(NamedTuple):
    """Joints of one depth in the tree."""

    joints: list[int]
    parents: list[int]  #: where their parents stand among the joints so far
    turning: list[int]  #: where their rotations stand, -1 for those that never turn


class Kinematics(nn.Module):
    """Positions of a tree's joints from the rotations of its ``moving`` joints (the root is always among them).

    ``joints`` names what is wanted, all by default; whatever does not lie on the way to them is left out.
    """

    offsets: Tensor

    def __init__(self, skeleton: Skeleton, moving: Sequence[int], joints: Sequence[int] | None = None) -> None:
        super().__init__()
        wanted = list(range(len(skeleton.joints)) if joints is None else joints)
        needed: set[int] = set()
        for joint in wanted:
            while joint >= 0 and joint not in needed:
                needed.add(joint)
                joint = skeleton.parents[joint]
        depth = [0] * len(skeleton.joints)
        for joint, parent in enumerate(skeleton.parents):
            depth[joint] = 0 if parent < 0 else depth[parent] + 1
        order = sorted(needed, key=lambda joint: (depth[joint], joint))
        place = {joint: number for number, joint in enumerate(order)}
        self.levels: list[_Level] = []
        for level in range(1, max(depth) + 1):
            here = [joint for joint in order if depth[joint] == level]
            if not here:
                break
            turning = [moving.index(joint) if joint in moving else -1 for joint in here]
            self.levels.append(_Level(here, [place[skeleton.parents[joint]] for joint in here], turning))
        self.order = [place[joint] for joint in wanted]
        self.register_buffer("offsets", torch.tensor(skeleton.rest, dtype=torch.float32), persistent=False)

    def forward(self, root: Tensor, rotations: Tensor) -> Tensor:
        """Positions (..., joints, 3) for root positions (..., 3) and local rotations (..., moving, 3, 3), the root's
        first."""
        positions, turns = root[..., None, :], rotations[..., :1, :, :]
        for here, parents, turning in self.levels:
            above = turns[..., parents, :, :]
            here_at = positions[..., parents, :] + (above @ self.offsets[here][..., None])[..., 0]
            positions = torch.cat([positions, here_at], -2)
            still = torch.eye(3, dtype=root.dtype, device=root.device).expand(*rotations.shape[:-3], 1, 3, 3)
            local = torch.cat([rotations, still], -3)[..., turning, :, :]  # -1 takes the last: a joint that never turns
            turns = torch.cat([turns, above @ local], -3)
        return positions[..., self.order, :]
