"""Sound that somebody sends, whatever its rate: taken as fast as time goes, and written at the rate of a ring.

What comes at once after a stall is taken too, up to :data:`BURST_S`; what is beyond that is not, since every hop of it
would make the loop run a step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.feeds.feeds import Feeds
from engine.network.limits import Bucket
from engine.sound.resample import StreamingResampler

FASTER = 1.05
BURST_S = 2.0
"""Sound beyond real time that is taken at once, seconds."""
MUTED_S = 10.0
"""Zeros alone for so long are told of: a person's microphone has some noise. An avatar's own voice has pauses."""


class PushedSound:
    """The voice of ``owner`` at ``rate`` Hz on its way to ``feeds``; used by one thread at a time."""

    def __init__(self, feeds: Feeds, owner: str, rate: int, now_ns: int) -> None:
        ring = feeds.samples[owner]
        self._ring, self._allowed = ring, Bucket(FASTER * rate, BURST_S * rate, now_ns)
        self._rate, self._front_end = rate, feeds.front_end(owner)
        self._resampler = None if rate == ring.rate else StreamingResampler(rate, ring.rate)
        self._zeros_s, self._muted = 0.0, False
        if owner == "partner":
            feeds.notes.append(self._notes)

    def fits(self, count: int, now_ns: int) -> bool:
        """Whether ``count`` samples more may come now; they are counted where they may."""
        return self._allowed.take(count, now_ns)

    def write(self, samples: NDArray[np.float32], valid: bool, end_ns: int) -> None:
        """Pass on ``samples`` (n,), from -1 to 1, whose last was captured at ``end_ns``; not ``valid``: silence."""
        self._zeros_s = self._zeros_s + len(samples) / self._rate if valid and not samples.any() else 0.0
        self._muted |= self._zeros_s > MUTED_S
        kept = self._front_end.push(samples, self._rate) if valid else np.zeros_like(samples)
        if self._resampler is not None:
            kept = self._resampler.push(kept)
            end_ns -= round(self._resampler.lag_s * 1e9)
        self._ring.write(kept, end_ns, valid)

    def _notes(self) -> list[str]:
        if not self._muted:
            return []
        return [f"partner's voice: nothing but zeros for {MUTED_S:g} s; is the microphone muted, or not permitted?"]
