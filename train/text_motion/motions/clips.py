"""Takes cut into clips of 2 to 10 seconds: at quiet moments, at the ends of what they show, never inside of it.

The cuts of a take are those of least cost (dynamic programming over frames): each costs as much as moves there, and
more inside an event, and each clip as much as its length differs from :data:`USUAL`. Stretches in which a body only
stands, and exercises that people labelled by time, are cut out first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from train.text_motion.motions.event import Event
from train.text_motion.motions.signals import Array, Signals

SHORTEST, LONGEST, USUAL = 42, 196, 92
"""Frames of a clip: HumanML3D keeps 40 to 199, and features have one frame less than joints."""
INSIDE, LENGTH = 3.0, 2.0
"""Cost of a cut inside an event, and of a clip that is twice as long as usual, in mean energies of the take."""
STANDING = 50
"""Frames from which a body that stands still is a clip of its own."""


def cut(signals: Signals, events: Sequence[Event], fixed: Sequence[int] = ()) -> list[tuple[int, int]]:
    """First frame and end of each clip of a take; ``fixed`` are frames at which it must be cut."""
    edges = sorted({0, len(signals), *(frame for frame in fixed if 0 < frame < len(signals))})
    clips: list[tuple[int, int]] = []
    for start, stop in itertools.pairwise(edges):
        for first, last in _with_stills(start, stop, events):
            clips += _pieces(signals, events, first, last)
    return clips


def _with_stills(start: int, stop: int, events: Sequence[Event]) -> list[tuple[int, int]]:
    """A stretch divided at long stretches of standing, where what is left beside them is a clip too."""
    edges = [start]
    for event in events:
        first, last = max(event.start, start), min(event.stop, stop)
        if event.kind != "still" or last - first < STANDING:
            continue
        for edge in (first, last):
            if edge - edges[-1] >= SHORTEST and stop - edge >= SHORTEST:
                edges.append(edge)
    return list(zip(edges, [*edges[1:], stop], strict=True))


def _pieces(signals: Signals, events: Sequence[Event], start: int, stop: int) -> list[tuple[int, int]]:
    count = stop - start
    if count <= LONGEST:
        return [(start, stop)] if count >= min(SHORTEST, len(signals)) else []
    price = _price(signals, events)[start:stop]
    best = np.full(count + 1, np.inf)
    before = np.zeros(count + 1, np.int64)
    best[0] = 0.0
    for end in range(SHORTEST, count + 1):
        for begin in range(max(0, end - LONGEST), end - SHORTEST + 1):
            length = abs(np.log2((end - begin) / USUAL)) ** 2 * LENGTH
            cost = best[begin] + length + (price[end] if end < count else 0.0)
            if cost < best[end]:
                best[end], before[end] = cost, begin
    found, end = [], count
    while end > 0:
        begin = int(before[end])
        found.append((start + begin, start + end))
        end = begin
    return found[::-1]


def _price(signals: Signals, events: Sequence[Event]) -> Array:
    """What a cut before each frame costs."""
    price = signals.energy / max(float(signals.energy.mean()), 1e-6)
    for event in events:
        if event.kind not in ("still", "walk", "run"):
            price[event.start + 2 : event.stop - 1] += INSIDE
    return np.asarray(price)
