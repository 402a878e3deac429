"""When the rules say that a vocal answer is due (:mod:`models.listening.acknowledge`): a continuer with some nods, an
assessment with some of the raised brows that answer a rise of pitch into a pause."""

from __future__ import annotations

from torch import Tensor

from models.listener_rules.nods import RISE_SEMITONES
from models.listening import acknowledge
from models.listening.cell import RecurrentCell
from models.listening.prosody import Prosody


class Acknowledge(RecurrentCell):
    """Nods and raised brows in, counts of vocal answers that were due out."""

    fields = acknowledge.KINDS
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
        asked = heard.pause_cue & (heard.rise > RISE_SEMITONES) & (flash > 0.0)
        events = acknowledge.due(nod_starts, asked, noise[:, 0], rate, self_speaking)
        counts = acknowledge.counted(events[:, None], state)[:, 0]
        return counts, counts
