"""The body of a conversation: a drawn trunk and arms, neck and head that turn as the face's numbers say."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import FACE
from models.bodies.upper import UpperBody
from models.conversation.config import BODY, NECK_SHARE, TRUNK, UPPER_NAMES

UPPER = tuple(BODY.index(name) for name in UPPER_NAMES)
_HEAD = [FACE[name] for name in ("headPitch", "headYaw", "headRoll")]
_LAST = TRUNK.index("chest") + 1


class TalkingBody(UpperBody):
    """Joints and quaternions of trunks (..., 48) and faces (..., 58)."""

    def __init__(self) -> None:
        super().__init__(BODY, UPPER)

    def forward(self, trunk: Tensor, face: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (..., 27, 3) in metres and local quaternions (..., 27, 4), x y z w."""
        angles = face[..., _HEAD]
        cut = 6 * _LAST
        neck, head = turn(NECK_SHARE * angles), turn((1.0 - NECK_SHARE) * angles)
        turns = self.turns(torch.cat([trunk[..., :cut], neck, head, trunk[..., cut:]], -1))
        return self.joints(turns), self.rotations(turns)


def turn(angles: Tensor) -> Tensor:
    """The first two columns (..., 6) of ``Ry(yaw) Rx(pitch) Rz(roll)`` of (pitch, yaw, roll) (..., 3) in radians, in
    the order of :func:`models.bodies.kinematics.to_six`."""
    (sx, sy, sz), (cx, cy, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    first = [cy * cz + sy * sx * sz, cx * sz, -sy * cz + cy * sx * sz]
    second = [-cy * sz + sy * sx * cz, cx * cz, sy * sz + cy * sx * cz]
    return torch.stack([*first, *second], -1)
