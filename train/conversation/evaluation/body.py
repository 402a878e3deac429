"""Hands in own speech and while listening: how fast they are, how often they rest, and whether poses are the truth's.

Speed and rest are counted as the gesture family counts them: on PATS' points, 15 frames a second. *FD of poses* is the
Fréchet distance of where the joints of the upper body are (cm, from the hips), *FD of velocities* that of how they move
(cm a frame of 1/30 s).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.gesture.config import BODY, MOVING
from train.conversation.evaluation.cases import Case, Face
from train.conversation.talks.layout import FPS
from train.gesture.evaluation.cases import body_of
from train.gesture.evaluation.hands import posture
from train.gesture.pats.layout import RATE
from train.gesture.strokes import speed, wrists_of
from train.report import frechet
from train.report.intervals import Sums, Tally

Array = NDArray[np.floating]

STATES = ("speech", "listening")
UPPER = [BODY.index(joint) for joint in MOVING[1:]]
CM = 100.0
DRAWS = 100
"""Draws of the Fréchet distances, which cost decompositions."""
EVERY = round(FPS / RATE)


class Seen(NamedTuple):
    """A body as it is measured: PATS' ``points`` (T / 2, 52, 2), and where joints are (T, N) in cm from the hips."""

    points: Array
    joints: Array


def seen(body: Face) -> Seen:
    """Of quaternions (T, 27, 4)."""
    shown = body_of(body)
    assert shown.joints is not None
    joints = CM * (shown.joints[:, UPPER] - shown.joints[:, :1])
    return Seen(shown.points[::EVERY], joints.reshape(len(joints), -1))


def states(case: Case, frames: int) -> dict[str, NDArray[np.bool_]]:
    """Frames (T,) of each state."""
    return {"speech": case.speaking[:frames], "listening": case.listening[:frames]}


def tally(body: Seen, case: Case) -> Tally:
    """What a body adds to the sums."""
    stance = posture(body.points)
    fast = np.mean([speed(path, RATE) for path in wrists_of(body.points).values()], axis=0)
    sums: Sums = {}
    for state, where in states(case, len(body.joints)).items():
        inside = where[::EVERY]
        sums[f"{state}.frames"] = np.array(float(inside.sum()))
        sums[f"{state}.rests"] = np.array(float(stance.rests[inside].sum()))
        sums[f"{state}.speed"] = np.array(fast[inside].sum())
    return Tally(sums, {})


def derive(sums: Sums, truth: Sums) -> dict[str, Array]:
    """Metrics (D,) of sums with the draws on axis 0, beside those of the truth."""
    found: dict[str, Array] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for state in STATES:
            made, true = (one[f"{state}.speed"] / one[f"{state}.frames"] for one in (sums, truth))
            found[f"hands_{state}"], found[f"hands_over_{state}"] = made, made / true
            found[f"rests_{state}"] = sums[f"{state}.rests"] / sums[f"{state}.frames"]
    return found


def distances(
    made: Sequence[Seen], true: Sequence[Seen], cases: Sequence[Case], member: Sequence[int]
) -> Callable[[Array], dict[str, Array]]:
    """From how often each group counts (D, groups) to the Fréchet distances (D,) of poses and velocities in each state;
    ``member`` says of which group each case is. The truth is drawn with what was made."""
    groups = max(member) + 1
    fitted: dict[str, tuple[frechet.GroupSums, frechet.GroupSums]] = {}
    for state in STATES:
        for name, order in (("pose", 0), ("velocity", 1)):
            both = [_frames(bodies, cases, state, order, member) for bodies in (made, true)]
            if all(len(points) > 1 for points, _ in both):
                one, other = (frechet.GroupSums(points, whose, groups) for points, whose in both)
                fitted[f"fd_{name}_{state}"] = (one, other)

    def whole(weight: Array) -> dict[str, Array]:
        few = weight[: 1 + DRAWS]
        found = {f"fd_{name}_{state}": np.full(len(few), np.nan) for name in ("pose", "velocity") for state in STATES}
        for key, (one, other) in fitted.items():
            for draw, counts in enumerate(few):
                if min(counts @ one.count, counts @ other.count) > 1:
                    found[key][draw] = frechet.fid(one.fitted(counts), other.fitted(counts))
        return found

    return whole


def _frames(
    bodies: Sequence[Seen], cases: Sequence[Case], state: str, order: int, member: Sequence[int]
) -> tuple[Array, NDArray[np.intp]]:
    """Frames (N, F) of a state, differences for ``order`` 1, and whose each is."""
    points, whose = [], []
    for body, case, group in zip(bodies, cases, member, strict=True):
        where = states(case, len(body.joints))[state]
        moved = np.diff(body.joints, order, axis=0)
        inside = where if not order else where[1:] & where[:-1]
        points.append(moved[inside])
        whose.append(np.full(int(inside.sum()), group))
    return np.concatenate(points), np.concatenate(whose).astype(np.intp)
