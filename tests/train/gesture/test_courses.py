"""Ways of strokes are those that were made, by the joints that take part; likings are what was counted."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from models.gesture import Gesture, build
from models.gesture.body import UPPER, WIDTH
from models.gesture.config import BODY
from models.gesture.course import SECONDS, STEPS
from models.gesture.plan import HOLD, PREPARATION, REST, RETRACTION, STROKE
from tests.train.gesture.test_calibrate import performance
from train.gesture.courses import UNSEEN, fit_courses, fit_liking, followed, taking_part, ways_of
from train.gesture.streams import Performance

PHASES = [REST] * 5 + [PREPARATION] * 6 + [STROKE] * 4 + [HOLD] * 3 + [RETRACTION] * 12 + [REST] * 5
KIND = 2


@pytest.fixture
def model() -> Gesture:
    made = build("tiny").eval()
    made.hands.copy_(torch.tensor([1.0, -1.0, 0.0, 1.0]))
    return made


def struck(model: Gesture, style: int = 0) -> Performance:
    """One stroke of kind 2 whose standardised pose is the number of the frame, in every number."""
    ids = torch.zeros(len(PHASES), 3, dtype=torch.int64)
    ids[:, 0] = torch.tensor(PHASES)
    ids[5:, 1] = KIND
    frames = torch.arange(len(PHASES), dtype=torch.float32)[:, None].expand(-1, WIDTH)
    item = performance(len(PHASES), torch.zeros(0).numpy(), ids=ids, pose=model.poses.restored(frames))
    return dataclasses.replace(item, style=style)


def test_a_way_leads_from_the_frame_before_the_stroke_to_the_one_after(model: Gesture) -> None:
    item = struck(model)
    (way,) = ways_of(item, model.poses.standardised(item.pose))
    assert way.kind == KIND and way.seconds == pytest.approx(4 / 15)
    assert way.poses[:, 0].tolist() == pytest.approx([10.0, 11.25, 12.5, 13.75, 15.0], abs=1e-3)


def test_strokes_that_are_cut_off_have_no_way(model: Gesture) -> None:
    item = struck(model)
    for part in (slice(11, None), slice(None, 13)):
        cut = dataclasses.replace(item, ids=item.ids[part], pose=item.pose[part])
        assert ways_of(cut, model.poses.standardised(cut.pose)) == []


@pytest.mark.parametrize(("side", "moves", "rests"), [(1.0, "r", "l"), (-1.0, "l", "r"), (0.0, "rl", "")])
def test_the_other_arm_takes_no_part(side: float, moves: str, rests: str) -> None:
    takes = taking_part(side).unflatten(0, (len(UPPER), -1))
    for joint in ("Shldr", "ForeArm", "Hand"):
        assert all(takes[UPPER.index(BODY.index(own + joint))].all() for own in moves)
        assert not any(takes[UPPER.index(BODY.index(own + joint))].any() for own in rests)
    assert takes[UPPER.index(BODY.index("head"))].all()


def test_courses_hold_what_was_made_and_are_followed(model: Gesture) -> None:
    item = struck(model)
    fit_courses(model, [item])
    torch.testing.assert_close(model.courses.ways[KIND], model.courses.ways[0], msg="unseen kinds lead as all do")
    assert model.courses.ways.shape[1] == STEPS
    assert model.courses.seconds[KIND, STROKE] == pytest.approx(4 / 15)
    assert model.courses.seconds[KIND, PREPARATION] == pytest.approx(SECONDS[PREPARATION])
    (laid,) = followed(model, [item])
    now = laid.course[:, 0, 0]
    rest = model.poses.standardised(model.poses.rest[0])[0]
    torch.testing.assert_close(now[4], rest)
    assert now[10] == pytest.approx(10.0, abs=1e-3) and now[14] == pytest.approx(15.0, abs=1e-3)
    torch.testing.assert_close(now[-1], rest, atol=1e-3, rtol=0)


def test_a_gesturer_likes_what_it_was_seen_to_make(model: Gesture) -> None:
    fit_liking(model, [struck(model), struck(model)])
    kinds = model.config.kinds
    shares = model.liking.exp() / kinds
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    assert shares[0, KIND] == pytest.approx((2 + UNSEEN) / (2 + kinds * UNSEEN))
    torch.testing.assert_close(model.liking[1], torch.zeros(kinds))
