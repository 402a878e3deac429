"""What a running session counts: latency histograms of fixed size, and frames by what happened to them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from engine.wire import Flag

_FIRST_NS, _GROWTH, _BUCKETS = 1_000.0, 1.01, 2_000
_LOG_GROWTH = math.log(_GROWTH)


class Histogram:
    """Durations in buckets that grow by 1 %, from 1 us to beyond a minute: memory stays flat for days and a quantile is
    off by at most 1 %. The largest value is kept exactly."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self.count = 0
        self.max_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration; negative ones count as zero."""
        ratio = max(duration_ns, 0) / _FIRST_NS
        index = 0 if ratio <= 1.0 else min(_BUCKETS - 1, math.ceil(math.log(ratio) / _LOG_GROWTH))
        self._counts[index] += 1
        self.count += 1
        self.max_ns = max(self.max_ns, duration_ns)

    def quantile_ms(self, share: float) -> float:
        """The duration (ms) that ``share`` of all stay below; NaN when nothing was counted."""
        if not self.count:
            return math.nan
        rank = int(np.searchsorted(np.cumsum(self._counts), share * self.count))
        return min(_FIRST_NS * _GROWTH**rank, self.max_ns) / 1e6

    def summary(self) -> dict[str, float]:
        """p50, p95, p99 and max in milliseconds."""
        quantiles = {f"p{round(100 * share)}": self.quantile_ms(share) for share in (0.50, 0.95, 0.99)}
        return {**quantiles, "max": self.max_ns / 1e6 if self.count else math.nan}


STAGES = ("capture_to_due", "due_to_start", "step", "publish", "capture_to_publish")
"""Device and ring until the hop was complete; waiting for the loop; the model; flags and sockets; the whole."""


@dataclass
class Stats:
    """Counters of one session. ``missed`` frames were skipped, never published. ``senses``: the roles of inputs that
    the model has; the table speaks of no others."""

    senses: Collection[str] = ("audio", "face")
    frames: int = 0
    late: int = 0
    held: int = 0
    missed: int = 0
    longest_miss: int = 0
    silent: int = 0
    no_face: int = 0
    bad_input: int = 0
    last_error: str = ""
    stages: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram() for name in STAGES})

    def add(self, flags: Flag) -> None:
        """Count one published frame."""
        self.frames += 1
        self.late += Flag.LATE in flags
        self.held += Flag.HELD in flags
        self.silent += Flag.SILENT in flags
        self.no_face += Flag.NO_FACE in flags
        self.bad_input += Flag.BAD_INPUT in flags

    def miss(self, frames: int) -> None:
        """Count frames skipped in one go."""
        self.missed += frames
        self.longest_miss = max(self.longest_miss, frames)

    def to_dict(self) -> dict[str, object]:
        """Counters, the last failure in words and, per stage, milliseconds (NaN where nothing was counted)."""
        counters = ("frames", "late", "held", "missed", "longest_miss", "silent", "no_face", "bad_input")
        stages = {name: histogram.summary() for name, histogram in self.stages.items()}
        numbers = {name: getattr(self, name) for name in counters}
        return {**numbers, "last_error": self.last_error, "stages_ms": stages}

    def table(self) -> str:
        """The session in a few lines for people."""
        rows: list[Iterable[object]] = [("milliseconds", "p50", "p95", "p99", "max")]
        for name in ("capture_to_publish", *(stage for stage in STAGES if stage != "capture_to_publish")):
            values = self.stages[name].summary().values()
            rows.append((name.replace("_", " "), *("-" if math.isnan(value) else f"{value:.2f}" for value in values)))
        lines = ["".join(f"{cell!s:>{22 if not i else 10}}" for i, cell in enumerate(row)) for row in rows]
        absent = [
            f"   without {name} {count}"
            for role, name, count in (("audio", "voice", self.silent), ("face", "face", self.no_face))
            if role in self.senses
        ]
        counts = (
            f"frames {self.frames}   late {self.late}   held {self.held}   missed {self.missed}"
            f"{''.join(absent)}   bad input {self.bad_input}"
        )
        failed = [f"last failure of a step: {self.last_error}"] if self.last_error else []
        return "\n".join([*lines, counts, *failed])
