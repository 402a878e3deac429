"""The bootstrap: its level, its draws, what is drawn, and how counts are pooled."""

from __future__ import annotations

import numpy as np
import pytest

from train.report.intervals import DRAWS, LEVEL, Tally, band, by_group, interval, pooled, split, weights


def test_the_interval_holds_95_per_cent_of_the_draws() -> None:
    values = np.concatenate([[500.0], np.random.default_rng(0).permutation(np.arange(1001.0))])
    assert interval(values) == pytest.approx((25.0, 975.0))
    inside = (values[1:] >= interval(values).low) & (values[1:] <= interval(values).high)
    assert inside.mean() == pytest.approx(0.95, abs=0.001) and LEVEL == 0.95


def test_the_band_of_a_curve_is_the_interval_of_each_of_its_points() -> None:
    curve = np.random.default_rng(1).normal(0.0, 1.0, (1 + DRAWS, 3)) * np.array([1.0, 2.0, 3.0])
    edges = band(curve)
    assert edges is not None
    for point in range(3):
        assert interval(curve[:, point]) == pytest.approx((edges.low[point], edges.high[point]))
    assert band(curve[:1]) is None


def test_an_interval_needs_draws_that_have_a_value() -> None:
    values = np.arange(101.0)
    assert interval(values).known
    assert not interval(values[:2]).known and not interval(values[:1]).known
    assert not interval(np.where(np.arange(101) == 0, np.nan, values)).known  # no estimate
    few = np.where((np.arange(101) > 0) & (np.arange(101) <= 11), np.nan, values)
    assert not interval(few).known  # 11 of 100 draws undefined
    few[11] = 11.0
    assert interval(few).known  # a tenth


def test_whole_groups_are_drawn_a_thousand_times_with_replacement() -> None:
    weight = weights(6, seed=3)
    assert weight.shape == (1 + DRAWS, 6) and DRAWS == 1000
    assert (weight[0] == 1.0).all()  # the point estimate: every group once
    assert (weight.sum(1) == 6.0).all() and (weight == weight.round()).all()
    assert weight.max() >= 3.0 and (weight[1:] == 0.0).any(1).mean() > 0.9
    assert weight[1:].mean(0) == pytest.approx(1.0, abs=0.1)
    assert np.array_equal(weight, weights(6, seed=3)) and not np.array_equal(weight, weights(6, seed=4))
    assert weights(1, seed=3).tolist() == [[1.0]]


def test_the_interval_of_a_mean_over_groups_is_as_wide_as_statistics_says() -> None:
    groups = 40
    values = np.random.default_rng(5).normal(0.0, 1.0, groups)
    drawn = weights(groups, 0) @ values / groups
    half = 1.96 * values.std() / np.sqrt(groups)
    low, high = interval(drawn)
    assert high - low == pytest.approx(2 * half, rel=0.1)


def test_counts_are_pooled_by_weight_and_peaks_by_presence() -> None:
    def one(sum_: float, peak: float) -> Tally:
        return Tally({"n": np.array(sum_), "bins": np.array([sum_, 1.0])}, {"peak": np.array(peak)})

    counted = by_group([("b", one(1.0, 5.0)), ("a", one(10.0, 2.0)), ("b", one(2.0, 4.0))])
    assert list(counted) == ["a", "b"] and counted["b"].sums["n"] == 3.0 and counted["b"].peaks["peak"] == 5.0
    found = pooled(list(counted.values()), np.array([[1.0, 1.0], [2.0, 0.0]]))
    assert found.sums["n"].tolist() == [13.0, 20.0] and found.sums["bins"].tolist() == [[13.0, 3.0], [20.0, 2.0]]
    assert found.peaks["peak"].tolist() == [5.0, 2.0]


def test_values_are_split_by_group() -> None:
    sums = split({"x": np.arange(6.0).reshape(3, 2)}, np.array([1, 0, 1]), 3)
    assert [one["x"].tolist() for one in sums] == [[2.0, 3.0], [4.0, 6.0], [0.0, 0.0]]
