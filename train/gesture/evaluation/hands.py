"""How hands behave: when they gesture, rest and hold, with which hand, how fast and smoothly, and when they fall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.gesture.evaluation.cases import Case, at, within
from train.gesture.pats.layout import RATE
from train.gesture.strokes import NEAR, STILL, FoundStroke, rest_of, speed, wrists_of
from train.report.events import jerk
from train.simulate.gestures.moments import Phrase

Array = NDArray[np.floating]
Sums = dict[str, Array]

HANDS = ("right", "left", "both")
FIRST_S = 2.0
"""Seconds of an utterance's beginning."""
FALL_S = 1.0
"""Seconds of silence after an utterance, at least, in which hands are watched falling."""
FEW = 5
"""Strokes of a gesturer from which shares of the hands are told."""


class Posture(NamedTuple):
    """Frames (T,) in which both hands rest, and in which one is up and none moves."""

    rests: NDArray[np.bool_]
    holds: NDArray[np.bool_]


def posture(points: Array) -> Posture:
    """See :class:`Posture`, of PATS' points (T, 52, 2). A hand rests near the place at which it is still the
    longest."""
    away, moving = [], []
    for path in wrists_of(points).values():
        away.append(np.linalg.norm(path - rest_of(path, RATE), axis=1) >= NEAR)
        moving.append(speed(path, RATE) >= STILL)
    up = np.any(away, 0)
    return Posture(~up, up & ~np.any(moving, 0))


def tally(points: Array, strokes: Sequence[FoundStroke], case: Case, speakers: Sequence[str]) -> Sums:
    """What a motion adds to the sums."""
    frames = len(points)
    speaking = case.speaking()
    first = within([Phrase(one.start, min(one.end, one.start + FIRST_S)) for one in case.utterances], frames)
    struck = np.zeros(frames)
    np.add.at(struck, at(np.array([stroke.apex for stroke in strokes]), frames), 1.0)
    stance = posture(points)
    paths = np.concatenate(list(wrists_of(points).values()), 1)
    used = np.zeros((len(speakers), len(HANDS)))
    for stroke in strokes:
        used[speakers.index(case.speaker), HANDS.index(stroke.hand)] += 1.0
    falls = fallen(stance.rests, case)
    sums = {
        "frames": frames,
        "speech": speaking.sum() / RATE,
        "speech.strokes": struck[speaking].sum(),
        "silence": (~speaking).sum() / RATE,
        "silence.strokes": struck[~speaking].sum(),
        "first": first.sum() / RATE,
        "first.strokes": struck[first].sum(),
        "rests": stance.rests.sum(),
        "holds": stance.holds.sum(),
        "speed": sum(speed(path, RATE).sum() for path in (paths[:, :2], paths[:, 2:])) / 2.0,
        "jerk": jerk(paths, RATE) * frames if frames > 3 else 0.0,
        "falls": len(falls),
        "falls.seconds": sum(fall.seconds for fall in falls),
        "falls.up": sum(fall.stayed for fall in falls),
    }
    return {name: np.asarray(value, float) for name, value in sums.items()} | {"hands": used}


class Fall(NamedTuple):
    """How long (s) after a voice stopped hands that were up were at rest, or the silence over, if they ``stayed``."""

    seconds: float
    stayed: bool


def fallen(rests: NDArray[np.bool_], case: Case) -> list[Fall]:
    """Of every utterance that a second of silence follows and at whose end a hand was up."""
    found, spoken = [], case.utterances
    ends = [*(one.start for one in spoken[1:]), case.seconds]
    for one, until in zip(spoken, ends, strict=True):
        first, last = round(one.end * RATE), min(round(until * RATE), len(rests))
        if (last - first) / RATE < FALL_S or rests[first]:
            continue
        down = np.flatnonzero(rests[first:last])
        found.append(Fall((int(down[0]) if len(down) else last - first) / RATE, not len(down)))
    return found


def derive(sums: Sums, truth: Sums) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0, beside those of the truth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: dict[str, Array] = {
            f"rate_{name}": 60.0 * sums[f"{name}.strokes"] / sums[name] for name in ("speech", "silence", "first")
        }
        found["rate_ratio"] = found["rate_speech"] / (60.0 * truth["speech.strokes"] / truth["speech"])
        found["fall"] = sums["falls.seconds"] / sums["falls"]
        found["stays"] = sums["falls.up"] / sums["falls"]
        for name in ("rests", "holds", "speed", "jerk"):
            found[name] = sums[name] / sums["frames"]
        found["jerk_ratio"] = found["jerk"] / (truth["jerk"] / truth["frames"])
        found["speed_ratio"] = found["speed"] / (truth["speed"] / truth["frames"])
        own, true = (values["hands"] for values in (sums, truth))
        found["right"] = own[..., 0].sum(1) / own[..., :2].sum((1, 2))
        found["both"] = own[..., 2].sum(1) / own.sum((1, 2))
        found["hands_off"] = _apart(own, true)
    return found


def _apart(own: Array, true: Array) -> Array:
    """Mean over gesturers of the share (D,) of strokes made with other hands than the truth's."""
    counts = np.minimum(own.sum(2), true.sum(2))
    off = 0.5 * np.abs(own / own.sum(2, keepdims=True) - true / true.sum(2, keepdims=True)).sum(2)
    told = counts >= FEW
    return np.asarray(np.where(told, np.nan_to_num(off), 0.0).sum(1) / told.sum(1))
