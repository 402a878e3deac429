"""When a gesturer makes which stroke: strokes and nods laid on the stresses of a talk with the timing of AMI's people.

A gesture is a preparation, a stroke that ends on a stressed syllable, a hold and a retraction (Kendon 2004; the names
of the phases are McNeill's 1992). Which stresses are met follows from how inviting they are and from the person's rate:
AMI's people, seated with papers, make 0.3 to 3 hand gestures a minute of own speech (5 to 95 % of them), people who
stand and tell some 15 to 25 (see :mod:`train.simulate.gestures.persona`). How a stroke's end lies to its stress is
drawn as AMI's nods of emphasis lie to content words. Lengths of phases are ours, within what is described: preparation
0.3 to 0.8 s, stroke about as long as in its take, holds up to a second or so (Kita, van Gijn & van der Hulst 1998;
Loehr 2012). Hands rest in pauses and silence; strokes that follow closely go on from one to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from train.simulate.gestures.moments import FRAME, Phrase, invitations, phrase_of, phrases
from train.simulate.gestures.persona import Persona
from train.simulate.gestures.timing import Timing, measured
from train.speech.talk import Stress, Talk

HANDS = ("right", "left", "both")
LEAST_PREP, LEAST_STROKE, LEAST_HOLD, LEAST_RETRACTION = 0.2, 0.2, FRAME, 0.33
"""Seconds that the phases last at least: three frames for what must be seen as a movement."""
PREP, STROKE, RETRACTION = (0.3, 0.8), (0.22, 0.65), (0.45, 0.9)
"""Seconds between which phases are drawn."""
CLOSE = 2.2  #: s: strokes no farther apart may follow one another without rest
REST = 0.3  #: s: a shorter rest between two gestures is none
NEAR_END = 1.2  #: s: a hand that struck so shortly before its phrase ends stays up until then
HEARD_PAUSE = 0.15  #: s: after so much silence it is known that a phrase is over
LATEST = 0.45  #: s: a stroke or nod that would come later than this after its stress is left out
FARTHEST = 2.5  #: deviations beyond which no phase is drawn
SHORTEST_NOD = 0.2  #: s: a nod of fewer frames could not be seen
SAME_HANDS = 0.75  #: chance that a stroke that follows directly is made by the hands of the one before


@dataclass(frozen=True)
class Gesture:
    """One gesture; times in seconds from the talk's start, rising.

    ``prep``: preparation begins; ``stroke``: the stroke begins; ``apex``: it ends, the moment that meets the stress;
    ``retract``: retraction begins, after the hold; ``rest``: at rest again. If the next gesture's ``prep`` is this
    one's ``retract``, the hand goes straight on: there is no retraction, and ``rest`` is the same moment.
    ``stroke_name`` is an entry of the library, ``stress`` an index into the talk's stresses (-1: none).
    """

    hands: str
    stroke_name: str
    prep: float
    stroke: float
    apex: float
    retract: float
    rest: float
    size: float
    stress: int


@dataclass(frozen=True)
class Nod:
    """A nod of emphasis: down until ``apex``, up again at ``end``; ``size`` 1 is usual."""

    start: float
    apex: float
    end: float
    size: float


@dataclass(frozen=True)
class Performance:
    """What one person does during one talk; gestures and nods rise in time and do not overlap among themselves."""

    gestures: tuple[Gesture, ...]
    nods: tuple[Nod, ...]
    persona: Persona


class Entry(Protocol):
    """What a plan needs to know of a stroke in a library."""

    @property
    def name(self) -> str:
        """By which a gesture names it."""

    @property
    def hands(self) -> str:
        """One of :data:`HANDS`: with which it was made. Either hand can make a stroke of one."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Strokes(Protocol):
    """What a plan needs to know of a library."""

    @property
    def entries(self) -> Sequence[Entry]:
        """All strokes there are."""


def perform(talk: Talk, persona: Persona, library: Strokes, rng: np.random.Generator) -> Performance:
    """What ``persona`` does during ``talk``, drawn: knowing the whole talk, as people know what they will say."""
    found = phrases(talk)
    minutes = sum(phrase.end - phrase.start for phrase in found) / 60
    table = measured()
    least = max(0.5, 0.62 / persona.speed)
    met = _chosen(talk, table.hand, persona.rate * minutes, persona.chain, least, rng)
    drawn = [_drawn(talk, index, persona, library, rng) for index in met]
    drawn = [gesture for gesture in drawn if gesture.prep >= 0.0]
    laid = _laid(drawn, found, talk.seconds, persona, rng)
    nods = [
        _nod(talk.stresses[index], persona, rng)
        for index in _chosen(talk, table.nod, persona.nods * minutes, 0.0, 0.5, rng)
    ]
    return Performance(tuple(laid), _apart(nods, talk.seconds), persona)


def _chosen(
    talk: Talk, timing: Timing, expected: float, chain: float, least: float, rng: np.random.Generator
) -> list[int]:
    """Which stresses are met: as many as a Poisson draw of ``expected`` says, as far as they are there, ``least`` s
    apart; ``chain`` makes stresses that follow closely on one that is met likelier."""
    weights, chances = invitations(talk, timing), rng.random(len(talk.stresses))
    wanted = min(int(rng.poisson(expected)), len(weights))

    def chosen(boldness: float) -> list[int]:
        met: list[int] = []
        last = -np.inf
        for index, stress in enumerate(talk.stresses):
            gap = stress.time - last
            odds = boldness * weights[index] * (1.0 + 3.0 * chain * (gap < CLOSE))
            if gap >= least and chances[index] < 1.0 - np.exp(-odds):
                met.append(index)
                last = stress.time
        return met

    low, high = 1e-4, 30.0
    for _ in range(24):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if len(chosen(middle)) < wanted else (low, middle)
    met = chosen(high)
    return sorted(rng.choice(met, min(wanted, len(met)), replace=False).tolist()) if met else []


def _drawn(talk: Talk, index: int, persona: Persona, library: Strokes, rng: np.random.Generator) -> Gesture:
    """A gesture on its stress as it would be if there were no other."""
    phase = measured().nod.phase["middle"]
    off = phase.mean + phase.spread * float(np.clip(rng.standard_normal(), -FARTHEST, FARTHEST))
    apex = talk.stresses[index].time + off
    hands = _hands(persona, library, rng)
    entries = [entry for entry in library.entries if entry.hands == hands]
    liking = persona.liking([entry.name.removesuffix(f".{hands}") for entry in entries])
    entry = entries[int(rng.choice(len(entries), p=liking))]
    length = entry.seconds * np.sqrt(persona.size) / persona.speed
    stroke = apex - float(np.clip(length * np.exp(0.15 * rng.standard_normal()), *STROKE))
    prep = stroke - float(np.clip(rng.uniform(*PREP) / persona.speed, *PREP))
    if rng.random() < 0.25:  # waits, ready, before it strikes
        prep -= float(rng.exponential(0.15))
    hold = LEAST_HOLD
    if rng.random() < 0.6:
        hold += min(1.5, persona.hold * 0.3 * float(np.exp(0.6 * rng.standard_normal())))
    retract = apex + hold
    rest = retract + float(rng.uniform(*RETRACTION))
    size = persona.size * float(np.exp(0.15 * rng.standard_normal())) * (0.75 + 0.5 * talk.stresses[index].strength)
    return Gesture(hands, entry.name, prep, stroke, apex, retract, rest, size, index)


def _laid(
    drawn: list[Gesture], found: tuple[Phrase, ...], seconds: float, persona: Persona, rng: np.random.Generator
) -> list[Gesture]:
    """Gestures that fit together: the hand stays up to the end of a phrase that ends soon, goes on to the next stroke
    where there is no time to rest or the person likes to, and is at rest before the talk ends."""
    laid: list[Gesture] = []
    for gesture in drawn:
        end = phrase_of(found, gesture.apex).end
        if end - gesture.apex < NEAR_END:  # retracts as the phrase ends
            retract = max(gesture.apex + LEAST_HOLD, end + 0.1 * float(rng.standard_normal()))
            gesture = replace(gesture, retract=retract, rest=retract + gesture.rest - gesture.retract)
        if gesture.rest > seconds - FRAME:
            continue
        goes_on = rng.random() < persona.chain
        if laid:
            before = laid[-1]
            ready = before.apex + LEAST_HOLD + LEAST_PREP
            if gesture.apex - LEAST_STROKE < ready:
                continue
            gesture = replace(gesture, stroke=max(gesture.stroke, ready))
            same = phrase_of(found, before.apex) == phrase_of(found, gesture.apex)
            if gesture.prep < before.rest + REST or (goes_on and same and gesture.apex - before.apex < CLOSE):
                prep = max(gesture.prep, before.apex + LEAST_HOLD)
                prep = min(prep, gesture.stroke - LEAST_PREP)
                if {before.hands, gesture.hands} == {"left", "right"} and rng.random() < SAME_HANDS:
                    gesture = replace(gesture, hands=before.hands)
                laid[-1], gesture = _linked(before, replace(gesture, prep=prep), same)
        laid.append(gesture)
    return laid


def _linked(before: Gesture, after: Gesture, straight: bool) -> tuple[Gesture, Gesture]:
    """Two gestures without rest between: straight on, or by a retraction that is begun and taken back."""
    if not straight and after.prep - before.retract >= LEAST_RETRACTION:
        return replace(before, rest=min(before.rest, after.prep)), after
    return replace(before, retract=after.prep, rest=after.prep), after


def _hands(persona: Persona, library: Strokes, rng: np.random.Generator) -> str:
    """With which hands a stroke is made, of what the library has."""
    one = 1.0 - persona.both
    shares = np.array([one * persona.handedness, one * (1.0 - persona.handedness), persona.both])
    shares *= [any(entry.hands == hands for entry in library.entries) for hands in HANDS]
    return HANDS[int(rng.choice(len(HANDS), p=shares / shares.sum()))]


def _nod(stress: Stress, persona: Persona, rng: np.random.Generator) -> Nod:
    timing = measured().nod
    phase = timing.phase["middle"]
    apex = stress.time + phase.mean + phase.spread * float(np.clip(rng.standard_normal(), -FARTHEST, FARTHEST))
    half = max(timing.draw_seconds(rng), SHORTEST_NOD) / 2
    return Nod(apex - half, apex, apex + half, persona.nod_size * float(np.exp(0.25 * rng.standard_normal())))


def _apart(nods: Sequence[Nod], seconds: float) -> tuple[Nod, ...]:
    """The nods that begin after the one before ended, within the talk."""
    kept: list[Nod] = []
    for nod in sorted(nods, key=lambda nod: nod.start):
        if nod.start >= (kept[-1].end if kept else 0.0) and nod.end <= seconds:
            kept.append(nod)
    return tuple(kept)
