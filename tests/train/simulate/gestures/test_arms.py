"""Arms as angles: there and back between angles and places, and hands that stay out of the body."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from train.simulate.gestures import arms
from train.simulate.gestures.persona import REST_POSES


def drawn(seed: int, count: int = 40) -> np.ndarray:
    """Poses of arms that people have, bent and before the body."""
    rng = np.random.default_rng(seed)
    low = np.array([-1.0, -0.6, -0.6, -0.6, -1.0, -0.5, -0.2])
    return rng.uniform(low, np.array([0.5, 0.6, 0.6, 0.8, 1.0, 0.5, 0.2]), (count, arms.WIDTH))


def test_home_is_a_hanging_upper_arm_with_the_forearm_ahead_and_the_palm_inwards() -> None:
    at = arms.places(np.zeros((1, arms.WIDTH)))
    assert at.elbow[0, 1] < arms.SHOULDER[1] - 0.2
    assert at.wrist[0, 2] > at.elbow[0, 2] + 0.15 and abs(at.wrist[0, 0] - at.elbow[0, 0]) < 0.12
    turned = arms.turns(np.zeros((1, arms.WIDTH)))
    palm = (turned.shoulder * turned.elbow * turned.hand).apply([0.0, -1.0, 0.0])[0]
    assert palm[0] > 0.7  # of a right hand, to the left
    down = np.zeros((1, arms.WIDTH))
    down[0, 4] = np.pi / 2
    turned = arms.turns(down)
    assert (turned.shoulder * turned.elbow * turned.hand).apply([0.0, -1.0, 0.0])[0, 1] < -0.7


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_an_arm_is_found_again_from_where_its_joints_are(seed: int) -> None:
    poses = drawn(seed)
    at = arms.places(poses)
    found = arms.fitted(at.elbow - arms.SHOULDER, at.wrist - at.elbow)
    np.testing.assert_allclose(found[:, :4], poses[:, :4], atol=0.03)
    again = arms.places(np.concatenate([found[:, :4], poses[:, 4:]], 1))
    np.testing.assert_allclose(again.wrist, at.wrist, atol=5e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_wrist_is_brought_to_where_it_should_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = np.array([-0.2, 0.0, 0.25]) + rng.uniform(-0.09, 0.09, (20, 3))
    np.testing.assert_allclose(arms.places(arms.reached(drawn(seed, 20), wanted)).wrist, wanted, atol=1e-6)


def test_a_wrist_out_of_reach_is_brought_near() -> None:
    far = np.array([[-0.2, 0.1, 5.0]])
    at = arms.places(arms.reached(np.zeros((1, arms.WIDTH)), far))
    line = far - arms.SHOULDER
    way = at.wrist - arms.SHOULDER
    assert np.linalg.norm(way) > 0.5
    np.testing.assert_allclose(way / np.linalg.norm(way), line / np.linalg.norm(line), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_hands_and_elbows_keep_out_of_the_body_and_hands_from_each_other(seed: int) -> None:
    right, left = drawn(seed), drawn(seed + 1)
    for arm in (right, left):
        arm[:, :3] += (0.0, 0.4, -0.4)  # hands across the body, elbows not in its middle
    right, left = arms.cleared(right, left)
    hands = [arms.places(each).hand for each in (right, left)]
    for each, pose in zip(hands, (right, left), strict=True):
        assert arms.inside(each).min() > 0.9
        elbow = arms.places(pose).elbow
        assert np.hypot(elbow[:, 0] / 0.14, elbow[:, 2] / 0.11).min() > 0.85
    gap = np.linalg.norm(hands[0] - hands[1] * (-1.0, 1.0, 1.0), axis=-1)
    assert gap.min() > 0.8 * arms.APART


def test_a_hand_gives_way_smoothly() -> None:
    """A hand led straight through the body goes round it without a corner."""
    share = np.linspace(0.0, 1.0, 200)[:, None]
    start, end = (arms.pose_at((x, -0.05, 0.0), 0.3) for x in (-0.35, -0.05))
    through = start + share * (end - start)
    assert arms.inside(arms.places(through).hand).min() < 0.9
    right, _ = arms.cleared(through, np.tile(arms.RESTS["sides"][1], (200, 1)))
    hand = arms.places(right).hand
    assert arms.inside(hand).min() > 0.97
    step = np.diff(hand, axis=0)
    assert np.linalg.norm(np.diff(step, axis=0), axis=-1).max() < 0.1 * np.linalg.norm(step, axis=-1).max()


def test_arms_that_are_clear_are_left_as_they_are() -> None:
    poses = np.stack([arms.pose_at((-0.25, 0.0, 0.35), 0.5)] * 3)
    right, left = arms.cleared(poses, poses)
    np.testing.assert_allclose(right, poses, atol=0.02)
    np.testing.assert_allclose(left, poses, atol=0.02)


@pytest.mark.parametrize("name", REST_POSES)
def test_hands_at_rest_are_where_hands_rest(name: str) -> None:
    right, left = (each[None] for each in arms.RESTS[name])
    np.testing.assert_array_equal(arms.limited(right), right)
    hands = [arms.places(each).hand[0] for each in (right, left)]
    cleared = [arms.places(each).hand[0] for each in arms.cleared(right, left)]
    for before, after in zip(hands, cleared, strict=True):
        assert np.linalg.norm(before - after) < 0.04
        assert before[1] < 0.0  # below the chest
    gap = np.linalg.norm(hands[0] - hands[1] * (-1.0, 1.0, 1.0))
    assert gap < 0.16 if name == "clasped" else gap > 0.18


def test_least_jerk_begins_and_ends_still() -> None:
    done = arms.least_jerk(np.linspace(-0.5, 1.5, 2001))
    assert done[0] == 0.0 and done[-1] == 1.0 and done[1000] == pytest.approx(0.5)
    speed = np.diff(done) * 1000
    assert speed.max() == pytest.approx(15.0 / 8.0, abs=1e-3)
    assert np.abs(np.diff(speed)).max() < 0.01


def test_mirrored_rotations_mirror_places() -> None:
    turn = Rotation.from_rotvec([0.3, -0.5, 0.8])
    mirrored = Rotation.from_rotvec(turn.as_rotvec() * arms.MIRROR)
    place = np.array([0.1, 0.7, -0.4])
    np.testing.assert_allclose(mirrored.apply(place * (-1, 1, 1)), turn.apply(place) * (-1, 1, 1), atol=1e-12)
