"""A real listener of a stretch as a face: every nod and shake at its annotated time, looks where they are annotated.

Real are the times of nods and shakes (and how long they last), of the listener's own words and laughs, and in the
meetings that have the layer what it looks at. Drawn are sizes, cycles and pace within the real duration, as the habits
of a persona that stays with the person in all meetings of the series, and all else, as the simulation draws it: blinks,
sway, brows, answers to the speaker's smiles, and gaze where nobody noted it.

Emphasis nods go with own speech and are left out. A nod of under some 0.3 s is shown as long as a head needs for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.listener_rules.nods import SLOWING
from train.simulate.curves import lognormal
from train.simulate.floor import ConversationFloor
from train.simulate.listeners import Plans, attended, perform
from train.simulate.looking import GazeTrack, Target, fixate, plan_look, track
from train.simulate.meetings.people import JOIN_S, Participant
from train.simulate.meetings.stretches import Stretch
from train.simulate.nodding import LEAST, MAX_AMPLITUDE, MOST_CYCLES, Nod
from train.simulate.persona import Persona, draw_persona
from train.simulate.shaking import Shake
from train.simulate.smiling import LEAST_HOLD_S, OFFSET_S, ONSET_S, Pulse, plan_brows, plan_smiles
from train.simulate.talk import SimulatedListener, Span, Talk, joined

SLOWEST_HZ, FASTEST_HZ = 1.2, 3.4
"""Of a first cycle: what is annotated as shorter or longer than these allow is shown as short or long as they do."""
BOUT_S, LONGEST_S, FADE = 0.9, 6.0, 0.93
"""A longer nod is bouts of at most so many seconds, one after another, so that it still counts as one; of one that
lasts longer than the second only so much is shown; each bout is smaller than the one before by the third, a factor."""
LAST_S = 0.5  #: a nod that begins so shortly before the end of a talk could not be seen
TURN_S = 1.5  #: an own stretch of speech at least so long is a turn, a shorter one a back-channel
LAUGH_S = (0.6, 4.0)  #: bounds of a laugh: some are marked without a length
PLACES = {"table": (0.0, 7.5), "slide-screen": (-20.0, -4.0), "whiteboard": (20.0, -3.0)}
"""Degrees of yaw (own left positive) and pitch (down positive) from the speaker's eyes to what people look at. Down to
the table go the eyes alone: with the head it would look like a nod, four times a minute."""
SEATS = (24.0, -24.0, 34.0)
"""Degrees of yaw to the other people, in order of their letters."""
SPREAD = 1.5  #: degrees by which two looks at one thing differ
SHARE_KNOWN = 0.8  #: of a stretch that must be covered by annotated looks, else they are drawn


@dataclass(frozen=True)
class Look:
    """What a real listener looks at: ``target`` is ``speaker``, a letter, a place or ``unspecified``."""

    target: str
    start_s: float
    end_s: float


def listens(talk: Talk, stretch: Stretch, who: Participant, seed: int) -> SimulatedListener:
    """The participant ``who`` as a listener of ``talk``, which was made of ``stretch``; the same for the same seed."""
    letter = who.person.speaker
    persona = replace(persona_of(stretch, letter, seed), laugh_share=0.0)  # its own laughs are known
    rng = np.random.default_rng([seed, *f"{stretch.name}{letter}".encode()])
    own = [Span(word.start, word.end) for word in who.words]
    spoken = tuple(joined(_within(own, stretch), JOIN_S))
    turns = tuple(span for span in spoken if span.end_s - span.start_s >= TURN_S)
    floor = replace(
        ConversationFloor.of(replace(talk, own_turns=turns)),
        own=ConversationFloor.of(replace(talk, own_turns=spoken)).own,
    )
    last = stretch.seconds - LAST_S
    nodded, shaken, laughed = (
        tuple(span for span in _within(spans, stretch) if span.start_s < last)
        for spans in (who.nods, who.shakes, who.laughs)
    )
    nods = [nod for span in nodded for nod in fitted_nods(span, persona, rng)]
    smiles = [
        *plan_smiles(talk, floor, persona, rng, foresight=False),
        *(_laugh(span, persona, rng) for span in laughed),
    ]
    smiles.sort(key=lambda pulse: pulse.start_s)
    looked = looks_of(stretch, who)
    calls = attended(nods, smiles, rng)
    annotated = annotated_gaze(looked, talk.frames, persona, rng) if looked else None
    gaze = annotated or plan_look(floor, turns, calls, persona, rng)
    brows = plan_brows(talk.cues, floor, persona, rng, foresight=False)
    plans = Plans(nods, smiles, brows, gaze, tuple(fitted_shake(span, persona, rng) for span in shaken))
    shown = perform(talk, floor, plans, persona, rng)
    starts = {span.start_s for span in nodded}  # a nod of several bouts is one event
    events = tuple(event for event in shown.events if event.kind != "nod" or event.time_s in starts)
    told = {"own_turns": spoken, "nods": nodded, "shakes": shaken, "laughs": laughed, "looks": looked}
    return replace(shown, events=events, told=told)


def persona_of(stretch: Stretch, letter: str, seed: int) -> Persona:
    """The drawn habits of a person: the same in all meetings of a series."""
    return draw_persona(np.random.default_rng([seed, *f"{stretch.series}{letter}".encode()]))


def fitted_nods(span: Span, who: Persona, rng: np.random.Generator) -> list[Nod]:
    """The nod annotated at ``span`` (s), as one bout of cycles or some: they begin with it and end with it as far as
    heads can."""
    seconds = min(span.end_s - span.start_s, LONGEST_S)
    count = max(1, int(np.ceil(seconds / BOUT_S)))
    degrees = lognormal(rng, who.nod_degrees, 0.25) * rng.uniform(0.8, 1.2) * who.expressiveness
    pace = lognormal(rng, who.nod_hertz, 0.10)
    bouts = []
    for number in range(count):
        cycles, hertz = fitted_pace(seconds / count, pace)
        quick = min(1.0, pace / hertz)  # the faster of two nods is the smaller: heads have their top speed
        amplitude = float(np.clip(np.radians(degrees) * quick * FADE**number, LEAST, MAX_AMPLITUDE))
        bouts.append(Nod(span.start_s + number * seconds / count, amplitude, cycles, hertz))
    return bouts


def fitted_pace(seconds: float, pace: float) -> tuple[int, float]:
    """How many cycles, and of what pace (Hz) the first, make a nod of ``seconds``: the number for which the pace comes
    nearest to ``pace``, within what heads do."""
    cycles = np.arange(1, MOST_CYCLES + 1)
    needed = (cycles + 0.5 * SLOWING * cycles**2) / max(seconds, 1e-3)
    best = int(np.argmin(np.abs(np.log(needed / pace))))
    return best + 1, float(np.clip(needed[best], SLOWEST_HZ, FASTEST_HZ))


def fitted_shake(span: Span, who: Persona, rng: np.random.Generator) -> Shake:
    """The shake annotated at ``span`` (s), sized like the person's nods."""
    seconds, pace = min(span.end_s - span.start_s, LONGEST_S), lognormal(rng, who.nod_hertz, 0.10)
    hertz = float(np.clip(max(1, round(seconds * pace)) / max(seconds, 1e-3), SLOWEST_HZ, FASTEST_HZ))
    degrees = lognormal(rng, who.nod_degrees, 0.25) * who.expressiveness
    amplitude = float(np.clip(np.radians(degrees), LEAST, MAX_AMPLITUDE)) * float(rng.choice((-1.0, 1.0)))
    return Shake(span.start_s, amplitude, max(1, round(seconds * hertz)), hertz)


def looks_of(stretch: Stretch, who: Participant) -> tuple[Look, ...]:
    """The annotated looks of a participant within a stretch, times from its start; none where the layer is missing or
    leaves out too much."""
    names = {stretch.speaker.person.speaker: "speaker"}
    found = []
    for mark in who.looks:
        start, end = max(mark.start, stretch.start_s), min(mark.end, stretch.start_s + stretch.seconds)
        if end > start:
            target = names.get(mark.target, mark.target) or "unspecified"
            found.append(Look(target, start - stretch.start_s, end - stretch.start_s))
    known = sum(look.end_s - look.start_s for look in found if look.target != "unspecified")
    return tuple(found) if known >= SHARE_KNOWN * stretch.seconds else ()


def annotated_gaze(looks: Sequence[Look], frames: int, who: Persona, rng: np.random.Generator) -> GazeTrack:
    """Gaze that goes where a real listener looked; where nobody could tell it stays where it was."""
    points = [Target(0.0, 0.0, 0.0)]
    seats: dict[str, float] = {}
    for look in looks:
        if look.target == "speaker":
            fixate(points, look.start_s, look.end_s, who, rng)
        elif look.target != "unspecified":
            if look.target not in PLACES:
                seats.setdefault(look.target, SEATS[min(len(seats), len(SEATS) - 1)])
            yaw, pitch = PLACES.get(look.target) or (seats[look.target], 0.0)
            there = np.radians([yaw, pitch] + SPREAD * np.clip(rng.standard_normal(2), -1.5, 1.5) * (1.0, 0.3))
            points.append(Target(look.start_s, float(there[0]), float(there[1]), away=True))
    return track(points, frames)


def _laugh(span: Span, who: Persona, rng: np.random.Generator) -> Pulse:
    """The listener's own laugh: the smile sets in with it."""
    seconds = float(np.clip(span.end_s - span.start_s, *LAUGH_S))
    rise, fall = lognormal(rng, ONSET_S, 0.2), lognormal(rng, OFFSET_S, 0.3)
    level = 0.9 * float(np.tanh(who.smile_gain * who.expressiveness))
    return Pulse("laugh", span.start_s, span.start_s + max(seconds, LEAST_HOLD_S, rise) + fall, rise, fall, level)


def _within(spans: Sequence[Span], stretch: Stretch) -> list[Span]:
    """Those that begin in a stretch, cut at its end, with times from its start."""
    shift, end = stretch.start_s, stretch.start_s + stretch.seconds
    return [
        Span(round(span.start_s - shift, 3), round(min(span.end_s, end) - shift, 3))
        for span in spans
        if stretch.inside(span.start_s)
    ]
