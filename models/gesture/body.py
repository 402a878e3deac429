"""Poses of a body that gestures: its upper body as numbers, and joints, quaternions and PATS' points of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.bodies.kinematics import Kinematics, from_six, to_quaternion, to_six
from models.gesture.config import BODY, MOVING
from models.gesture.pats import PatsProjection

UPPER = tuple(BODY.index(joint) for joint in MOVING[1:])
"""Joints whose turns a pose holds; the hips stand still, so feet do not slide."""
WIDTH = 6 * len(UPPER)
"""Numbers of a pose: the first two columns of each joint's local rotation."""
_ARMS = tuple(
    tuple(MOVING.index(joint) for joint in ("abdomen", "chest", f"{side}Shldr", f"{side}ForeArm", f"{side}Hand"))
    for side in "rl"
)


class Shown(NamedTuple):
    """A body at each frame."""

    joints: Tensor  #: (..., 27, 3) metres
    rotations: Tensor  #: (..., 27, 4) local quaternions, x y z w
    points: Tensor  #: (..., 52, 2) PATS pixels


class Poses(nn.Module):
    """Pose vectors (..., :data:`WIDTH`) and what they look like. ``rest`` (styles, WIDTH) is how each gesturer stands
    at rest, by which the size of movements is measured."""

    mean: Tensor
    scale: Tensor
    rest: Tensor
    root: Tensor

    def __init__(self, styles: int) -> None:
        super().__init__()
        still = to_six(torch.eye(3)).repeat(len(UPPER))
        self.register_buffer("mean", still.clone())
        self.register_buffer("scale", torch.full((WIDTH,), 0.2))
        self.register_buffer("rest", still.repeat(styles, 1))
        lowest = float(BODY.rest_positions()[[BODY.index(foot) for foot in BODY.feet], 1].min())
        self.register_buffer("root", torch.tensor([0.0, -lowest, 0.0]), persistent=False)
        self.chain = Kinematics(BODY, [0, *UPPER])
        self.points = PatsProjection()
        self.order = [UPPER.index(joint) if joint in UPPER else -1 for joint in range(len(BODY.joints))]

    def fit(self, vectors: Tensor, least: float = 0.02) -> None:
        """Take mean and scale from ``vectors`` (N, WIDTH)."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_(vectors.std(0).clamp_min(least))

    def standardised(self, vectors: Tensor) -> Tensor:
        """Vectors with mean 0 and scale 1 in every number."""
        return (vectors - self.mean) / self.scale

    def restored(self, standardised: Tensor) -> Tensor:
        """The inverse of :meth:`standardised`."""
        return standardised * self.scale + self.mean

    def turns(self, vectors: Tensor, idle: Tensor | None = None) -> Tensor:
        """Local rotations (..., upper joints, 3, 3), with small turns ``idle`` (..., upper joints, 3) (rad) on top."""
        local = from_six(vectors.unflatten(-1, (len(UPPER), 6)))
        return local if idle is None else _small(idle) @ local

    def joints(self, turns: Tensor) -> Tensor:
        """Joint positions (..., 27, 3) of :meth:`turns`."""
        return self._from_hips(turns) + self.root.to(turns.dtype)

    def _from_hips(self, turns: Tensor) -> Tensor:
        still = torch.eye(3, dtype=turns.dtype, device=turns.device).expand(*turns.shape[:-3], 1, 3, 3)
        origin = torch.zeros_like(turns[..., 0, :, 0])
        positions: Tensor = self.chain(origin, torch.cat([still, turns], -3))
        return positions

    def shown(self, turns: Tensor) -> Shown:
        """The body, its quaternions and its points."""
        from_hips = self._from_hips(turns)
        hands = []
        for arm in _ARMS:
            whole = turns[..., arm[0] - 1, :, :]
            for joint in arm[1:]:
                whole = whole @ turns[..., joint - 1, :, :]
            hands.append(whole)
        quaternions = to_quaternion(turns)
        still = torch.zeros_like(quaternions[..., :1, :]) + quaternions.new_tensor([0.0, 0.0, 0.0, 1.0])
        rotations = torch.cat([quaternions, still], -2)[..., self.order, :]
        # A pixel is under a millimetre, so points are made before the height over the floor takes digits.
        points = self.points(from_hips, torch.stack(hands, -3))
        return Shown(from_hips + self.root.to(turns.dtype), rotations, points)


def _small(angles: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of small rotation vectors (..., 3), exact to second order."""
    x, y, z = angles.unbind(-1)
    one = torch.ones_like(x)
    return from_six(torch.stack([one, z, -y, -z, one, x], -1))
