"""AMI's held-out people beside models that speak their words: hand gestures and nods a minute, by who is speaking.

People were annotated in whole meetings. A model hears a synthetic voice say the same people's turns, in which waits
while others talk are shortened (:mod:`train.speech.turns`): its silence of a second or more stands for others' talk, a
shorter one for a pause of its own. It hears nobody else, so it has no silence of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.gesture.evaluation.cases import Case, Shown, at, within
from train.gesture.evaluation.nods import find_nods
from train.gesture.evaluation.rows import GestureRow
from train.gesture.pats.layout import RATE
from train.gesture.strokes import find_strokes
from train.report.evaluation import Counts, Derived, Pooled, Section, measure
from train.report.intervals import Sums, Tally, by_group
from train.report.tables import Metric
from train.simulate.gestures import measure as measure_ami
from train.simulate.gestures.measure import ByState, by_state
from train.simulate.gestures.timing import STATES
from train.speech import ami

Array = NDArray[np.floating]

PEOPLE = "AMI's people"
IN = {"speech": "own talk", "pause": "own pauses", "others": "others' talk", "silence": "silence"}
METRICS = tuple(
    Metric(f"{kind}_{state}", f"{kind}: {IN[state]}", "people", f"{about} a minute in {IN[state]}")
    for kind, about in (("hands", "hand gestures (models: strokes)"), ("nods", "nods of emphasis"))
    for state in STATES
)


class Observed(NamedTuple):
    """What somebody did by state; ``kind`` is ``hands`` or ``nods``."""

    who: str
    kind: str
    seen: ByState


@dataclass(frozen=True)
class Watched:
    """A row: what all of its people did."""

    name: str
    about: str
    kind: str
    seen: Sequence[Observed]


@dataclass(kw_only=True)
class People(Section):
    """See the module."""

    def sentences(self) -> list[str]:
        """What each model does beside people."""
        real, *others = self.results
        told = f"AMI's held-out people ({real.groups}) make {{}} a minute in own talk, {{}} in others' talk"
        hands = told.format(f"{real.value('hands_speech'):.1f} hand gestures", f"{real.value('hands_others'):.1f}")
        nods = f"nods {real.value('nods_speech'):.1f} and {real.value('nods_others'):.1f}"
        return [f"{hands}; {nods}."] + [
            f"{row.name}, on their words: {row.value('hands_speech'):.1f} strokes a minute in own talk, "
            f"{row.value('hands_others'):.1f} while others would talk; nods {row.value('nods_speech'):.1f} and "
            f"{row.value('nods_others'):.1f}."
            for row in others
            if row.kind in ("model", "people")
        ]


def section(cases: Sequence[Case], rows: Sequence[GestureRow], data: Path | None, seed: int) -> People | None:
    """The rates of AMI's held-out people and of ``rows`` on the cases that speak their words; None without either."""
    spoken = [case for case in cases if case.person is not None and ami.held_out(case.person.meeting)]
    if data is None or not ami.available(data) or not spoken:
        return None
    real = measure_ami.people(data, held_out=True)
    about = "hand gestures and nods of emphasis as annotated in meetings"
    watched = [Watched(PEOPLE, about, "people", _annotated(real))]
    for row in rows:
        own = [(case, row.motions[case.name]) for case in spoken if case.name in row.motions]
        if own:
            watched.append(Watched(row.name, row.about, row.kind, _moved(own)))
    title = f"AMI: {len({case.person for case in spoken})} held-out people's words, spoken again"
    return People(title=title, metrics=METRICS, results=measure(watched, _count, _derive, seed))


def _annotated(real: measure_ami.People) -> list[Observed]:
    layers = (("hands", real.hands), ("nods", real.nods))
    return [Observed(_who(one.person), kind, by_state(one)) for kind, layer in layers for one in layer]


def _moved(own: Sequence[tuple[Case, Shown]]) -> list[Observed]:
    found = []
    for case, shown in own:
        assert case.person is not None
        strokes = np.array([stroke.apex for stroke in find_strokes(shown.points)])
        found.append(Observed(_who(case.person), "hands", _stated(case, strokes)))
        if shown.joints is not None:
            found.append(Observed(_who(case.person), "nods", _stated(case, find_nods(shown.joints))))
    return found


def _who(person: ami.Person) -> str:
    """The same people meet in all meetings of a series."""
    return f"{ami.series(person.meeting)} {person.speaker}"


def _stated(case: Case, moments: Array) -> ByState:
    """How long a talk is in each of the states, and how many of ``moments`` (N,) fall there."""
    speaking, turn = case.speaking(), within(case.utterances, case.frames)
    state = np.where(speaking, STATES.index("speech"), np.where(turn, STATES.index("pause"), STATES.index("others")))
    each = np.arange(len(STATES))[:, None]
    minutes = (state == each).sum(1) / RATE / 60.0
    return ByState(minutes, (state[at(moments, case.frames)] == each).sum(1).astype(float))


def _count(row: Watched) -> Counts:
    blank: Sums = {
        f"{kind}.{part}": np.zeros(len(STATES)) for kind in ("hands", "nods") for part in ("minutes", "events")
    }
    tallies = by_group(
        (who, Tally(blank | {f"{kind}.minutes": seen.minutes, f"{kind}.events": seen.events}, {}))
        for who, kind, seen in row.seen
    )
    return Counts(tallies, 60.0 * float(sum(seen.minutes.sum() for _, kind, seen in row.seen if kind == "hands")))


def _derive(own: Pooled, _: Mapping[str, Pooled]) -> Derived:
    sums = own.tally.sums
    found: Sums = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for kind in ("hands", "nods"):
            rate = sums[f"{kind}.events"] / sums[f"{kind}.minutes"]
            found |= {f"{kind}_{state}": rate[:, k] for k, state in enumerate(STATES)}
    return Derived(found)
