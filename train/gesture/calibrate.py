"""Sets how a prepared hand waits for a stress, after training: the gain and the offset of the odds that it strikes.

A network that is trained on chances spreads a stroke over all moments that might be right. A gain above 1 lets the hand
wait for a moment that stands out, around a pivot at which the odds stay as learned. What is best is found on the dev
talks: plans are drawn as they are live, and judged by how many of their strokes end near a stress beyond luck.
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
from models.gesture.plan import STROKE
from models.sampling import sample
from train.gesture.streams import Performance
from train.gesture.words import known_words

log = logging.getLogger(__name__)

GAINS, PIVOTS = (1.0, 1.5, 2.0, 3.0), (-2.5, -1.5, -0.5)
"""Gains of the odds (natural logarithm) and the odds at which nothing changes."""
NEAR_S = 0.2
"""Seconds from a stroke's end to a stress that count as together."""
STRONG = 0.5
SHIFTS_S = (3.0, 5.0, 8.0, -3.0, -5.0, -8.0)
FEWEST = 0.8
"""Share of the strokes as learned that are to remain."""


class Judged(NamedTuple):
    """Of plans that were drawn: strokes, the share of them near a stress, and the same by luck."""

    strokes: int
    near: float
    luck: float


def calibrate(model: Gesture, performances: Sequence[Performance], seed: int) -> str:
    """Set ``model.planner.strike`` to the best of :data:`GAINS` and :data:`PIVOTS`; says in words what it did."""
    told = _heard(model, performances)
    stresses = [stress_times(item.accent.numpy()) for item in performances]
    strike = model.planner.strike
    found: dict[tuple[float, float], Judged] = {}
    for gain in GAINS:
        for pivot in PIVOTS if gain != 1.0 else (0.0,):
            strike.copy_(torch.tensor([gain, pivot * (1.0 - gain)]))
            phases = draw(model, told, seed)
            found[gain, pivot] = judge(phases, stresses, [item.frames for item in performances])
            log.info("gain %g around %g: %s", gain, pivot, found[gain, pivot])
    least = FEWEST * found[1.0, 0.0].strokes
    kept = {key: item for key, item in found.items() if item.strokes >= least}
    gain, pivot = max(kept, key=lambda key: kept[key].near - kept[key].luck)
    strike.copy_(torch.tensor([gain, pivot * (1.0 - gain)]))
    best = found[gain, pivot]
    near = f"{best.near:.2f} of strokes near a stress, by luck {best.luck:.2f}"
    return f"strikes with gain {gain:g} around {pivot:g}: {near}"


@torch.no_grad()
def _heard(model: Gesture, performances: Sequence[Performance]) -> Tensor:
    """What the planner is told of all talks, words on time, padded to the longest, (B, T, ...)."""
    model.eval()
    longest, count = max(item.frames for item in performances), model.config.words
    raw = torch.stack([torch.nn.functional.pad(i.raw, (0, 0, 0, longest - i.frames)) for i in performances])
    words = torch.from_numpy(
        np.stack([known_words(i.words, i.times, i.times[:, 0].copy(), 0, longest, count) for i in performances])
    )
    style = torch.tensor([item.style for item in performances])
    state = initial_state(model.plan_state, len(performances))
    heard, _ = model.hearing(raw, {"conv.tail": state["hearing.conv.tail"]})
    named = model.style(style)[:, None].expand(-1, longest, -1)
    own = {key.removeprefix("planner."): value for key, value in state.items() if key.startswith("planner.")}
    told, _, _ = model.planner.hear(torch.cat([heard, model.words(words), named], -1), own)
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


def stress_times(accent: NDArray[np.float32]) -> NDArray[np.float64]:
    """Moments (K,) of strong stresses in s, of labels (T, 2) as :func:`train.gesture.labels.accents` makes them."""
    strong = accent[:, 0] > STRONG
    return np.asarray((np.flatnonzero(strong & ~np.r_[False, strong[:-1]]) + 0.5) / RATE, np.float64)


def judge(phases: NDArray[np.int64], stresses: Sequence[NDArray[np.float64]], frames: Sequence[int]) -> Judged:
    """Strokes' ends in ``phases`` (B, T) against the stresses of each talk, and against them moved round the talk."""
    near = luck = strokes = 0.0
    for row, moments, length in zip(phases, stresses, frames, strict=True):
        striking = row[:length] == STROKE
        ends = np.flatnonzero(striking[:-1] & ~striking[1:]) / RATE + 1.0 / RATE
        if not len(ends) or not len(moments):
            continue
        seconds = length / RATE
        strokes += len(ends)
        near += _near(ends, moments)
        luck += float(np.mean([_near((ends + shift) % seconds, moments) for shift in SHIFTS_S]))
    return Judged(int(strokes), near / max(strokes, 1.0), luck / max(strokes, 1.0))


def _near(ends: NDArray[np.float64], moments: NDArray[np.float64]) -> float:
    return float((np.abs(ends[:, None] - moments[None]).min(1) <= NEAR_S).sum())
