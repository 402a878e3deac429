"""One beginning for all that is played: two files of one session are in step from their first sample on, however long
it took to open each."""

from __future__ import annotations

import threading

from engine.clock import Clock

PATIENCE_S = 10.0
"""For which one that is ready waits for the others: a file that takes longer to open is played from when it is."""
_POLL_S = 0.05


class Together:
    """Thread-safe. Whoever will play says so (:meth:`expect`) before the others begin, and then either begins or
    leaves."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._expected = 0
        self._begun_ns: int | None = None

    def expect(self) -> None:
        """One more who is waited for."""
        with self._changed:
            self._expected += 1

    def begin(self, clock: Clock, stop: threading.Event) -> int:
        """One is ready: when it begins, which is when all are, or once ``stop`` is set or patience is at an end; now
        for one who comes after that."""
        with self._changed:
            if self._begun_ns is not None:
                return clock.now_ns()
            self._left(clock)
            for _ in range(round(PATIENCE_S / _POLL_S)):
                if self._begun_ns is not None or stop.is_set():
                    break
                self._changed.wait(_POLL_S)
            if self._begun_ns is None:
                self._begun_ns = clock.now_ns()
            return self._begun_ns

    def leave(self, clock: Clock) -> None:
        """One who was expected will not begin, or did not have to."""
        with self._changed:
            if self._begun_ns is None:
                self._left(clock)

    def _left(self, clock: Clock) -> None:
        self._expected -= 1
        if self._expected <= 0:
            self._begun_ns = clock.now_ns()
            self._changed.notify_all()
