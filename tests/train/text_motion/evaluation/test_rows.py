"""Asks spread over takes, and the rows that answer them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.text_motion.evaluation.toys import asks, toy_set, vectors
from train.text_motion.data import MotionSet
from train.text_motion.evaluation import rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MotionSet:
    return MotionSet(toy_set(tmp_path_factory.mktemp("set") / "toy"))


def test_captions_come_with_what_they_speak_of(data: MotionSet) -> None:
    found = rows.spans(data, "test", 100, 0)
    assert len(found) == 2 * 18 and {len(ask.motion) for ask in found} == {55, 50}
    joints = data.joints(found[1].name)
    assert found[1].motion == pytest.approx(joints[:50]) and found[1].text.endswith("then walk")
    assert len(rows.spans(data, "test", 5, 0)) == 10
    assert rows.unmirrored("M0123") == rows.unmirrored("0123") == "0123" and rows.unmirrored("M") == "M"


def test_clips_are_of_the_takes_that_the_set_says(data: MotionSet) -> None:
    first, second = data.files[:2]
    path = data.folder / "clips.csv"
    path.write_text(f"name,split,take\n{first},test,walk_7\n")
    try:
        assert rows.takes(data)[first] == "walk_7" and rows.takes(data)[second] == second
        path.write_text("something,else\n1,2\n")
        assert rows.takes(data)[first] == first
    finally:
        path.unlink()


def test_asks_are_spread_over_the_takes(data: MotionSet) -> None:
    held = rows.spans(data, "test", 100, 0)
    some = rows.asked(held, 18, 0)
    assert len(some) == len({ask.name for ask in some}) == 18
    assert len(rows.asked(held, 500, 0)) == 36
    with pytest.raises(EngineError, match="1 held-out captions of 2 s or more"):
        rows.asked(held[:1], 10, 0)


def test_examples_hold_all_that_is_said_of_a_stretch() -> None:
    some = asks(3)
    found = rows.examples([*some, some[0]])
    assert [len(example.texts) for example in found] == [2, 1, 1]


def test_rows_answer_the_asks() -> None:
    wanted, learned = asks(6, seed=500), asks(12)
    for ask, motion in zip(wanted, rows.nearest(wanted, learned, vectors).motions.values(), strict=True):
        source = next(item for item in learned if item.motion is motion)
        assert source.text == ask.text
    assert rows.nearest(wanted, learned, vectors).sources[0] == learned[0].group
    drawn = rows.random(wanted, learned, 0).motions
    assert len({id(motion) for motion in drawn.values()}) > 1
    still = rows.hold(wanted).motions[2]
    assert np.ptp(still, axis=0).max() == 0.0 and still[0] == pytest.approx(wanted[2].motion[26])
    assert rows.truth(wanted).motions[3] is wanted[3].motion


def test_another_take_is_of_the_same_text_and_not_the_same_take() -> None:
    wanted = asks(6, seed=500)
    found = rows.another(wanted, [*wanted, *asks(3)], 0).motions
    assert sorted(found) == [0, 1, 2]  # the learned takes have three of the six texts
    assert all(found[number] is not wanted[number].motion for number in found)
