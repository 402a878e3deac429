"""The ways of strokes by kind, from training performances: what :class:`models.gesture.course.Courses` holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.gesture.body import UPPER, WIDTH
from models.gesture.config import BODY, RATE
from models.gesture.course import STEPS, Course
from models.gesture.model import Gesture
from models.gesture.plan import CLOCK, PREPARATION, STROKE, advanced, unpacked
from train.gesture.streams import Performance

UNSEEN = 0.2
"""Strokes of a kind that a gesturer counts to have made who was not seen to make one."""


class Way(NamedTuple):
    """One stroke: its ``kind``, the poses (STEPS, WIDTH) from the frame before it to the frame after, and seconds."""

    kind: int
    poses: NDArray[np.float64]
    seconds: float


def ways_of(item: Performance, poses: Tensor) -> list[Way]:
    """The strokes of a performance whose standardised poses (T, WIDTH) are given."""
    striking = (item.ids[:, 0] == STROKE).numpy()
    edges = np.flatnonzero(np.diff(np.r_[False, striking, False].astype(int)))
    found, values = [], poses.double().numpy()
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if first == 0 or last >= len(values):
            continue  # begun before the talk, or not over when it ends
        at = np.linspace(first - 1, last, STEPS)
        low = np.minimum(at.astype(int), len(values) - 2)
        share = (at - low)[:, None]
        way = (1.0 - share) * values[low] + share * values[low + 1]
        found.append(Way(int(item.ids[first, 1]), way, float(last - first) / RATE))
    return found


def taking_part(side: float) -> Tensor:
    """1 (WIDTH,) for the numbers of the joints that a stroke moves: all but those of the other arm; ``side`` 1 is a
    stroke of the right hand, -1 of the left, 0 of both."""
    other = {1.0: "l", -1.0: "r"}.get(side)
    arm = {f"{other}{joint}" for joint in ("Shldr", "ForeArm", "Hand")}
    return torch.tensor([float(BODY.joints[joint] not in arm) for joint in UPPER]).repeat_interleave(
        WIDTH // len(UPPER)
    )


def fit_liking(model: Gesture, performances: Sequence[Performance]) -> None:
    """Set how much likelier each gesturer makes each kind of stroke: the log of its share, as if everybody had made a
    few of all kinds besides."""
    counts = torch.full_like(model.liking, UNSEEN)
    for item in performances:
        begins = (item.ids[:, 0] == PREPARATION) & (item.ids[:, 0].roll(1) != PREPARATION)
        counts[item.style] += torch.bincount(item.ids[begins, 1], minlength=model.config.kinds)
    shares = counts / counts.sum(1, keepdim=True)
    model.liking.copy_((shares * model.config.kinds).log())


def fit_courses(model: Gesture, performances: Sequence[Performance]) -> None:
    """Fill the model's courses with the mean ways of the strokes of each kind; kinds that nobody made lead to the mean
    of all strokes. ``model.poses`` with its poses of rest, and ``model.hands``, are fitted before."""
    found = [way for item in performances for way in ways_of(item, model.poses.standardised(item.pose))]
    courses = model.courses
    for kind in range(model.config.kinds):
        own = [way for way in found if way.kind == kind] or found
        if own:
            courses.ways[kind] = torch.from_numpy(np.mean([way.poses for way in own], 0)).float()
            courses.seconds[kind, STROKE] = float(np.mean([way.seconds for way in own]))
        courses.takes[kind] = taking_part(float(model.hands[kind]))


@torch.no_grad()
def followed(model: Gesture, performances: Sequence[Performance]) -> list[Performance]:
    """The performances with the course that their decisions lay, from the first frame on."""
    longest = max(item.frames for item in performances)
    ids = torch.stack([torch.nn.functional.pad(item.ids, (0, 0, 0, longest - item.frames)) for item in performances])
    rest = model.poses.standardised(model.poses.rest[[item.style for item in performances]])
    clock, course, found = unpacked(torch.zeros(len(ids), CLOCK)), Course(rest, rest), []
    for t in range(longest):
        clock = advanced(clock, ids[:, t])
        course, _ = model.courses(clock, rest, course)
        found.append(torch.stack(course, 1))
    laid = torch.stack(found, 1)
    return [replace(item, course=laid[row, : item.frames]) for row, item in enumerate(performances)]
