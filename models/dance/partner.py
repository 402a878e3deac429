"""What the dancer sees of a partner: their pose and how they move, from where the partner stands and faces.

Seen like this a partner looks the same anywhere on the stage; where the dancer stands beside them is not an input but
part of the pose that the decoder emits (``place``), so that training over whole takes and dancing frame by frame agree.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.body.skeleton import Skeleton
from engine.spec import StateSpec
from models.bodies.heading import anchor, between, heading, in_frame, turned_back
from models.contract import Tensors, finite
from models.layers.base import Layer

PER_SECOND = 30.0
"""Frames to seconds, so that speeds weigh about as much as metres."""


class PartnerTrack(NamedTuple):
    """What is seen of partners, (B, T, width), and where they stand and face, (B, T, 2) both."""

    view: Tensor
    at: Tensor
    facing: Tensor


class PartnerView(Layer):
    """(B, T, J, 3) positions and validity (B, T) to (B, T, 3 J + 4): joints in the partner's own frame, travel along
    its x and z (m/s), turning (rad/s), and whether it is seen; all 0 where it is not."""

    memory = 1

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.width = 3 * len(skeleton.joints) + 4

    def state_specs(self) -> dict[str, StateSpec]:
        """``stood``: where the partner stood and faced, and whether it was seen."""
        return {"stood": StateSpec((5,))}

    def forward(self, x: Tensor, state: Tensors, valid: Tensor) -> tuple[PartnerTrack, Tensors]:
        """Partners at positions ``x`` (B, T, J, 3) where ``valid`` (B, T) is 1."""
        x, seen = finite(x), valid[..., None]
        at, facing = anchor(x, self.skeleton), heading(x, self.skeleton)
        stood = torch.cat([at, facing, seen], -1)
        before = torch.cat([state["stood"][:, None], stood[:, :-1]], 1)
        known = seen * before[..., 4:]
        travel = turned_back(at - before[..., :2], facing) * known
        turning = between(before[..., 2:4], facing)[..., 1:] * known
        shape = in_frame(x, at, facing).flatten(-2) * seen
        view = torch.cat([shape, PER_SECOND * travel, PER_SECOND * turning, seen], -1)
        return PartnerTrack(view, at, facing), {"stood": stood[:, -1]}
