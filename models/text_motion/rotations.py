"""The rotations of HumanML3D's features: the shortest turn of each bone from rest, counted along the chains; and back.

A bone has no roll here, since joints do not tell it. In the original the rotation above a chain's first joint is the
*inverse* of where the body faces (EricGuo5513/HumanML3D issues 26, 141): callers give that rotation as ``root``.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from models.bodies.kinematics import from_six, to_six
from models.text_motion.layout import Layout

LEAST = 1e-6
"""Below this length a bone, or the sum of two directions, has no direction of its own."""


def swing(rest: Tensor, bone: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of the shortest turn from directions ``rest`` (J, 3) to ``bone`` (..., J, 3).

    A bone without length does not turn; one against its rest direction makes a half turn about a fixed axis. The turn
    is a half turn about ``rest`` and another about the direction half-way, which is exact however far they are apart.
    """
    middle = rest + bone / bone.square().sum(-1, keepdim=True).sqrt().clamp_min(LEAST)
    size = middle.square().sum(-1, keepdim=True).sqrt()
    aside = rest.roll(1, -1)  # at right angles, since rest directions lie along an axis
    return _half_turn(torch.where(size > LEAST, middle / size.clamp_min(LEAST), aside)) @ _half_turn(rest)


def _half_turn(axis: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) by 180 degrees about unit vectors (..., 3)."""
    return 2 * axis[..., :, None] * axis[..., None, :] - torch.eye(3, dtype=axis.dtype, device=axis.device)


def to_rotations(joints: Tensor, root: Tensor, layout: Layout) -> Tensor:
    """Rotations (..., 6(J-1)) along the chains of ``joints`` (..., J, 3) under the rotation ``root`` (..., 3, 3)."""
    rest = joints.new_tensor(layout.raw_offsets)[1:]
    bones = joints[..., 1:, :] - joints[..., list(layout.parents[1:]), :]
    turns = torch.cat([root[..., None, :, :], swing(rest, bones)], -3)
    above = turns[..., list(layout.turned_by[1:]), :, :]
    return to_six(above.transpose(-1, -2) @ turns[..., 1:, :, :]).flatten(-2)


def to_joints(six: Tensor, root: Tensor, lengths: Tensor, layout: Layout) -> Tensor:
    """The inverse: joints (..., J, 3) about a root at 0, of bones ``lengths`` (J,) long; that of the root is unread."""
    local = from_six(six.unflatten(-1, (-1, 6)))
    rest = six.new_tensor(layout.raw_offsets)
    turns = {0: root}
    joints = {0: torch.zeros_like(root[..., 0])}
    for chain in layout.chains:
        for parent, joint in itertools.pairwise(chain):
            turns[joint] = turns[layout.turned_by[joint]] @ local[..., joint - 1, :, :]
            joints[joint] = joints[parent] + turns[joint] @ rest[joint] * lengths[joint]
    return torch.stack([joints[joint] for joint in range(len(layout.joints))], -2)
