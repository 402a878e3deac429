"""Which stretches of a meeting become talks: whole half minutes in which one person holds the floor and is listened to.

In a stretch the speaker has most of what is said, the others together say little while the speaker is silent (nobody
hears them in the talk, so what they cause would be unexplained), and at least two of them are seen all the time: where
somebody is off camera, a stretch ends or goes on without that listener. Stretches of a meeting do not overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.simulate.meetings.people import TICK_S, Meeting, Participant
from train.simulate.talk import CLIP_FRAMES, FPS
from train.speech import ami

CLIP_TICKS = round(CLIP_FRAMES / FPS / TICK_S)
STEP_TICKS = 20  #: between the starts that are tried
LEAST_SHARE, LEAST_OWN_S, MOST_OTHERS_S = 0.75, 12.0, 6.0
"""In each half minute: the speaker's least share of all that is said, least seconds of speech, and most seconds in
which others speak while the speaker does not."""
LEAST_LISTENERS, LONGEST_CLIPS = 2, 10

VAL = frozenset({"IS1001", "IS1009"})
"""Series whose people validate; those of :data:`train.speech.ami.HELD_OUT` test, as in the other families."""


@dataclass(frozen=True)
class Stretch:
    """``seconds`` of a meeting from ``start_s`` on: who speaks, and who listens and is seen throughout."""

    meeting: str
    start_s: float
    seconds: float
    speaker: Participant
    listeners: tuple[Participant, ...]

    @property
    def name(self) -> str:
        """``ES2003a-B-00130``."""
        return f"{self.meeting}-{self.speaker.person.speaker}-{self.start_s:05.0f}"

    @property
    def series(self) -> str:
        """The group of people who meet."""
        return ami.series(self.meeting)

    @property
    def split(self) -> str:
        """Its side: ``train``, ``val`` or ``test``."""
        return side_of(self.meeting)

    def inside(self, start_s: float) -> bool:
        """Whether a moment of the meeting lies in it."""
        return self.start_s <= start_s < self.start_s + self.seconds


def side_of(meeting: str) -> str:
    """The split of a meeting, by its series alone."""
    return "test" if ami.held_out(meeting) else "val" if ami.series(meeting) in VAL else "train"


class _Run(NamedTuple):
    """Clips that follow on for one speaker, by place, and the listeners seen in all of them."""

    clips: int
    speaker: int
    listeners: frozenset[int]


def stretches(meeting: Meeting) -> list[Stretch]:
    """The stretches of a meeting in order of time: from each start the longest, of at most five minutes."""
    talk = np.stack([who.speaks for who in meeting.people])
    alone = np.stack([~own & np.delete(talk, place, 0).any(0) for place, own in enumerate(talk)])
    counts = _Counts(*(_summed(rows) for rows in (talk, alone, np.stack([who.seen for who in meeting.people]))))
    found, start = [], 0
    while start + CLIP_TICKS <= meeting.ticks:
        runs = [_run(counts, speaker, start, meeting.ticks) for speaker in range(len(meeting.people))]
        best = max(runs, key=lambda run: run.clips)
        if not best.clips:
            start += STEP_TICKS
            continue
        length = best.clips * CLIP_TICKS
        people: Sequence[Participant] = meeting.people
        listeners = tuple(people[place] for place in sorted(best.listeners))
        found.append(Stretch(meeting.name, start * TICK_S, length * TICK_S, people[best.speaker], listeners))
        start += length
    return found


class _Counts(NamedTuple):
    """Ticks before each tick, (people, ticks + 1): when one speaks, when only others do, when it is seen."""

    speaks: NDArray[np.int64]
    others: NDArray[np.int64]
    seen: NDArray[np.int64]


def _summed(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.pad(np.cumsum(rows, 1, dtype=np.int64), ((0, 0), (1, 0)))


def _run(counts: _Counts, speaker: int, start: int, ticks: int) -> _Run:
    """How many clips from ``start`` on ``speaker`` holds the floor before the same two listeners or more."""
    run = _Run(0, speaker, frozenset())
    while run.clips < LONGEST_CLIPS and start + CLIP_TICKS <= ticks:
        speaks, others, seen = (rows[:, start + CLIP_TICKS] - rows[:, start] for rows in counts)
        holds = speaks[speaker] >= max(LEAST_OWN_S / TICK_S, LEAST_SHARE * speaks.sum())
        if not holds or others[speaker] > MOST_OTHERS_S / TICK_S:
            break
        watched = {place for place, count in enumerate(seen) if count == CLIP_TICKS and place != speaker}
        still = frozenset(watched & run.listeners if run.clips else watched)
        if len(still) < LEAST_LISTENERS:
            break
        run = _Run(run.clips + 1, speaker, still)
        start += CLIP_TICKS
    return run
