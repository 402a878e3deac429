"""Distances between sets: diversity, multimodality, nearest windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from train.dance.evaluation import quality

RNG = np.random.default_rng(0)


def gaussian(shift: float, scale: float, count: int = 400, size: int = 6) -> np.ndarray:
    return shift + scale * RNG.standard_normal((count, size)) @ np.diag(np.linspace(1.0, 2.0, size))


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
