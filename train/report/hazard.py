"""When do events become likelier? Their rate by time since a moment that may call for them, and how far two such curves
lie apart.

Single nods of people can hardly be foretold, but when they become likelier can: after a cue, around a phrase's end. The
curve is events a minute per bin of time around the moments (*anchors*), as peri-stimulus histograms are (Gerstein &
Kiang 1960, Biophys. J. 1). What is counted are sums (events and watched minutes by bin), so that answers, talks and
people add up and a bootstrap over people is a weighted sum of them. Events may be nods of simulated listeners, of a
model, or those that somebody annotated: times in seconds are all that is asked for.

    sums = hazard.sums("cues", nods, cues, [(0.0, 120.0)])       # per answer: into a Tally
    curve = hazard.curve(pooled, "cues")                         # (D, bins), events a minute
    apart = hazard.distance(pooled, pooled_truth, "cues")        # (D,), events a minute
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

FROM_S, UNTIL_S, BIN_S = -1.0, 2.0, 0.25
"""What a curve spans around an anchor, and its bins: a phrase's end is foreseen by less than a second and answered
within two."""
EDGES = np.linspace(FROM_S, UNTIL_S, round((UNTIL_S - FROM_S) / BIN_S) + 1)
"""Edges (bins + 1,) of the bins in s."""
CENTRES = 0.5 * (EDGES[:-1] + EDGES[1:])
"""Middles (bins,) of the bins in s."""


class Watched(NamedTuple):
    """A stretch (s) in which an event would have been counted: all of a talk, or what a camera saw."""

    start_s: float
    end_s: float


def sums(
    name: str,
    events: Sequence[float] | Array,
    anchors: Sequence[float] | Array,
    watched: Sequence[Watched | tuple[float, float]],
) -> Sums:
    """``NAME.events`` and ``NAME.minutes``, each (bins,): how many ``events`` (s) fell into each bin of time around
    the ``anchors`` (s), and for how long each bin was ``watched`` (stretches that do not overlap).

    A moment counts for the last anchor before it and for the first one after it, and for no other: what follows a
    second cue says nothing of the first."""
    times, moments = np.sort(np.asarray(events, float)), np.unique(np.asarray(anchors, float))
    stretches = np.asarray(sorted(watched), float).reshape(-1, 2)
    lengths = stretches[:, 1] - stretches[:, 0]
    if (lengths < 0.0).any() or (stretches[1:, 0] < stretches[:-1, 1]).any():
        raise EngineError("watched stretches overlap, or end before they begin: merge them first")
    inside = np.searchsorted(stretches[:, 0], times, side="right") - 1
    times = times[(inside >= 0) & (times < stretches[inside, 1])] if len(stretches) else times[:0]
    before = np.concatenate([[-np.inf], moments[:-1]])[:, None]
    after = np.concatenate([moments[1:], [np.inf]])[:, None]
    lags = times[None] - moments[:, None]
    own = (times[None] >= before) & (times[None] < after)
    counted = np.histogram(lags[own & (lags < UNTIL_S)], EDGES)[0].astype(float)
    # How long was watched up to a moment: a straight line in each stretch and level between two.
    total = np.concatenate([[0.0], np.cumsum(lengths)])
    knots, levels = stretches.ravel(), np.stack([total[:-1], total[1:]], 1).ravel()
    edges = np.clip(moments[:, None] + EDGES, before, after)
    until = np.interp(edges, knots, levels) if len(stretches) else np.zeros_like(edges)
    return {f"{name}.events": counted, f"{name}.minutes": np.diff(until, axis=1).sum(0) / 60.0}


def curve(row: Tally, name: str) -> Array:
    """Events a minute by bin, (D, bins), of pooled sums; not a number where nothing was watched."""
    minutes = row.sums[f"{name}.minutes"]
    return np.asarray(row.sums[f"{name}.events"] / np.where(minutes > 0.0, minutes, np.nan))


def distance(row: Tally, truth: Tally, name: str) -> Array:
    """How far the curve of ``row`` lies from that of ``truth``, (D,), in events a minute: root mean square over the
    bins, less what chance makes of the difference of two equal curves that are drawn from so few people and events (its
    variance in each bin over the bootstrap's draws, D - 1; with one group there are none and nothing is taken off). It
    is 0 where the two cannot be told apart. The rate counts as well as the shape: who nods nowhere is far.

    Every draw of the bootstrap holds that chance twice, once in the counts and once in the drawing, and it is taken off
    twice. Where a bin is not watched, there is no distance."""
    off = curve(row, name) - curve(truth, name)
    chance = np.zeros(off.shape)
    if len(off) > 1:
        variance = np.ma.masked_invalid(off[1:]).var(0).filled(0.0)
        chance[0], chance[1:] = variance, 2.0 * variance
    return np.asarray(np.sqrt(np.maximum((off**2 - chance).mean(1), 0.0)))
