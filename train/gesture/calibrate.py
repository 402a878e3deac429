"""Sets how a prepared hand waits for a stress and sinks in silence, after training: what adds to the odds of phases.

A network that is trained on chances spreads a stroke over all moments that might be right, and of strokes there are few
to learn from. The same network tells from ten times as many stresses where one falls or is about to; the more that
counts, the longer a hand waits for a moment that stands out. And a hand that waits may be overtaken by the end of what
is said, which no gesturer who was learned from is; so silence makes hands sink that are up. What is best is found on
the dev talks: bodies are moved as they are live, and judged by the evaluation's own ruler, which takes the preparation
of a hand that waits for long for a stroke of its own, as people who look on do.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.gesture.config import RATE
from models.gesture.model import Gesture
from models.gesture.plan import HOLD, PREPARATION, STROKE
from train.gesture.evaluation.timing import tally
from train.gesture.performing import Performing
from train.gesture.streams import Performance
from train.gesture.strokes import FoundStroke, find_strokes

log = logging.getLogger(__name__)

AS_LEARNED = (0.0, 0.0, 0.0)
USUAL = (-1.0, 1.0, 4.0)
CANDIDATES = (
    AS_LEARNED,
    *((offset, now, soon) for offset in (0.0, -1.0, -2.0) for now in (0.5, 1.0, 1.5) for soon in (2.0, 3.0, 4.0)),
)
"""What is tried for :attr:`models.gesture.plan.Planner.strike`; silence is weighed with :data:`USUAL` of these."""
SETTLES = (0.0, 0.5, 1.0, 2.0, 3.0)
"""What is tried for :attr:`models.gesture.plan.Planner.settle`, rising."""
MORE = 0.06
"""Share of silence by which hands may be up more than people's."""
FEWEST = 0.8
"""Of the strokes that the gesturers of the dev talks make, the share that is to remain."""


class Judged(NamedTuple):
    """Of bodies that were moved: strokes, the share of them near a stress, and the same by luck."""

    strokes: int
    near: float
    luck: float

    def __str__(self) -> str:
        return f"{self.near:.2f} of {self.strokes} strokes near a stress, {self.luck:.2f} by luck"


def calibrate(model: Gesture, performances: Sequence[Performance], seed: int) -> str:
    """Set ``model.planner.settle`` and ``strike`` to the best of :data:`SETTLES` and :data:`CANDIDATES`; says in words
    what it did."""
    performing = Performing(model, performances, seed)
    return f"{_settle(performing)}; {_strike(performing)}"


def _settle(performing: Performing) -> str:
    """The least weight of silence with which hands are up in it hardly more than the gesturers' are."""
    planner = performing.model.planner
    people = up_in_silence([item.ids[:, 0].numpy() for item in performing.performances], performing.performances)
    planner.strike.copy_(torch.tensor(USUAL))
    for weight in SETTLES:
        planner.settle.fill_(weight)
        ours = up_in_silence(list(performing.decided()[..., 0].numpy()), performing.performances)
        log.info("settle %g: up in %.3f of silence, people in %.3f", weight, ours, people)
        if ours <= people + MORE:
            break
    return f"settles by {weight:g}: hands are up in {ours:.2f} of silence, people's in {people:.2f}"


def _strike(performing: Performing) -> str:
    """The weights of stresses with which strokes gain most over luck."""
    people = judge([find_strokes(points) for points in performing.seen()], performing.performances)
    strike = performing.model.planner.strike
    found: dict[tuple[float, ...], Judged] = {}
    for given in CANDIDATES:
        strike.copy_(torch.tensor(given))
        shown = performing.shown(performing.decided())
        found[given] = judge([find_strokes(points) for points in shown], performing.performances)
        log.info("strike %s: %s", given, found[given])
    fewest = FEWEST * min(people.strokes, found[AS_LEARNED].strokes)
    kept = [given for given, item in found.items() if item.strokes >= fewest]
    best = max(kept, key=lambda given: found[given].near - found[given].luck)
    strike.copy_(torch.tensor(best))
    return f"strikes by {best}: {found[best]} (as learned {found[AS_LEARNED]}; people {people})"


def judge(strokes: Sequence[Sequence[FoundStroke]], performances: Sequence[Performance]) -> Judged:
    """Strokes of each talk against its stresses, and against them moved round the talk."""
    sums = [tally(own, (), item.stresses, item.frames / RATE) for own, item in zip(strokes, performances, strict=True)]
    made, hits, chance = (float(sum(one[name].flat[0] for one in sums)) for name in ("strokes", "hits", "chance"))
    return Judged(int(made), hits / max(made, 1.0), chance / max(made, 1.0))


def up_in_silence(phases: Sequence[NDArray[np.int64]], performances: Sequence[Performance]) -> float:
    """The share of the frames of silence in which a hand is prepared, strikes or is held, of the phases (T,) of each
    talk, which may be longer than it."""
    quiet = [own[: item.frames][item.told[:, 2].numpy() > 0] for own, item in zip(phases, performances, strict=True)]
    frames = np.concatenate(quiet)
    return float(np.isin(frames, (PREPARATION, STROKE, HOLD)).mean()) if len(frames) else 0.0
