"""What AMI's annotations tell of each person of a meeting: words, laughs, acts, nods, shakes, looks, and when seen.

Only meetings with the head's layer are read. Some coders never noted a gesture's form (in ES2009a, IS1003d or IS1006b
no concord signal has one, elsewhere nearly all have), so a form that is missing is taken for its signal's usual one: a
nod for concord, a shake for discord and refusal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.simulate.talk import Span, joined
from train.speech import ami

TICK_S = 0.1
"""How finely talk and sight are counted."""
JOIN_S = 0.3
"""Silence (s) between two words that is no pause."""
USUAL_FORM = {"concord_signal": "nod", "discord_signal": "shake", "negative_signal": "shake"}
Ticks = NDArray[np.bool_]
Item = TypeVar("Item", ami.Word, ami.DialogueAct, ami.Mark)


@dataclass(frozen=True)
class Participant:
    """One person of a meeting, times in seconds from the meeting's start. ``words`` are spoken words, ``all_words``
    these with punctuation; ``speaks`` and ``seen`` (ticks of 0.1 s) tell when it speaks, pauses under 0.3 s joined, and
    when the head's layer watches it: never where it has none."""

    person: ami.Person
    words: tuple[ami.Word, ...]
    all_words: tuple[ami.Word, ...]
    laughs: tuple[Span, ...]
    acts: tuple[ami.DialogueAct, ...]
    nods: tuple[Span, ...]
    shakes: tuple[Span, ...]
    looks: tuple[ami.Mark, ...]
    speaks: Ticks
    seen: Ticks


@dataclass(frozen=True)
class Meeting:
    """A meeting and its people, in order of their letters; all ``ticks`` are equally many."""

    name: str
    people: tuple[Participant, ...]

    @property
    def series(self) -> str:
        """The group of people who meet: never on two sides of a split."""
        return ami.series(self.name)

    @property
    def ticks(self) -> int:
        """Length in ticks."""
        return len(self.people[0].speaks)


def require(data: Path | None) -> Path:
    """The folder of data. Raises :class:`EngineError` where AMI's annotations are not in it."""
    if data is None:
        raise EngineError(
            "ENGINE_DATA is not set: let it name the folder that holds AMI's annotations "
            f"({ami.FOLDER}, as train/speech/ami.py reads them)"
        )
    if not ami.available(data):
        raise EngineError(f"{data} holds no {ami.FOLDER}: put AMI's annotations there as csv, or set ENGINE_DATA anew")
    return data


def meetings(data: Path) -> list[Meeting]:
    """The meetings whose heads were watched, by name. Raises :class:`EngineError` where there are none."""
    heads = _by_person(ami.head_gestures(data))
    names = sorted({person.meeting for person in heads})
    if not names:
        raise EngineError(f"{data / ami.FOLDER}/headGesture.csv has no rows: there is no listener to learn from")
    words, acts = _by_person(ami.words(data, names)), _by_person(ami.dialogue_acts(data, names))
    looks = _by_person(ami.focus(data, names))
    found = []
    for name in names:
        people = sorted(person for person in heads.keys() | words.keys() if person.meeting == name)
        ends = [mark.end for person in people for mark in heads[person]]
        ends += [word.end for person in people for word in words[person]]
        size = int(max(ends) / TICK_S) + 1
        found.append(
            Meeting(
                name,
                tuple(_participant(who, words[who], acts[who], heads[who], looks[who], size) for who in people),
            )
        )
    return found


def _participant(
    person: ami.Person,
    words: list[ami.Word],
    acts: list[ami.DialogueAct],
    heads: list[ami.Mark],
    looks: list[ami.Mark],
    size: int,
) -> Participant:
    spoken = sorted((word for word in words if word.kind == "word" and word.end > word.start), key=_start)
    return Participant(
        person=person,
        words=tuple(spoken),
        all_words=tuple(word for word in words if word.kind in ("word", "punc")),
        laughs=tuple(Span(word.start, word.end) for word in words if (word.kind, word.text) == ("vocal", "laugh")),
        acts=tuple(sorted(acts, key=_start)),
        nods=_signals(heads, ("concord_signal",), "nod"),
        shakes=_signals(heads, ("discord_signal", "negative_signal"), "shake"),
        looks=tuple(sorted(looks, key=_start)),
        speaks=ticks(joined([Span(word.start, word.end) for word in spoken], JOIN_S), size),
        seen=ticks([Span(mark.start, mark.end) for mark in heads if not mark.off_camera], size),
    )


def _signals(heads: Iterable[ami.Mark], types: tuple[str, ...], form: str) -> tuple[Span, ...]:
    found = [mark for mark in heads if mark.type in types and (mark.form or USUAL_FORM[mark.type]) == form]
    return tuple(Span(mark.start, mark.end) for mark in sorted(found, key=_start))


def _start(item: ami.Word | ami.DialogueAct | ami.Mark) -> float:
    return item.start


def ticks(spans: Iterable[Span], size: int) -> Ticks:
    """Which of ``size`` ticks of 0.1 s lie in a span."""
    out = np.zeros(size, bool)
    for span in spans:
        out[round(span.start_s / TICK_S) : round(span.end_s / TICK_S)] = True
    return out


def _by_person(items: Iterable[Item]) -> defaultdict[ami.Person, list[Item]]:
    found: defaultdict[ami.Person, list[Item]] = defaultdict(list)
    for item in items:
        found[item.person].append(item)
    return found
