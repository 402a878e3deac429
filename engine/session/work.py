"""Where a loop's time goes: in the step, in gathering and publishing (Python), or nowhere; and how full its ticks
are. And how far frames are from the own voice that they belong to, over all sessions of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.runtime.protocol import Block
from engine.stats import Buckets

AV_BOUNDS_S = (-0.185, -0.125, -0.06, -0.02, 0.0, 0.01, 0.02, 0.03, 0.045, 0.06, 0.09, 0.125, 0.185, 0.5)
"""Upper bounds of the histogram of A/V offsets, seconds; those of ITU-R BT.1359-1 are among them."""


class Work:
    """Counted by the loop's thread, read by any."""

    def __init__(self) -> None:
        self._first_ns = 0
        self._last_ns = 0
        self.ticks = self.frames = self.block_rows = 0
        self.gather_ns = self.step_ns = self.settle_ns = 0
        self.av_offsets = Buckets(AV_BOUNDS_S)

    def tick(
        self, frames: int, blocks: Sequence[Block], begun_ns: int, gathered_ns: int, stepped_ns: int, done_ns: int
    ) -> None:
        """Count a tick of ``frames`` rows, which ran in ``blocks``, by the moments between its parts."""
        self._first_ns = self._first_ns or begun_ns
        self._last_ns = done_ns
        self.ticks += 1
        self.frames += frames
        self.block_rows += sum(block.size for block in blocks)
        self.gather_ns += gathered_ns - begun_ns
        self.step_ns += stepped_ns - gathered_ns
        self.settle_ns += done_ns - stepped_ns

    def summary(self) -> dict[str, Any]:
        """Counts, and shares of the time since the first tick."""
        passed = max(1, self._last_ns - self._first_ns)
        return {
            "ticks": self.ticks,
            "frames": self.frames,
            "rows_per_tick": self.frames / max(1, self.ticks),
            "rows_used": self.frames / max(1, self.block_rows),
            "step_share": self.step_ns / passed,
            "gather_share": self.gather_ns / passed,
            "settle_share": self.settle_ns / passed,
        }
