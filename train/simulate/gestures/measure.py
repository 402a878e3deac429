"""Measures when AMI's people gesture: rates, words, phases, durations, steps and habits of hand gestures and nods.

AMI has words with times but no sound here, so what stands for an accent is a content word (Calhoun 2010: most accents
fall on them). Every phase and every word is compared with the same gestures moved by 2 to 10 s: what they would hit by
chance in the same person's talk. Only people who train are read (:func:`train.speech.ami.held_out`), and time off
camera counts for nothing. The hands' annotation spans a whole gesture from the first lift to rest and says nothing of
where its stroke lies, so strokes take the phase of the nods' middles: head and hands move on the same accents, hands
with a spread of the same order (Loehr 2012, Laboratory Phonology 3: apexes of hands and pitch accents).
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from engine.errors import EngineError
from train.simulate.gestures.timing import ANCHORS, PLACES, QUANTILES, STATES, Phase, Timing, TimingTable
from train.speech import ami
from train.speech.stresses import is_content

SOURCE = f"measured of the training people of the {ami.CREDIT}, {ami.LICENCE}"
STEP = 0.02  #: s of the grid on which states are told apart
JOIN, TURN, PAUSE = 0.2, 2.0, 0.3  #: s: gaps inside speech, longest pause inside a turn, shortest pause between phrases
LONG = 7  #: letters of a long word
NEAR = 0.6  #: s around a content word within which a phase is measured
SHIFTS, FIRST_SHIFT, LAST_SHIFT = 40, 2.0, 10.0  #: redraws by chance, and by how many seconds each is moved
SOON = 1.5  #: s: a step below it goes straight on
LEAST_EVENTS = 20  #: below which no phase is measured
LEAST_MINUTES = 1.0  #: of own speech of a person whose habit counts


@dataclass(frozen=True)
class Seen:
    """One ``person`` of a layer: events (N, 2) and words (M, 2) as start and end (s), each word's text, and where the
    person was in each of :data:`STATES`, on the grid: an index, or -1 where nobody could see."""

    person: ami.Person
    events: NDArray[np.float64]
    words: NDArray[np.float64]
    texts: tuple[str, ...]
    states: NDArray[np.int64]


class People(NamedTuple):
    """The people of a layer each: hands with communicative gestures, heads with nods of emphasis; ``sides`` are the
    shares of gestures with the right, the left and both hands."""

    hands: list[Seen]
    nods: list[Seen]
    sides: dict[str, float]


class ByState(NamedTuple):
    """Minutes and events (4,) of one person in each of :data:`STATES`."""

    minutes: NDArray[np.float64]
    events: NDArray[np.float64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train simulate timing``."""
    parser.add_argument("out", type=Path, metavar="OUT", help="file to write, as train/simulate/gestures/timing.json")


def run(args: argparse.Namespace) -> None:
    """Measure what ``$ENGINE_DATA`` holds and write it to ``args.out``."""
    data = os.environ.get("ENGINE_DATA")
    if not data:
        raise EngineError("ENGINE_DATA is not set: let it name the folder that holds AMI's annotations")
    table = measure(Path(data))
    table.write(args.out)
    for name, timing in (("hand gestures", table.hand), ("nods of emphasis", table.nod)):
        rates = ", ".join(f"{state} {rate:.2f}" for state, rate in timing.rate.items())
        print(f"{timing.count} {name} of {timing.people} people, a minute of: {rates}")


def measure(data: Path) -> TimingTable:
    """The table of ``data``'s AMI annotations. Raises :class:`EngineError` where they are missing."""
    found = people(data, held_out=False)
    return TimingTable(SOURCE, _measured(found.hands, found.sides), _measured(found.nods, {}))


def people(data: Path, held_out: bool) -> People:
    """AMI's people who train, or those who are held out. Raises :class:`EngineError` where the annotations are
    missing."""
    if not ami.available(data):
        raise EngineError(f"{data} holds no {ami.FOLDER}: put AMI's annotations there, or set $ENGINE_DATA")
    hands = [mark for mark in ami.hand_gestures(data) if ami.held_out(mark.person.meeting) == held_out]
    heads = [mark for mark in ami.head_gestures(data) if ami.held_out(mark.person.meeting) == held_out]
    spoken = _spoken(data, {mark.person.meeting for mark in hands + heads})
    nods = [mark for mark in heads if mark.type == "emphasis_signal" and mark.form == "nod"]
    made = [mark for mark in hands if mark.communicative]
    sides = {side: sum(mark.hands == side for mark in made) / max(len(made), 1) for side in ("right", "left", "both")}
    return People(_seen(hands, made, spoken), _seen(heads, nods, spoken), sides)


def by_state(seen: Seen) -> ByState:
    """How long somebody was in each state, and how many events had their middles there."""
    states = np.arange(len(STATES))[:, None]
    minutes = (seen.states == states).sum(1) * STEP / 60
    return ByState(minutes, (_state(seen, seen.events.mean(1)) == states).sum(1).astype(np.float64))


def _spoken(data: Path, meetings: set[str]) -> dict[ami.Person, list[ami.Word]]:
    spoken: dict[ami.Person, list[ami.Word]] = {}
    for word in ami.words(data, meetings):
        if word.kind == "word" and word.end > word.start:
            spoken.setdefault(word.person, []).append(word)
    return spoken


def _seen(
    layer: Sequence[ami.Mark], events: Sequence[ami.Mark], spoken: dict[ami.Person, list[ami.Word]]
) -> list[Seen]:
    """Everybody of ``layer`` who has words."""
    out = []
    for person in sorted({mark.person for mark in layer} & spoken.keys()):
        marks = [mark for mark in layer if mark.person == person]
        size = int(max(mark.end for mark in marks) / STEP) + 1
        own = _filled(_times(spoken[person]), size, JOIN)
        turn = _filled(_times(spoken[person]), size, TURN)
        others = np.zeros(size, bool)
        for other, words in spoken.items():
            if other.meeting == person.meeting and other != person:
                others |= _filled(_times(words), size, JOIN)
        states = np.where(own, 0, np.where(others, 2, np.where(turn, 1, 3)))
        covered = _filled(_times(mark for mark in marks if not mark.off_camera), size, 0.0)
        states[~covered] = -1
        words = sorted(spoken[person], key=lambda word: word.start)
        found = _times(event for event in events if event.person == person)
        out.append(Seen(person, found, _times(words), tuple(word.text for word in words), states))
    return out


def _times(spans: Iterable[ami.Mark | ami.Word]) -> NDArray[np.float64]:
    return np.array(sorted((span.start, span.end) for span in spans), np.float64).reshape(-1, 2)


def _filled(spans: NDArray[np.float64], size: int, gap: float) -> NDArray[np.bool_]:
    """Where on the grid of ``size`` steps ``spans`` (N, 2) are, and gaps of at most ``gap`` s between them."""
    out = np.zeros(size, bool)
    for at, (start, end) in enumerate(spans):
        if at + 1 < len(spans) and 0 < spans[at + 1, 0] - end <= gap:
            end = spans[at + 1, 0]
        out[round(start / STEP) : round(end / STEP)] = True
    return out


def _state(seen: Seen, times: NDArray[np.float64]) -> NDArray[np.int64]:
    at = (times / STEP).astype(np.int64)
    inside = (at >= 0) & (at < len(seen.states))
    return np.asarray(np.where(inside, seen.states[np.clip(at, 0, len(seen.states) - 1)], -1))


def _measured(people: list[Seen], hands: dict[str, float]) -> Timing:
    rng = np.random.default_rng(0)
    middles = [seen.events.mean(1) for seen in people]
    each = [by_state(seen) for seen in people]
    minutes = {state: float(sum(one.minutes[k] for one in each)) for k, state in enumerate(STATES)}
    counts = {state: float(sum(one.events[k] for one in each)) for k, state in enumerate(STATES)}
    habits = []
    for seen, at in zip(people, middles, strict=True):
        spoke = float((seen.states == 0).sum()) * STEP / 60
        if spoke >= LEAST_MINUTES:
            habits.append(float((_state(seen, at) == 0).sum()) / spoke)
    apart, soon = _steps(people, middles)
    lengths = np.concatenate([np.zeros(0), *(seen.events[:, 1] - seen.events[:, 0] for seen in people)])
    return Timing(
        count=len(lengths),
        people=len(people),
        minutes=minutes,
        rate={state: counts[state] / max(minutes[state], 1e-9) for state in STATES},
        seconds=_quantiles(np.maximum(lengths, STEP)),
        apart=_quantiles(apart),
        soon=soon,
        lift=_lifts(people, middles, rng),
        phase={anchor: _phase(people, k, rng) for k, anchor in enumerate(ANCHORS)},
        habits=_quantiles(np.array(habits)),
        hands=hands,
    )


def _quantiles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(map(float, np.quantile(values, QUANTILES))) if len(values) else (0.0,) * len(QUANTILES)


def _steps(people: list[Seen], middles: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], float]:
    """Seconds of own speech and pauses from one event to the next with no others' turn between, and how much likelier
    a step below :data:`SOON` is than for events without memory at each person's own rate."""
    found, chance = [], []
    for seen, at in zip(people, middles, strict=True):
        own = np.isin(seen.states, (0, 1))
        at = at[np.isin(_state(seen, at), (0, 1))]
        if len(at) < 2:
            continue
        rate = len(at) / max(float(own.sum()) * STEP, 1e-9)
        for first, second in itertools.pairwise(at):
            if own[int(first / STEP) : int(second / STEP)].all():
                found.append(second - first)
        # by chance: a next event within SOON, where speech itself goes on so long
        goes_on = np.mean([own[int(time / STEP) : int((time + SOON) / STEP)].mean() for time in at])
        chance += [1.0 - np.exp(-rate * SOON * goes_on)] * len(at)
    steps = np.array(found)
    return steps, float((steps < SOON).sum() / max(sum(chance), 1e-9))


def _shifted(seen: Seen, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """``times`` moved by chance, those kept that still lie in own speech or close to it."""
    by = rng.uniform(FIRST_SHIFT, LAST_SHIFT, (SHIFTS, len(times))) * rng.choice((-1.0, 1.0), (SHIFTS, len(times)))
    moved = (times + by).ravel()
    return np.asarray(moved[np.isin(_state(seen, moved), (0, 1))])


def places(words: NDArray[np.float64], texts: Sequence[str]) -> NDArray[np.bool_]:
    """What each word is, (N, places) by :data:`PLACES`; ``words`` (N, 2) as start and end in seconds, rising."""
    content = np.array([is_content(text) for text in texts], bool)
    letters = np.array([sum(letter.isalpha() for letter in text) for text in texts])
    before = np.diff(words[:, 0], prepend=-np.inf) if len(words) else np.zeros(0)
    before[1:] = words[1:, 0] - words[:-1, 1]
    first = before >= PAUSE
    last = np.zeros(len(words), bool)
    phrase = np.cumsum(first)
    for number in np.unique(phrase):
        inside = np.flatnonzero((phrase == number) & content)
        last[inside[-1:]] = True
    return np.stack([content, ~content, first, last, content & (letters >= LONG)], 1)


def _lifts(people: list[Seen], middles: list[NDArray[np.float64]], rng: np.random.Generator) -> dict[str, float]:
    hit, chance, hits, chances = np.zeros(len(PLACES)), np.zeros(len(PLACES)), 0, 0
    for seen, at in zip(people, middles, strict=True):
        kinds = places(seen.words, seen.texts)
        word, moved = _word_at(seen, at), _word_at(seen, _shifted(seen, at, rng))
        hit, hits = hit + kinds[word].sum(0), hits + len(word)
        chance, chances = chance + kinds[moved].sum(0), chances + len(moved)
    lifts = (hit / max(hits, 1)) / np.maximum(chance / max(chances, 1), 1e-9)
    return dict(zip(PLACES, map(float, lifts), strict=True))


def _word_at(seen: Seen, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which words are spoken at ``times``; moments between words are left out."""
    at = np.searchsorted(seen.words[:, 0], times, "right") - 1
    return np.asarray(at[(at >= 0) & (times < seen.words[np.maximum(at, 0), 1])])


def _phase(people: list[Seen], anchor: int, rng: np.random.Generator) -> Phase:
    """Where moments lie to content words: a normal curve over what chance has, by expectation and maximisation."""
    near, far = [np.zeros(0)], [np.zeros(0)]
    for seen in people:
        content = np.array([is_content(text) for text in seen.texts], bool)
        if not content.any() or not len(seen.events):
            continue
        at = (seen.events[:, 0], seen.events.mean(1), seen.events[:, 1])[anchor]
        middle = seen.words[content].mean(1)
        near.append(_nearest(at[np.isin(_state(seen, at), (0, 1))], middle))
        far.append(_nearest(_shifted(seen, at, rng), middle))
    found, chance = (np.concatenate(part) for part in (near, far))
    found, chance = found[np.abs(found) < NEAR], chance[np.abs(chance) < NEAR]
    if len(found) < LEAST_EVENTS or not len(chance):
        raise EngineError(f"{len(found)} gestures of one kind lie near words: at least {LEAST_EVENTS} can be measured")
    counts, edges = np.histogram(chance, np.linspace(-NEAR, NEAR, 25), density=True)
    base = np.maximum(counts[np.clip(np.digitize(found, edges) - 1, 0, len(counts) - 1)], 1e-6)
    mean, spread, share = 0.0, 0.15, 0.5
    for _ in range(300):
        drawn = share * norm.pdf(found, mean, spread)
        weight = drawn / (drawn + (1 - share) * base)
        share = float(weight.mean())
        mean = float(np.average(found, weights=weight))
        spread = max(0.02, float(np.sqrt(np.average(np.square(found - mean), weights=weight))))
    return Phase(mean, spread, share)


def _nearest(times: NDArray[np.float64], middles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(times - middles[np.abs(times[:, None] - middles[None]).argmin(1)])
