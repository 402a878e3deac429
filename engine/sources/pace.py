"""How often a picture is looked at: no oftener than the models behind it want, evenly, and how often there is one."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 2.0
_MOST = 2048  # moments remembered


class Pace:
    """Chooses from pictures that come at any rate those to track: at most ``rate`` a second (None: all of them).

    Moments stand in a grid of 1 / ``rate``, and the picture nearest to each is taken. So 60 a second become 25 by
    steps of two and three pictures, never two neighbours and then a gap, and pictures that come as often as they are
    wanted are all taken in spite of jitter.
    """

    def __init__(self, rate: float | None) -> None:
        self._period_ns = round(1e9 / rate) if rate else 0
        self._next_ns: int | None = None
        self._last_ns: int | None = None
        self._step_ns = 0.0

    def due(self, now_ns: int) -> bool:
        """Whether the picture of ``now_ns`` is to be tracked; to be asked of every picture, in order of time."""
        if self._last_ns is not None:
            step_ns = min(now_ns - self._last_ns, self._period_ns)
            self._step_ns += (step_ns - self._step_ns) / 8 if self._step_ns else step_ns
        self._last_ns = now_ns
        return self._next_ns is None or now_ns >= self._next_ns - self._step_ns / 2

    def took(self, now_ns: int) -> None:
        """The picture of ``now_ns`` is being tracked. One that was due and turned out to be bad is not: the next one
        is then due."""
        late = self._next_ns is None or now_ns - self._next_ns >= self._period_ns
        self._next_ns = (now_ns if late or self._next_ns is None else self._next_ns) + self._period_ns


class Frequency:
    """How often something happens, a second, over the last two seconds. One thread counts, any may ask."""

    def __init__(self) -> None:
        self._moments: deque[int] = deque(maxlen=_MOST)
        self._first_ns: int | None = None

    def count(self, now_ns: int) -> None:
        """It happened at ``now_ns``."""
        if self._first_ns is None:
            self._first_ns = now_ns
        self._moments.append(now_ns)

    def per_s(self, now_ns: int) -> float:
        """Times a second until ``now_ns``; 0 where it has not happened for two seconds."""
        if self._first_ns is None:
            return 0.0
        window_s = min(_WINDOW_S, (now_ns - self._first_ns) / 1e9)
        recent = sum(moment > now_ns - window_s * 1e9 for moment in tuple(self._moments))
        return recent / window_s if window_s > 0 else 0.0
