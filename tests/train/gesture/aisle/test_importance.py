"""AISLe's weights equal a computation by hand, with both clips."""

from __future__ import annotations

import math

import numpy as np
import torch

from train.gesture.aisle.importance import Sampler, importance

torch.set_num_threads(1)


def test_weights_are_made_over_real_averaged_over_patches() -> None:
    chance = [[0.2, 0.4], [0.9, 0.7], [0.001, 0.003]]  # of real, in two patches
    logits = torch.tensor([[[0.0, math.log(p / (1 - p))] for p in row] for row in chance], dtype=torch.float64)
    expected = [0.7 / 0.3, 0.2 / 0.8, 10.0]  # the third would be 499
    np.testing.assert_allclose(importance(logits), expected, rtol=1e-9)


def test_one_bad_weight_makes_the_batch_one() -> None:
    logits = torch.tensor([[[1000.0, -1000.0]], [[0.0, 0.0]]])
    assert importance(logits).tolist() == [1.0, 1.0]


def test_an_epoch_by_hand() -> None:
    sampler = Sampler(6)
    sampler.update(torch.tensor([1, 3, 3]), torch.tensor([0.01, 5.0, 2.0]))
    before = [1.0, 0.1, 1.0, 2.0, 1.0, 1.0]  # at least .1; of two the last
    np.testing.assert_allclose(sampler.weights, before)
    sampler.end_epoch()
    mean = sum(before) / 6
    deviation = math.sqrt(sum((w - mean) ** 2 for w in before) / 5)
    expected = [min(max((w - mean) / deviation + 1, 0.1), 10.0) for w in before]
    assert expected[1] == 0.1
    np.testing.assert_allclose(sampler.weights, expected)


def test_a_rare_window_is_clipped_from_above() -> None:
    sampler = Sampler(400)
    sampler.update(torch.tensor([7]), torch.tensor([10.0]))
    sampler.end_epoch()
    assert sampler.weights[7] == 10.0 and bool((sampler.weights[:7] < 1).all())


def test_weights_that_do_not_vary_stay_one() -> None:
    sampler = Sampler(4)
    sampler.end_epoch()
    assert sampler.weights.tolist() == [1.0] * 4


def test_windows_are_drawn_by_weight() -> None:
    sampler = Sampler(3)
    sampler.update(torch.arange(3), torch.tensor([0.5, 1.5, 3.0]))
    drawn = sampler.draw(20_000, 5)
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, [0.1, 0.3, 0.6], atol=0.02)
    assert torch.equal(drawn, sampler.draw(20_000, 5)) and not torch.equal(drawn, sampler.draw(20_000, 6))
