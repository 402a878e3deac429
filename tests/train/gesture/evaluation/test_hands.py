"""Rates, rests, holds, hands and falls of motions that are made so; nods of heads that nod."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gesture.config import BODY
from tests.train.gesture.evaluation.toys import REST, WRISTS, eased, striking, talk
from train.gesture.evaluation import hands, nods
from train.gesture.evaluation.cases import Case, Shown
from train.gesture.pats.layout import RATE
from train.gesture.strokes import find_strokes
from train.speech.talk import SpokenWord

SECONDS = 20.0
WORDS = tuple(SpokenWord("word", at, at + 0.5) for at in (*np.arange(1.0, 5.0, 0.5), *np.arange(9.0, 14.0, 0.5)))


def case(points: np.ndarray) -> Case:
    """Speech from 1 to 5 and from 9 to 14 s of 20."""
    return Case("one", "ann", dataclasses.replace(talk("x", "test"), words=WORDS, stresses=()), Shown(points))


def derived(points: np.ndarray, truth: np.ndarray | None = None) -> dict[str, float]:
    both = []
    for one in (points, points if truth is None else truth):
        sums = hands.tally(one, find_strokes(one), case(points), ["ann", "bob"])
        both.append({name: value[None] for name, value in sums.items()})
    return {name: float(value[0]) for name, value in hands.derive(*both).items()}


def test_rates_are_of_speech_of_silence_and_of_beginnings() -> None:
    found = derived(striking([2.5, 4.5, 6.5, 10.5, 12.5], SECONDS))
    assert found["rate_speech"] == pytest.approx(60 * 4 / 9.0, rel=0.02)
    assert found["rate_silence"] == pytest.approx(60 * 1 / 11.0, rel=0.02)
    assert found["rate_first"] == pytest.approx(60 * 2 / 4.0, rel=0.02)
    more = derived(striking([2.5, 4.5, 6.5, 10.5, 12.5], SECONDS), striking([2.5, 10.5], SECONDS))
    assert more["rate_ratio"] == pytest.approx(2.0) and more["speed_ratio"] == pytest.approx(2.5, rel=0.02)
    assert more["jerk_ratio"] == pytest.approx(2.5, rel=0.02)


def test_rests_and_holds_share_the_time_that_is_not_movement() -> None:
    found = derived(striking([2.5, 10.5], SECONDS))
    assert found["holds"] == pytest.approx(2 * 0.6 / SECONDS, abs=0.025)
    assert found["rests"] == pytest.approx(1.0 - 2 * 1.6 / SECONDS, abs=0.03)
    still = derived(np.repeat(REST[None], 300, 0))
    assert still["rests"] == 1.0 and still["holds"] == still["speed"] == still["jerk"] == 0.0


def test_which_hands_and_whether_they_are_the_gesturers() -> None:
    moments = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    right, left, both = (striking(moments, SECONDS, who) for who in (("right",), ("left",), ("right", "left")))
    assert derived(right)["right"] == 1.0 and derived(left)["right"] == 0.0 and derived(both)["both"] == 1.0
    assert derived(right, left)["hands_off"] == 1.0 and derived(both, both)["hands_off"] == 0.0
    assert np.isnan(derived(striking(moments[:3], SECONDS), left)["hands_off"])  # too few to tell


def test_hands_that_are_up_when_the_voice_stops_are_watched() -> None:
    times = (np.arange(int(SECONDS) * RATE) + 0.5) / RATE
    made = np.repeat(REST[None], len(times), 0)
    up = eased(times, 4.2, 4.6) - eased(times, 6.0, 6.1)  # down a second after the first utterance
    up += eased(times, 13.2, 13.6)  # and up for good in the second
    made[:, WRISTS["right"], 1] -= 200.0 * up[:, None]
    first, second = hands.fallen(hands.posture(made).rests, case(made))
    assert first.seconds == pytest.approx(1.07, abs=0.08) and not first.stayed
    assert second.seconds == pytest.approx(6.0, abs=0.07) and second.stayed
    assert derived(made)["stays"] == 0.5 and derived(made)["fall"] == pytest.approx(3.5, abs=0.1)
    assert np.isnan(derived(striking([2.5], SECONDS))["fall"])


def nodding(lowest: list[float], degrees: float = 7.0, takes: float = 0.15) -> np.ndarray:
    """Joints (T, 27, 3) of a body whose head goes down by ``degrees`` within ``takes`` s, and up again."""
    times = (np.arange(int(SECONDS) * RATE) + 0.5) / RATE
    down = sum((eased(times, at - takes, at) - eased(times, at, at + takes) for at in lowest), np.zeros(len(times)))
    down = np.radians(degrees) * down
    made = np.repeat(BODY.rest_positions()[None].astype(np.float64), len(times), 0)
    head = BODY.index("head")
    for eye in ("rightEye", "leftEye"):
        y, z = (made[:, BODY.index(eye)] - made[:, head])[:, 1:].T
        made[:, BODY.index(eye), 1] = made[:, head, 1] + np.cos(down) * y - np.sin(down) * z
        made[:, BODY.index(eye), 2] = made[:, head, 2] + np.sin(down) * y + np.cos(down) * z
    return made


@settings(max_examples=20, deadline=None)
@given(st.floats(1.0, 8.0), st.floats(5.0, 15.0))
def test_nods_are_found_where_the_head_is_lowest(first: float, degrees: float) -> None:
    lowest = [first, first + 1.5, first + 5.0]
    assert nods.find_nods(nodding(lowest, degrees)) == pytest.approx(lowest, abs=0.06)


def test_slow_leaning_and_looking_up_are_no_nods() -> None:
    assert not len(nods.find_nods(nodding([4.0, 9.0], 5.0, 0.6)))
    assert not len(nods.find_nods(nodding([4.0, 9.0], -7.0)))
    assert not len(nods.find_nods(nodding([4.0, 9.0], 2.0)))


def test_nods_are_counted_in_speech_and_silence() -> None:
    sums = nods.tally(nodding([2.0, 3.0, 11.0, 17.0]), case(np.repeat(REST[None], 300, 0)))
    found = nods.derive({name: value[None] for name, value in sums.items()})
    assert found["nods_speech"][0] == pytest.approx(60 * 3 / 9.0, rel=0.02)
    assert found["nods_silence"][0] == pytest.approx(60 * 1 / 11.0, rel=0.02)
    nobody = nods.tally(None, case(np.repeat(REST[None], 300, 0)))
    assert np.isnan(nods.derive({name: value[None] for name, value in nobody.items()})["nods_speech"]).all()


def test_what_is_found_is_matched_to_the_nearest_once() -> None:
    assert nods.matched([1.0, 1.2, 5.0], [1.1, 1.25, 6.0], 0.3) == [(1, 1), (0, 0)]
    assert nods.matched([], [1.0], 0.3) == []
