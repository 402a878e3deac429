"""Who speaks when in a dialogue: stretches of AMI's meetings in which two people hold the floor between them.

A dialogue is not two monologues in turn: people begin before the other has ended, say "mm-hmm" into another's turn and
leave gaps of a fifth of a second (Sacks, Schegloff & Jefferson 1974; Levinson & Torreira 2015). None of this is drawn
here: the times of AMI's annotated words are kept as they are, side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.speech import ami
from train.speech.turns import Phrase, phrases

LENGTH_S = 60.0
STEP_S = 15.0  #: between the starts of two stretches that are tried
BETWEEN_TWO = 0.85  #: least share of the talk that the two hold
EACH = 0.2  #: least share of each of the two
LEAST_TALK_S = 28.0  #: of both together
TICK = 0.1  #: seconds: how finely talk is counted


@dataclass(frozen=True)
class Said:
    """A phrase and when it begins, in seconds from the start of the dialogue."""

    start: float
    phrase: Phrase


@dataclass(frozen=True)
class Dialogue:
    """What two people say in ``seconds``, each side by itself, in order of time."""

    name: str
    people: tuple[ami.Person, ami.Person]
    sides: tuple[tuple[Said, ...], tuple[Said, ...]]
    seconds: float = LENGTH_S


def dialogues(data: Path, split: str) -> list[Dialogue]:
    """All dialogues of a split (``train``, ``dev``, ``test``), no second of a pair in two of them. Raises
    :class:`EngineError` where the annotations are missing."""
    if not ami.available(data):
        raise EngineError(f"{data} holds no {ami.FOLDER}, whose turns are played: add it")
    meetings: dict[str, dict[ami.Person, list[ami.Word]]] = defaultdict(lambda: defaultdict(list))
    for word in ami.words(data):
        if ami.split_of(word.person.meeting) == split:
            meetings[word.person.meeting][word.person].append(word)
    return [found for meeting in sorted(meetings) for found in _of_meeting(meetings[meeting])]


def _of_meeting(people: dict[ami.Person, list[ami.Word]]) -> Iterator[Dialogue]:
    end = max(word.end for words in people.values() for word in words)
    talk = {person: _ticks(words, end) for person, words in people.items()}
    said = {person: placed(words) for person, words in people.items()}
    taken = np.zeros(len(next(iter(talk.values()))), bool)
    width, step = round(LENGTH_S / TICK), round(STEP_S / TICK)
    for first in range(0, len(taken) - width, step):
        here = slice(first, first + width)
        if taken[here].any():
            continue
        seconds = {person: TICK * float(ticks[here].sum()) for person, ticks in talk.items()}
        everybody = sum(seconds.values())
        for pair in combinations(sorted(people), 2):
            both = seconds[pair[0]] + seconds[pair[1]]
            if both < max(LEAST_TALK_S, BETWEEN_TWO * everybody) or min(seconds[one] for one in pair) < EACH * both:
                continue
            start = first * TICK
            sides = tuple(_within(said[person], start) for person in pair)
            if all(sides):
                taken[here] = True
                name = f"{pair[0].meeting}-{pair[0].speaker}{pair[1].speaker}-{start:05.0f}"
                yield Dialogue(name, (pair[0], pair[1]), (sides[0], sides[1]))
                break


def placed(words: list[ami.Word]) -> tuple[Said, ...]:
    """The phrases of a person's words, each with its time in the meeting."""
    spoken = [word for word in words if word.kind == "word"]
    found, clock = [], min((word.start for word in spoken), default=0.0)
    for phrase in phrases(words):
        found.append(Said(clock, phrase))
        clock += phrase.seconds + phrase.pause
    return tuple(found)


def _within(said: tuple[Said, ...], start: float) -> tuple[Said, ...]:
    """What begins within the stretch and is over before its end, as far as its person took for it."""
    return tuple(
        Said(item.start - start, item.phrase)
        for item in said
        if start + 0.3 <= item.start and item.start + item.phrase.seconds <= start + LENGTH_S - 1.0
    )


def _ticks(words: list[ami.Word], end: float) -> NDArray[np.bool_]:
    """Whether somebody speaks in each tick up to ``end``."""
    spoken = np.zeros(int(end / TICK) + 2, bool)
    for word in words:
        if word.kind == "word":
            spoken[int(word.start / TICK) : int(word.end / TICK) + 1] = True
    return spoken
