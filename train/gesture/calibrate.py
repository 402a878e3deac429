"""Sets when a hand rises and strikes and how silence lets it sink, after training: what adds to the odds of phases.

A network that is trained on chances spreads a stroke over all moments that might be right, and of strokes there are few
to learn from. The same network tells from ten times as many stresses where one falls or is about to; the more that
counts, the more a hand waits for a moment that stands out, to strike and to rise. And a hand that waits may be
overtaken by the end of what is said, which no gesturer who was learned from is; so lasting silence makes hands sink
that are up. What is best is found on the dev talks: bodies are moved as they are live, and judged by the evaluation's
own ruler, which takes the preparation of a hand that sinks unused for a stroke of its own, as people who look on do.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.gesture.config import RATE
from models.gesture.model import Gesture
from models.gesture.plan import HOLD, OVER_S, PREPARATION, STROKE
from train.gesture.evaluation.timing import tally
from train.gesture.performing import Performing
from train.gesture.streams import Performance
from train.gesture.strokes import FoundStroke, find_strokes

log = logging.getLogger(__name__)

NONE = (0.0, 0.0, 0.0)
STRIKE = (-2.0, 2.0, 5.0)
"""With which silence and lifts are weighed, before strikes are."""
STRIKES = tuple((offset, now, soon) for offset in (-1.0, -2.0, -3.0) for now in (1.0, 2.0) for soon in (3.0, 5.0))
LIFTS = (
    NONE,
    *((offset, now, soon) for offset in (-0.5, -1.0, -2.0, -3.0) for now in (0.5, 1.0) for soon in (2.0, 3.0, 4.0)),
)
"""What is tried for :attr:`models.gesture.plan.Planner.strike` and ``lift``."""
PATIENCE = 4.0
"""What :attr:`models.gesture.plan.Planner.patience` is set to: who speaks hardly lifts a hand for nothing."""
SETTLES = (0.0, 4.0, 8.0, 16.0, 32.0)
"""What is tried for :attr:`models.gesture.plan.Planner.settle`, rising."""
LONG_S = 0.8
"""Seconds of silence after which hands are expected to be down."""
MORE = 0.1
"""Share of silence by which hands may be up more than people's."""
RATES = (0.85, 1.15)
"""Strokes over those that the gesturers of the dev talks make, least and most."""


class Judged(NamedTuple):
    """Of bodies that were moved: strokes, the share of them near a stress, and the same by luck."""

    strokes: int
    near: float
    luck: float

    def __str__(self) -> str:
        return f"{self.near:.2f} of {self.strokes} strokes near a stress, {self.luck:.2f} by luck"


def calibrate(model: Gesture, performances: Sequence[Performance], seed: int) -> str:
    """Set ``patience``, and the best ``settle``, ``lift`` and ``strike`` of :data:`SETTLES`, :data:`LIFTS` and
    :data:`STRIKES`, in ``model.planner``; says in words what it did."""
    planner, performing = model.planner, Performing(model, performances, seed)
    people = judge([find_strokes(points) for points in performing.seen()], performances)
    learned = _shown(performing)
    planner.strike.copy_(torch.tensor(STRIKE))
    planner.patience.fill_(PATIENCE)
    said = [_settle(performing)]
    for name, weights, tried in (("lifts", planner.lift, LIFTS), ("strikes", planner.strike, STRIKES)):
        best = _best(performing, weights, tried, people, name)
        said.append(f"{name} by {tuple(best)}")
    return f"{'; '.join(said)}: {_shown(performing)} (as learned {learned}; people {people})"


def _best(
    performing: Performing, weights: Tensor, tried: Sequence[tuple[float, ...]], people: Judged, name: str
) -> tuple[float, ...]:
    """Set ``weights`` to those with which strokes gain most over luck, of those with about as many strokes as people's;
    where none has, to those whose number is nearest."""
    found: dict[tuple[float, ...], Judged] = {}
    for given in tried:
        weights.copy_(torch.tensor(given))
        found[given] = _shown(performing)
        log.info("%s by %s: %s", name, given, found[given])
    least, most = (share * people.strokes for share in RATES)
    kept = [given for given, item in found.items() if least <= item.strokes <= most]
    kept = kept or [min(found, key=lambda given: abs(found[given].strokes - people.strokes))]
    best = max(kept, key=lambda given: found[given].near - found[given].luck)
    weights.copy_(torch.tensor(best))
    return best


def _shown(performing: Performing) -> Judged:
    """How bodies that are moved now are judged."""
    shown = performing.shown(performing.decided())
    return judge([find_strokes(points) for points in shown], performing.performances)


def _settle(performing: Performing) -> str:
    """The least weight of silence with which hands are up in it hardly more than the gesturers' are."""
    planner = performing.model.planner
    people = up_in_silence([item.ids[:, 0].numpy() for item in performing.performances], performing.performances)
    for weight in SETTLES:
        planner.settle.fill_(weight)
        ours = up_in_silence(list(performing.decided()[..., 0].numpy()), performing.performances)
        log.info("settle %g: up in %.3f of silence, people in %.3f", weight, ours, people)
        if ours <= people + MORE:
            break
    return f"settles by {weight:g}: hands are up in {ours:.2f} of silence, people's in {people:.2f}"


def judge(strokes: Sequence[Sequence[FoundStroke]], performances: Sequence[Performance]) -> Judged:
    """Strokes of each talk against its stresses, and against them moved round the talk."""
    sums = [tally(own, (), item.stresses, item.frames / RATE) for own, item in zip(strokes, performances, strict=True)]
    made, hits, chance = (float(sum(one[name].flat[0] for one in sums)) for name in ("strokes", "hits", "chance"))
    return Judged(int(made), hits / max(made, 1.0), chance / max(made, 1.0))


def up_in_silence(phases: Sequence[NDArray[np.int64]], performances: Sequence[Performance]) -> float:
    """The share of the frames of long silence in which a hand is prepared, strikes or is held, of the phases (T,) of
    each talk, which may be longer than it."""
    quiet = [
        own[: item.frames][_long(item.told[:, 2].numpy() > 0)] for own, item in zip(phases, performances, strict=True)
    ]
    frames = np.concatenate(quiet)
    return float(np.isin(frames, (PREPARATION, STROKE, HOLD)).mean()) if len(frames) else 0.0


def _long(over: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames (T,) before which it was silent for :data:`LONG_S`, of those that tell silence after ``OVER_S``."""
    frames = round((LONG_S - OVER_S) * RATE)
    held: NDArray[np.int64] = np.cumsum(over) - np.maximum.accumulate(np.where(over, 0, np.cumsum(over)))
    return np.asarray(held > frames)
