"""The stage: where the dancer stands and faces, and what keeps it there. No parameters, inside the graph.

The decoder says how the body moves in its own frame. Here a foot that stands holds the body in place, a leash pulls it
back to the middle, and beside a partner that is seen it goes to its place, never nearer than there is room for.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.bodies.heading import added, between, turned, unit

LEASH = 0.004
"""Share of the way to the middle of the stage that a frame pulls back, beyond :data:`FREE` metres."""
FREE = 1.0
SERVO = 0.06
"""Share of the way to its place beside the partner that a frame goes."""
ROOM = 0.6
"""Metres that partners keep at least: where the network is unsure of the side it shrinks the distance."""
STEP = 0.03
"""Metres a frame that the pull to a place may add."""
TURN = 0.08
"""Radians a frame likewise."""
LEAST = 1e-6


class Stance(NamedTuple):
    """Where bodies stand, (B, 2) in metres along x and z, and face, (B, 2) as cos and sin."""

    at: Tensor
    facing: Tensor


def leash(at: Tensor) -> Tensor:
    """The step (B, 2) of a frame back to the middle of the stage for bodies that stand ``at`` (B, 2)."""
    return -at * (LEASH * (at.square().sum(-1, keepdim=True).sqrt() > FREE))


def beside(partner: Stance, place: Tensor) -> Stance:
    """Where to stand and face at a ``place`` (B, 4): in the partner's frame, metres and then cos and sin."""
    apart = place[:, :2].square().sum(-1, keepdim=True).sqrt().clamp_min(LEAST)
    away = place[:, :2] * (apart.clamp_min(ROOM) / apart)
    return Stance(partner.at + turned(away, partner.facing), added(partner.facing, unit(place[:, 2:])))


def approach(stance: Stance, goal: Stance, first: Tensor) -> tuple[Tensor, Tensor]:
    """The step (B, 2) and the turn (B,) in radians of one frame towards ``goal``; on the ``first`` (B,) the whole
    way."""
    way = goal.at - stance.at
    length = way.square().sum(-1, keepdim=True).sqrt().clamp_min(LEAST)
    step = torch.where(first[:, None], way, way * (SERVO * length).clamp_max(STEP) / length)
    off = between(stance.facing, goal.facing)
    angle = torch.atan2(off[:, 1], off[:, 0])
    return step, torch.where(first, angle, (SERVO * angle).clamp(-TURN, TURN))
