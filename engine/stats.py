"""What a running session counts: latency histograms of fixed size, and frames by what happened to them.

The A/V offset is how far a published frame is from the sound of the avatar's own voice that it belongs to: positive
where the lips are late. Late lips are noticed from 45 ms on, early ones from 125 ms; 90 and 185 ms are what viewers put
up with (ITU-R BT.1359-1, which counts the other way round: there late lips are early sound).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
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


class Offsets:
    """Durations with a sign, as two histograms: a quantile is off by at most 1 %."""

    def __init__(self) -> None:
        self._late, self._early = Histogram(), Histogram()

    @property
    def count(self) -> int:
        """How many were counted."""
        return self._late.count + self._early.count

    def add(self, offset_ns: int) -> None:
        """Count one, positive or negative."""
        (self._late if offset_ns >= 0 else self._early).add(abs(offset_ns))

    def quantile_ms(self, share: float) -> float:
        """The offset (ms) that ``share`` of all do not exceed; NaN when nothing was counted."""
        late, early = self._late, self._early
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(share * self.count - 1e-9))  # from the most negative on
        if rank <= early.count:
            return -early.quantile_ms((early.count - rank + 0.5) / early.count)
        return late.quantile_ms((rank - early.count - 0.5) / late.count)

    def summary(self) -> dict[str, float]:
        """p50, p95, p99, max and min in milliseconds."""
        quantiles = {f"p{round(100 * share)}": self.quantile_ms(share) for share in (0.50, 0.95, 0.99)}
        longest = self._late.max_ns / 1e6 if self._late.count else self.quantile_ms(1.0)
        earliest = -self._early.max_ns / 1e6 if self._early.count else self.quantile_ms(0.0)
        return {**quantiles, "max": longest, "min": earliest}


class Buckets:
    """Counts of values (s) up to each of some ``bounds``, as Prometheus takes a histogram. They only grow. One thread
    counts, or whoever holds a lock."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def rows(self) -> tuple[list[tuple[str, float]], float]:
        """Upper bounds (as text) with how many values were no larger, and the sum of all."""
        reached, rows = 0, []
        for bound, count in zip((*self._bounds, None), list(self._counts), strict=True):
            reached += count
            rows.append(("+Inf" if bound is None else str(bound), float(reached)))
        return rows, self._sum


STAGES = ("capture_to_due", "due_to_start", "step", "publish", "capture_to_publish")
"""Device and ring until the hop was complete; waiting for the loop; the model; flags and sockets; the whole."""


@dataclass
class Stats:
    """Counters of one session. ``missed`` frames were skipped, never published. ``senses``: the roles of inputs that
    the model has; the table speaks of no others. ``av_offset`` is that of every frame in which the avatar's own voice
    is heard, None for a model that does not hear it."""

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
    av_offset: Offsets | None = None
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
        """Counters, the last failure in words and, per stage, milliseconds (NaN where nothing was counted);
        ``av_offset_ms`` where the own voice is heard."""
        counters = ("frames", "late", "held", "missed", "longest_miss", "silent", "no_face", "bad_input")
        stages = {name: histogram.summary() for name, histogram in self.stages.items()}
        numbers = {name: getattr(self, name) for name in counters}
        spoken = {} if self.av_offset is None else {"av_offset_ms": self.av_offset.summary()}
        return {**numbers, "last_error": self.last_error, "stages_ms": stages, **spoken}

    def table(self) -> str:
        """The session in a few lines for people."""
        rows: list[Iterable[object]] = [("milliseconds", "p50", "p95", "p99", "max")]
        for name in ("capture_to_publish", *(stage for stage in STAGES if stage != "capture_to_publish")):
            values = self.stages[name].summary().values()
            rows.append((name.replace("_", " "), *map(_cell, values)))
        if self.av_offset is not None:
            rows.append(("A/V offset", *map(_cell, list(self.av_offset.summary().values())[:4])))
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


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
