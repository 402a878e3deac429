"""Each of AMI's listeners as a row of ticks of 0.1 s: who holds the floor, when a nod would count, and the nods.

A tick counts while exactly one other person talks, or is the last who talked, up to 3 s ago; the listener is silent and
seen. What nobody could see, overlaps, and the listener's own turns are in no rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from train.report.hazard import Watched
from train.simulate.meetings.people import JOIN_S, TICK_S, Meeting, Participant
from train.simulate.talk import Span, joined

HELD_S = 3.0
"""Silence (s) for which the floor is still the last speaker's."""
NOBODY = -1


@dataclass(frozen=True)
class View:
    """A meeting as one of its people lived it. ``holder`` (T,) is the place of who holds the floor among the meeting's
    people, :data:`NOBODY` for none; ``risk`` (T,) whether a nod that begins in a tick counts; ``nods`` (N,) the ticks
    in which the listener's nods begin, those that count."""

    meeting: Meeting
    place: int
    holder: NDArray[np.int64]
    risk: NDArray[np.bool_]
    nods: NDArray[np.int64]

    @property
    def listener(self) -> Participant:
        """Who listens."""
        return self.meeting.people[self.place]

    @property
    def minutes(self) -> float:
        """Watched time."""
        return float(self.risk.sum()) * TICK_S / 60.0

    @cached_property
    def watched(self) -> list[Watched]:
        """The stretches (s) that count."""
        edges = np.flatnonzero(np.diff(np.r_[False, self.risk, False].astype(np.int8))).reshape(-1, 2)
        return [Watched(float(start) * TICK_S, float(end) * TICK_S) for start, end in edges]

    @cached_property
    def ends(self) -> NDArray[np.float64]:
        """When phrases end (s): the floor's holder is silent for 0.3 s or more from there on."""
        found = []
        for place, who in enumerate(self.meeting.people):
            for phrase in phrases(who):
                tick = min(len(self.holder) - 1, max(0, int(phrase.end_s / TICK_S) - 1))
                if place != self.place and self.holder[tick] == place:
                    found.append(phrase.end_s)
        return np.array(sorted(found))


def phrases(who: Participant, gap_s: float = JOIN_S) -> list[Span]:
    """What a person says without a pause of ``gap_s``."""
    return joined([Span(word.start, word.end) for word in who.words], gap_s)


def views(meeting: Meeting) -> list[View]:
    """The views of all people of a meeting who are ever seen while another talks."""
    talk = np.stack([who.speaks for who in meeting.people])
    count = talk.sum(0)
    tick = np.arange(meeting.ticks)
    last = np.maximum.accumulate(np.where(count > 0, tick, NOBODY))
    alone = (last >= 0) & (count[last] == 1) & (count <= 1) & (tick - last <= HELD_S / TICK_S)
    holder = np.where(alone, talk[:, last].argmax(0), NOBODY)
    found = []
    for place, who in enumerate(meeting.people):
        risk = who.seen & ~who.speaks & (holder != NOBODY) & (holder != place)
        starts = np.unique([int(span.start_s / TICK_S) for span in who.nods]).astype(np.int64)
        if risk.any():
            found.append(View(meeting, place, holder, risk, starts[risk[starts]]))
    return found
