"""Bootstrap over voices: what would the figures be, had other people been recorded?

Voices (of dances: takes), not talks or frames, are drawn with replacement (Efron 1979), the same draws for every row,
so that a ratio or a difference between rows is resampled as a pair. The intervals are percentiles. They say nothing of
what the split does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Sums = dict[str, Array]

DRAWS = 1000
LEVEL = 0.95
LEAST = 0.9
"""Share of the draws that must have a value for an interval to be given."""


@dataclass
class Tally:
    """Sums and largest values of what one or more voices did; ``+`` pools two."""

    sums: Sums
    peaks: Sums

    def __add__(self, other: Tally) -> Tally:
        sums = {name: self.sums[name] + other.sums[name] for name in self.sums}
        return Tally(sums, {name: np.maximum(self.peaks[name], other.peaks[name]) for name in self.peaks})


def weights(voices: int, seed: int, draws: int = DRAWS) -> Array:
    """How often each voice counts, (1 + draws, voices): first every voice once, then the bootstrap's draws
    (none where there is one voice: it could only be drawn again)."""
    if voices < 2:
        draws = 0
    drawn = np.random.default_rng([seed, voices]).multinomial(voices, np.full(voices, 1.0 / voices), draws)
    return np.concatenate([np.ones((1, voices)), drawn])


def pooled(tallies: Sequence[Tally], weight: Array) -> Tally:
    """The tallies of the voices, one each, pooled for every draw: each sum (D, ...), each peak (D,)."""
    sums = {name: np.tensordot(weight, np.stack([t.sums[name] for t in tallies]), 1) for name in tallies[0].sums}
    peaks = {
        name: np.where(weight > 0, np.stack([t.peaks[name] for t in tallies]), -np.inf).max(1)
        for name in tallies[0].peaks
    }
    return Tally(sums, peaks)


def interval(values: Array) -> tuple[float, float]:
    """The percentile interval of the draws in ``values`` (1 + draws,), whose first is the point estimate; not a number
    where more than a tenth of the draws have no value, or there was nothing to draw from."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(drawn) < LEAST * (len(values) - 1) or len(drawn) < 2:
        return (np.nan, np.nan)
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(drawn, [tail, 100.0 - tail])
    return float(low), float(high)
