"""The body of a simulated listener: sway, breathing, posture shifts, and attention to a partner who moves.

Constants and sources are those of :mod:`models.listener_rules.posture`; here whole curves are filtered at once, and the
sizes belong to a persona.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.channels import FACE
from models.listener_rules import posture
from models.listening.cell import DT
from train.simulate.curves import Curve, follow, spring, wander
from train.simulate.floor import ConversationFloor
from train.simulate.persona import Persona
from train.simulate.talk import Talk

OWN_MORE = 1.25
"""Sway while speaking, as a factor: talking moves the head."""


@dataclass(frozen=True)
class HeadMotion:
    """The pose (T, 6) in channel order, and the direction of the partner's face, (T,) each, radians."""

    pose: Curve
    partner_yaw: Curve
    partner_pitch: Curve


def sway(talk: Talk, floor: ConversationFloor, who: Persona, rng: np.random.Generator) -> HeadMotion:
    """The body of one listener of ``talk``, nods and looks left out."""
    frames, axes = talk.frames, len(posture.AXES)
    size = who.expressiveness**0.5 * who.restlessness * (1.0 + (OWN_MORE - 1.0) * follow(floor.own.astype(float), 1.0))
    drift = wander(rng, frames, posture.SLOW_TAU, axes) * posture.SLOW
    drift += wander(rng, frames, posture.QUICK_TAU, axes) * posture.QUICK

    boundary = (floor.quiet_for > 0.3) & (floor.quiet_for < 1.5)
    likely = posture.SHIFT_RATE * DT * who.restlessness * np.where(boundary, posture.SHIFT_AT_PAUSE, 1.0)
    moves = np.flatnonzero(rng.uniform(size=frames) < likely)
    rest = np.zeros((frames, axes))
    for start in (0, *moves):
        rest[start:] = rng.uniform(-1.0, 1.0, axes) * np.sqrt(3.0)

    face = talk.face.astype(float)
    yaw = follow(-np.arctan(face[:, FACE["headX"]] / posture.DISTANCE), posture.TRACK_TAU)
    pitch = follow(-np.arctan(face[:, FACE["headY"]] / posture.DISTANCE), posture.TRACK_TAU)
    roll = follow(-face[:, FACE["headRoll"]], posture.TILT_TAU)
    target = (drift + rest * posture.SHIFT) * size[:, None]
    target[:, 0] += posture.HEAD_FOLLOWS * pitch
    target[:, 1] += posture.HEAD_FOLLOWS * yaw
    target[:, 2] += posture.TILT_MIRROR * roll
    target[:, 5] += posture.LEAN_IN * follow(floor.speaking.astype(float), 1.5)

    turns = np.cumsum(DT * posture.BREATH_RATE * rng.uniform(0.85, 1.15, frames)) + rng.uniform()
    breath = np.sin(2.0 * np.pi * turns)[:, None] * posture.BREATH
    return HeadMotion(spring(target, posture.OMEGA) + breath, yaw, pitch)
