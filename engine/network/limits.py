"""How much a client may send: so many a second, and so many at once after a pause."""

from __future__ import annotations


class Bucket:
    """A token bucket: fills with ``rate`` a second up to ``burst``. Not thread-safe."""

    __slots__ = ("_at_ns", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now_ns: int) -> None:
        self._rate, self._burst = rate / 1e9, burst
        self._level, self._at_ns = burst, now_ns

    def take(self, amount: float, now_ns: int) -> bool:
        """Whether ``amount`` may pass; where it may not, nothing is taken."""
        self._level = min(self._burst, self._level + (now_ns - self._at_ns) * self._rate)
        self._at_ns = now_ns
        if amount > self._level:
            return False
        self._level -= amount
        return True
