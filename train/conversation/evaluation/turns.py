"""Gaze and head around turns: when an avatar looks at its partner and away, as turns begin and end.

People look away as they begin a long turn and back at the partner as they end it (Kendon 1967). A curve is the share
of frames in which gaze is away, or how fast the head is, a quarter of a second at a time, over all turns of a kind.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from train.conversation.evaluation.cases import Case, Face
from train.conversation.talks.layout import FPS
from train.report import events
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

REACH_S, STEP_S = 2.0, 0.25
OFFSETS = np.arange(-REACH_S, REACH_S + STEP_S / 2.0, STEP_S)
"""Seconds from the moment to the middle of each step."""
MIDDLE = np.abs(OFFSETS) <= 0.5
"""The steps around the moment itself."""
MOMENTS = {"own_start": "own turns begin", "own_end": "own turns end", "partner_start": "the partner's turns begin"}
LEAST_S = 1.0
"""Shorter turns ("mm-hmm") are no turns here."""


def moments(case: Case) -> dict[str, Array]:
    """When (s) turns begin and end."""
    own, partner = (
        [one for one in spans if one.end_s - one.start_s >= LEAST_S] for spans in (case.turns, case.partner_turns)
    )
    return {
        "own_start": np.array([one.start_s for one in own]),
        "own_end": np.array([one.end_s for one in own]),
        "partner_start": np.array([one.start_s for one in partner]),
    }


def around(values: Array, times: Array, rate: float = FPS) -> tuple[Array, Array]:
    """Sum (steps,) of ``values`` (T,) around each of some times (N,) in s, and from how many moments each step has
    one: those outside the talk have none."""
    middles = (np.asarray(times, float)[:, None] + OFFSETS) * rate
    half = 0.5 * STEP_S * rate
    first, last = np.round(middles - half).astype(int), np.round(middles + half).astype(int)
    there = (first >= 0) & (last <= len(values))
    summed = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    first, last = (np.clip(edge, 0, len(values)) for edge in (first, last))
    mean = (summed[last] - summed[first]) / np.maximum(last - first, 1)
    return np.where(there, mean, 0.0).sum(0), there.sum(0).astype(float)


def tally(face: Face, case: Case) -> Tally:
    """What a face (T, 58) adds to the sums."""
    head = events.head_speed(face, FPS)
    signals = {"away": events.looks_away(face).astype(float), "speed": np.r_[head[:1], head]}
    sums: Sums = {}
    for moment, times in moments(case).items():
        for name, values in signals.items():
            sums[f"{name}.{moment}"], sums[f"count.{moment}"] = around(values, times)
    return Tally(sums, {})


def curves(sums: Sums) -> Iterator[tuple[str, Array]]:
    """The curves (D, steps) of sums with the draws on axis 0, each with its name."""
    for moment in MOMENTS:
        count = sums[f"count.{moment}"]
        for name in ("away", "speed"):
            yield f"{name}.{moment}", np.where(count > 0, sums[f"{name}.{moment}"] / np.maximum(count, 1.0), np.nan)


def derive(own: Sums, truth: Sums) -> dict[str, Array]:
    """Metrics (D,): mean distances of the curves from the truth's, and how much more gaze is away as an own turn
    begins (-0.5 to 0.5 s) than as it ends."""
    made, true = dict(curves(own)), dict(curves(truth))
    found = {f"{name.replace('.', '_')}_off": np.abs(made[name] - true[name]).mean(1) for name in made}
    found["away_turn"] = made["away.own_start"][:, MIDDLE].mean(1) - made["away.own_end"][:, MIDDLE].mean(1)
    return found
