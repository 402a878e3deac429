"""When a listener set out on a movement: the labels of the plans, one yes or no per kind and frame.

A simulated listener says what it planned. Of a real one only the movement is seen, so the rulers of
:mod:`train.report.events` find it, and the plan is put before the moment at which they can be sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from train.report import events
from train.simulate.talk import FPS, Cue

SEEN: dict[str, tuple[Callable[[NDArray[np.floating], float], Sequence[float]], float]] = {
    "nod": (events.nods, 0.12),
    "smile": (events.smiles, 0.2),
}
"""Rulers by kind, and seconds by which a movement has begun when they find it; what has none is never labelled."""


def labels(told: Sequence[Cue], face: NDArray[np.floating], kinds: Sequence[str]) -> NDArray[np.int16]:
    """(T, kinds) of 0 and 1: a 1 stands one frame before the movement of ``face`` (T, 58) begins. ``told`` are the
    movements that the listener planned, none for a real one."""
    found = np.zeros((len(face), len(kinds)), np.int16)
    for column, kind in enumerate(kinds):
        if told:
            starts = [event.time_s for event in told if event.kind == kind]
        elif kind in SEEN:
            ruler, late = SEEN[kind]
            starts = [start - late for start in ruler(face, FPS)]
        else:
            starts = []
        frames = np.floor(np.array(starts) * FPS).astype(int) - 1
        found[frames[(frames >= 0) & (frames < len(face))], column] = 1
    return found
