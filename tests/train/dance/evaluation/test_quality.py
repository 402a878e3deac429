"""Distances between sets: FID against its closed form, diversity, multimodality, nearest windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from train.dance.evaluation import quality
from train.dance.evaluation.quality import Gaussian

RNG = np.random.default_rng(0)


def gaussian(shift: float, scale: float, count: int = 400, size: int = 6) -> np.ndarray:
    return shift + scale * RNG.standard_normal((count, size)) @ np.diag(np.linspace(1.0, 2.0, size))


def test_fid_is_the_published_formula() -> None:
    a, b = gaussian(0.0, 1.0), gaussian(0.3, 1.7) @ RNG.standard_normal((6, 6))
    covariances = [np.cov(x.T, bias=True) for x in (a, b)]
    mixed = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * mixed
    assert quality.fid(Gaussian.of(a), Gaussian.of(b)) == pytest.approx(wanted, rel=1e-6)
    assert quality.fid(Gaussian.of(a), Gaussian.of(a)) == pytest.approx(0.0, abs=1e-6)


def test_fids_of_draws_are_fids_of_what_was_drawn() -> None:
    points, group = gaussian(5.0, 1.0, 90), np.repeat([0, 1, 2], 30)
    goal = Gaussian(np.zeros(6), np.eye(6))
    weight = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])
    found = quality.fids(quality.GroupSums(points, group, 3), weight, goal)
    drawn = np.concatenate([points[group == 0], points[group == 0], points[group == 2]])
    assert found[0] == pytest.approx(quality.fid(Gaussian.of(points), goal))
    assert found[1] == pytest.approx(quality.fid(Gaussian.of(drawn), goal))


def test_the_floor_is_small_for_one_kind_of_take_and_large_for_two() -> None:
    group = np.repeat(np.arange(6), 60)
    alike = gaussian(0.0, 1.0, 360)
    apart = alike + 20.0 * (group == 0)[:, None]
    assert np.median(quality.floor(alike, group, 100, 0)) < 1.0 < np.median(quality.floor(apart, group, 100, 0))
    assert np.isnan(quality.floor(alike[:60], group[:60], 100, 0)).all()  # one take has no halves


def test_diversity_and_multimodality_see_what_differs() -> None:
    levels = np.repeat(np.arange(3, dtype=np.int8), 50)
    points = 10.0 * levels[:, None] + np.zeros((150, 4))
    equal = np.ones((2, 150))
    assert quality.multimodality(points, levels, equal, 0) == pytest.approx([0.0, 0.0])
    # Two draws fall on different levels in 2 of 3 cases; steps of 10 or 20 in 4 dimensions are 20 or 40 apart.
    assert quality.diversity(points, equal, 0)[0] == pytest.approx((2 * 20 + 40) * 2 / 9, rel=0.15)
    assert np.isnan(quality.multimodality(points, np.where(levels == 2, -1, levels), equal[:1], 0)).all()


def test_the_nearest_window_is_of_another_take_and_in_metres() -> None:
    library = torch.tensor(RNG.standard_normal((5, 40, 3, 3)), dtype=torch.float32)
    moved = library + torch.tensor([0.03, 0.0, 0.04])
    names = np.array(["a", "b", "c", "d", "e"])
    strangers = np.array(["x"] * 5)
    assert quality.nearest(moved, library, strangers, names) == pytest.approx([0.05] * 5, rel=1e-3)
    assert quality.nearest(library, library, names, names).min() > 0.5
