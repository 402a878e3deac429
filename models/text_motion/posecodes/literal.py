"""Pose codes as the published parser computes them, so that its files can be compared; for nothing else.

Defects kept: the body is turned half round about Y first and then compared along the *world's* axes, so a body that
faces +Z in HumanML3D's frame gets right and left, behind and in front of exchanged, and all four change with every
turn; a cosine just past 1 has no angle and falls into the last bin (a vertical limb becomes horizontal, a limb folded
upon itself straight); noise of 5 degrees and 5 cm moves about a tenth of the groups at random. KIT-ML's joints are
taken as they are, millimetres for metres, the left arm for the right one though the legs keep their sides, and joints
that it lacks lie at the origin, where they may be the lowest of the body.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.errors import EngineError
from models.text_motion.posecodes.codes import ENDS, MIDDLE, bins, taken
from models.text_motion.posecodes.table import KINDS, POINTS, Kind

FROM_KIT = (0, 16, 11, 1, 17, 12, 2, 19, 14, 3, 20, 15, 4, -1, -1, -1, 5, 8, 6, 9, 7, 10)
"""Which of KIT-ML's 21 joints the parser takes for each of the 22; -1: none, and the origin stands for it."""
NOISE: dict[Kind, float] = {
    "angle": 5.0,
    "distance": 0.05,
    "relX": 0.05,
    "relY": 0.05,
    "relZ": 0.05,
    "relV": 5.0,
    "ground": 0.05,
}
"""Half the width of the uniform noise on each measure, in degrees or metres."""
_LEAST = 1e-12


class PoseCodeError(EngineError, ValueError):
    """A body that cannot be read as pose codes; the message names what it has and what is needed."""


def literal(joints: Tensor, noise: torch.Generator | None = None) -> Tensor:
    """Bins (..., 70) of joints (..., 22, 3), or (..., 21, 3) of KIT-ML, as they stand in ``new_joints``.

    ``noise``: a generator for the parser's noise; one with the seed that ``torch.manual_seed`` had gives the noise of
    the parser on a clip (T, 22, 3). None: no noise.
    """
    count = joints.shape[-2]
    if joints.shape[-1] != 3 or count not in (len(FROM_KIT), 21):
        raise PoseCodeError(
            f"pose codes of joints {tuple(joints.shape)}: give (..., 22, 3) of HumanML3D or (..., 21, 3) of KIT-ML"
        )
    if count == 21:
        # Its parser starts from zeros of double precision, so its thresholds are compared in that.
        filled = torch.cat([joints, torch.zeros_like(joints[..., :1, :])], -2).double()
        joints = filled[..., list(FROM_KIT), :]
    placed = _points(joints * torch.tensor([-1.0, 1.0, -1.0], dtype=joints.dtype, device=joints.device))
    measured = []
    for kind in KINDS:
        value = _measure(kind, placed)
        if noise is not None:
            value = value + (torch.rand(value.shape, generator=noise) * 2 - 1) * NOISE[kind]
        measured.append(value)
    return bins(torch.cat(measured, -1))


def _points(joints: Tensor) -> Tensor:
    fingers, hands = [], []
    for side in ("l_", "r_"):
        wrist, elbow = (joints[..., POINTS.index(side + joint), :] for joint in ("wrist", "elbow"))
        line = wrist - elbow
        fingers.append(MIDDLE * line / torch.linalg.norm(line, dim=-1, keepdim=True) + wrist)
        hands.append(0.5 * (wrist + fingers[-1]))
    pelvis, neck, chest = (joints[..., POINTS.index(joint), :] for joint in ("pelvis", "neck", "spine3"))
    return torch.cat([joints, torch.stack([*fingers, *hands, 1 / 3 * (pelvis + neck + chest)], -2)], -2)


def _measure(kind: Kind, placed: Tensor) -> Tensor:
    ends = [taken(placed, end) for end in ENDS[kind]]
    if kind == "angle":
        cosine = (_unit(ends[2] - ends[1]) * _unit(ends[0] - ends[1])).sum(-1)
        return _degrees(cosine)
    if kind == "distance":
        apart: Tensor = torch.linalg.norm(ends[0] - ends[1], dim=-1)
        return apart
    if kind == "relV":
        return _degrees(_unit(ends[1] - ends[0])[..., 1].abs())
    if kind == "ground":
        return ends[0][..., 1] - placed[..., 1].amin(-1, keepdim=True)
    axis = ("relX", "relY", "relZ").index(kind)
    return ends[0][..., axis] - ends[1][..., axis]


def _degrees(cosine: Tensor) -> Tensor:
    degrees: Tensor = 180.0 * torch.acos(cosine) / math.pi  # in the parser's order: another rounds another way
    return degrees


def _unit(line: Tensor) -> Tensor:
    unit: Tensor = torch.nn.functional.normalize(line, dim=-1, eps=_LEAST)
    return unit
