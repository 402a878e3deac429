"""FID against its closed form and known answers, of draws of groups, and the floor between halves of real data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from train.report import frechet
from train.report.frechet import Gaussian

RNG = np.random.default_rng(0)


def gaussian(shift: float, scale: float, count: int = 400, size: int = 6) -> np.ndarray:
    return shift + scale * RNG.standard_normal((count, size)) @ np.diag(np.linspace(1.0, 2.0, size))


def test_fid_is_the_published_formula() -> None:
    a, b = gaussian(0.0, 1.0), gaussian(0.3, 1.7) @ RNG.standard_normal((6, 6))
    covariances = [np.cov(x.T, bias=True) for x in (a, b)]
    mixed = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * mixed
    assert frechet.fid(Gaussian.of(a), Gaussian.of(b)) == pytest.approx(wanted, rel=1e-6)
    assert frechet.fid(Gaussian.of(a), Gaussian.of(a)) == pytest.approx(0.0, abs=1e-6)


def test_fids_of_draws_are_fids_of_what_was_drawn() -> None:
    points, group = gaussian(5.0, 1.0, 90), np.repeat([0, 1, 2], 30)
    goal = Gaussian(np.zeros(6), np.eye(6))
    weight = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])
    found = frechet.fids(frechet.GroupSums(points, group, 3), weight, goal)
    drawn = np.concatenate([points[group == 0], points[group == 0], points[group == 2]])
    assert found[0] == pytest.approx(frechet.fid(Gaussian.of(points), goal))
    assert found[1] == pytest.approx(frechet.fid(Gaussian.of(drawn), goal))


def test_the_floor_is_small_for_one_kind_of_take_and_large_for_two() -> None:
    group = np.repeat(np.arange(6), 60)
    alike = gaussian(0.0, 1.0, 360)
    apart = alike + 20.0 * (group == 0)[:, None]
    assert np.median(frechet.floor(alike, group, 100, 0)) < 1.0 < np.median(frechet.floor(apart, group, 100, 0))
    assert np.isnan(frechet.floor(alike[:60], group[:60], 100, 0)).all()  # one take has no halves


def test_a_shift_is_its_square_and_nothing_is_nothing() -> None:
    points, shift = gaussian(0.0, 1.0), np.array([1.0, -2.0, 0.0, 0.5, 0.0, 0.0])
    assert frechet.fid(Gaussian.of(points), Gaussian.of(points)) == pytest.approx(0.0, abs=1e-9)
    assert frechet.fid(Gaussian.of(points + shift), Gaussian.of(points)) == pytest.approx((shift**2).sum())
    wide = Gaussian(np.zeros(2), np.diag([9.0, 4.0]))  # of commuting covariances: the roots' squared difference
    assert frechet.fid(wide, Gaussian(np.zeros(2), np.eye(2))) == pytest.approx((3 - 1) ** 2 + (2 - 1) ** 2)


def test_spread_is_the_mean_distance_of_pairs() -> None:
    two = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = frechet.spread(two, np.ones(2), 4000, np.random.default_rng(0))
    assert found == pytest.approx(2.5, abs=0.15)  # half of the pairs are a point with itself
    assert np.isnan(frechet.spread(two, np.array([1.0, 0.0]), 10, np.random.default_rng(0)))
