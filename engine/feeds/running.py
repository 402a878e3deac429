"""Phrases that end by themselves (``hands together for 2 s``), counted in the frames of the stream they are held in.

The time of a session is that of its frames, due one after the other at the stream's rate, so a span is as long where
frames are made faster than they would be due, in a recording, and under a clock that stands still. It begins with the
first frame that sees it, and is a whole number of quanta, at least one: a model that decides for several frames at once
then decides as often under it, wherever it began.
"""

from __future__ import annotations

import math

from engine.phrases import FREE, Hold, words
from engine.spec import InputSpec, StreamSpec


class Running:
    """What one control holds. :meth:`at` is called with frames that only grow."""

    def __init__(self, spec: StreamSpec, item: InputSpec, hold: Hold) -> None:
        self._item, self.now = item, hold
        quanta = [each * spec.rate / spec.quantum for each in hold.seconds]
        # Rounded first: products a little above a whole number, as 1.1 * 50, would become one more.
        self._frames = [
            each if math.isinf(each) else spec.quantum * max(1, math.ceil(round(each, 6))) for each in quanta
        ]
        self._began: int | None = None

    @property
    def ends(self) -> bool:
        """Whether something of it still ends by itself."""
        return self.now.spans

    def at(self, frame: int) -> bool:
        """Let go of what has ended before ``frame``; whether anything has."""
        if self._began is None:
            self._began = frame
        over = [frame - self._began >= length for length in self._frames]
        held = [value if not gone else FREE for value, gone in zip(self.now.values, over, strict=True)]
        seconds = [each if not gone else math.inf for each, gone in zip(self.now.seconds, over, strict=True)]
        changed = tuple(held) != self.now.values
        self.now = Hold(tuple(held), tuple(seconds))
        return changed

    def words(self) -> str:
        """What is held now, as it was asked for."""
        return words(self._item, self.now)
