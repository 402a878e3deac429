"""Poses of a body that gestures: its upper body as numbers, and joints, quaternions and PATS' points of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.bodies.kinematics import from_six, to_six
from models.bodies.upper import UpperBody
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


class Poses(UpperBody):
    """Pose vectors (..., :data:`WIDTH`) and what they look like. ``rest`` (styles, WIDTH) is how each gesturer stands
    at rest, by which the size of movements is measured."""

    rest: Tensor

    def __init__(self, styles: int) -> None:
        super().__init__(BODY, UPPER)
        self.register_buffer("rest", to_six(torch.eye(3)).repeat(len(UPPER)).repeat(styles, 1))
        self.points = PatsProjection()

    def turns(self, vectors: Tensor, idle: Tensor | None = None) -> Tensor:
        """Local rotations (..., upper joints, 3, 3), with small turns ``idle`` (..., upper joints, 3) (rad) on top."""
        local = super().turns(vectors)
        return local if idle is None else _small(idle) @ local

    def shown(self, turns: Tensor) -> Shown:
        """The body, its quaternions and its points."""
        from_hips = self.from_hips(turns)
        hands = []
        for arm in _ARMS:
            whole = turns[..., arm[0] - 1, :, :]
            for joint in arm[1:]:
                whole = whole @ turns[..., joint - 1, :, :]
            hands.append(whole)
        # A pixel is under a millimetre, so points are made before the height over the floor takes digits.
        points = self.points(from_hips, torch.stack(hands, -3))
        return Shown(from_hips + self.root.to(turns.dtype), self.rotations(turns), points)


def _small(angles: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of small rotation vectors (..., 3), exact to second order."""
    x, y, z = angles.unbind(-1)
    one = torch.ones_like(x)
    return from_six(torch.stack([one, z, -y, -z, one, x], -1))
