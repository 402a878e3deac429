"""Time, injected: the engine asks a clock and never the operating system, so that tests run on a fake one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Monotonic nanoseconds and a way to wait for them."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary, fixed moment."""
        ...

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        """Return at ``moment_ns``, or sooner when ``stop`` is set."""
        ...

    def wait_until(self, moment_ns: int, wait: Callable[[float], bool]) -> bool:
        """Let ``wait(seconds)`` wait for its condition, until ``moment_ns`` at most; whether it came true."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        left = (moment_ns - time.monotonic_ns()) / 1e9
        if left <= 0:
            return
        if stop is not None:
            stop.wait(left)
        else:
            time.sleep(left)

    def wait_until(self, moment_ns: int, wait: Callable[[float], bool]) -> bool:
        return wait(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))


class FakeClock:
    """A clock that moves only when told to, or when someone sleeps on it."""

    def __init__(self, start_ns: int = 1_000_000_000) -> None:
        self._now = start_ns
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        with self._lock:
            return self._now

    def advance(self, ns: int) -> None:
        """Let ``ns`` nanoseconds pass."""
        with self._lock:
            self._now += ns

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        with self._lock:
            self._now = max(self._now, moment_ns)

    def wait_until(self, moment_ns: int, wait: Callable[[float], bool]) -> bool:
        if wait(0.0):
            return True
        self.sleep_until(moment_ns)
        return False
