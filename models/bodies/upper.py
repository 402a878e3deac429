"""An upper body as numbers: turns of the joints above the hips, and joints and quaternions of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.body.skeleton import Skeleton
from models.bodies.kinematics import Kinematics, from_six, to_quaternion, to_six


class UpperBody(nn.Module):
    """Pose vectors (..., 6 x joints) of ``joints`` (numbers of ``body``'s joints, parents first, the root not among
    them) and what they look like: of each joint the first two columns of its local rotation. The root stands still at
    the height at which the feet touch the floor, all other joints are at rest."""

    mean: Tensor
    scale: Tensor
    root: Tensor

    def __init__(self, body: Skeleton, joints: Sequence[int]) -> None:
        super().__init__()
        self.count, self.width = len(joints), 6 * len(joints)
        self.register_buffer("mean", to_six(torch.eye(3)).repeat(self.count))
        self.register_buffer("scale", torch.full((self.width,), 0.2))
        lowest = float(body.rest_positions()[[body.index(foot) for foot in body.feet], 1].min())
        self.register_buffer("root", torch.tensor([0.0, -lowest, 0.0]), persistent=False)
        self.chain = Kinematics(body, [0, *joints])
        self.order = [list(joints).index(joint) if joint in joints else -1 for joint in range(len(body.joints))]

    def fit(self, vectors: Tensor, least: float = 0.02) -> None:
        """Take mean and scale from ``vectors`` (N, width)."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_(vectors.std(0).clamp_min(least))

    def standardised(self, vectors: Tensor) -> Tensor:
        """Vectors with mean 0 and scale 1 in every number."""
        return (vectors - self.mean) / self.scale

    def restored(self, standardised: Tensor) -> Tensor:
        """The inverse of :meth:`standardised`."""
        return standardised * self.scale + self.mean

    def turns(self, vectors: Tensor) -> Tensor:
        """Local rotations (..., joints, 3, 3)."""
        local: Tensor = from_six(vectors.unflatten(-1, (self.count, 6)))
        return local

    def joints(self, turns: Tensor) -> Tensor:
        """Positions (..., all joints, 3) in metres of :meth:`turns`."""
        return self.from_hips(turns) + self.root.to(turns.dtype)

    def from_hips(self, turns: Tensor) -> Tensor:
        """Positions (..., all joints, 3) with the hips in the origin."""
        still = torch.eye(3, dtype=turns.dtype, device=turns.device).expand(*turns.shape[:-3], 1, 3, 3)
        origin = torch.zeros_like(turns[..., 0, :, 0])
        positions: Tensor = self.chain(origin, torch.cat([still, turns], -3))
        return positions

    def rotations(self, turns: Tensor) -> Tensor:
        """Local quaternions (..., all joints, 4), x y z w, of :meth:`turns`."""
        quaternions = to_quaternion(turns)
        still = torch.zeros_like(quaternions[..., :1, :]) + quaternions.new_tensor([0.0, 0.0, 0.0, 1.0])
        whole: Tensor = torch.cat([quaternions, still], -2)[..., self.order, :]
        return whole
