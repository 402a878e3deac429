"""What of a talk a gesturer goes by: its phrases, how inviting each stress is, and when a stress can be known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.simulate.gestures.measure import PAUSE, places
from train.simulate.gestures.timing import PLACES, Timing
from train.speech.stresses import is_content
from train.speech.talk import RATE, Stress, Talk

FRAME = 1 / 15  #: s: what is heard in one frame is acted on in the next
AROUND, SPACED = 0.25, 0.9  #: s: without words a phrase reaches so far beyond stresses that are no farther apart
RISE_S, RISE_DB = 0.25, 6.0  #: a syllable rises within so many seconds, and is heard from so far below its peak on
HOP = RATE // 100  #: samples of a step of 10 ms


class Phrase(NamedTuple):
    """Speech without a pause of 0.3 s or more, from ``start`` to ``end`` in seconds."""

    start: float
    end: float


def phrases(talk: Talk) -> tuple[Phrase, ...]:
    """The phrases of a talk; those of a talk without words follow from its stresses."""
    if talk.words:
        spans, gap = [(word.start, word.end) for word in talk.words], PAUSE
    else:
        spans, gap = [(stress.time - AROUND, stress.time + AROUND) for stress in talk.stresses], SPACED - 2 * AROUND
    found: list[Phrase] = []
    for start, end in spans:
        if found and start - found[-1].end < gap:
            found[-1] = Phrase(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Phrase(max(start, 0.0), end))
    return tuple(found)


def phrase_of(found: tuple[Phrase, ...], time: float) -> Phrase:
    """The phrase in which ``time`` lies, or the one nearest to it."""
    return min(found, key=lambda phrase: max(phrase.start - time, time - phrase.end, 0.0))


def invitations(talk: Talk, timing: Timing) -> NDArray[np.float64]:
    """How much likelier than the mean each stress of ``talk`` is met, (K,): by what its word is, as AMI's people have
    it, and by its strength, whose square counts as much again (strong accents are met more often: Loehr 2012)."""
    strength = np.array([stress.strength for stress in talk.stresses])
    weights = 0.2 + np.square(strength)
    if talk.words:
        spans = np.array([(word.start, word.end) for word in talk.words])
        kinds = places(spans, [word.text for word in talk.words])
        for index, stress in enumerate(talk.stresses):
            if stress.word >= 0:
                weights[index] *= _lift(dict(zip(PLACES, kinds[stress.word], strict=True)), timing)
    return np.asarray(weights / max(float(weights.mean()), 1e-9) if len(weights) else weights, np.float64)


def _lift(kind: dict[str, np.bool_], timing: Timing) -> float:
    """The lift of a word; that of a last or a long content word already holds that of content words."""
    lift = timing.lift["content" if kind["content"] else "function"]
    lift *= timing.lift["after_pause"] if kind["after_pause"] else 1.0
    for name in ("last_content", "long"):
        lift *= timing.lift[name] / timing.lift["content"] if kind[name] else 1.0
    return lift


def known(talk: Talk, stress: Stress) -> float:
    """The first moment (s) at which somebody who hears the words as they begin, and the sound as it comes, can act on
    ``stress``: a frame after its word began, if that carries content, else a frame after its sound rose."""
    if stress.word >= 0 and is_content(talk.words[stress.word].text):
        return talk.words[stress.word].start + FRAME
    return _rise(talk.pcm, stress.time) + FRAME


def _rise(pcm: NDArray[np.float32], time: float) -> float:
    """When the syllable whose peak is at ``time`` passed half of its peak's amplitude, at most 0.25 s before."""
    first, last = max(0, round((time - RISE_S) * RATE)), round((time + 0.02) * RATE)
    steps = (min(last, len(pcm)) - first) // HOP
    if steps < 1:
        return time
    sound = pcm[first : first + steps * HOP].astype(np.float64).reshape(steps, HOP)
    level = 10 * np.log10(np.square(sound).mean(1) + 1e-10)
    soft = np.flatnonzero(level < level[-3:].max() - RISE_DB)
    return min(time, first / RATE + (soft[-1] + 1) / 100 if len(soft) else first / RATE)
