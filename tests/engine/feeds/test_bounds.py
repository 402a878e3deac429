"""What a partner's body may be: poses out of range or that jump are not believed, and never reach a frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.latest import STALE_S, PoseRing, PoseSample
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import Flag

SPEED, REACH = 15.0, 25.0
STEP_NS = round(1e9 / 30)
SPEC = StreamSpec(
    "watcher",
    30.0,
    (
        InputSpec("them", "body", (2, 3), -REACH, REACH, validity="seen", age="since", of="partner", speed=SPEED),
        InputSpec("seen", "validity"),
        InputSpec("since", "age"),
    ),
    (OutputSpec("pose", (1,)),),
)


def ring() -> PoseRing:
    made = PoseRing()
    made.bound((2, 3), -REACH, REACH, SPEED)
    return made


def pose(index: int, place: float) -> PoseSample:
    return PoseSample(index * STEP_NS, np.full((2, 3), place, np.float32), True)


def believed(places: list[float]) -> list[bool]:
    """Of poses a thirtieth of a second apart, which are believed."""
    watched, found = ring(), []
    for index, place in enumerate(places):
        watched.put(pose(index, place))
        newest = watched.newest_before(index * STEP_NS)
        assert newest is not None and newest.valid != newest.unsound
        found.append(newest.valid)
    return found


def test_a_walk_is_believed_and_an_outlier_is_not() -> None:
    assert believed([0.0, 0.2, 0.4, 5.4, 0.6, 0.8]) == [True, True, True, False, True, True]


@pytest.mark.parametrize("place", [25.1, 170.0, 1e6, 1e38, -1e38])
def test_a_pose_out_of_range_is_never_believed_however_long_it_stays(place: float) -> None:
    watched = ring()
    for index in range(60):
        watched.put(pose(index, place))
    newest = watched.newest_before(60 * STEP_NS)
    assert newest is not None and not newest.valid and newest.unsound
    assert watched.problem is not None and "25" in watched.problem and "unit" in watched.problem


def test_who_stays_where_they_jumped_to_is_believed_again_after_a_while() -> None:
    frames = round(2 * STALE_S * 30)
    found = believed([0.0] * 3 + [5.0] * frames)
    first = found.index(True, 3)
    assert not any(found[3:first]) and all(found[first:])
    assert (first - 2) / 30 == pytest.approx(STALE_S, abs=0.05)


@given(st.lists(st.floats(-40, 40, width=32), min_size=2, max_size=40))
def test_no_two_believed_poses_in_a_row_are_farther_apart_than_their_time_allows(places: list[float]) -> None:
    kept = [(index, place) for (index, place), fine in zip(enumerate(places), believed(places), strict=True) if fine]
    assert all(abs(place) <= REACH for _, place in kept)
    for (i, before), (j, after) in itertools.pairwise(kept):
        passed = (j - i) / 30
        assert passed > STALE_S or abs(after - before) <= SPEED * min(passed, 0.1) * (1 + 1e-5)


def test_numbers_that_are_not_finite_pass_to_the_model_which_flags_them() -> None:
    watched = ring()
    watched.put(pose(0, 0.0))
    wrong = np.zeros((2, 3), np.float32)
    wrong[1, 2] = np.nan
    watched.put(PoseSample(STEP_NS, wrong, True))
    newest = watched.newest_before(STEP_NS)
    assert newest is not None and newest.valid
    watched.put(pose(2, 0.1))
    assert watched.problem is None


def test_another_shape_is_refused_in_words() -> None:
    with pytest.raises(EngineError, match=r"\(3, 3\).*\(2, 3\)"):
        ring().put(PoseSample(0, np.zeros((3, 3), np.float32), True))


def test_the_frame_says_that_a_pose_was_not_believed_and_the_model_sees_nobody() -> None:
    feeds = Feeds.of(SPEC, 0)
    gather = Gather(SPEC, feeds, 0, {("body", "partner")})
    inputs = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}
    seen = feeds.latest["body", "partner"]
    for index, (place, flags) in enumerate([(0.0, Flag(0)), (9.0, Flag.UNSOUND | Flag.DEGRADED), (0.1, Flag(0))]):
        seen.put(pose(index, place))
        assert gather.fill(inputs, 0, index, None, index * STEP_NS) == flags
        assert inputs["seen"][0] == float(not flags)
        assert abs(inputs["them"]).max() <= 0.11
    assert feeds.problems() == []
