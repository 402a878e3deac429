"""Takes that are too short to be a clip, but go round in a cycle as a run does: made to go on with their own cycle.

All runs of the data last 1.2 to 1.6 s, less than the 2 s that a clip needs. The two frames that are most alike, a cycle
apart, are laid upon one another: the body goes on from the earlier one where it was at the later, and what they differ
by fades over the cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.text_motion.motions.signals import RATE, Signals, gradient

WANTED = 3.2
"""Seconds that a take is made to last."""
CYCLE = (0.55, 1.1)
"""Seconds of a cycle: two steps of a run, or of a quick walk."""
ALIKE = 0.08
"""Mean distance in metres (and metres a tenth of a second) beyond which two frames are not alike."""
GONE = 0.4
"""Metres that the body gets along in a cycle: one that only stands is alike to itself, and does not cycle."""
_FLOOR = np.array([1.0, 0.0, 1.0])
Array = NDArray[np.float64]


def looped(joints: NDArray[np.floating], least: int) -> Array:
    """Joints (T, 22, 3); those of a take under ``least`` frames go on for :data:`WANTED` seconds, if they cycle."""
    at = np.asarray(joints, np.float64)
    if len(at) >= least:
        return at
    found = _cycle(at)
    if found is None:
        return at
    begin, end = found
    turn = _facing(at[end]) - _facing(at[begin])
    way = at[end, 0] * _FLOOR - _turned(at[begin, 0] * _FLOOR, turn)
    parts, cycle, follows = [at[:end]], at[begin:end], at[end]
    fade = np.linspace(1.0, 0.0, end - begin, endpoint=False)[:, None, None]
    while sum(map(len, parts)) < WANTED * RATE:
        cycle = _turned(cycle, turn) + way
        parts.append(cycle + fade * (follows - cycle[0]))
        follows = _turned(follows, turn) + way
    return np.concatenate(parts)[: round(WANTED * RATE)]


def _cycle(at: Array) -> tuple[int, int] | None:
    """The two frames a cycle apart that are most alike."""
    signals = Signals(at)
    places = signals.local
    states = np.concatenate([places, 0.1 * gradient(places)], 1)
    best, found = ALIKE, None
    shortest, longest = (round(seconds * RATE) for seconds in CYCLE)
    for begin in range(len(at) - shortest):
        for end in range(begin + shortest, min(begin + longest, len(at) - 1) + 1):
            apart = float(np.linalg.norm(states[end] - states[begin], axis=-1).mean())
            if apart < best and np.linalg.norm(at[end, 0] - at[begin, 0]) > GONE:
                best, found = apart, (begin, end)
    return found


def _turned(places: Array, by: float) -> Array:
    c, s = np.cos(by), np.sin(by)
    x, z = c * places[..., 0] + s * places[..., 2], c * places[..., 2] - s * places[..., 0]
    return np.stack([x, places[..., 1], z], -1)


def _facing(frame: Array) -> float:
    across = frame[1] - frame[2]
    return float(np.arctan2(-across[2], across[0]))
