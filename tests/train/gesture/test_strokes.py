"""Strokes are found where they were made, however the body stands and whichever hand makes them; idling is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from tests.train.gesture.evaluation.toys import REST, WRISTS, eased, striking
from train.gesture.pats.layout import RATE
from train.gesture.strokes import find_strokes, rest_of, wrists_of

MOMENTS = [2.5, 6.0, 9.0]


@pytest.mark.parametrize("hands", [("right",), ("left",), ("right", "left")])
def test_a_stroke_is_found_when_it_is_over(hands: tuple[str, ...]) -> None:
    found = find_strokes(striking(MOMENTS, 12.0, hands))
    assert [stroke.hand for stroke in found] == [hands[0] if len(hands) == 1 else "both"] * 3
    assert [stroke.apex for stroke in found] == pytest.approx(MOMENTS, abs=0.04)
    assert all(0.2 < stroke.end - stroke.start < 0.5 for stroke in found)
    assert [stroke.travel for stroke in found] == pytest.approx([171.0] * 3, abs=2.0)


@settings(max_examples=25, deadline=None)
@given(st.floats(1.0, 3.0), st.floats(1.9, 4.0), st.floats(-300.0, 300.0), st.floats(0.0, 3.0))
def test_neither_place_nor_phase_of_the_frames_nor_noise_matter(
    first: float, gap: float, aside: float, noise: float
) -> None:
    moments = [first, first + gap]
    found = find_strokes(striking(moments, 10.0, noise=noise) + aside)
    assert [stroke.apex for stroke in found] == pytest.approx(moments, abs=0.05)


def test_strokes_that_follow_each_other_are_told_from_what_makes_ready_for_them() -> None:
    times = (np.arange(8 * RATE) + 0.5) / RATE
    made = np.repeat(REST[None], len(times), 0)
    height = -300.0 * eased(times, 1.0, 1.4) + 160.0 * eased(times, 1.45, 1.75)  # up, strike
    height += -160.0 * eased(times, 1.8, 2.2) + 160.0 * eased(times, 2.25, 2.55)  # up again, strike again
    height += 140.0 * eased(times, 3.5, 4.0)  # back
    made[:, WRISTS["right"], 1] += height[:, None]
    assert [stroke.apex for stroke in find_strokes(made)] == pytest.approx([1.75, 2.55], abs=0.05)


@pytest.mark.parametrize(
    ("waits", "sinks", "found"), [(1.2, 0.0, [3.0]), (1.2, 80.0, [1.5, 3.0]), (2.0, 0.0, [1.5, 3.8])]
)
def test_a_hand_may_wait_ready_for_its_stroke(waits: float, sinks: float, found: list[float]) -> None:
    """Up, and a stroke after the hand waited; one that sank meanwhile, or waited for long, was not made ready."""
    times = (np.arange(12 * RATE) + 0.5) / RATE
    made = np.repeat(REST[None], len(times), 0)
    at = 1.5 + waits
    height = -250.0 * eased(times, 1.1, 1.5) + sinks * eased(times, 1.5, at) + 100.0 * eased(times, at, at + 0.3)
    height += (150.0 - sinks) * eased(times, at + 0.8, at + 2.0)
    made[:, WRISTS["right"], 1] += height[:, None]
    assert [stroke.apex for stroke in find_strokes(made)] == pytest.approx(found, abs=0.08)


def test_a_hand_that_only_goes_up_and_back_strikes_once() -> None:
    times = (np.arange(8 * RATE) + 0.5) / RATE
    made = np.repeat(REST[None], len(times), 0)
    made[:, WRISTS["left"], 1] -= 200.0 * (eased(times, 2.0, 2.4) - eased(times, 3.0, 3.5))[:, None]
    (found,) = find_strokes(made)
    assert found.hand == "left" and found.apex == pytest.approx(2.4, abs=0.05)


def test_what_is_slow_or_small_is_no_stroke() -> None:
    times = (np.arange(10 * RATE) + 0.5) / RATE
    for size, takes in ((30.0, 0.3), (200.0, 3.0)):
        made = np.repeat(REST[None], len(times), 0)
        made[:, WRISTS["right"], 1] -= size * (eased(times, 2.0, 2.0 + takes) - eased(times, 6.0, 6.0 + takes))[:, None]
        assert find_strokes(made) == ()
    idle = REST + np.cumsum(np.random.default_rng(0).normal(0.0, 0.5, (300, 52, 2)), 0)
    assert find_strokes(idle) == ()


def test_hands_rest_where_they_are_still_the_longest() -> None:
    for hand, path in wrists_of(striking(MOMENTS, 12.0, ("right", "left"))).items():
        assert rest_of(path, RATE) == pytest.approx(REST[WRISTS[hand][0]], abs=5.0)


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 5])
def test_a_short_motion_has_no_strokes(frames: int) -> None:
    assert find_strokes(np.zeros((frames, 52, 2))) == ()


@pytest.mark.parametrize("points", [np.zeros((5, 51, 2)), np.zeros((5, 104)), np.full((5, 52, 2), np.nan)])
def test_other_arrays_are_refused(points: np.ndarray) -> None:
    with pytest.raises(EngineError, match=r"finite \(T, 52, 2\) in pixels are needed"):
        find_strokes(points)
