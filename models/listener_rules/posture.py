"""The body under the face: sway, breathing, posture shifts, and attention to a partner who moves.

- **Sway.** A head at rest is never still: persistent at small scales, bounded at large ones (Ashenfelter et al. 2009,
  J. Exp. Psychology: HPP 35; Collins & De Luca 1993), most of its power below 0.5 Hz (Prieto et al. 1996). So: two
  Ornstein-Uhlenbeck walks per axis (correlation 4 s and 0.7 s) through a critically damped spring. No paper gives a
  listener's amplitude in degrees; ours, about a degree and a few millimetres, is a choice checked against real clips.
- **Breathing** at 15 a minute (12-20 at rest) is seen in sway even when seated (Hunter & Kearney 1981); its millimetre
  and tenth of a degree at the head are a choice.
- **Posture shifts**, a new rest pose: 1 to 3 a minute within a turn, several times as often at turn and topic
  boundaries (Cassell et al. 2001, ACL); both partners make them (Skach & Healey 2019, SemDial). Sizes are a choice.
- **Attention**: gaze follows the partner's head, the head follows with its share and lag; the partner's tilt is
  mirrored a little, 600 ms and more behind (Hale et al. 2020, J. Nonverbal Behavior 44; Maatman, Gratch & Marsella
  2005, IVA). While the partner speaks the listener leans in slightly.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell, follow, spring, wander, white

AXES = ("pitch", "yaw", "roll", "x", "y", "z")
DEGREE, MILLIMETRE = math.pi / 180.0, 0.001
SLOW = (0.8 * DEGREE, 1.3 * DEGREE, 0.9 * DEGREE, 4.0 * MILLIMETRE, 1.5 * MILLIMETRE, 5.0 * MILLIMETRE)
QUICK = (0.45 * DEGREE, 0.6 * DEGREE, 0.4 * DEGREE, 1.2 * MILLIMETRE, 0.6 * MILLIMETRE, 1.2 * MILLIMETRE)
SHIFT = (1.3 * DEGREE, 1.8 * DEGREE, 2.6 * DEGREE, 14.0 * MILLIMETRE, 5.0 * MILLIMETRE, 18.0 * MILLIMETRE)
"""Standard deviations per axis of slow sway, quick sway and rest poses."""
SLOW_TAU, QUICK_TAU, OMEGA = 4.0, 0.7, 4.5
SHIFT_RATE, SHIFT_AT_PAUSE = 1.0 / 45.0, 6.0
"""Posture shifts a second, and how much likelier they are in the first seconds of a partner's silence."""
BREATH_RATE, BREATH = 0.25, (0.12 * DEGREE, 0.0, 0.0, 0.0, 1.0 * MILLIMETRE, 0.3 * MILLIMETRE)
DISTANCE = 0.8
"""Metres between two people in conversation ("personal distance", Hall 1966)."""
TRACK_TAU, HEAD_FOLLOWS, TILT_MIRROR, TILT_TAU, LEAN_IN = 0.25, 0.55, 0.3, 1.2, 0.010


class PostureFrame(NamedTuple):
    """One frame of posture."""

    pose: Tensor  #: (B, 6) of the head in channel order and signs
    partner_yaw: Tensor  #: (B,): where the partner's face is
    partner_pitch: Tensor


class Posture(RecurrentCell):
    """Head pose other than nods and gaze, and the direction of the partner's head."""

    fields = (
        *(f"{kind}_{axis}" for kind in ("slow", "quick", "rest", "at", "speed") for axis in AXES),
        "breath",
        "partner_yaw",
        "partner_pitch",
        "partner_roll",
        "lean",
    )
    draws = 20

    def state_columns(self, state: Tensor, kind: str) -> Tensor:
        """The six axes (B, 6) of one kind."""
        first = self.fields.index(f"{kind}_{AXES[0]}")
        return state[:, first : first + 6]

    def __call__(
        self,
        face: Tensor,
        valid: Tensor,
        quiet_for: Tensor,
        speaking: Tensor,
        size: Tensor,
        noise: Tensor,
        state: Tensor,
    ) -> tuple[PostureFrame, Tensor]:
        """``face`` (B, 58) of the partner, valid where ``valid`` (B,) is 1."""
        like = state.new_tensor
        slow = wander(self.state_columns(state, "slow"), noise[:, 0:6], SLOW_TAU)
        quick = wander(self.state_columns(state, "quick"), noise[:, 6:12], QUICK_TAU)
        likely = SHIFT_RATE * DT * (1.0 + (SHIFT_AT_PAUSE - 1.0) * ((quiet_for > 0.3) & (quiet_for < 1.5)).float())
        moves = noise[:, 18] < likely
        rest = torch.where(moves[:, None], white(noise[:, 12:18]), self.state_columns(state, "rest"))

        s = self.unpack(state)
        shown = valid > 0.5
        # Facing each other, the partner's own left is on the listener's right.
        yaw = torch.where(shown, -torch.atan(face[:, 55] / DISTANCE), 0.0)
        pitch = torch.where(shown, -torch.atan(face[:, 56] / DISTANCE), 0.0)
        yaw, pitch = follow(s["partner_yaw"], yaw, TRACK_TAU), follow(s["partner_pitch"], pitch, TRACK_TAU)
        roll = follow(s["partner_roll"], torch.where(shown, -face[:, 54], 0.0), TILT_TAU)
        lean = follow(s["lean"], speaking.float(), 1.5)
        attention = torch.stack(
            [HEAD_FOLLOWS * pitch, HEAD_FOLLOWS * yaw, TILT_MIRROR * roll, 0.0 * lean, 0.0 * lean, LEAN_IN * lean], -1
        )
        target = (slow * like(SLOW) + quick * like(QUICK) + rest * like(SHIFT)) * size[:, None] + attention
        at, speed = spring(self.state_columns(state, "at"), self.state_columns(state, "speed"), target, OMEGA)

        breath = s["breath"] + DT * BREATH_RATE * (0.85 + 0.3 * noise[:, 19])
        breath = breath - torch.floor(breath)
        pose = at + torch.sin(2.0 * math.pi * breath)[:, None] * like(BREATH)
        rows = torch.stack([breath, yaw, pitch, roll, lean], -1)
        return PostureFrame(pose, yaw, pitch), torch.cat([slow, quick, rest, at, speed, rows], -1)
