"""When a device or a stream that failed is tried again: soon at first, then ever less often, until it works."""

from __future__ import annotations

FIRST_S, LAST_S = 0.5, 8.0
"""Waits between attempts; each is twice the one before."""


class Retry:
    """``due_ns``: when the next attempt may be made, at once before any has failed."""

    def __init__(self) -> None:
        self.due_ns = 0
        self._wait_s = FIRST_S

    @property
    def seldom(self) -> bool:
        """Whether attempts are as far apart as they get: it has been gone for about 8 s or more."""
        return self._wait_s >= LAST_S

    def failed(self, now_ns: int) -> None:
        """It does not work: wait, and longer the next time."""
        self.due_ns = now_ns + round(self._wait_s * 1e9)
        self._wait_s = min(2 * self._wait_s, LAST_S)

    def worked(self) -> None:
        """It works: the next failure is a first one."""
        self._wait_s = FIRST_S
