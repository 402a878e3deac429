"""When a vocal answer would be due, and of which kind: for whoever gives the avatar a voice. It moves nothing.

Listeners say short things without taking the turn (Yngve 1970, "On getting a word in edgewise"). Two kinds differ in
what they do (Schegloff 1982, "Discourse as an interactional achievement"; Goodwin 1986, Human Studies 9; generic and
specific responses of Bavelas, Coates & Johnson 2000, J. Personality and Social Psychology 79):

- **continuer**, "mm-hm", "yeah": go on. With some nods, at the nod's start.
- **assessment**, "oh?", "really?": with some raised brows that answer.

How often: in AMI's meetings (train.speech.ami: 5,439 nods of agreement by listeners) 16 % of nods come with a spoken
back-channel of the same person. The share of raised brows is our choice. None while the own avatar speaks, none of both
kinds at once. Laughing back is not there: nothing here hears laughter.

An event lives for one frame, and a reader that looks at the newest frame alone would lose it. So what is told is a
**count** of each kind since the session's start, modulo 65536: whoever sees a count grow knows what became due, however
many frames it missed, and one that reads a frame twice does not say it twice. A count that begins anew looks like a
step of more than half the way round: nothing is due then.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.spec import InputSpec, OutputSpec

KINDS = ("continuer", "assessment")
CONTINUER_AT_NOD, ASSESSMENT_AT_FLASH = 0.16, 0.30
ROUND = 65536.0
"""Where a count begins again; float32 holds every whole number below it."""
ACKNOWLEDGE = OutputSpec("acknowledge", (len(KINDS),), KINDS, ("count",) * len(KINDS), 0.0, ROUND - 1.0, codec="counts")
ACKNOWLEDGE_RATE = InputSpec(
    "acknowledge_rate", "control", low=0.0, high=6.0, missing=1.0, about="how many nods come with a word"
)


def due(nods: Tensor, raises: Tensor, draw: Tensor, rate: Tensor, self_speaking: Tensor) -> Tensor:
    """What becomes due, (..., 2) of 0 and 1 by :data:`KINDS`. ``nods`` and ``raises`` (of brows) are true where one
    begins, ``draw`` is uniform in [0, 1), ``rate`` multiplies both shares; all (...)."""
    free = self_speaking < 0.5
    assessment = raises & (draw < ASSESSMENT_AT_FLASH * rate) & free
    continuer = nods & ~assessment & (draw < CONTINUER_AT_NOD * rate) & free
    return torch.stack([continuer, assessment], -1).to(draw.dtype)


def counted(events: Tensor, before: Tensor) -> Tensor:
    """Counts (B, T, 2) after each of T frames of ``events`` (B, T, 2), on ``before`` (B, 2)."""
    counts = before[:, None] + events.cumsum(1)
    return torch.where(counts >= ROUND, counts - ROUND, counts)
