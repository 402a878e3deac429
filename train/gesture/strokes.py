"""Strokes found in any motion of PATS' points: when a hand strikes, by its wrist's speed alone.

A hand's movement is cut at its slowest moments into single moves. One that ends where the hand rests takes it back
(retraction). Of moves that follow each other without a hold every other one, beginning with the first, makes ready for
the next (preparation); a move that stands alone is a stroke that was not made ready for. What remains are strokes
(Kendon 2004: preparation, stroke, hold, retraction). Truth and models are measured with this same ruler; what it misses
and invents is measured on motion whose strokes are known (:mod:`train.gesture.evaluation.ruler`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from engine.errors import EngineError
from models.gesture.pats import PATS_JOINTS

Array = NDArray[np.floating]

WRISTS = {"right": PATS_JOINTS.index("RWrist"), "left": PATS_JOINTS.index("LWrist")}
FAST = 250.0
"""px/s that a move's fastest moment has at least; a shoulder is 167 px wide, a hand at rest hardly passes 60."""
DEEP = 0.4
"""Share of the slower of two peaks by which speed falls between them, if they are two moves."""
SLOW = 0.25
"""Share of its highest speed below which a move has not begun, or is over."""
FAR = 50.0
"""px that a move goes at least."""
NEAR = 60.0
"""px from where the hand rests within which it is at rest."""
STILL = 90.0
"""px/s below which a hand holds or rests."""
HOLD_S = 0.4
"""A shorter stop between two moves is no hold."""
READY_S = 1.5
"""Seconds that a hand that left its rest may wait, ready where it went, for its stroke: who plans waits 0.5 s, who has
to hear the stress first waits longer. From 0.6 to 2 s what is found in the truth is the same within 0.01."""
LAG_S = 0.06
"""From where speed has fallen to half until the stroke is over: about the median of the simulated strokes of two trial
sets; on talks that were not used to set it the median error is 0.00 s."""
TOGETHER_S = 0.25
"""Strokes of both hands whose ends are no farther apart are one."""
SOME = 150
"""Moments at which a hand is looked at, at most, to find where it rests."""
LEAST = 3
"""Frames that have a speed."""
KERNEL = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class FoundStroke:
    """A stroke: ``start``, ``apex`` (the moment at which it is over, by the fall of speed after its fastest moment) and
    ``end`` (hardly any speed left) in seconds, the ``hand`` (right, left, both) and how far that goes (px; of both, the
    farther)."""

    start: float
    apex: float
    end: float
    hand: str
    travel: float


class Move(NamedTuple):
    """A single movement of a hand: first and last frame, the fastest, the moment (s), from where to where."""

    first: int
    last: int
    peak: int
    moment: float
    start: Array
    end: Array


def find_strokes(points: Array, rate: float = 15.0) -> tuple[FoundStroke, ...]:
    """The strokes of PATS' points (T, 52, 2) in pixels, in order of time. Raises :class:`EngineError` for other
    arrays, or what is not finite."""
    wrists = wrists_of(points)
    if len(points) < LEAST:
        return ()
    found = [stroke for hand, path in wrists.items() for stroke in _strokes(path, hand, rate)]
    return tuple(_together(sorted(found, key=lambda stroke: stroke.apex)))


def wrists_of(points: Array) -> dict[str, Array]:
    """Paths (T, 2) of both wrists, as (T, 52, 2) has them. Raises :class:`EngineError`."""
    made = np.asarray(points, np.float64)
    if made.ndim != 3 or made.shape[1:] != (len(PATS_JOINTS), 2) or not np.isfinite(made).all():
        raise EngineError(f"points are {np.shape(points)}; finite (T, {len(PATS_JOINTS)}, 2) in pixels are needed")
    return {hand: made[:, joint] for hand, joint in WRISTS.items()}


def speed(path: Array, rate: float) -> Array:
    """Speed (T,) in px/s of a path (T, 2), over some frames so that trackers' noise does not count."""
    if len(path) < LEAST:
        return np.zeros(len(path))
    smooth = np.stack([np.convolve(np.pad(axis, 1, mode="edge"), KERNEL, "valid") for axis in path.T], 1)
    return np.asarray(np.linalg.norm(np.gradient(smooth, axis=0), axis=1) * rate)


def rest_of(path: Array, rate: float) -> Array:
    """Where a hand rests, (2,): the place at which it is still the longest."""
    still = path[speed(path, rate) < STILL]
    if not len(still):
        return np.asarray(np.median(path, 0))
    some = still[:: -(-len(still) // SOME)]
    close = np.square(some[:, None] - some[None]).sum(-1) < (NEAR / 2) ** 2
    return np.asarray(some[close[int(close.sum(1).argmax())]].mean(0))


def moves(path: Array, rate: float) -> list[Move]:
    """The single movements of a path (T, 2)."""
    fast = speed(path, rate)
    found: list[Move] = []
    peaks = [int(peak) for peak in find_peaks(fast, height=FAST)[0]]
    kept: list[int] = []
    for peak in peaks:  # two peaks with no slow moment between are one move
        if kept and fast[kept[-1] : peak + 1].min() > (1.0 - DEEP) * min(fast[kept[-1]], fast[peak]):
            kept[-1] = max(kept[-1], peak, key=lambda at: float(fast[at]))
        else:
            kept.append(peak)
    valleys = [a + int(fast[a : b + 1].argmin()) for a, b in itertools.pairwise(kept)]
    for peak, left, right in zip(kept, [0, *valleys], [*valleys, len(fast) - 1], strict=False):
        low = np.flatnonzero(fast[left : peak + 1] < SLOW * fast[peak])
        first = left + int(low[-1]) if len(low) else left
        low = np.flatnonzero(fast[peak : right + 1] < SLOW * fast[peak])
        last = peak + int(low[0]) if len(low) else right
        if np.linalg.norm(path[last] - path[first]) >= FAR:
            found.append(Move(first, last, peak, _moment(fast, peak, last, rate), path[first], path[last]))
    return found


def _moment(fast: Array, peak: int, last: int, rate: float) -> float:
    """When (s) speed has fallen to half of its peak, between frames; the slowest moment where it does not fall so."""
    half = 0.5 * fast[peak]
    below = np.flatnonzero(fast[peak : last + 1] < half)
    at = float(last)
    if len(below):
        after = peak + int(below[0])
        at = after - (half - fast[after]) / max(fast[after - 1] - fast[after], 1e-9)
    return (at + 0.5) / rate + LAG_S


def _strokes(path: Array, hand: str, rate: float) -> list[FoundStroke]:
    rest = rest_of(path, rate)
    found: list[FoundStroke] = []
    run: list[Move] = []
    fresh = False

    def finish() -> None:
        strokes = run[1::2] if len(run) % 2 == 0 else [*run[1::2], run[-1]]
        found.extend(
            FoundStroke(
                (move.first + 0.5) / rate,
                move.moment,
                (move.last + 0.5) / rate,
                hand,
                float(np.linalg.norm(move.end - move.start)),
            )
            for move in strokes
        )
        run.clear()

    for move in moves(path, rate):
        if run:
            ready = len(run) == 1 and fresh and np.linalg.norm(move.start - run[-1].end) < NEAR
            if (move.first - run[-1].last) / rate > (READY_S if ready else HOLD_S):
                finish()
        if np.linalg.norm(move.end - rest) < NEAR < np.linalg.norm(move.start - rest):
            finish()  # back to rest
        else:
            fresh = fresh if run else bool(np.linalg.norm(move.start - rest) < NEAR)
            run.append(move)
    finish()
    return found


def _together(found: Sequence[FoundStroke]) -> list[FoundStroke]:
    """Strokes of both hands at once as one."""
    out: list[FoundStroke] = []
    for stroke in found:
        other = next(
            (
                one
                for one in reversed(out)
                if stroke.apex - one.apex <= TOGETHER_S and one.hand not in (stroke.hand, "both")
            ),
            None,
        )
        if other is None:
            out.append(stroke)
            continue
        larger = max(stroke, other, key=lambda one: one.travel)
        out[out.index(other)] = FoundStroke(
            min(stroke.start, other.start), larger.apex, max(stroke.end, other.end), "both", larger.travel
        )
    return sorted(out, key=lambda stroke: stroke.apex)
