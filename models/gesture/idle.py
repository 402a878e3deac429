"""What a body does beside its gestures: it breathes, sways a little and looks about, and more so while it speaks.

Each axis wanders (Ornstein and Uhlenbeck) and is smoothed twice, so that speed and acceleration have no jumps.
Breathing is a slow sine at about 15 breaths a minute whose pace wanders too.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.spec import StateSpec
from models.gesture.config import MOVING, RATE

AXES = (
    ("chest", 0, 0.020, 3.0),
    ("chest", 1, 0.035, 4.0),
    ("chest", 2, 0.018, 4.0),
    ("head", 0, 0.050, 1.6),
    ("head", 1, 0.085, 2.2),
    ("head", 2, 0.035, 2.0),
)
"""Joint, axis (0 pitch, 1 yaw, 2 roll), usual size (rad) and correlation time (s) of each wandering angle."""
SMOOTH_S = 0.25
"""Time constant (s) of each of the two filters."""
BREATH_HZ, BREATH_SIZE = 0.25, 0.012
SPEAKING_GAIN, SILENT_GAIN = 1.0, 0.55
UNIT = math.sqrt(12.0)
"""Width of a uniform distribution of variance 1."""
DRAWS = len(AXES) + 1
"""Uniform numbers that a frame takes: one an axis and one for the breath."""
_JOINTS = [MOVING[1:].index(joint) for joint, *_ in AXES]


class Idle:
    """The wandering angles of the joints ``MOVING[1:]``, (B, joints, 3) rotation vectors, frame by frame."""

    def state_specs(self) -> dict[str, StateSpec]:
        """Where each axis wanders, its two filters, the breath and its pace."""
        return {"axes": StateSpec((3, len(AXES))), "breath": StateSpec((2,)), "lively": StateSpec((1,))}

    def __call__(self, uniform: Tensor, speaking: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """One frame: ``uniform`` (B, :data:`DRAWS`), ``speaking`` (B,) from 0 to 1."""
        walk, first, second = state["axes"].unbind(1)
        keep = uniform.new_tensor([math.exp(-1.0 / (RATE * tau)) for *_, tau in AXES])
        walk = walk * keep + UNIT * (uniform[:, : len(AXES)] - 0.5) * (1.0 - keep.square()).sqrt()
        share = 1.0 - math.exp(-1.0 / (RATE * SMOOTH_S))
        first = first + share * (walk - first)
        second = second + share * (first - second)
        lively = state["lively"][:, 0]
        lively = lively + 0.05 * (speaking - lively)
        gain = SILENT_GAIN + (SPEAKING_GAIN - SILENT_GAIN) * lively
        breath, pace = state["breath"].unbind(-1)
        pace = 0.98 * pace + 0.02 * UNIT * (uniform[:, -1] - 0.5)
        breath = breath + BREATH_HZ / RATE * (1.0 + pace.clamp(-0.4, 0.4))
        breath = breath - breath.floor()
        angles = second * gain[:, None] * uniform.new_tensor([size for _, _, size, _ in AXES])
        columns = [[torch.zeros_like(breath) for _ in range(3)] for _ in MOVING[1:]]
        for number, (joint, (_, axis, _, _)) in enumerate(zip(_JOINTS, AXES, strict=True)):
            columns[joint][axis] = columns[joint][axis] + angles[:, number]
        chest = MOVING[1:].index("chest")
        columns[chest][0] = columns[chest][0] - BREATH_SIZE * torch.sin(2.0 * math.pi * breath)
        turned = torch.stack([torch.stack(axes, -1) for axes in columns], 1)
        kept = {
            "axes": torch.stack([walk, first, second], 1),
            "breath": torch.stack([breath, pace], -1),
            "lively": lively[:, None],
        }
        return turned, kept
