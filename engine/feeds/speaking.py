"""Whether somebody speaks, told by a flag, by timed words, or by the level of their voice; always as of a moment.

Who makes the speech knows best, so a flag that was set (:meth:`Speaking.say`) wins. Otherwise somebody speaks while a
word is being said or the sound is voice, whichever says so: words alone are enough, and so is sound alone.

**Sound.** It is voice where its level stands above a running floor. The floor is the lowest level of the last two
seconds, to which speech keeps returning between its syllables (minimum statistics, Martin 2001, IEEE Trans. Speech and
Audio Processing 9), so a steady hiss or hum is speech for two seconds at most. The hang-over after sound and words is
the 200 ms of ITU-T P.56: longer than a stop closure, shorter than a pause. The level is taken over windows of 10 ms,
counted from the first sample, so that it does not depend on how the sound was cut into blocks.

Everything has its time: what is known of the future (words of a synthesiser, sound that is played faster than time)
does not count before its moment, and the answer for a moment stays the same, however late it is asked.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque

import numpy as np
from numpy.typing import NDArray

from engine.feeds.words import UNKNOWN_END_S, Word

WINDOW_S = 0.01
FLOOR_S = 2.0
FLOOR_START_DB, FLOOR_LEAST_DB = -60.0, -80.0
"""Level (dB of full scale) assumed of the time before the first sample, and below which no floor is believed."""
ABOVE_FLOOR_DB, LEAST_DB = 12.0, -55.0
ONSET_WINDOWS = 4
"""Loud windows in a row that make voice: a click is shorter."""
HANGOVER_S = 0.2

MOST_SPANS, MOST_FLAGS = 512, 256
"""Stretches of speech and flags that are remembered. Drop rule: the earliest goes."""


class Speaking:
    """Thread-safe; times are nanoseconds of the engine's clock. ``rate`` in Hz is that of the sound heard."""

    rate = 16_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flags: list[tuple[int, bool | None]] = []
        self._said, self._voiced = _Spans(), _Spans()
        self._voice = _Voice()

    def hear(self, samples: NDArray[np.float32], end_ns: int) -> None:
        """The next ``samples`` (n,) of the voice, captured by ``end_ns``."""
        with self._lock:
            for at_ns in self._voice.push(samples, end_ns, self.rate):
                self._voiced.add(at_ns, at_ns + _ns(HANGOVER_S))

    def word(self, word: Word) -> None:
        """A word is said, in its time; as early or late as it may be known."""
        end_ns = word.start_ns + _ns(UNKNOWN_END_S) if word.end_ns is None else max(word.start_ns, word.end_ns)
        with self._lock:
            self._said.add(word.start_ns, end_ns + _ns(HANGOVER_S))

    def say(self, flag: bool | None, at_ns: int) -> None:
        """From ``at_ns`` on the ``flag`` counts and nothing else; None: words and sound count again."""
        with self._lock:
            insort(self._flags, (at_ns, flag), key=lambda item: item[0])
            del self._flags[:-MOST_FLAGS]

    def value(self, t_ns: int) -> float:
        """1 where they speak at that moment, 0 where they do not."""
        with self._lock:
            place = bisect_right(self._flags, t_ns, key=lambda item: item[0])
            flag = self._flags[place - 1][1] if place else None
            return float(self._said.holds(t_ns) or self._voiced.holds(t_ns) if flag is None else flag)


class _Spans:
    """Stretches of time (start included, end not), in order; what touches is one."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last], self._ends[first:last] = [start], [end]
        if len(self._starts) > MOST_SPANS:
            del self._starts[0], self._ends[0]

    def holds(self, moment: int) -> bool:
        place = bisect_right(self._starts, moment)
        return place > 0 and moment < self._ends[place - 1]


class _Voice:
    """Finds the windows that are voice in sound that comes in blocks."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._window = 0
        self._loud = 0
        # (window, level) of those that may still be the lowest of the last two seconds: levels rise from left to right.
        self._lowest: deque[tuple[int, float]] = deque([(0, FLOOR_START_DB)])

    def push(self, samples: NDArray[np.float32], end_ns: int, rate: int) -> list[int]:
        """The ends (ns) of the windows completed by ``samples`` that are voice."""
        held = np.concatenate([self._rest, np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)])
        size = max(1, round(rate * WINDOW_S))
        count = len(held) // size
        self._rest = held[count * size :]
        powers = np.mean(np.square(held[: count * size].reshape(count, size), dtype=np.float64), axis=1)
        found = []
        for place, power in enumerate(powers.tolist()):
            if self._is_voice(10 * math.log10(power + 1e-12)):
                left = len(held) - (place + 1) * size
                found.append(end_ns - round(left * 1e9 / rate))
        return found

    def _is_voice(self, level: float) -> bool:
        self._window += 1
        while self._lowest and self._lowest[0][0] <= self._window - FLOOR_S / WINDOW_S:
            self._lowest.popleft()
        while self._lowest and self._lowest[-1][1] >= level:
            self._lowest.pop()
        self._lowest.append((self._window, level))
        floor = max(self._lowest[0][1], FLOOR_LEAST_DB)
        loud = level > max(floor + ABOVE_FLOOR_DB, LEAST_DB)
        self._loud = self._loud + 1 if loud else 0
        return self._loud >= ONSET_WINDOWS


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
