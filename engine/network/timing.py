"""A client's clock on the engine's: offset and drift, estimated from exchanges of times, and times mapped by them.

**What is known.** The engine asks for the client's time: sent at s, answered with c, received at r, all but c on the
engine's clock. The client's clock then stood at c at some moment from s to r, so the middle is off by half the round
trip at most, whatever the way there and back took (NTP, RFC 5905, section 8). Of every few seconds the exchange with
the shortest round trip is kept (its clock filter), and through those of a minute goes the line whose slope is the
median of the slopes of all pairs (Theil and Sen), which a few delayed exchanges do not move.

A client that answers no questions is mapped by arrival: nothing arrives before it was captured, so the least difference
of the last minute stands for no delay.

**What is done with it.** The mapping in use follows the estimate by at most :data:`CORRECTION` seconds a second, so
that sound neither jumps nor runs visibly fast. In its first second, and where it is off by more than :data:`STEP_S`
(a clock that was set), it takes the step at once.
Between steps mapped times do not run backwards while the client's do not; they lie from
:data:`LONGEST_AGO_S` ago to now whatever the client says: a lie moves its own frames a little and nothing else.
"""

from __future__ import annotations

from collections import deque
from itertools import combinations
from statistics import median
from typing import NamedTuple

SEGMENT_S = 4.0
SEGMENTS = 16
"""One exchange is kept of each segment: 16 of 4 s are a minute."""
LEAST_SPAN_S = 16.0
"""Below which no drift is told from the noise."""
MOST_DRIFT = 500e-6
"""Of a clock that is not broken (quartz: below 200e-6)."""
CORRECTION = 0.01
SETTLE_S = 1.0
STEP_S = 0.25
STRANGE = 3
"""Exchanges in a row, off by more than ``STEP_S``, after which all that was known of a clock is forgotten."""
MOST_ASKED = 8
LONGEST_AGO_S = 2.0


class _Kept(NamedTuple):
    """The best of a segment: when (s), the offset engine - client (s, from the first one known), and its cost (s)."""

    segment: int
    at: float
    offset: float
    cost: float


class _Line:
    """Offset by time, through the best samples of the segments. ``least``: the cost *is* the offset, which a delay
    makes too large and nothing too small, so that of every segment counts."""

    def __init__(self, least: bool) -> None:
        self._least = least
        self._kept: deque[_Kept] = deque(maxlen=SEGMENTS)
        self.offset, self.drift, self._at = 0.0, 0.0, 0.0

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, at: float, offset: float, cost: float) -> None:
        """Take a sample into account; those of least cost count."""
        sample = _Kept(int(at / SEGMENT_S), at, offset, cost)
        if self._kept and self._kept[-1].segment == sample.segment:
            if cost > self._kept[-1].cost:
                return
            self._kept.pop()
        self._kept.append(sample)
        self._fit()

    def value(self, at: float) -> float:
        """The offset at that time."""
        return self.offset + self.drift * (at - self._at)

    def _fit(self) -> None:
        best = min(self._kept, key=lambda item: item.cost)
        good, sound = list(self._kept), best
        if not self._least:
            good = [item for item in good if item.cost <= 3.0 * best.cost + 0.001]
            sound = next(item for item in reversed(good) if item.cost <= 1.2 * best.cost)
        self.offset, self._at, self.drift = sound.offset, sound.at, 0.0
        if good[-1].at - good[0].at >= LEAST_SPAN_S:
            slopes = [(b.offset - a.offset) / (b.at - a.at) for a, b in combinations(good, 2)]
            self.drift = min(max(median(slopes), -MOST_DRIFT), MOST_DRIFT)
            self._at = good[-1].at
            self.offset = median(item.offset + self.drift * (self._at - item.at) for item in good)


class ClientClock:
    """One client's clock. Times are whole nanoseconds; ``now_ns`` is the engine's. Not thread-safe."""

    def __init__(self, now_ns: int) -> None:
        self.exchanges = self.clamped = self.stepped = 0
        self._start_ns = now_ns
        self._zero: int | None = None  # offsets are told from the first one, so that floats hold them exactly
        self._asked: deque[int] = deque(maxlen=MOST_ASKED)
        self._known, self._arrivals = _Line(least=False), _Line(least=True)
        self._trip = 0.0
        self._strange = 0
        self._used: float | None = None
        self._used_at = self._free_until = 0.0
        self._last: tuple[int, int] | None = None

    def ask(self, now_ns: int) -> int:
        """What to ask the client with; it has to come back with the answer."""
        self._asked.append(now_ns)
        return now_ns

    def answered(self, asked_ns: int, client_ns: int, now_ns: int) -> bool:
        """The client answered: its clock stood at ``client_ns``. False where this was not asked."""
        if asked_ns not in self._asked:
            return False
        self._asked.remove(asked_ns)
        trip = (now_ns - asked_ns) / 1e9
        at, offset = self._seconds(now_ns) - trip / 2, self._offset(client_ns, now_ns) - trip / 2
        if self._known and abs(offset - self._known.value(at)) > trip / 2 + STEP_S:
            self._strange += 1
            if self._strange < STRANGE:
                return True
            self._known, self._arrivals = _Line(least=False), _Line(least=True)
        self._strange = 0
        self.exchanges += 1
        self._trip = trip
        self._known.add(at, offset, trip)
        return True

    def arrived(self, client_ns: int, now_ns: int) -> None:
        """Something captured at ``client_ns`` has come."""
        if not self._known:
            offset = self._offset(client_ns, now_ns)
            self._arrivals.add(self._seconds(now_ns), offset, offset)

    def to_engine(self, client_ns: int, now_ns: int, ahead_s: float = 0.0) -> int:
        """The moment on the engine's clock at which the client's stood at ``client_ns``, but from
        :data:`LONGEST_AGO_S` ago to ``ahead_s`` from now (what is told of the future says nothing by its arrival)."""
        if not ahead_s or self._zero is None:
            self.arrived(client_ns, now_ns)
        assert self._zero is not None
        mapped = client_ns + self._zero + round(self._follow(self._seconds(now_ns)) * 1e9)
        if self._last is not None and client_ns >= self._last[0]:
            mapped = max(mapped, self._last[1])
        low, high = now_ns - round(LONGEST_AGO_S * 1e9), now_ns + round(ahead_s * 1e9)
        if not low <= mapped <= high:
            self.clamped += 1
            mapped = min(max(mapped, low), high)
        if not ahead_s and (self._last is None or client_ns >= self._last[0]):
            self._last = client_ns, mapped
        return mapped

    def describe(self) -> dict[str, float | int]:
        """For people: offset (engine - client) and its drift, the last round trip, and what was odd."""
        line = self._known or self._arrivals
        return {
            "offset_s": (self._zero or 0) / 1e9 + line.offset,
            "drift_ppm": 1e6 * line.drift,
            "round_trip_ms": 1e3 * self._trip,
            "exchanges": self.exchanges,
            "stepped": self.stepped,
            "clamped": self.clamped,
        }

    def _follow(self, now: float) -> float:
        """The offset in use, moved towards the estimate."""
        line = self._known or self._arrivals
        target = line.value(now)
        if self._used is None:
            self._used, self._free_until = target, now + SETTLE_S
        passed = max(0.0, now - self._used_at)
        most = CORRECTION * passed
        if abs(target - self._used) > STEP_S:
            self.stepped += now >= self._free_until
            self._free_until, self._last = now + SETTLE_S, None
        if now >= self._free_until:
            target = self._used + min(max(target - self._used, -most), most)
        self._used, self._used_at = target, now
        return target

    def _offset(self, client_ns: int, now_ns: int) -> float:
        if self._zero is None:
            self._zero = now_ns - client_ns
        return (now_ns - client_ns - self._zero) / 1e9

    def _seconds(self, now_ns: int) -> float:
        return (now_ns - self._start_ns) / 1e9
