"""Gesturers differ in rate from AMI's people to those who tell; what they like follows from names alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from train.simulate.gestures.persona import PERSONAS, REST_POSES, personas
from train.simulate.gestures.timing import measured


def test_rates_span_from_those_of_amis_people_to_a_gesture_per_clause() -> None:
    rates = sorted(persona.rate for persona in PERSONAS)
    assert rates[0] <= 1.1 * measured().hand.habits[-1] and 20 <= rates[-1] <= 30
    nods = [persona.nods for persona in PERSONAS]
    assert measured().nod.habits[1] <= min(nods) and max(nods) <= measured().nod.habits[-1]
    assert abs(np.mean(nods) - measured().nod.rate["speech"]) < 1.0


def test_names_are_different_and_poses_are_known() -> None:
    assert len({persona.name for persona in PERSONAS}) == len(PERSONAS)
    assert {persona.rest_pose for persona in PERSONAS} <= set(REST_POSES)


def test_a_liking_sums_to_one_differs_between_people_and_does_not_change_with_the_library() -> None:
    names = [f"stroke{number}" for number in range(12)]
    one, other = PERSONAS[0].liking(names), PERSONAS[1].liking(names)
    assert one.sum() == pytest.approx(1.0) and (one > 0).all()
    assert np.abs(one - other).max() > 0.02
    fewer = PERSONAS[0].liking(names[3:6])
    assert fewer / fewer.sum() == pytest.approx(one[3:6] / one[3:6].sum())


@pytest.mark.parametrize("count", [0, len(PERSONAS) + 1])
def test_a_number_of_gesturers_that_is_not_there_is_refused(count: int) -> None:
    with pytest.raises(EngineError, match=f"{count} gesturers: from 1 to {len(PERSONAS)}"):
        personas(count)
