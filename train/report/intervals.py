"""Counts by group and their bootstrap: what would the metrics be, had other people been recorded?

Groups (of talks: voices, of dances: takes), not talks or frames, are drawn with replacement (Efron 1979), the same
draws for every row of equally many groups, so that a ratio or a difference between rows is resampled as a pair. The
intervals are percentiles. They say nothing of what the split does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Sums = dict[str, Array]

DRAWS = 1000
LEVEL = 0.95
TAILS = (50.0 * (1.0 - LEVEL), 100.0 - 50.0 * (1.0 - LEVEL))
"""Percentiles at the ends of an interval."""
LEAST = 0.9
"""Share of the draws that must have a value for an interval to be given."""


class Interval(NamedTuple):
    """Lower and upper end of an interval; both not a number where there is none."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is one."""
        return bool(np.isfinite(self.low))


class Band(NamedTuple):
    """Lower and upper edge (N,) of the interval of every point of a curve."""

    low: Array
    high: Array


@dataclass
class Tally:
    """Sums and largest values of what one or more groups did; ``+`` pools two."""

    sums: Sums
    peaks: Sums

    def __add__(self, other: Tally) -> Tally:
        sums: Sums = {name: self.sums[name] + other.sums[name] for name in self.sums}
        return Tally(sums, {name: np.maximum(self.peaks[name], other.peaks[name]) for name in self.peaks})


def by_group(counted: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
    """The tallies of (group, tally) pairs added up by group, groups in alphabetical order."""
    found: dict[str, Tally] = {}
    for group, tally in counted:
        found[group] = found[group] + tally if group in found else tally
    return {group: found[group] for group in sorted(found)}


def split(values: Sums, group: NDArray[np.integer], groups: int) -> list[Sums]:
    """The sums by group of ``values`` by name, each (N, ...), ``group`` (N,) being a number below ``groups``."""
    return [{name: found[group == index].sum(0) for name, found in values.items()} for index in range(groups)]


def weights(groups: int, seed: int, draws: int = DRAWS) -> Array:
    """How often each group counts, (1 + draws, groups): first every group once, then the bootstrap's draws
    (none where there is one group: it could only be drawn again)."""
    if groups < 2:
        draws = 0
    drawn = np.random.default_rng([seed, groups]).multinomial(groups, np.full(groups, 1.0 / groups), draws)
    return np.concatenate([np.ones((1, groups)), drawn])


def pooled(tallies: Sequence[Tally], weight: Array) -> Tally:
    """The tallies of the groups, one each, pooled for every draw: each sum (D, ...), each peak (D,)."""
    sums = {name: np.tensordot(weight, np.stack([t.sums[name] for t in tallies]), 1) for name in tallies[0].sums}
    peaks = {
        name: np.where(weight > 0, np.stack([t.peaks[name] for t in tallies]), -np.inf).max(1)
        for name in tallies[0].peaks
    }
    return Tally(sums, peaks)


def interval(values: Array) -> Interval:
    """The percentile interval of the draws in ``values`` (1 + draws,), whose first is the point estimate; not a number
    where more than a tenth of the draws have no value, or there was nothing to draw from."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(drawn) < LEAST * (len(values) - 1) or len(drawn) < 2:
        return Interval(np.nan, np.nan)
    low, high = np.percentile(drawn, TAILS)
    return Interval(float(low), float(high))


def band(curve: Array) -> Band | None:
    """The interval of every point of a ``curve`` (1 + draws, N); None without draws."""
    return Band(*np.percentile(curve[1:], TAILS, axis=0)) if len(curve) > 1 else None
