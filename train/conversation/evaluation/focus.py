"""People's gaze around turns: AMI's annotated focus of attention, measured once and kept in ``focus.json``.

:func:`write` measures it again. AMI's people sit at a table with three others, a screen and papers: who looks at nobody
may look at these. So their curves tell when gaze turns, and how much of it is on people is no target.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.conversation.evaluation.turns import LEAST_S, MOMENTS, OFFSETS, STEP_S, around
from train.files import read_json
from train.simulate.dialogues.avatar import turns_of
from train.simulate.talk import Span
from train.speech import ami

Array = NDArray[np.floating]

KEPT = Path(__file__).with_name("focus.json")
TICK = 0.05
"""Seconds: how finely focus is counted."""


@dataclass(frozen=True)
class Focus:
    """``on`` by moment: the share (steps,) of people's time at some person, beside :data:`.turns.OFFSETS`; ``turns``:
    how many each is of; ``people`` and ``source`` in words."""

    on: Mapping[str, Array]
    turns: Mapping[str, int]
    people: int
    source: str


def measure(data: Path) -> Focus:
    """The curves of all people of AMI whose focus was annotated. Raises :class:`EngineError` without the corpus."""
    looks: dict[ami.Person, list[ami.Mark]] = defaultdict(list)
    for mark in ami.focus(data):
        looks[mark.person].append(mark)
    meetings = {person.meeting for person in looks}
    said: dict[ami.Person, list[Span]] = defaultdict(list)
    for word in ami.words(data, meetings):
        if word.kind == "word":
            said[word.person].append(Span(word.start, word.end))
    turns = {
        person: [one for one in turns_of(spans) if one.end_s - one.start_s >= LEAST_S] for person, spans in said.items()
    }
    sums = {moment: np.zeros((2, len(OFFSETS))) for moment in MOMENTS}
    counts = dict.fromkeys(MOMENTS, 0)
    for person, marks in looks.items():
        at_person, known = gaze(marks)
        others = [
            one
            for other, spans in turns.items()
            if other.meeting == person.meeting and other != person
            for one in spans
        ]
        own = turns.get(person, [])
        times = {
            "own_start": [one.start_s for one in own],
            "own_end": [one.end_s for one in own],
            "partner_start": [one.start_s for one in others if not _speaks(own, one.start_s)],
        }
        for moment, found in times.items():
            sums[moment] += np.stack([around(values, np.array(found), 1.0 / TICK)[0] for values in (at_person, known)])
            counts[moment] += len(found)
    on = {moment: both[0] / np.maximum(both[1], 1e-9) for moment, both in sums.items()}
    source = f"{ami.CREDIT}, {ami.LICENCE}: words and focus of attention, {len(meetings)} meetings"
    return Focus(on, counts, len(looks), source)


def gaze(marks: Sequence[ami.Mark]) -> tuple[Array, Array]:
    """Whether somebody looks at a person in each tick, and whether it is known where (time whose focus is
    ``unspecified`` counts for neither)."""
    ticks = round(max(mark.end for mark in marks) / TICK) + 1
    on, known = np.zeros(ticks), np.zeros(ticks)
    for mark in marks:
        span = slice(round(mark.start / TICK), round(mark.end / TICK))
        if mark.type in ("person", "place"):
            known[span] = 1.0
            on[span] = float(mark.type == "person")
    return on, known


def _speaks(turns: Sequence[Span], time: float) -> bool:
    return any(one.start_s - STEP_S <= time < one.end_s for one in turns)


def write(data: Path, path: Path = KEPT) -> None:
    """Measure and keep. Raises :class:`EngineError` without the corpus."""
    found = measure(data)
    content = {
        "source": found.source,
        "what": "share of time at a person, where the focus is known",
        "people": found.people,
        "turns": dict(found.turns),
        "seconds": OFFSETS.tolist(),
        "on": {moment: [round(float(value), 4) for value in curve] for moment, curve in found.on.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def kept(path: Path = KEPT) -> Focus:
    """What was measured. Raises :class:`EngineError` for a file that does not hold it."""
    try:
        found = read_json(path)
        on = {moment: np.array(found["on"][moment], float) for moment in MOMENTS}
        if any(curve.shape != OFFSETS.shape for curve in on.values()):
            raise ValueError("curves of another length")
        counts = {moment: int(found["turns"][moment]) for moment in MOMENTS}
        return Focus(on, counts, int(found["people"]), str(found["source"]))
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"{path} does not hold the curves of people's gaze ({error}); measure it again") from error
