"""Sets how a prepared hand waits for a stress and sinks in silence, after training: what adds to the odds of phases.

A network that is trained on chances spreads a stroke over all moments that might be right, and of strokes there are few
to learn from. The same network tells from ten times as many stresses where one falls or is about to; the more that
counts, the longer a hand waits for a moment that stands out. What is best is found on the dev talks: plans are drawn as
they are live, and judged by how many of their strokes end near a stress beyond luck, among those that leave no hand
waiting for long. And since a hand that waits may be overtaken by the end of what is said, which no gesturer who was
learned from is, silence makes hands sink that are up, as much as leaves them up no more than people's.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import initial_state
from models.gesture.config import RATE
from models.gesture.model import Gesture
from models.gesture.plan import HOLD, PREPARATION, STROKE
from models.sampling import sample
from train.gesture.evaluation.timing import WINDOW, offsets, shifts_of
from train.gesture.streams import Performance
from train.gesture.words import known_words

log = logging.getLogger(__name__)

AS_LEARNED = (0.0, 0.0, 0.0)
CANDIDATES = (
    AS_LEARNED,
    *((offset, now, soon) for offset in (-0.5, -1.0, -1.5) for now in (0.5, 1.0, 1.5) for soon in (1.0, 2.0, 3.0)),
)
"""What is tried for :attr:`models.gesture.plan.Planner.strike`."""
USUAL = (-1.0, 1.0, 2.0)
"""Of these, with which the weight of silence is found."""
SETTLES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""What is tried for :attr:`models.gesture.plan.Planner.settle`, rising."""
MORE = 1.25
"""Hands may be up in silence so much more than people's."""
STRONG = 0.5
FEWEST = 0.85
"""Of the strokes that the gesturers of the dev talks make, the share that is to remain."""
LONGEST_S = 2.6
"""Seconds that nine of ten hands wait at most, prepared."""


class Judged(NamedTuple):
    """Of plans that were drawn: strokes, the share of them near a stress, the same by luck, and how long nine of ten
    preparations last at most (s)."""

    strokes: int
    near: float
    luck: float
    waits: float


def calibrate(model: Gesture, performances: Sequence[Performance], seed: int) -> str:
    """Set ``model.planner.settle`` and ``strike`` to the best of :data:`SETTLES` and :data:`CANDIDATES`; says in words
    what it did."""
    told = heard(model, performances)
    return f"{_settle(model, told, performances, seed)}; {_strike(model, told, performances, seed)}"


def _settle(model: Gesture, told: Tensor, performances: Sequence[Performance], seed: int) -> str:
    """The least weight of silence with which hands are up in it no more than the gesturers' are, while they wait."""
    people, planner = up_in_silence(decided(performances), performances), model.planner
    planner.strike.copy_(torch.tensor(USUAL))
    for weight in SETTLES:
        planner.settle.fill_(weight)
        ours = up_in_silence(draw(model, told, seed), performances)
        log.info("settle %g: up in %.3f of silence, people in %.3f", weight, ours, people)
        if ours <= MORE * people:
            break
    return f"settles by {weight:g}: hands are up in {ours:.2f} of silence, people's in {people:.2f}"


def _strike(model: Gesture, told: Tensor, performances: Sequence[Performance], seed: int) -> str:
    """The weights of stresses with which most strokes are near one."""
    stresses = [stress_times(item.told.numpy()) for item in performances]
    strike = model.planner.strike
    found: dict[tuple[float, ...], Judged] = {}
    for given in CANDIDATES:
        strike.copy_(torch.tensor(given))
        found[given] = judge(draw(model, told, seed), stresses, [item.frames for item in performances])
        log.info("%s: %s", given, found[given])
    learned = found[AS_LEARNED]
    made = judge(decided(performances), stresses, [item.frames for item in performances]).strokes
    kept = [
        given
        for given, item in found.items()
        if item.strokes >= FEWEST * min(made, learned.strokes) and item.waits <= max(LONGEST_S, learned.waits)
    ]
    best = max(kept or [AS_LEARNED], key=lambda given: found[given].near - found[given].luck)
    strike.copy_(torch.tensor(best))
    near = f"{found[best].near:.2f} of strokes near a stress (as learned {learned.near:.2f})"
    waits = f"nine of ten hands wait at most {found[best].waits:.1f} s"
    return f"strikes by {best}: {near}, by luck {found[best].luck:.2f}, {waits}"


@torch.no_grad()
def heard(model: Gesture, performances: Sequence[Performance]) -> Tensor:
    """What the planner is told of all talks, words on time, padded to the longest, (B, T, ...)."""
    model.eval()
    longest, count = max(item.frames for item in performances), model.config.words
    raw = torch.stack([torch.nn.functional.pad(i.raw, (0, 0, 0, longest - i.frames)) for i in performances])
    words = torch.from_numpy(
        np.stack([known_words(i.words, i.times, i.times[:, 0].copy(), 0, longest, count) for i in performances])
    )
    style = torch.tensor([item.style for item in performances])
    state = initial_state(model.plan_state, len(performances))
    sound, _ = model.hearing(raw, {"conv.tail": state["hearing.conv.tail"]})
    named = model.style(style)[:, None].expand(-1, longest, -1)
    own = {key.removeprefix("planner."): value for key, value in state.items() if key.startswith("planner.")}
    told, _, _ = model.planner.hear(torch.cat([sound, model.words(words), named], -1), own)
    return told


@torch.no_grad()
def draw(model: Gesture, told: Tensor, seed: int) -> NDArray[np.int64]:
    """Phases (B, T) drawn frame by frame from what the planner is ``told`` (B, T, ...)."""
    planner = model.planner
    rows, frames = told.shape[:2]
    generator = torch.Generator().manual_seed(seed)
    state = initial_state(planner.state_specs(), rows)
    previous, out = torch.full((rows, 1, model.heads), model.codes), []
    for t in range(frames):
        logits, updates = planner(told[:, t : t + 1], previous, state)
        noise = torch.rand(rows, 1, model.heads, generator=generator)
        previous = sample(logits, noise, torch.ones(rows, 1))
        state = {**state, **updates}
        out.append(previous[:, 0, 0])
    return torch.stack(out, 1).numpy()


def decided(performances: Sequence[Performance]) -> NDArray[np.int64]:
    """Phases (B, T) as the gesturers decided, at rest where a talk is over."""
    longest = max(item.frames for item in performances)
    return np.stack([np.pad(item.ids[:, 0].numpy(), (0, longest - item.frames)) for item in performances])


def up_in_silence(phases: NDArray[np.int64], performances: Sequence[Performance]) -> float:
    """The share of the frames of silence in which a hand is prepared, strikes or is held, of ``phases`` (B, T)."""
    over = np.stack([np.pad(item.told[:, 2].numpy(), (0, phases.shape[1] - item.frames)) for item in performances]) > 0
    return float(np.isin(phases[over], (PREPARATION, STROKE, HOLD)).mean()) if over.any() else 0.0


def stress_times(told: NDArray[np.float32]) -> NDArray[np.float64]:
    """Moments (K,) of strong stresses in s, of labels (T, ...) as :func:`train.gesture.labels.accents` makes them."""
    strong = told[:, 0] > STRONG
    return np.asarray((np.flatnonzero(strong & ~np.r_[False, strong[:-1]]) + 0.5) / RATE, np.float64)


def judge(phases: NDArray[np.int64], stresses: Sequence[NDArray[np.float64]], frames: Sequence[int]) -> Judged:
    """Strokes' ends in ``phases`` (B, T) against the stresses of each talk, and against them moved round the talk: by
    the window and the shifts of :mod:`train.gesture.evaluation.timing`."""
    near = luck = strokes = 0.0
    waits: list[float] = []
    for row, moments, length in zip(phases, stresses, frames, strict=True):
        edges = np.flatnonzero(np.diff(np.r_[False, row[:length] == PREPARATION, False].astype(int)))
        waits += ((edges[1::2] - edges[::2]) / RATE).tolist()
        striking = row[:length] == STROKE
        ends = np.flatnonzero(striking[:-1] & ~striking[1:]) / RATE + 1.0 / RATE
        if not len(ends) or not len(moments):
            continue
        seconds = length / RATE
        strokes += len(ends)
        near += _near(offsets(ends, moments, seconds))
        by_chance = [_near(offsets(ends, moments, seconds, shift)) for shift in shifts_of(seconds)]
        luck += float(np.mean(by_chance)) if by_chance else 0.0
    longest = float(np.quantile(waits, 0.9)) if waits else 0.0
    return Judged(int(strokes), near / max(strokes, 1.0), luck / max(strokes, 1.0), longest)


def _near(apart: NDArray[np.floating]) -> float:
    return float((np.abs(apart) <= WINDOW).sum())
