"""What a listener sees: its partner's face, and how far it is from that person's rest.

Trackers give everyone another neutral face, so besides the 58 numbers the change from a running, past-only estimate of
the resting face goes in. A weight's rest follows a lower value within a second and a higher one only over half a minute
(smiles come and go, the shape of a mouth stays); the head's rest follows both ways over some seconds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.listening.inputs import FRAME_RATE

FALL, RISE, TURN, SETTLING = 0.6, 40.0, 6.0, 1.0
"""Time constants (s): weights down, weights up, head; during the first ``SETTLING`` seconds weights rise in as long."""
TRUSTED_FOR = 0.5
"""Seconds for which the last seen face is still taken for the present one."""
HEAD_SCALE, METRE_SCALE = 4.0, 10.0
"""Bring radians and metres of the head to the size of weights."""


class FaceFeatures(nn.Module):
    """Features (B, T, ``width``): the face, its change from rest, whether it is seen and how old it is; ``rate`` frames
    a second."""

    width = 2 * 58 + 2
    scale: Tensor
    down: Tensor
    up: Tensor

    def __init__(self, rate: float = FRAME_RATE) -> None:
        super().__init__()
        self.frame_s = 1.0 / rate
        scale = torch.cat([torch.ones(52), torch.full((3,), HEAD_SCALE), torch.full((3,), METRE_SCALE)])
        self.register_buffer("scale", scale, persistent=False)
        down = torch.cat([torch.full((52,), self.frame_s / FALL), torch.full((6,), self.frame_s / TURN)])
        up = torch.cat([torch.full((52,), self.frame_s / RISE), torch.full((6,), self.frame_s / TURN)])
        self.register_buffer("down", down, persistent=False)
        self.register_buffer("up", up, persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """``rest`` (58) and ``seen_for``, seconds of face seen so far."""
        return {"rest": StateSpec((58,)), "seen_for": StateSpec((1,))}

    @torch.no_grad()
    def forward(self, streams: Tensors, state: Tensors) -> tuple[Tensor, Tensors]:
        """Features of ``partner_face``, ``partner_face_valid`` and ``partner_face_age``."""
        face, age = streams["partner_face"], streams["partner_face_age"]
        shown = seen_now(streams)[..., None]
        rest, seen_for, rests = state["rest"], state["seen_for"], []
        settling = self.down.new_tensor(self.frame_s / SETTLING)
        for t in range(face.shape[1]):
            rising = torch.where(seen_for < SETTLING, torch.maximum(self.up, settling), self.up)
            gap = face[:, t] - rest
            moved = rest + gap * torch.where(gap < 0.0, self.down, rising)
            # The first face seen is the first guess at rest.
            moved = torch.where(seen_for > 0.0, moved, face[:, t])
            rest = torch.where(shown[:, t] > 0.0, moved, rest)
            seen_for = (seen_for + self.frame_s * shown[:, t]).clamp(max=10.0)
            rests.append(rest)
        change = face - torch.stack(rests, 1)
        seen = torch.cat([face * self.scale, change * self.scale], -1) * shown
        return torch.cat([seen, shown, shown * age[..., None] / TRUSTED_FOR], -1), {"rest": rest, "seen_for": seen_for}


def seen_now(streams: Tensors) -> Tensor:
    """1 (B, T) where ``partner_face`` is taken for the present one, else 0."""
    return streams["partner_face_valid"] * (streams["partner_face_age"] < TRUSTED_FOR)
