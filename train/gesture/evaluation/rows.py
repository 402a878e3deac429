"""What is measured side by side: the truth, what people and luck reach, cheap answers; models stand in their modules.

**truth**: the gesturer as acted. **knowable**: the same as far as one could who hears sound and words as they come.
**redraw**: another gesturer of the same talk. **shifted**: the gesturer's own motion, of another stretch of the talk.
**mean pose**, **hold**: the gesturer's mean pose, and one pose of the truth. **beat rule**: :mod:`.beat`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.gesture.evaluation.beat import beat
from train.gesture.evaluation.cases import Case, Shown, origin
from train.gesture.pats import pose
from train.gesture.pats.pose import Scale

Array = NDArray[np.floating]

TRUTH, KNOWABLE, REDRAW, SHIFTED, MEAN, HOLD, BEAT = (
    "truth",
    "knowable",
    "redraw",
    "shifted",
    "mean pose",
    "hold",
    "beat rule",
)
RESERVED = (TRUTH, KNOWABLE, REDRAW, SHIFTED, MEAN, HOLD, BEAT)


@dataclass(frozen=True)
class GestureRow:
    """A row of the report; ``motions`` by the name of the case that each is of."""

    name: str
    about: str
    kind: str
    motions: Mapping[str, Shown]


def usual(cases: Sequence[Case], scales: Mapping[str, Scale], seed: int) -> list[GestureRow]:
    """All rows that need no model. ``scales`` hold every gesturer's mean pose in the training part."""
    rows = [GestureRow(TRUTH, "the gesturer as acted", "people", {case.name: case.truth for case in cases})]
    knowable = {case.name: case.knowable for case in cases if case.knowable is not None}
    if knowable:
        about = "the same, each stroke when its stress can be known: what a causal gesturer can do at best"
        rows.append(GestureRow(KNOWABLE, about, "people", knowable))
    means = {case.name: mean_pose(scales[case.speaker]) for case in cases}
    others = redrawn(cases, seed)
    if others:
        rows.append(GestureRow(REDRAW, "another gesturer of the same talk", "people", others))
    return [
        *rows,
        GestureRow(SHIFTED, "the gesturer in another stretch of the talk", "chance", shifted(cases, seed)),
        GestureRow(MEAN, "the gesturer's mean pose, held", "trick", {c.name: held(means[c.name], c) for c in cases}),
        GestureRow(HOLD, "the middle pose of the truth, held", "trick", {c.name: held(middle(c), c) for c in cases}),
        GestureRow(
            BEAT,
            "a stroke of the right hand on each accent in the energy of the voice; causal, no words",
            "trick",
            {c.name: Shown(beat(c.talk.pcm, means[c.name], c.frames)) for c in cases},
        ),
    ]


def mean_pose(scale: Scale) -> Array:
    """A gesturer's mean pose (52, 2), the neck at 0."""
    return np.asarray(origin(pose.points(scale.mean[None]))[0])


def middle(case: Case) -> Array:
    """The pose (52, 2) in the middle of the truth."""
    return np.asarray(case.truth.points[case.frames // 2])


def held(points: Array, case: Case) -> Shown:
    """One pose (52, 2) for as long as a case lasts."""
    return Shown(np.repeat(points[None], case.frames, 0))


def redrawn(cases: Sequence[Case], seed: int) -> dict[str, Shown]:
    """What another gesturer did in the same talk, by the case; none where there is no other."""
    rng, found = np.random.default_rng([seed, 1]), {}
    for case in cases:
        others = [one for one in cases if one.talk.name == case.talk.name and one.speaker != case.speaker]
        others = [one for one in others if one.frames >= case.frames]
        if others:
            other = others[int(rng.integers(len(others)))].truth
            joints = None if other.joints is None else other.joints[: case.frames]
            found[case.name] = Shown(other.points[: case.frames], joints)
    return found


def shifted(cases: Sequence[Case], seed: int) -> dict[str, Shown]:
    """The truth turned round its talk by a third to two thirds of its length."""
    rng, found = np.random.default_rng([seed, 2]), {}
    for case in cases:
        by = int(case.frames * rng.uniform(1.0 / 3.0, 2.0 / 3.0))
        joints = None if case.truth.joints is None else np.roll(case.truth.joints, by, 0)
        found[case.name] = Shown(np.roll(case.truth.points, by, 0), joints)
    return found
