"""Where a loop's time goes: in the step, in gathering and publishing (Python), or nowhere; and how full its ticks
are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.runtime.protocol import Block


class Work:
    """Counted by the loop's thread, read by any."""

    def __init__(self) -> None:
        self._first_ns = 0
        self._last_ns = 0
        self.ticks = self.frames = self.block_rows = 0
        self.gather_ns = self.step_ns = self.settle_ns = 0

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
