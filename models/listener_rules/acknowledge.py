"""When a vocal answer would be due, and of which kind: for whoever gives the avatar a voice. It moves nothing.

Listeners say short things without taking the turn (Yngve 1970, "On getting a word in edgewise"). Two kinds differ in
what they do (Schegloff 1982, "Discourse as an interactional achievement"; Goodwin 1986, Human Studies 9; generic and
specific responses of Bavelas, Coates & Johnson 2000, J. Personality and Social Psychology 79):

- **continuer**, "mm-hm", "yeah": go on. With some nods, at the nod's start.
- **assessment**, "oh?", "really?": with some of the raised brows that answer a rise of pitch into a pause.

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

from models.listener_rules.nods import RISE_SEMITONES
from models.listening.cell import RecurrentCell
from models.listening.prosody import Prosody

CONTINUER_AT_NOD, ASSESSMENT_AT_FLASH = 0.16, 0.30
ROUND = 65536.0
"""Where a count begins again; float32 holds every whole number below it."""


class Acknowledge(RecurrentCell):
    """Nods and raised brows in, counts of vocal answers that were due out."""

    fields = ("continuer", "assessment")
    draws = 1

    def __call__(
        self,
        heard: Prosody,
        nod_starts: Tensor,
        flash: Tensor,
        rate: Tensor,
        self_speaking: Tensor,
        noise: Tensor,
        state: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Counts (B, 2) by :attr:`fields`. ``flash`` is the raise of the brows, ``rate`` multiplies both shares."""
        draw = noise[:, 0]
        free = self_speaking < 0.5
        asked = heard.pause_cue & (heard.rise > RISE_SEMITONES) & (flash > 0.0)
        assessment = asked & (draw < ASSESSMENT_AT_FLASH * rate) & free
        continuer = nod_starts & ~assessment & (draw < CONTINUER_AT_NOD * rate) & free
        counts = state + torch.stack([continuer, assessment], -1).to(state.dtype)
        counts = torch.where(counts >= ROUND, counts - ROUND, counts)
        return counts, counts
