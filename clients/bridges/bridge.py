"""A bridge: a thread of its own that takes the newest pose to a receiver. Whoever hands poses out never waits. A
receiver that is dead, slow or not to be found holds up its own bridge alone; poses it has no time for are left out.
"""

from __future__ import annotations

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from .poser import Pose

QUIET_S, QUIET = 2.0, 3
"""After trouble, so long and so many packets without it count as well again: of datagrams that nobody takes the system
tells only every other one."""
END_S = 1.5
"""For which ending waits at most; a look-up of a name may take longer and is left behind."""


class Trouble:
    """Says what is wrong with a receiver, once, again where it has changed, and that all is well again."""

    def __init__(self, name: str, tell: Callable[[str], object]) -> None:
        self._name, self._tell = name, tell
        self._told = ""
        self._at, self._went = 0.0, 0

    def bad(self, what: str) -> None:
        """It is wrong now."""
        self._at, self._went = time.monotonic(), 0
        if what != self._told:
            self._told = what
            self._tell(f"{self._name}: {what}")

    def good(self) -> None:
        """A packet went well."""
        self._went += 1
        if self._went >= QUIET and time.monotonic() - self._at > QUIET_S:
            self.over()

    def over(self) -> None:
        """It is known to be well again."""
        if self._told:
            self._told = ""
            self._tell(f"{self._name}: all well again")


class Bridge(ABC):
    """Hands poses on. ``tell`` says a line to whoever runs it. Errors of a protocol end up in ``trouble``; one that
    nobody expected is told and tried again a second later, so that no bridge ever ends in silence."""

    AGAIN_S = 1.0

    def __init__(self, name: str, tell: Callable[[str], object]) -> None:
        self.name, self.trouble = name, Trouble(name, tell)
        self.sent = 0
        """Packets that have gone out."""
        self._pose: Pose | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def offer(self, pose: Pose) -> None:
        """Hand over a pose; the one before that has not been sent yet is left out. Never waits."""
        with self._changed:
            self._pose = pose
            self._changed.notify()

    def close(self) -> None:
        """End, after the last pose has been sent, or after :data:`END_S`."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self) -> None:
        """Wait until it has ended, :data:`END_S` at most."""
        self._thread.join(END_S)

    def went(self) -> None:
        """A packet has gone out."""
        self.sent += 1
        self.trouble.good()

    @property
    def closing(self) -> bool:
        """Whether it is about to end."""
        return self._closing

    @abstractmethod
    def send(self, pose: Pose) -> None:
        """Take a pose to the receiver; in this bridge's thread. Raises OSError for what is wrong."""

    def idle(self) -> None:  # noqa: B027 - most protocols have nothing to do between poses
        """Called when a tenth of a second has passed without a pose."""

    def shut(self) -> None:  # noqa: B027
        """Give back what is open; in this bridge's thread."""

    def take(self, timeout: float) -> Pose | None:
        """The newest pose not taken yet; None where none came in time or the bridge is about to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pose is not None or self._closing, timeout)
            pose, self._pose = self._pose, None
            return pose

    def _run(self) -> None:
        while not (self._closing and self._pose is None):
            pose = self.take(0.1)
            try:
                if pose is None:
                    self.idle()
                    continue
                self.send(pose)
            except OSError as error:
                self.trouble.bad(f"{error.strerror or error}")
            except Exception as error:
                self.trouble.bad(f"{type(error).__name__}: {error}; going on")
                self._pause()
        with contextlib.suppress(Exception):
            self.shut()

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, self.AGAIN_S)
