"""Are events where they belong: events and cues that find each other, at a row's own rate and at the truth's.

Raw F1 pays for rate: who nods more answers more cues, and a head that nods three times as often as people do can score
as one of them. So each row is also scored **at the truth's rate**: before scoring, its events are brought to as many a
minute as the truth has, both pooled over the whole evaluation.

- A row with more events loses some: each is kept with the same chance, truth's rate / own rate.
- A row with fewer gets the missing ones, at moments drawn evenly over the talk: what is missing counts as chance does.

What counts then is timing alone. Nodding more, less, or not at all wins nothing: the more is thrown away at random, the
less filled up with what scores nothing. The yardsticks of a skill (redraw, random) are brought to that rate likewise.

How many cues are answered at another rate is counted on each answer for a few shares kept and a few rates added, the
mean of :data:`DRAWS` draws with a fixed seed, and read off between them when the counts are pooled. So the rate is
matched anew in every draw of the bootstrap, and the interval is that of a weighted sum of counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation.rows import SHIFT_S
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

SHIFTS = 10
"""Circular shifts over which a row's chance at its own rate is averaged."""
DRAWS = 10
"""Draws of which events are kept, or when some are added, over which the cues they answer are averaged."""
KEPT = np.linspace(0.0, 1.0, 11)
"""Shares of the events kept."""
ADDED = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
"""Events a minute added; no more than 75 a minute are ever found (one per 0.8 s)."""


def answered(times: Array, cues: Array, window: tuple[float, float]) -> tuple[int, int]:
    """(events within ``window`` of some cue, cues answered): an event answers one cue at most, the earliest that is
    still open, which on windows of one length answers as many as can be. Both in order of time, in s."""
    lags = times[:, None] - cues[None]
    within = (lags >= window[0]) & (lags <= window[1])
    taken = np.zeros(len(cues), np.bool_)
    for row in within[within.any(1)]:
        free = np.flatnonzero(row & ~taken)
        taken[free[:1]] = True
    return int(within.any(1).sum()), int(taken.sum())


def counts(
    name: str, times: Array, cues: Array, window: tuple[float, float], seconds: float, rng: np.random.Generator
) -> Sums:
    """What timing needs of the events at ``times`` (s) in a talk of ``seconds``: as they are, moved round the talk, and
    with fewer and more of them. ``rng`` draws the same moves for every row; the rest has draws of its own."""
    inside, open_cues = answered(times, cues, window)
    least = min(SHIFT_S, seconds / 3)
    chance = [
        answered(np.sort((times + rng.uniform(least, seconds - least)) % seconds), cues, window) for _ in range(SHIFTS)
    ]
    by_chance = np.mean(chance, 0)
    (own,) = rng.spawn(1)
    kept, added = np.zeros(len(KEPT)), np.zeros(len(ADDED))
    for _ in range(DRAWS):
        fate = own.random(len(times))
        kept += [answered(times[fate < share], cues, window)[1] for share in KEPT]
        more = own.uniform(0.0, seconds, own.poisson(ADDED[-1] * seconds / 60.0))
        fate = own.uniform(0.0, ADDED[-1], len(more))
        added += [answered(np.sort(np.concatenate([times, more[fate < rate]])), cues, window)[1] for rate in ADDED]
    return {
        f"{name}.events": np.array(float(len(times))),
        f"{name}.cues": np.array(float(len(cues))),
        f"{name}.inside": np.array(float(inside)),
        f"{name}.answered": np.array(float(open_cues)),
        f"{name}.chance_inside": by_chance[0],
        f"{name}.chance_answered": by_chance[1],
        f"{name}.kept_answered": kept / DRAWS,
        f"{name}.added_answered": added / DRAWS,
        f"{name}.inviting_minutes": np.array(covered(cues, window, seconds) / 60.0),
    }


def covered(cues: Array, window: tuple[float, float], seconds: float) -> float:
    """Seconds of a talk that lie in the ``window`` of some of the ``cues`` (s, in order)."""
    starts, ends = np.clip(cues + window[0], 0.0, seconds), np.clip(cues + window[1], 0.0, seconds)
    return float(np.maximum(ends - np.maximum(starts, np.concatenate([[0.0], ends[:-1]])), 0.0).sum())


def f1(row: Tally, kind: str, of: str = "") -> Array:
    """F1 (D,) of ``nod`` or ``smile``; ``of="chance_"`` is that of the same events moved round the talk. No event at
    all scores 0, no cue at all is not a number."""
    sums = row.sums
    return _f1(sums[f"{kind}.{of}inside"], sums[f"{kind}.events"], sums[f"{kind}.{of}answered"], sums[f"{kind}.cues"])


def matched_f1(row: Tally, truth: Tally, kind: str) -> Array:
    """F1 (D,) of the row's events brought to the truth's rate, as the head of this file defines it. The truth's own is
    its raw F1."""
    sums = row.sums
    events, minutes = sums[f"{kind}.events"], sums["minutes"]
    wanted = truth.sums[f"{kind}.events"] / truth.sums["minutes"] * minutes
    keep = np.minimum(wanted / np.maximum(events, 1e-12), 1.0)
    add = np.maximum(wanted - events, 0.0) / minutes
    fewer = _between(KEPT, sums[f"{kind}.kept_answered"], keep)
    more = _between(ADDED, sums[f"{kind}.added_answered"], add)
    inside = keep * sums[f"{kind}.inside"] + add * sums[f"{kind}.inviting_minutes"]
    return _f1(inside, wanted, np.where(events > wanted, fewer, more), sums[f"{kind}.cues"])


def _f1(inside: Array, events: Array, answers: Array, cues: Array) -> Array:
    precision = inside / np.maximum(events, 1e-12)
    recall = answers / np.where(cues > 0, cues, np.nan)
    return np.asarray(2.0 * precision * recall / np.maximum(precision + recall, 1e-12))


def _between(levels: Array, values: Array, at: Array) -> Array:
    """What ``values`` (D, levels) are at a level of each draw, ``at`` (D,), on straight lines between them."""
    upper = np.clip(np.searchsorted(levels, at, side="right"), 1, len(levels) - 1)
    share = (at - levels[upper - 1]) / (levels[upper] - levels[upper - 1])
    draws = np.arange(len(at))
    return values[draws, upper - 1] * (1.0 - share) + values[draws, upper] * share
