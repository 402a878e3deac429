"""How much faster or slower a sound card's clock runs than the engine's.

Two clocks never agree: a card that is 100 millionths fast has given a minute's sound 6 ms early. The engine goes by the
times at which blocks come, so nothing runs away; what is told here helps whoever wonders why a device loses a frame
now and then, or wants to play and listen with two cards.

A block comes late by chance, never early. So of every few seconds only the earliest block counts, and a line is laid
through those (as in Moon, Skelly & Towsley 1999, "Estimation and removal of clock skew", INFOCOM).
"""

from __future__ import annotations

from collections import deque

import numpy as np

WINDOW_S, LEAST, MOST = 5.0, 12, 240
"""Seconds of which the earliest block counts; windows before anything is told (a minute), and the most that count."""
APART_S = 0.02
"""By which no clock runs away in a window (4000 millionths): samples were lost in it, or did not come, untold."""
LOOK_S, OTHER, RATES = 2.0, 0.12, (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
"""Seconds over which samples are counted; the share by which another rate is off; and the rates (Hz) that there are.
44.1 and 48 kHz are 8 % apart: one is not told from the other with samples lost."""


class ClockDrift:
    """Of a device that says to give ``rate`` samples a second. Written by one thread, read by any."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.ppm: float | None = None
        """Millionths by which the device is faster than the engine's clock; None until a minute was heard."""
        self.other_rate: int | None = None
        """One of :data:`RATES` at which samples come in fact, twice in a row; None where it is the device's own."""
        self._likely: int | None = None
        self.begin()

    def begin(self) -> None:
        """Samples were lost, or the device was opened anew: what was heard before says nothing of what comes."""
        self._first_ns: int | None = None
        self._samples = 0
        self._window = 0
        self._earliest: tuple[float, float] | None = None
        self._kept: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._look: tuple[int, int] | None = None  # when counting began, and samples since

    def add(self, samples: int, end_ns: int) -> None:
        """A block of so many samples was complete at ``end_ns`` of the engine's clock."""
        self._count(samples, end_ns)
        if self._first_ns is None:
            self._first_ns = end_ns
            return
        self._samples += samples
        given_s = self._samples / self._rate
        late_s = (end_ns - self._first_ns) / 1e9 - given_s
        window = int(given_s / WINDOW_S)
        if window != self._window:
            if self._earliest is not None:
                windows = window - self._window
                if self._kept and abs(self._earliest[1] - self._kept[-1][1]) > APART_S * windows:
                    self._kept.clear()
                self._kept.append(self._earliest)
            self._window, self._earliest = window, None
            if len(self._kept) >= LEAST:
                at, late = np.array(self._kept).T
                self.ppm = round(-1e6 * float(np.polyfit(at - at.mean(), late, 1)[0]), 1)
        if self._earliest is None or late_s < self._earliest[1]:
            self._earliest = (given_s, late_s)

    def _count(self, samples: int, end_ns: int) -> None:
        """Which rate it is, roughly."""
        if self._look is None:
            self._look = end_ns, 0
            return
        since_ns, count = self._look[0], self._look[1] + samples
        self._look = since_ns, count
        passed_s = (end_ns - since_ns) / 1e9
        if passed_s < LOOK_S:
            return
        came = count / passed_s
        nearest = min(RATES, key=lambda rate: abs(came / rate - 1.0))
        off = abs(came / self._rate - 1.0) > OTHER and abs(came / nearest - 1.0) < OTHER / 3
        if off and nearest == self._likely:
            self.other_rate = nearest
        self._likely = nearest if off else None
        self._look = end_ns, 0
