"""Nods of a body on skeleton ``cmu``: short pulses of the head's pitch, downwards and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from models.gesture.config import BODY
from train.gesture.evaluation.cases import Case, at
from train.gesture.pats.layout import RATE

Array = NDArray[np.floating]
Sums = dict[str, Array]

DEGREES, STEEP = 3.0, 17.0
"""By how much the head goes down at least, and by how many degrees for each second that it is half-way down or lower:
a head that leans into a stroke goes as far, but more slowly."""
WITHIN_S = 0.7
"""A nod is down and up again within so many seconds to either side."""
APART_S = 0.3
_HEAD = BODY.index("head")
_EYES = (BODY.index("rightEye"), BODY.index("leftEye"))


def pitch(joints: Array) -> Array:
    """How far (T,) the head looks down, in degrees, of joints (T, 27, 3)."""
    ahead = joints[:, _EYES].mean(1) - joints[:, _HEAD]
    length = np.maximum(np.linalg.norm(ahead, axis=1), 1e-9)
    return np.asarray(-np.degrees(np.arcsin(np.clip(ahead[:, 1] / length, -1.0, 1.0))))


def find_nods(joints: Array, rate: float = RATE) -> Array:
    """When (N,) the head is lowest in its nods (s)."""
    down = pitch(np.asarray(joints, float))
    span = 2 * round(WITHIN_S * rate) + 1
    apart = max(1, round(APART_S * rate))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a head that is still has peaks of no height
        peaks, found = find_peaks(down, prominence=DEGREES, wlen=span, distance=apart, width=0.0, rel_height=0.5)
    peaks = peaks[found["prominences"] >= STEEP * found["widths"] / rate]
    return np.asarray((peaks + 0.5) / rate)


def tally(joints: Array | None, case: Case) -> Sums:
    """What a body adds to the sums; nothing where there is no body in space."""
    if joints is None:
        return {name: np.asarray(0.0) for name in ("nods.speech", "nods.silence", "nods.spoken", "nods.silent")}
    speaking = case.speaking()
    spoke = speaking[at(find_nods(joints), len(joints))] if len(joints) else np.zeros(0, bool)
    return {
        "nods.speech": np.asarray(float(spoke.sum())),
        "nods.silence": np.asarray(float((~spoke).sum())),
        "nods.spoken": np.asarray(speaking.sum() / RATE),
        "nods.silent": np.asarray((~speaking).sum() / RATE),
    }


def derive(sums: Sums) -> dict[str, Array]:
    """Nods a minute (D,) in speech and in silence; not a number where no body was seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "nods_speech": 60.0 * sums["nods.speech"] / sums["nods.spoken"],
            "nods_silence": 60.0 * sums["nods.silence"] / sums["nods.silent"],
        }


def matched(found: Sequence[float] | Array, true: Sequence[float] | Array, within_s: float) -> list[tuple[int, int]]:
    """Pairs of moments that are the same event, nearest first, each in one pair at most."""
    pairs = sorted(
        (abs(float(a) - float(b)), i, j)
        for i, a in enumerate(found)
        for j, b in enumerate(true)
        if abs(float(a) - float(b)) <= within_s
    )
    left, right, out = set(), set(), []
    for _, i, j in pairs:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            out.append((i, j))
    return out
