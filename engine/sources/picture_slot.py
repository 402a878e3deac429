"""The place where the newest picture waits for a tracker: of those that are due, the next one overwrites it (drop rule:
latest wins, ``skipped`` counts), and as long as one waits there every newer one takes its place. Nothing piles up."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from engine.sources.pace import Pace

Picture = TypeVar("Picture")


class PictureSlot(Generic[Picture]):
    """``rate``: so many pictures a second are due at most (:class:`.Pace`), None for all. One thread asks :meth:`wants`
    of every picture that comes and gives those it is told to with :meth:`put`; another takes them."""

    def __init__(self, rate: float | None) -> None:
        self.skipped = 0
        self._pace, self._due = Pace(rate), False
        self._picture: Picture | None = None
        self._filled = threading.Condition()

    @property
    def waiting(self) -> bool:
        """Whether a picture is there."""
        with self._filled:
            return self._picture is not None

    def wants(self, now_ns: int) -> bool:
        """Whether the picture that came at ``now_ns`` is due, or would be newer than one that waits."""
        self._due = self._pace.due(now_ns)
        return self._due or self.waiting

    def put(self, picture: Picture, now_ns: int) -> None:
        """The picture that was wanted at ``now_ns``."""
        if self._due:
            self._pace.took(now_ns)
        with self._filled:
            if self._picture is None and not self._due:  # the one that this would have replaced was taken
                return
            self.skipped += self._picture is not None
            self._picture = picture
            self._filled.notify_all()

    def take(self, timeout_s: float) -> Picture | None:
        """The picture, as soon as there is one within ``timeout_s`` seconds."""
        with self._filled:
            self._filled.wait_for(lambda: self._picture is not None, timeout_s)
            picture, self._picture = self._picture, None
            return picture
