"""What a gesturer could do who does not know what comes: a performance moved to when it can be known.

A person knows the sentence before saying it, so hands are lifted before its first word and strokes begin before their
word is heard. A causal model of the same voice cannot do that, and one trained on it would learn to guess. Here every
stroke begins when its stress can be known at the earliest, hands are lifted for a phrase once it has begun, and they
sink once its end has been heard. Preparations within a phrase keep their time: a hand that is up waits for its word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from train.simulate.gestures.moments import FRAME, Phrase, known, phrase_of, phrases
from train.simulate.gestures.plan import (
    HEARD_PAUSE,
    LATEST,
    LEAST_HOLD,
    LEAST_PREP,
    LEAST_RETRACTION,
    LEAST_STROKE,
    Gesture,
    Nod,
    Performance,
)
from train.speech.talk import Talk

END_NEAR = 0.3  #: s: a retraction that begins so close to its phrase's end answers to it
FASTER = 0.5  #: how much shorter a stroke may become
REACTION = 0.06  #: s: mean of what is added to the first moment at which an end can be known


def knowable(performance: Performance, talk: Talk, rng: np.random.Generator) -> Performance:
    """``performance`` as somebody could make it who hears the words as they begin and the sound as it comes.

    Strokes that would come more than 0.45 s after their stress are left out. Order and least lengths are kept.
    """
    found = phrases(talk)
    kept: list[Gesture] = []
    for number, gesture in enumerate(performance.gestures):
        before = performance.gestures[number - 1] if number else None
        same = before is not None and phrase_of(found, before.apex) == phrase_of(found, gesture.apex)
        follows = before is not None and same and before.retract == gesture.prep
        late = _later(gesture, talk, found, kept[-1] if kept else None, follows)
        if late is None:
            continue
        late = _sinking(late, found, rng)
        if kept and follows and before is not None and kept[-1].stress == before.stress:
            kept[-1] = replace(kept[-1], retract=late.prep, rest=late.prep)
        elif kept:
            kept[-1] = _before(kept[-1], late)
        kept.append(late)
    return Performance(tuple(_in_time(kept, talk.seconds)), _nods(performance.nods, talk), performance.persona)


def _later(
    gesture: Gesture, talk: Talk, found: tuple[Phrase, ...], before: Gesture | None, follows: bool
) -> Gesture | None:
    """``gesture`` with its preparation and stroke when they can be known; None where that is too late."""
    stress = talk.stresses[gesture.stress]
    prep = gesture.prep
    if not follows:
        prep = max(prep, phrase_of(found, stress.time).start + FRAME)
    if before is not None:
        prep = max(prep, before.apex + LEAST_HOLD)
    stroke = max(gesture.stroke, known(talk, stress), prep + LEAST_PREP)
    length = max(LEAST_STROKE, FASTER * (gesture.apex - gesture.stroke))  # who is late strikes faster
    apex = max(gesture.apex, stroke + length)
    if apex > max(stress.time + LATEST, gesture.apex):
        return None
    retract = max(gesture.retract, apex + LEAST_HOLD)
    return replace(
        gesture, prep=prep, stroke=stroke, apex=apex, retract=retract, rest=retract + gesture.rest - gesture.retract
    )


def _sinking(gesture: Gesture, found: tuple[Phrase, ...], rng: np.random.Generator) -> Gesture:
    """``gesture`` with a retraction of its own, which waits for the phrase's end to be heard if it answers to it."""
    length = max(gesture.rest - gesture.retract, LEAST_RETRACTION)
    retract, end = gesture.retract, phrase_of(found, gesture.apex).end
    if abs(retract - end) < END_NEAR:
        retract = max(retract, end + HEARD_PAUSE + float(rng.exponential(REACTION)))
    return replace(gesture, retract=retract, rest=retract + length)


def _before(gesture: Gesture, after: Gesture) -> Gesture:
    """``gesture`` at rest when ``after`` begins, or going straight on where there is no time for it."""
    if gesture.rest <= after.prep:
        return gesture
    if after.prep - gesture.retract >= LEAST_RETRACTION:
        return replace(gesture, rest=after.prep)
    return replace(gesture, retract=after.prep, rest=after.prep)


def _in_time(kept: list[Gesture], seconds: float) -> list[Gesture]:
    """The gestures, the last of which is at rest before the talk ends or left out."""
    while kept and kept[-1].rest > seconds:
        last = kept.pop()
        if last.retract + LEAST_RETRACTION <= seconds:
            return [*kept, replace(last, rest=seconds)]
        if kept and kept[-1].rest == last.prep:
            kept[-1] = replace(kept[-1], rest=kept[-1].retract + LEAST_RETRACTION)
    return kept


def _nods(nods: Sequence[Nod], talk: Talk) -> tuple[Nod, ...]:
    """Nods that begin no earlier than the stress nearest to their middle can be known."""
    times = np.array([stress.time for stress in talk.stresses])
    kept: list[Nod] = []
    for nod in nods:
        stress = talk.stresses[int(np.abs(times - nod.apex).argmin())]
        by = max(known(talk, stress), kept[-1].end if kept else 0.0) - nod.start
        late = nod if by <= 0 else replace(nod, start=nod.start + by, apex=nod.apex + by, end=nod.end + by)
        if late.apex <= max(stress.time + LATEST, nod.apex) and late.end <= talk.seconds:
            kept.append(late)
    return tuple(kept)
