"""The rate of events around moments, and how far two such curves lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from train.report import hazard
from train.report.intervals import Tally, interval, pooled, weights

ONE = np.ones((1, 1))


def counted(rates: np.ndarray, minutes: float, rng: np.random.Generator, people: int = 8) -> list[Tally]:
    """People who react at ``rates`` (bins,) a minute, each watched for ``minutes`` in every bin."""
    watched = np.full(len(rates), minutes)
    return [
        Tally({"x.events": rng.poisson(rates * minutes).astype(float), "x.minutes": watched}, {}) for _ in range(people)
    ]


def test_events_fall_into_the_bin_of_their_time_since_the_anchor() -> None:
    found = hazard.sums("x", [4.1, 5.3, 6.6, 9.0], [5.0], [(0.0, 20.0)])
    assert found["x.events"].tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert found["x.minutes"] == pytest.approx(np.full(12, 0.25 / 60))
    assert hazard.CENTRES[[0, 5, 10]].tolist() == [-0.875, 0.375, 1.625]


def test_a_moment_counts_for_the_anchors_beside_it_alone() -> None:
    found = hazard.sums("x", [4.9, 5.3, 6.0], [5.8, 5.0], [(0.0, 20.0)])
    # 4.9 is before the first alone, 5.3 is 0.3 s after it and 0.5 s before the second, 6.0 follows the second alone.
    assert found["x.events"].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    seconds = 60 * found["x.minutes"]
    assert seconds == pytest.approx([0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.25, 0.25, 0.25, 0.25])


def test_what_nobody_watched_does_not_count() -> None:
    found = hazard.sums("x", [4.5, 5.7, 6.0, 6.5, 30.0], [5.0], [(6.0, 20.0), (0.0, 5.6)])
    assert found["x.events"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0]
    assert 60 * found["x.minutes"] == pytest.approx([0.25] * 6 + [0.1, 0.0] + [0.25] * 4)
    none = hazard.sums("x", [4.5], [5.0], [])
    assert none["x.events"].sum() == none["x.minutes"].sum() == 0.0
    assert np.isnan(hazard.curve(pooled([Tally(none, {})], ONE), "x")).all()
    assert hazard.sums("x", [4.5], [], [(0.0, 9.0)])["x.minutes"].sum() == 0.0
    with pytest.raises(EngineError, match="overlap"):
        hazard.sums("x", [4.5], [5.0], [(0.0, 5.6), (5.0, 9.0)])


def test_the_curve_is_events_a_minute() -> None:
    rng = np.random.default_rng(0)
    anchors = np.arange(10.0, 3000.0, 10.0)
    nods = np.concatenate([anchors + 0.4, rng.uniform(0.0, 3000.0, 100)])
    rate = hazard.curve(pooled([Tally(hazard.sums("x", nods, anchors, [(0.0, 3000.0)]), {})], ONE), "x")[0]
    assert rate.argmax() == 5 and rate[5] == pytest.approx(60 / 0.25, rel=0.03)
    assert np.delete(rate, 5).mean() == pytest.approx(2.0, abs=1.5)


def test_the_distance_is_what_lies_between_the_rates_and_not_chance() -> None:
    rng = np.random.default_rng(1)
    peaked = 1.0 + 3.0 * np.exp(-(((hazard.CENTRES - 0.4) / 0.4) ** 2))
    flat = np.full_like(peaked, peaked.mean())
    weight = weights(8, 0)
    apart = float(np.sqrt(((peaked - flat) ** 2).mean()))
    found, same, raw = [], [], []
    for _ in range(30):
        truth = pooled(counted(peaked, 15.0, rng), weight)
        other = pooled(counted(flat, 15.0, rng), weight)
        again = pooled(counted(peaked, 15.0, rng), weight)
        found.append(hazard.distance(other, truth, "x"))
        same.append(hazard.distance(again, truth, "x"))
        raw.append(np.sqrt(((hazard.curve(again, "x") - hazard.curve(truth, "x"))[0] ** 2).mean()))
    assert np.mean([one[0] for one in found]) == pytest.approx(apart, rel=0.06)
    assert np.median([one[0] for one in same]) < 0.65 * np.mean(raw)
    edges = [interval(one) for one in found]
    assert np.mean([low < apart < high for low, high in edges]) > 0.8
    assert hazard.distance(truth, truth, "x").max() == 0.0


def test_the_draws_lie_around_the_estimate_and_not_above_it() -> None:
    rng = np.random.default_rng(2)
    weight = weights(8, 0)
    squares = []
    for _ in range(40):
        truth, other = (pooled(counted(np.full(12, rate), 1.5, rng), weight) for rate in (1.0, 2.5))
        found = hazard.distance(other, truth, "x")
        squares.append((found[1:] ** 2).mean() - found[0] ** 2)
    assert np.mean(squares) == pytest.approx(0.0, abs=0.1)  # chance makes 0.29 of it


def test_who_nods_twice_as_often_is_as_far_as_the_curve_is_high() -> None:
    steady = np.full(len(hazard.CENTRES), 2.0)
    once, twice = (
        pooled([Tally({"x.events": 1e6 * rate, "x.minutes": np.full(12, 1e6)}, {})], ONE)
        for rate in (steady, 2 * steady)
    )
    assert hazard.distance(twice, once, "x")[0] == pytest.approx(2.0, rel=1e-3)
