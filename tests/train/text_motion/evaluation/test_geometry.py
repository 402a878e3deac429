"""Distances of motions whose answer is known: shifts, similarities, and derivatives of polynomials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.train.text_motion.evaluation.toys import RATE, motion
from train.text_motion.evaluation import geometry

WALK = motion("walk", "quickly").astype(np.float64)


def test_a_shift_moves_the_body_and_not_its_pose() -> None:
    moved = WALK + np.array([0.3, 0.0, -0.4])
    assert geometry.world(moved, WALK) == pytest.approx(np.full(len(WALK), 0.5))
    assert geometry.mpjpe(moved, WALK) == pytest.approx(np.zeros(len(WALK)), abs=1e-12)
    raised = WALK.copy()
    raised[:, 5, 1] += 0.22  # one joint of 22
    assert geometry.mpjpe(raised, WALK) == pytest.approx(np.full(len(WALK), 0.01))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 3.0))
def test_a_similarity_costs_nothing_once_it_is_taken_out(seed: int, size: float) -> None:
    turn = Rotation.random(len(WALK), random_state=seed).as_matrix()
    moved = size * np.einsum("tij,tkj->tki", turn, WALK) + np.random.default_rng(seed).normal(size=(len(WALK), 1, 3))
    assert geometry.pa_mpjpe(moved, WALK) == pytest.approx(np.zeros(len(WALK)), abs=1e-9)


def test_a_mirrored_body_is_not_the_body() -> None:
    wave = motion("wave").astype(np.float64)  # one arm: a body that is the same on both sides is its own mirror
    assert geometry.pa_mpjpe(wave * np.array([-1.0, 1.0, 1.0]), wave).min() > 0.01


def test_derivatives_of_polynomials() -> None:
    t = np.arange(30) / RATE
    cubic = np.zeros((30, 2, 3))
    cubic[:, 0, 1] = 2.0 * t**3
    assert geometry.sizes(cubic, 3, RATE)[:, 0] == pytest.approx(np.full(27, 12.0))
    assert geometry.sizes(cubic, 3, RATE)[:, 1] == pytest.approx(np.zeros(27))
    parabola = np.zeros((30, 2, 3))
    parabola[..., 2] = 1.5 * t[:, None] ** 2
    assert geometry.sizes(parabola, 2, RATE) == pytest.approx(np.full((28, 2), 3.0))
    assert geometry.acceleration_error(parabola, np.zeros_like(parabola), RATE) == pytest.approx(np.full(28, 3.0))
    assert geometry.acceleration_error(parabola + t[:, None, None], parabola, RATE) == pytest.approx(
        np.zeros(28), abs=1e-9
    )
