"""The course of a body: a hand goes to where its stroke begins, along the stroke's way, and back to rest, smoothly."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from models.gesture.body import WIDTH
from models.gesture.course import STEPS, Course, Courses, least_jerk
from models.gesture.plan import HOLD, LONGEST, PREPARATION, REST, RETRACTION, STROKE, Clock, advanced

KINDS = 3
ARM = WIDTH // 2
"""Numbers from here on belong to the arm that kind 1 leaves out."""


@pytest.fixture
def courses() -> Courses:
    made = Courses(KINDS)
    for kind in range(KINDS):
        made.ways[kind] = torch.linspace(1.0 + kind, 5.0 + kind, STEPS)[:, None].expand(-1, WIDTH)
        made.seconds[kind, STROKE] = 0.4
    made.takes[1, ARM:] = 0.0
    return made


def follow(courses: Courses, phases: list[int], kind: int = 0, nod: int = -1) -> tuple[Tensor, Tensor]:
    """Poses (T, WIDTH) and features of phases, from rest at 0."""
    clock = Clock(torch.tensor([REST]), torch.tensor([LONGEST]), torch.tensor([0]), torch.tensor([LONGEST]))
    rest = torch.zeros(1, WIDTH)
    course, poses, told = Course(rest, rest), [], []
    for t, phase in enumerate(phases):
        clock = advanced(clock, torch.tensor([[phase, kind, int(t == nod)]]))
        course, features = courses(clock, rest, course)
        poses.append(course.now[0])
        told.append(features[0])
    return torch.stack(poses), torch.stack(told)


WHOLE = [REST] * 3 + [PREPARATION] * 8 + [STROKE] * 6 + [HOLD] * 4 + [RETRACTION] * 12 + [REST] * 6


@pytest.mark.parametrize("kind", range(KINDS))
def test_each_phase_ends_where_it_leads_to(courses: Courses, kind: int) -> None:
    poses, _ = follow(courses, WHOLE, kind)
    torch.testing.assert_close(poses[2], torch.zeros(WIDTH))
    torch.testing.assert_close(poses[10, :ARM], torch.full((ARM,), 1.0 + kind))
    torch.testing.assert_close(poses[16, :ARM], torch.full((ARM,), 5.0 + kind))
    torch.testing.assert_close(poses[20, :ARM], torch.full((ARM,), 5.0 + kind))
    torch.testing.assert_close(poses[-1], torch.zeros(WIDTH), atol=1e-5, rtol=0)
    other = torch.zeros(ARM) if kind == 1 else poses[16, :ARM]
    torch.testing.assert_close(poses[16, ARM:], other, atol=1e-5, rtol=0)


def test_a_stroke_goes_its_way_evenly_and_at_its_own_pace(courses: Courses) -> None:
    poses, told = follow(courses, WHOLE)
    stroke = poses[10:17, 0]
    torch.testing.assert_close(stroke, torch.linspace(1.0, 5.0, 7))
    courses.seconds[0, STROKE] = 0.2
    quick, _ = follow(courses, WHOLE)
    torch.testing.assert_close(quick[13, 0], torch.tensor(5.0))
    torch.testing.assert_close(told[11:17, -1], torch.arange(1, 7) / 6.0)


def test_a_stroke_that_begins_too_soon_comes_back_to_its_way(courses: Courses) -> None:
    poses, _ = follow(courses, [PREPARATION] * 2 + [STROKE] * 6 + [HOLD])
    assert poses[1, 0] < 0.6
    steps = poses[:, 0].diff()
    assert steps.min() >= 0 and steps.max() < 1.3
    torch.testing.assert_close(poses[7, 0], torch.tensor(5.0))


@pytest.mark.parametrize("length", range(1, 6))
def test_no_phase_begins_with_a_jump(courses: Courses, length: int) -> None:
    phases = list(itertools.chain.from_iterable([p] * length for p in (PREPARATION, STROKE, HOLD, RETRACTION, REST)))
    poses, _ = follow(courses, [*phases, *phases])
    assert poses[:, 0].diff().abs().max() < 3.1, "in two frames a hold covers what a short stroke left"
    calm, _ = follow(courses, WHOLE)
    assert calm[:, 0].diff().abs().max() < 1.0


def test_the_features_tell_phase_and_nod(courses: Courses) -> None:
    _, told = follow(courses, WHOLE, nod=4)
    assert told.shape[1] == courses.width
    assert told[12, STROKE] == 1 and told[:, :5].sum(1).eq(1).all()
    nod = told[:, -11:-1]
    assert nod[:4].sum() == 0 and nod[4].argmax() == 0 and nod[9].argmax() == 5 and nod[20:].sum() == 0


def test_least_jerk_begins_and_ends_at_rest() -> None:
    share = torch.linspace(0.0, 1.0, 101)
    done = least_jerk(share)
    assert done[0] == 0 and done[-1] == 1 and done[50] == pytest.approx(0.5)
    assert done.diff()[0] < 1e-4 and done.diff()[-1] < 1e-4 and done.diff().max() == pytest.approx(0.01875, abs=1e-4)
