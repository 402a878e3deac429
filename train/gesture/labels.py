"""What a gesturer decided, read off a set: the phase of every frame, the kind of each stroke, and when nods begin.

Kinds of strokes are found by k-means, for each hand and for both: by where the hands are as the stroke begins, half way
and as it ends, and by how long it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from models.gesture.config import BODY, RATE
from models.gesture.plan import FOLLOWS, HOLD, LONGEST, OVER_S, PREPARATION, REST, RETRACTION, SOON_S, STROKE

HANDS = ("right", "left", "both")
SIDE = {0: 1.0, 1: -1.0, 2: 0.0}
"""Preference of the control ``handedness`` for strokes of each of :data:`HANDS`."""
PREP, STROKE_AT, APEX, RETRACT, RESTED = 2, 3, 4, 5, 6
"""Columns of ``live/gestures``."""
PACE_M = 0.4
"""Metres that count as much as a second of a stroke's length."""
MOMENTS = 3
SHAPE = 2 * 3 * MOMENTS + 1
"""Numbers of a shape: both hands at each moment, and the length."""
_WRISTS = {0: ["rHand"], 1: ["lHand"], 2: ["rHand", "lHand"]}


@dataclass(frozen=True)
class Kinds:
    """``centres`` (kinds, SHAPE) of strokes as :func:`shapes_of` has them; ``hands``
    (kinds,) indices of :data:`HANDS`."""

    centres: NDArray[np.float64]
    hands: NDArray[np.int64]

    def of(self, shapes: NDArray[np.float64], hands: NDArray[np.int64]) -> NDArray[np.int64]:
        """The kind of strokes of ``shapes`` (N, SHAPE), each made with the hand it is said to be made with; where no
        kind has that hand, the nearest of all."""
        far = np.square(shapes[:, None] - self.centres[None]).sum(-1)
        far = far + np.where(self.hands[None] == hands[:, None], 0.0, 1e6)
        return far.argmin(1).astype(np.int64) if len(shapes) else np.zeros(0, np.int64)


def shapes_of(gestures: NDArray[np.float32], joints: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where the hands of each stroke are as it begins, half way and as it ends, right hand then left, and its length
    times :data:`PACE_M`: (N, SHAPE) in metres from the neck; zeros for a hand that takes no part. ``gestures`` (N, 8)
    as in the set, ``joints`` (T, 27, 3)."""
    neck = BODY.index("neck")
    out = np.zeros((len(gestures), SHAPE))
    for row, gesture in enumerate(gestures):
        times = np.linspace(gesture[STROKE_AT], gesture[APEX], MOMENTS) * RATE
        at = np.clip(np.round(times).astype(int), 0, len(joints) - 1)
        out[row, -1] = PACE_M * (gesture[APEX] - gesture[STROKE_AT])
        for name in _WRISTS[int(gesture[0])]:
            first = 0 if name == "rHand" else 3 * MOMENTS
            hand = joints[at, BODY.index(name)] - joints[at, neck]
            out[row, first : first + 3 * MOMENTS] = hand.ravel()
    return out


def fit_kinds(shapes: NDArray[np.float64], hands: NDArray[np.int64], count: int, seed: int) -> Kinds:
    """``count`` kinds, shared out among the hands as often as strokes are made with each."""
    used = [hand for hand in range(len(HANDS)) if (hands == hand).any()] or [0]
    shares = np.array([max(1.0, float((hands == hand).sum())) for hand in used])
    parts = np.maximum(1, np.floor(count * shares / shares.sum())).astype(int)
    parts[int(parts.argmax())] += count - int(parts.sum())
    centres, told = [], []
    for hand, part in zip(used, parts, strict=True):
        own = shapes[hands == hand]
        if len(own) <= part:
            found = np.resize(own, (part, SHAPE)) if len(own) else np.zeros((part, SHAPE))
        else:
            found, _ = kmeans2(own, int(part), minit="++", rng=np.random.default_rng([seed, hand]))
        centres.append(found)
        told += [hand] * int(part)
    return Kinds(np.concatenate(centres), np.array(told, np.int64))


def phases(gestures: NDArray[np.float32], kinds: NDArray[np.int64], frames: int) -> NDArray[np.int64]:
    """Ids (frames, 2) of every frame: phase and kind, as at the middle of the frame. Every gesture has at least one
    frame of preparation and one of stroke, so that none is overlooked; a kind stands from its preparation on."""
    ids = np.zeros((frames, 2), np.int64)
    for row in np.argsort(gestures[:, PREP]):
        times = gestures[row]
        prep, stroke, apex, retract, rest = (
            int(np.floor(float(times[k]) * RATE + 0.5)) for k in (PREP, STROKE_AT, APEX, RETRACT, RESTED)
        )
        stroke = max(stroke, prep + 1)
        apex = max(apex, stroke + 1)
        retract = max(retract, apex)
        rest = max(rest, retract)
        marks = (
            (prep, stroke, PREPARATION),
            (stroke, apex, STROKE),
            (apex, retract, HOLD),
            (retract, rest, RETRACTION),
        )
        for first, last, phase in marks:
            ids[max(first, 0) : max(last, 0), 0] = phase
        ids[max(prep, 0) :, 1] = kinds[row]
        ids[max(rest, 0) :, 0] = REST
    ids[:, 0] = _possible(ids[:, 0])
    return ids


def _possible(wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Phases (frames,) of which each may follow the one before: the step that leads to the one wanted where it may
    not."""
    out, now = np.empty_like(wanted), REST
    for t, phase in enumerate(wanted):
        now = int(phase) if phase in FOLLOWS[now] else _WAY[now, int(phase)]
        out[t] = now
    return out


_WAY = {
    (REST, STROKE): PREPARATION,
    (REST, HOLD): REST,
    (REST, RETRACTION): REST,
    (PREPARATION, REST): RETRACTION,
    (PREPARATION, HOLD): STROKE,
    (STROKE, REST): RETRACTION,
    (HOLD, REST): RETRACTION,
    (HOLD, STROKE): PREPARATION,
    (RETRACTION, STROKE): PREPARATION,
    (RETRACTION, HOLD): RETRACTION,
}


def nod_starts(nods: NDArray[np.float32], frames: int) -> NDArray[np.int64]:
    """1 (frames,) where a nod begins."""
    out = np.zeros(frames, np.int64)
    at = np.floor(nods[:, 0] * RATE).astype(int) if len(nods) else np.zeros(0, int)
    out[at[(at >= 0) & (at < frames)]] = 1
    return out


def accents(stresses: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """How strong a stress (frames, 2) each frame tells as :data:`models.gesture.plan.ACCENTS` has it, 0 where there is
    none; ``stresses`` (K, 3) as in the set."""
    out = np.zeros((frames, 2), np.float32)
    soon = round(SOON_S * RATE)
    for time, strength, _ in stresses:
        at = int(np.floor(float(time) * RATE))
        for column, first, last in ((0, at, at + 2), (1, at - soon, at)):
            rows = slice(max(first, 0), max(last, 0))
            out[rows, column] = np.maximum(out[rows, column], strength)
    return out


def silences(times: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
    """1 (frames,) where no word is being said nor was in the last :data:`models.gesture.plan.OVER_S`; ``times`` (N, 2)
    are starts and ends of words in s. A pause within which the next word begins so soon tells nothing yet."""
    out = np.ones(frames, np.float32)
    for start, end in times:
        out[max(0, int(np.floor(start * RATE))) : max(0, int(np.floor((end + OVER_S) * RATE)))] = 0.0
    return out


def clocks(ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """The packed clock (frames, 4) after each frame of ids (frames, 3): what :func:`models.gesture.plan.advanced`
    makes of them one after the other from rest."""
    out = np.zeros((len(ids), 4), np.float32)
    phase, lasted, kind, nodded = REST, 0.0, 0, LONGEST
    for t, (now, drawn, nod) in enumerate(ids):
        begins = now != phase
        kind = int(drawn) if begins and now == PREPARATION else kind
        lasted = 0.0 if begins else min(LONGEST, lasted + 1.0 / RATE)
        nodded = 0.0 if nod else min(LONGEST, nodded + 1.0 / RATE)
        phase = int(now)
        out[t] = phase, lasted, kind, LONGEST - nodded
    return out
