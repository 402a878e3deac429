"""Where the listener looks: at the partner's eyes and mouth, away now and then, and back.

Listeners look at the speaker 75 % of the time, speakers 41 % (Argyle & Ingham 1972, Semiotica 6). The intervals follow
Andrist, Mutlu & Gleicher (2013, IVA), whose listening agent looks away every 5 s for 1 s, and their measured 1.14 s
(listening) and 1.96 s every 4.8 s (speaking) (Andrist, Tan, Gleicher & Mutlu 2014, HRI); we draw from lognormals, as
people's spread is wide: glances of listeners last 1 to 7 s. Directions: to the side in 58-70 % of aversions, down in
20-29 %, up in the rest (ibid.). Sizes like the first part of Lee, Badler & Badler's law (2002, SIGGRAPH "Eyes alive":
-6.9 ln(P/15.7) degrees, at most 22.7 when listening). On the face, fixations of 0.3-1 s (Buchan, Pare & Munhall 2008)
go between eyes and mouth, 3.6 and 4 degrees apart at a metre.

Eyes move in saccades of 21 ms + 2.2 ms/deg (Bahill, Clark & Stark 1975; Carpenter 1988), so one or two frames. The head
shares in larger shifts only, slower (Freedman & Sparks 1997): little while listening (Andrist et al.: a tenth to four
tenths). While the head moves the eyes counter-rotate (vestibulo-ocular reflex), done where both are put together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell, lognormal, spring
from models.listening.folding import EYE_DOWN, EYE_SIDE, EYE_UP

TOWARDS_LISTENING, TOWARDS_SPEAKING, TOWARDS_SIGMA = 5.0, 3.6, 0.50
AWAY_LISTENING, AWAY_SPEAKING, AWAY_SIGMA = 1.14, 1.96, 0.28
IDLE_AFTER, IDLE_HURRY = 4.0, 1.6
"""After so many seconds of the partner's silence attention loosens: looks at the partner end sooner."""
SIDEWAYS_SHARE, DOWN_SHARE = 0.60, 0.28
AWAY_MEDIAN, AWAY_SPREAD = math.radians(12.0), 0.30
FIXATION_MEDIAN, FIXATION_SIGMA = 0.65, 0.55
FACE_HALF_WIDTH, FACE_HEIGHT = math.radians(1.4), math.radians(2.6)
SACCADE = 0.72
"""Share of what is left of a shift that one frame covers: 10 degrees are over within two."""
HEAD_FROM, HEAD_SHARE, HEAD_OMEGA = math.radians(6.0), 0.35, 5.5


class GazeDirection(NamedTuple):
    """One frame of gaze, radians in channel signs, (B,) each."""

    yaw: Tensor  #: from the partner's eyes
    pitch: Tensor
    head_yaw: Tensor  #: the head's share
    head_pitch: Tensor
    shift: Tensor  #: size of the shift that starts on this frame, 0 if none


class Gaze(RecurrentCell):
    """Direction of gaze relative to the partner's face, and the head's part in it."""

    fields = (
        "away",
        "left",
        "target_yaw",
        "target_pitch",
        "fixation",
        "yaw",
        "pitch",
        "head_yaw",
        "head_yaw_speed",
        "head_pitch",
        "head_pitch_speed",
    )
    draws = 5

    def __call__(
        self, quiet_for: Tensor, self_speaking: Tensor, noise: Tensor, state: Tensor
    ) -> tuple[GazeDirection, Tensor]:
        """Where to look after ``quiet_for`` (B,) seconds of the partner's silence, ``self_speaking`` (B,) or not."""
        s = self.unpack(state)
        time_draw, where_draw, side_draw, size_draw, point_draw = noise.unbind(-1)
        hurry = 1.0 + (IDLE_HURRY - 1.0) * ((quiet_for > IDLE_AFTER) & (s["away"] < 0.5)).float()
        left = s["left"] - DT * hurry
        change = left <= 0.0
        leaves = change & (s["away"] < 0.5) & (s["left"] > 0.0)  # the very first look is at the partner
        away = torch.where(change, leaves.float(), s["away"])
        towards_for = lognormal(time_draw, _blend(TOWARDS_LISTENING, TOWARDS_SPEAKING, self_speaking), TOWARDS_SIGMA)
        away_for = lognormal(time_draw, _blend(AWAY_LISTENING, AWAY_SPEAKING, self_speaking), AWAY_SIGMA)
        left = torch.where(change, torch.where(leaves, away_for, towards_for), left)

        size = lognormal(size_draw, AWAY_MEDIAN, AWAY_SPREAD)
        side = torch.sign(side_draw - 0.5)
        sideways, down = where_draw < SIDEWAYS_SHARE, where_draw < SIDEWAYS_SHARE + DOWN_SHARE
        away_yaw = side * size * torch.where(sideways, torch.full_like(size, 1.0), torch.full_like(size, 0.35))
        vertical = torch.where(down, 0.9 * size, -0.6 * size)
        away_pitch = torch.where(sideways, 0.35 * size * (point_draw - 0.3), vertical)

        fixation = s["fixation"] - DT
        refix = ((fixation <= 0.0) | change) & (away < 0.5)
        fixation = torch.where(refix, lognormal(time_draw, FIXATION_MEDIAN, FIXATION_SIGMA), fixation.clamp(min=0.0))
        mouth = where_draw < 0.3
        face_yaw = torch.where(mouth, 0.0, side * FACE_HALF_WIDTH) + (point_draw - 0.5) * 0.01
        face_pitch = torch.where(mouth, torch.full_like(size, FACE_HEIGHT), 0.0) + (size_draw - 0.5) * 0.01
        target_yaw = torch.where(leaves, away_yaw, torch.where(refix, face_yaw, s["target_yaw"]))
        target_pitch = torch.where(leaves, away_pitch, torch.where(refix, face_pitch, s["target_pitch"]))

        yaw = s["yaw"] + (target_yaw - s["yaw"]) * SACCADE
        pitch = s["pitch"] + (target_pitch - s["pitch"]) * SACCADE
        distance = torch.sqrt((target_yaw - s["yaw"]).square() + (target_pitch - s["pitch"]).square() + 1e-12)
        started = leaves | refix
        head = (1.0 - HEAD_FROM / torch.sqrt(target_yaw.square() + target_pitch.square() + 1e-6)).clamp(0.0, 1.0)
        head_yaw, yaw_speed = spring(s["head_yaw"], s["head_yaw_speed"], HEAD_SHARE * head * target_yaw, HEAD_OMEGA)
        head_pitch, pitch_speed = spring(
            s["head_pitch"], s["head_pitch_speed"], HEAD_SHARE * head * target_pitch, HEAD_OMEGA
        )
        values = {"away": away, "left": left, "target_yaw": target_yaw, "target_pitch": target_pitch}
        values |= {"fixation": fixation, "head_yaw_speed": yaw_speed, "head_pitch_speed": pitch_speed}
        values |= {"yaw": yaw, "pitch": pitch, "head_yaw": head_yaw, "head_pitch": head_pitch}
        direction = GazeDirection(yaw, pitch, head_yaw, head_pitch, torch.where(started, distance, 0.0))
        return direction, self.pack(values)


def eye_weights(yaw: Tensor, pitch: Tensor) -> dict[str, Tensor]:
    """The eight eyeLook weights of eyes turned by ``yaw`` (own left positive) and ``pitch`` (down positive) in the
    head, both eyes alike: partners sit far enough away for vergence not to show."""
    left, right = (yaw / EYE_SIDE).clamp(0.0, 1.0), (-yaw / EYE_SIDE).clamp(0.0, 1.0)
    down, up = (pitch / EYE_DOWN).clamp(0.0, 1.0), (-pitch / EYE_UP).clamp(0.0, 1.0)
    return {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": right,
        "eyeLookOutRight": right,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
        "eyeLookUpLeft": up,
        "eyeLookUpRight": up,
    }


def _blend(listening: float, speaking: float, self_speaking: Tensor) -> Tensor:
    return listening + (speaking - listening) * self_speaking
