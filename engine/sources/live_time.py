"""When what arrives over a network is due: it keeps the distances of its timestamps, and does not fall ever further
behind."""

from __future__ import annotations

import threading

START_S = 0.15
"""Seconds by which all is played later than it first came: networks deliver unevenly."""
LATE_S = 0.1
"""What comes later than this after it was due moves all that follows; less is made up for."""
BEHIND_S, KEPT_S = 1.5, 0.3
"""Where more than this waits that has come already, all but so much is passed over."""


class LiveTime:
    """From media time to the clock, both in nanoseconds, for the threads of one stream.

    ``always`` True: what waits is always old news. Otherwise, where the sender may run ahead (a file), only what was
    lost by stalls is made up for.
    """

    def __init__(self, always: bool) -> None:
        self._always = always
        self._lock = threading.Lock()
        self._offset_ns: int | None = None
        self._lost_ns = 0
        self.skipped_ns = 0

    def begin(self) -> None:
        """What comes next has a time of its own."""
        with self._lock:
            self._offset_ns, self._lost_ns = None, 0

    def due_ns(self, media_ns: int) -> int | None:
        """When what ends at ``media_ns`` is due; None before anything of the leading stream came."""
        with self._lock:
            return None if self._offset_ns is None else media_ns + self._offset_ns

    def came(self, media_ns: int, now_ns: int) -> int:
        """The same for the next piece of the leading stream, which is here at ``now_ns``: too late, it moves all."""
        with self._lock:
            if self._offset_ns is None:
                self._offset_ns = now_ns + round(START_S * 1e9) - media_ns
            late_ns = now_ns - media_ns - self._offset_ns
            if late_ns > LATE_S * 1e9:
                self._offset_ns += late_ns
                self._lost_ns += late_ns
            return media_ns + self._offset_ns

    def skip_ns(self, waiting_ns: int) -> int:
        """How much of what has come and waits is to be passed over now; all that follows is due sooner by that."""
        with self._lock:
            if self._offset_ns is None or waiting_ns <= BEHIND_S * 1e9:
                return 0
            skip_ns = waiting_ns - round(KEPT_S * 1e9)
            if not self._always:
                skip_ns = min(skip_ns, self._lost_ns)
                self._lost_ns -= skip_ns
            self._offset_ns -= skip_ns
            self.skipped_ns += skip_ns
            return skip_ns
