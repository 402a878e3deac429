"""How far a partner smiles, told from how a mouth talks: the same for every listener that smiles back.

- **Articulation** is no smile. Spread vowels lift a tracker's mouth corners as far as a smile does (in clips of people
  who read aloud), but for a fifth to half of a second and beside a moving jaw or rounding lips, where felt smiles last
  half a second to four (Ekman & Friesen 1982, J. Nonverbal Behavior 6). So corners count once they have been up for a
  while: a short one in a still mouth, a longer one in a mouth that talks. A smile that talks outlives its dips.
- What counts is the change from the partner's own resting face, a running past-only estimate: trackers give everyone a
  different neutral, and nobody should be smiled at for the shape of their mouth.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.channels import FACE
from models.listening.cell import DT, RecurrentCell, follow

CORNERS, DEAD = ("mouthSmileLeft", "mouthSmileRight"), 0.08
"""Channels of a smile, and how far above rest their mean is no smile yet."""
REST_FALL, REST_RISE, SETTLES_FOR = 0.6, 40.0, 1.0
"""A resting level follows a lower value within a second and a higher one only over half a minute; in its first seconds
it follows both."""
STILL_FOR, TALKING_FOR, OPENING, DIPS_FOR = 0.12, 0.56, 0.12, 0.40
"""Seconds after which raised corners begin to count, in a still mouth and in one that talks; seconds until they count
wholly; and how long a dip may be after which a smile counts again at once."""
ARTICULATORS = ("jawOpen", "mouthPucker", "mouthFunnel")
MOVING_TAU, MOVING_LEAST, MOVING_SURE = 0.40, 0.35, 0.80
"""Time constant (s) of the articulators' mean speed, and speeds (weight/s, summed) of a still mouth and of one that
talks. Trackers of people gave 0.1 to 0.4 in silence and 0.6 to 2.9 in speech."""


class SmileMeter(RecurrentCell):
    """The partner's face in, how far it smiles out."""

    fields = ("rest", "seen_for", "moving", "lasted", *(f"last_{name}" for name in ARTICULATORS))

    def __call__(self, face: Tensor, shown: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """How far the corners of ``face`` (B, 58) are above rest, beyond :data:`DEAD`, as far as they count: (B,) in
        [0, 1], 0 where it is not ``shown`` (B,), bool. And the state after it."""
        s = self.unpack(state)
        seen_for = torch.where(shown, (s["seen_for"] + DT).clamp(max=10.0), s["seen_for"])
        before = state[:, -len(ARTICULATORS) :]
        articulators = torch.where(shown[:, None], picked(face, ARTICULATORS), before)
        moving = follow(s["moving"], (articulators - before).abs().sum(-1) / DT, MOVING_TAU)
        excess, rest = above_rest(picked(face, CORNERS).mean(-1), DEAD, s["rest"], seen_for, shown)
        counts, lasted = _lasting(excess > 0.0, moving, s["lasted"])
        first = torch.stack([rest, seen_for, moving, lasted], -1)
        return excess * counts, torch.cat([first, articulators], -1)


def above_rest(now: Tensor, dead: float, rest: Tensor, seen_for: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """How far a level ``now`` (B,) is above its resting level, in [0, 1] from ``dead`` on, and the resting level after
    it. ``seen_for`` (B,): seconds of face seen so far."""
    rising = torch.where(seen_for < SETTLES_FOR, torch.full_like(now, SETTLES_FOR), torch.full_like(now, REST_RISE))
    moved = torch.where(now < rest, follow(rest, now, REST_FALL), follow(rest, now, rising))
    rest = torch.where(shown, moved, rest)
    return torch.where(shown, ((now - rest - dead) / (1.0 - dead)).clamp(min=0.0), 0.0), rest


def picked(face: Tensor, channels: tuple[str, ...]) -> Tensor:
    """Some channels of a face, (B, channels)."""
    return face.index_select(-1, torch.tensor([FACE[name] for name in channels], device=face.device))


def _lasting(up: Tensor, moving: Tensor, lasted: Tensor) -> tuple[Tensor, Tensor]:
    """How far corners that are ``up`` (bool) count, 0..1, beside articulators of speed ``moving``, and ``lasted``, the
    seconds they have been up: what is over is forgotten as fast as it came."""
    talks = ((moving - MOVING_LEAST) / (MOVING_SURE - MOVING_LEAST)).clamp(0.0, 1.0)
    wanted = STILL_FOR + (TALKING_FOR - STILL_FOR) * talks
    lasted = torch.where(up, lasted + DT, lasted - DT).clamp(0.0, TALKING_FOR + OPENING + DIPS_FOR)
    return ((lasted - wanted) / OPENING).clamp(0.0, 1.0), lasted
