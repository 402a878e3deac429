"""When a listener set out on a movement, and when a cue could be known: labels, one yes or no per kind and frame.

A simulated listener says what it planned. Of a real one only the movement is seen, so the rulers of
:mod:`train.report.events` find it, and the plan is put before the moment at which they can be sure. Cues are those of
the simulation, which says of each when it can be known.
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


NOTICED = {"end": ("pause", "question"), "low": ("low",), "smile": ("smile", "laugh")}
"""Kinds of cues by what the network is taught to notice."""


def known(cues: Sequence[Cue], frames: int, kinds: Sequence[str]) -> NDArray[np.int8]:
    """(frames, kinds): 1 in the frame in which a cue of the kind becomes known, else 0; -1 throughout where no cue says
    when it can be known, so that nothing is taught of it."""
    if all(cue.known_s is None for cue in cues):
        return np.full((frames, len(kinds)), -1, np.int8)
    found = np.zeros((frames, len(kinds)), np.int8)
    for column, kind in enumerate(kinds):
        times = [cue.known_s for cue in cues if cue.kind in NOTICED[kind] and cue.known_s is not None]
        at = np.floor(np.array(times) * FPS).astype(int)
        found[at[(at >= 0) & (at < frames)], column] = 1
    return found


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
