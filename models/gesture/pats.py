"""PATS' body of 52 points: names, order and tree, and the projection of a body on skeleton ``cmu`` onto them.

PATS (Ahuja et al., EMNLP Findings 2020; github.com/chahuja/pats) holds what OpenPose saw in videos: neck, arms, nose
and eyes, then the 21 points of the left hand and those of the right. Every other point is relative to the neck, x to
the image's right, y down, in pixels; ``pose/normalize`` scales each frame so that the right shoulder is
:data:`SHOULDER` from the neck. A body that faces the camera has its left at the image's right.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.body.skeleton import skeleton

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
HAND_POINTS = ("Root", *(f"{finger}{number}" for finger in FINGERS for number in range(1, 5)))
PATS_JOINTS = (
    "Neck",
    "RShoulder",
    "RElbow",
    "RWrist",
    "LShoulder",
    "LElbow",
    "LWrist",
    "Nose",
    "REye",
    "LEye",
    *(f"LHand{point}" for point in HAND_POINTS),
    *(f"RHand{point}" for point in HAND_POINTS),
)
LEFT_HAND, RIGHT_HAND = 10, 31
"""Where each hand's 21 points begin."""
_FINGER = tuple(0 if number == 0 else 4 * finger + number for finger in range(5) for number in range(4))
PATS_PARENTS = (
    *(-1, 0, 1, 2, 0, 4, 5, 0, 7, 7),
    *(6, *(LEFT_HAND + point for point in _FINGER)),
    *(3, *(RIGHT_HAND + point for point in _FINGER)),
)
SHOULDER = 167.0
"""Pixels between neck and right shoulder in every frame of ``pose/normalize``."""
LEAST = 0.02
"""Metres below which the shoulder's distance in the image is not divided by: a body seen from its side."""

_BODY = skeleton("cmu")
_ARMS = tuple(_BODY.index(joint) for joint in ("rShldr", "rForeArm", "rHand", "lShldr", "lForeArm", "lHand"))
_HEAD = tuple(_BODY.index(joint) for joint in ("head", "rightEye", "leftEye"))
_NOSE = (0.90, 4.4)
"""The nose from the head's joint, in the way to between the eyes and in its product (1/m) with the line of the eyes."""


class PatsProjection(nn.Module):
    """A body's joints as PATS' points, as a camera far ahead of it sees them. PATS' neck is the middle of the
    shoulders, as in OpenPose; fingers are those of a relaxed hand and move with the wrist."""

    hand: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("hand", torch.tensor(_relaxed_hand(), dtype=torch.float32), persistent=False)

    def forward(self, joints: Tensor, hands: Tensor) -> Tensor:
        """Points (..., 52, 2) in pixels of joint positions (..., 27, 3) in metres on skeleton ``cmu`` and of the right
        and left hand's rotations against the world (..., 2, 3, 3). The neck is 0."""
        arms = joints[..., _ARMS, :]
        neck = (arms[..., 0:1, :] + arms[..., 3:4, :]) / 2
        head, right, left = (joints[..., joint, :] for joint in _HEAD)
        ahead = (right + left) / 2 - head
        nose = head + _NOSE[0] * ahead + _NOSE[1] * torch.linalg.cross(left - right, ahead)
        fingers = [
            arms[..., wrist : wrist + 1, :] + (self.hand[side] @ hands[..., side, :, :].transpose(-1, -2))
            for side, wrist in ((1, 5), (0, 2))
        ]
        face = torch.stack([nose, right, left], -2)
        seen = (torch.cat([neck, arms, face, *fingers], -2) - neck)[..., :2]
        width = seen[..., 1:2, :].square().sum(-1, keepdim=True).clamp_min(LEAST**2).sqrt()
        return seen / width * seen.new_tensor([SHOULDER, -SHOULDER])


def _relaxed_hand() -> list[list[tuple[float, float, float]]]:
    """Offsets (2, 21, 3) in metres from the wrist of a right and a left hand whose joint does not turn: fingers along
    the arm, the palm down, the thumb ahead; each finger is curled a little more at every joint."""
    left = []
    fingers = (
        # root along and across the palm, which way it points (rad, positive to the thumb), bones, curl at each joint
        (0.022, 0.026, 0.75, (0.042, 0.032, 0.026), (0.15, 0.2, 0.25)),
        (0.090, 0.024, 0.08, (0.042, 0.025, 0.021), (0.35, 0.45, 0.3)),
        (0.092, 0.002, 0.00, (0.046, 0.029, 0.022), (0.45, 0.5, 0.3)),
        (0.086, -0.018, -0.06, (0.042, 0.027, 0.022), (0.5, 0.55, 0.35)),
        (0.078, -0.036, -0.14, (0.033, 0.020, 0.019), (0.55, 0.55, 0.35)),
    )
    points = [(0.0, 0.0, 0.0)]
    for along, across, way, bones, curls in fingers:
        at, bend = [along, across, 0.0], 0.0
        points.append((at[0], at[1], at[2]))
        for bone, curl in zip(bones, curls, strict=True):
            bend += curl
            level = bone * math.cos(bend)
            at = [at[0] + level * math.cos(way), at[1] + level * math.sin(way), at[2] - bone * math.sin(bend)]
            points.append((at[0], at[1], at[2]))
    middle = torch.tensor(_BODY.rest[_BODY.index("lMid1")], dtype=torch.float64)
    x = middle / middle.norm()
    up = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    y = torch.linalg.cross(x, up)
    y = y / y.norm()
    axes = torch.stack([x, y, torch.linalg.cross(y, x)])
    left = (torch.tensor(points, dtype=torch.float64) @ axes).tolist()
    return [[(-x, y, z) for x, y, z in left], [(x, y, z) for x, y, z in left]]
