"""An engine that is not there yet, goes or comes back: how long it is waited for, and what is said of it, once."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .announced import Announced, Received
from .subscriber import NoEngine, describe

SILENCE_S = 3.0
"""Without frames and announcements, of which one comes every second, the engine is gone."""
WAIT_S = 10.0
"""How long it is waited for unless something else was asked for."""


def seconds(word: str) -> float:
    """A number of seconds from the command line, inf for no end."""
    value = float(word)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{word} is not a number of seconds")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which engine is meant, how long it is waited for, and what it wants to be shown."""
    parser.add_argument("--control", default="tcp://127.0.0.1:5571", help="the engine's control endpoint")
    parser.add_argument(
        "--wait",
        type=seconds,
        default=WAIT_S,
        help="seconds to wait for an engine that is not there yet or has gone, inf for ever (default %(default)g)",
    )
    parser.add_argument("--token", default="", help="one that may describe, where the engine has tokens")
    parser.add_argument("--keys", type=Path, help="a client's folder of keys, where the engine has some")


def find(control: str, token: str, keys: Path | None, wait: float, tell: Callable[[str], object]) -> Announced:
    """The description of the engine, once there is one. Raises what :func:`describe` does, after ``wait`` seconds."""
    began = time.monotonic()
    try:
        return describe(control, 2.0 if wait <= 0 else min(2.0, wait), token, keys)
    except NoEngine:
        if wait <= 0:
            raise
        tell(f"no engine at {control} yet: waiting {wait:g} s for it (--wait)")
    try:
        return describe(control, 2.0, token, keys, began + wait - time.monotonic())
    except NoEngine as error:
        raise NoEngine(f"{error} (waited {wait:g} s)") from None


class Followed(Protocol):
    """Frames of an engine and of the one after it: a :class:`~.subscriber.Subscriber`, whose words these are, or a
    session of one's own (:class:`~.following.Visit`)."""

    @property
    def announced(self) -> Announced | None: ...

    @property
    def settled(self) -> bool: ...

    @property
    def run(self) -> int: ...

    @property
    def lost(self) -> dict[int, int]: ...

    @property
    def mismatched(self) -> int: ...

    @property
    def undescribed(self) -> int: ...

    @property
    def heard(self) -> float: ...

    def receive(self, timeout: float) -> list[Received]: ...


class Presence:
    """Watches whether a subscriber's engine is there, and tells when it goes, when it is back, and when it has begun
    anew without having been missed."""

    def __init__(self, subscriber: Followed, wait: float, tell: Callable[[str], object]) -> None:
        self._subscriber, self._wait, self._tell = subscriber, wait, tell
        self._run = subscriber.run
        self._gone_at: float | None = None
        self._told_at = -SILENCE_S

    @property
    def gone(self) -> bool:
        """Whether nothing comes."""
        return self._gone_at is not None

    def over(self) -> bool:
        """Look again; whether the engine was waited for long enough."""
        now, seen = time.monotonic(), self._subscriber
        silent = now - seen.heard > SILENCE_S
        told: Announced | None = seen.announced if seen.settled else None
        if silent and self._gone_at is None:
            self._gone_at = seen.heard
            self._tell(f"nothing comes from the engine: waiting {self._wait:g} s for it (--wait)")
        elif not silent and told is not None and (self.gone or self._run != seen.run):
            if self._gone_at is not None:
                self._tell(f"the engine is back after {seen.heard - self._gone_at:.1f} s: {about(told)}")
            elif now - self._told_at > SILENCE_S:
                self._tell(f"the engine has begun anew: {about(told)}")
            self._gone_at, self._run, self._told_at = None, seen.run, now
        return silent and now - seen.heard > SILENCE_S + self._wait


def about(announced: Announced) -> str:
    """An engine in a few words."""
    recorded = ", recorded by the engine" if announced.recorded else ""
    return f"session {announced.session}, bundle {announced.bundle}{recorded}"
