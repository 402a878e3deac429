"""The feed of *events*: words with their times, of which a frame sees the newest that have begun.

A speech synthesiser knows its words before they are said. They may be put here as early as it likes: a word reaches the
model from the moment at which it begins, never sooner, and one that is still being said has an end in the future.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.roles import WORD

LONGEST_WORD = 64
"""Characters of a word that are kept."""
MOST_WORDS = 1024
WORDS_A_SECOND, WORDS_AT_ONCE = 50.0, 4096.0
"""How many whoever sends words may send, and how many at once after a pause. People say five a second."""
UNKNOWN_END_S = 0.3
"""Length given to a word whose end is not known."""


@dataclass(frozen=True)
class Word:
    """``text`` as said, from ``start_ns`` to ``end_ns`` (None: not known yet) on the engine's clock."""

    text: str
    start_ns: int
    end_ns: int | None = None


class WordRing:
    """The :data:`MOST_WORDS` words that begin last. Thread-safe. Drop rule: the one that began first goes. ``ids``
    numbers a word's text in the bundle's vocabulary. They are kept in order of time, so a frame pays for the words that
    it sees, not for those that there are."""

    def __init__(self, ids: Callable[[str], int] = lambda _: 0) -> None:
        self.dropped = 0
        self._ids = ids
        self._lock = threading.Lock()
        self._words: list[tuple[int, int, int]] = []  # start, end, number
        self._followers: list[WordRing] = []
        self._heard: list[Callable[[Word], None]] = []

    def listen(self, heard: Callable[[Word], None]) -> None:
        """Call ``heard(word)`` with every word as it is put, in the writer's thread."""
        self._heard.append(heard)

    def follow(self, other: WordRing) -> None:
        """Let all words that are put here go to ``other`` too, which numbers them by its own vocabulary."""
        self._followers.append(other)

    def put(self, word: Word) -> None:
        """Add a word, in whatever order of time."""
        text = word.text[:LONGEST_WORD]
        unknown = word.start_ns + round(UNKNOWN_END_S * 1e9)
        end_ns = unknown if word.end_ns is None else max(word.start_ns, word.end_ns)
        entry = word.start_ns, end_ns, self._ids(text)
        with self._lock:
            insort(self._words, entry)
            if len(self._words) > MOST_WORDS:
                del self._words[0]
                self.dropped += 1
        for heard in self._heard:
            heard(word)
        for ring in self._followers:
            ring.put(word)

    def newest(self, time_ns: int, count: int) -> NDArray[np.float32]:
        """The ``count`` words that began last at or before ``time_ns``, oldest first, (count, 4) as
        :data:`engine.roles.WORD` says; rows of zeros come first where there are fewer."""
        with self._lock:
            place = bisect_right(self._words, (time_ns, math.inf))
            begun = self._words[max(place - count, 0) : place]
        rows = np.zeros((count, WORD), np.float32)
        for row, (start_ns, end_ns, number) in zip(rows[count - len(begun) :], begun, strict=True):
            row[:] = number, (time_ns - start_ns) / 1e9, (time_ns - end_ns) / 1e9, 1.0
        return rows
