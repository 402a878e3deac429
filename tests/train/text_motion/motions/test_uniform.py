"""Bodies of any person and rig come out with the uniform body's bones, on its floor, where they went."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.text_motion.motions import movers
from train.text_motion.motions.uniform import BODY, habits, standing, uniform

PARENTS = list(BODY.parents[1:])


def bones(joints: movers.Array) -> movers.Array:
    return np.linalg.norm(joints[:, 1:] - joints[:, PARENTS], axis=-1)


def alike(joints: movers.Array) -> movers.Array:
    return uniform(joints, habits([joints])).astype(np.float64)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(0.6, 1.2), leg=st.floats(0.85, 1.15), arm=st.floats(0.7, 1.3), where=st.floats(-5, 5))
def test_bones_floor_and_beginning(scale: float, leg: float, arm: float, where: float) -> None:
    person = movers.person(scale, leg, arm)
    made = alike(person(movers.walk(1.2, 2.5)) + np.array([where, 0.3, -where]))
    np.testing.assert_allclose(bones(made), np.repeat(movers.LENGTHS[None, 1:], len(made), 0), atol=2e-6)
    assert abs(np.percentile(made[:, [7, 8, 10, 11], 1].min(1), 2)) < 1e-4
    np.testing.assert_allclose(made[0, 0, [0, 2]], 0.0, atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.6, 1.2), leg=st.floats(0.85, 1.15))
def test_a_walk_goes_as_far_as_the_legs_are_long(scale: float, leg: float) -> None:
    walk = movers.walk(1.2, 3.0)
    made = alike(movers.person(scale, leg)(walk))
    np.testing.assert_allclose(made[-1, 0, 2], walk[-1, 0, 2] - walk[0, 0, 2], rtol=0.02)


def test_the_uniform_body_stays_as_it_is() -> None:
    walk = movers.walk(1.2, 3.0)
    apart = np.linalg.norm(alike(walk) - (walk - walk[:1, :1] * (1, 0, 1)), axis=-1)
    assert apart[:, [0, 1, 2, 7, 8, 12, 15, 16, 17, 20, 21]].max() < 0.02


@pytest.mark.parametrize("person", [movers.person(1.0), movers.person(0.7, 1.1), movers.person(1.15, 0.9)])
def test_standing_feet_do_not_skate_more(person: object) -> None:
    assert callable(person)
    walk = person(movers.walk(1.2, 4.0))
    made = alike(walk)
    stands = standing(walk, movers.RATE)
    both = stands[:-1] & stands[1:]
    assert both.sum() > 20
    before, after = (np.linalg.norm(np.diff(at[:, [7, 8]][..., [0, 2]], axis=0), axis=-1)[both] for at in (walk, made))
    assert after.mean() <= 1.3 * before.mean() / (walk[-1, 0, 2] / made[-1, 0, 2]) + 1e-3


@settings(max_examples=8, deadline=None)
@given(degrees=st.floats(-180, 180))
def test_turning_the_person_turns_the_body(degrees: float) -> None:
    joints = movers.person(0.8)(movers.kick("r"))
    straight, turned = alike(joints), alike(movers.turned(joints, degrees))
    np.testing.assert_allclose(turned, movers.turned(straight, degrees), atol=1e-4)


def test_what_is_usual_in_a_rig_is_laid_onto_the_rest_pose() -> None:
    """A rig whose shoulders hang and whose head leans forwards comes out as one that does neither."""
    plain = movers.walk(1.0, 3.0)
    rig = plain.copy()
    rig[:, [16, 17, 18, 19, 20, 21], 1] -= 0.05
    rig[:, 15] += (0.0, -0.02, 0.05)
    apart = np.linalg.norm(alike(rig) - alike(plain), axis=-1)
    assert apart[:, [15, 16, 17]].max() < 0.01
    other = np.linalg.norm(uniform(rig, habits([plain])) - alike(plain), axis=-1)
    assert other[:, [15, 16, 17]].min() > 0.02


def test_a_rig_without_toes_gets_feet_that_point_ahead() -> None:
    body = movers.turned(movers.still(40), 90.0)
    body[:, [10, 11]] = body[:, [7, 8]]
    toes = alike(body)[:, [10, 11]] - alike(body)[:, [7, 8]]
    np.testing.assert_allclose(toes, np.broadcast_to([0.1137, -0.0543, 0.0], toes.shape), atol=0.02)
