"""The metrics of the seed by arrays whose values are worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from engine.errors import EngineError
from train.gesture.evaluation.seed_metrics import (
    METRICS,
    Label,
    count,
    cumulative,
    derive,
    fid,
    pooled_metrics,
    seed_metrics,
)
from train.gesture.pats.layout import KEPT
from train.gesture.pats.pose import Scale
from train.report.intervals import pooled, weights

torch.set_num_threads(1)
UNIT = Scale(np.zeros(104), np.ones(104))
Rows = NDArray[np.float64]


def all_but_fid(made: Rows, truth: Rows, scale: Scale, label: Label | None = None) -> dict[str, float]:
    return pooled_metrics([count(made, truth, scale, label)])


def everywhere(x: float, y: float, frames: int = 6) -> Rows:
    """All joints at one place."""
    return np.concatenate([np.full((frames, 52), x), np.full((frames, 52), y)], 1)


def moving(x: float, y: float, frames: int = 6) -> Rows:
    """All joints (x, y) px farther in each frame."""
    return everywhere(x, y, frames) * np.arange(frames)[:, None]


def test_l1_is_standardised_and_leaves_joints_out() -> None:
    scale = Scale(np.full(104, 7.0), np.full(104, 2.0))
    made = everywhere(0, 0)
    made[:, [10, 62]] = 3.0, -9.0
    made[:, [0, 7, 8, 9, 52, 59, 60, 61]] = 1e6
    found = all_but_fid(made, everywhere(0, 0), scale)
    assert math.isclose(found["L1"], (3.0 + 9.0) / 2.0 / 96) and found["VelL1"] == 0.0
    # One of 5 changes is of 4 px in one coordinate: 2 deviations.
    made = everywhere(0, 0)
    made[3:, 20] = 4.0
    found = all_but_fid(made, everywhere(0, 0), scale)
    assert math.isclose(found["VelL1"], 2.0 / (5 * 96)) and math.isclose(found["L1"], 3 * 2.0 / (6 * 96))


def test_pck_by_the_longer_side_of_the_true_box() -> None:
    truth = everywhere(0, 0)
    truth[:, 10] = 100.0  # the box is 100 wide, of no height: thresholds are 10 and 20
    made = truth.copy()
    made[:, 20], made[:, 52 + 20] = 6.0, 8.0  # 10 px: not nearer than 10
    made[:, 30], made[:, 52 + 30] = 12.0, 16.0  # 20 px
    made[:, 40] = 9.99
    made[:, [7, 8, 9]] = 500.0  # left out
    made[:, 0] = 77.0  # the neck is put at 0
    found = all_but_fid(made, truth, UNIT)
    assert math.isclose(found["pck_0.1"], 46 / 48) and math.isclose(found["pck_0.2"], 47 / 48)
    assert math.isclose(found["pck"], 46.5 / 48)
    assert [found[f"pck_0.1_{joint}"] for joint in (0, 7, 20, 30, 40)] == [1.0, 0.0, 0.0, 0.0, 1.0]
    # Nose and eyes do count in the box, and the higher side decides.
    truth[:, 52 + 7] = -400.0
    assert all_but_fid(made, truth, UNIT)["pck_0.1"] == 1.0
    # The box is the true one's, frame by frame.
    truth[:3, 52 + 7] = 0.0
    assert math.isclose(all_but_fid(made, truth, UNIT)["pck_0.1"], (46 / 48 + 1.0) / 2)


def test_w1_of_speed_and_of_acceleration() -> None:
    found = all_but_fid(moving(3, 4), everywhere(0, 0), UNIT)
    assert math.isclose(found["W1_vel"], 5.0, abs_tol=0.11) and found["W1_acc"] == 0.0
    # Half of the joints faster: the mean over joints counts, and the mean of accelerations' sizes.
    made = everywhere(0, 0, 4)
    half = list(KEPT[:24])
    made[:, half] = np.array([0.0, 8.0, 0.0, 8.0])[:, None]
    found = all_but_fid(made, everywhere(0, 0, 4), UNIT)
    assert math.isclose(found["W1_vel"], 4.0, abs_tol=0.11) and math.isclose(found["W1_acc"], 8.0, abs_tol=0.11)
    # Speeds 1 and 3 against 2 and 2: each moves by 1. Beyond 300 px nothing counts.
    made, truth = everywhere(0, 0, 3), everywhere(0, 0, 3)
    made[:, :52], truth[:, :52] = np.array([[0.0], [1.05], [4.1]]), np.array([[0.0], [2.05], [4.1]])
    assert math.isclose(all_but_fid(made, truth, UNIT)["W1_vel"], 1.0, abs_tol=1e-9)
    assert math.isnan(all_but_fid(moving(400, 0), truth[[0] * 6], UNIT)["W1_vel"])


def test_w1_is_scipys() -> None:
    rng = np.random.default_rng(0)
    made, truth = (np.cumsum(rng.normal(0, size, (40, 104)), 0) for size in (2.0, 5.0))
    found = all_but_fid(made, truth, UNIT)
    edges = np.arange(0, 300, 0.1)
    for name, order in (("W1_vel", 1), ("W1_acc", 2)):
        bins = []
        for rows in (made, truth):
            change = np.diff(rows, order, axis=0)
            reach = np.hypot(change[:, list(KEPT)], change[:, [52 + joint for joint in KEPT]]).mean(1)
            bins.append(np.histogram(reach, edges)[0])
        assert math.isclose(found[name], stats.wasserstein_distance(edges[:-1], edges[:-1], *bins), rel_tol=1e-9)


def test_expression_against_the_mean_pose() -> None:
    scale = Scale(everywhere(10, 20, 1)[0], np.ones(104))
    truth, made = everywhere(13, 24), everywhere(16, 28)  # 5 and 10 px from the mean
    found = all_but_fid(made, truth, scale)
    assert math.isclose(found["spatial"], 5.0) and math.isclose(found["spatialNorm"], 1.0)
    assert math.isclose(found["diversity"], 7.0) and math.isclose(found["diversity_gt"], 3.5)
    assert found["energy"] == found["power"] == 0.0
    assert math.isclose(all_but_fid(everywhere(10, 20), truth, scale)["spatialNorm"], 1.0)
    assert all_but_fid(truth, truth, scale)["spatialNorm"] == 0.0
    assert math.isnan(all_but_fid(truth, everywhere(10, 20), scale)["spatialNorm"])
    assert math.isclose(all_but_fid(moving(3, 4), everywhere(0, 0), UNIT)["energy"], 5.0)
    there_and_back = everywhere(3, 4) * (np.arange(6) % 2)[:, None]
    found = all_but_fid(there_and_back, everywhere(0, 0), UNIT)
    assert math.isclose(found["energy"], 5.0) and math.isclose(found["power"], 10.0)
    # The root of the mean square in an interval: two of five speeds are 5 px off.
    twice = everywhere(0, 0)
    twice[2] = everywhere(3, 4, 1)[0]
    assert math.isclose(all_but_fid(twice, everywhere(0, 0), UNIT)["energy"], math.sqrt(2 * 25 / 5))


def test_f1_weighs_clusters_by_truth() -> None:
    made, truth = everywhere(0, 0, 4), everywhere(0, 0, 4)
    truth[:, 1], made[:, 1] = [0, 0, 0, 1], [0, 0, 1, 1]
    found = all_but_fid(made, truth, UNIT, lambda modelled: modelled[:, 0].astype(int))
    # Cluster 0: precision 1, recall 2/3, F1 4/5; cluster 1: precision 1/2, recall 1, F1 2/3.
    assert math.isclose(found["F1"], (3 * 0.8 + 2 / 3) / 4) and math.isclose(found["acc"], 0.75)
    assert math.isclose(found["precision"], 1.5 / 8) and math.isclose(found["recall"], (2 / 3 + 1) / 8)
    assert "F1" not in all_but_fid(made, truth, UNIT)


def test_fid_of_frames() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(300, 104))
    made = truth.copy()
    made[:, 1] += 3.0
    assert math.isclose(seed_metrics(made, truth, UNIT)["FID"], 9.0, rel_tol=1e-6)
    made[:, [0, 7, 59]] += 100.0  # left out
    assert math.isclose(seed_metrics(made, truth, UNIT)["FID"], 9.0, rel_tol=1e-6)
    halved = Scale(np.zeros(104), np.full(104, 2.0))
    assert math.isclose(seed_metrics(made, truth, halved)["FID"], 9.0 / 4, rel_tol=1e-6)
    # One coordinate only, +-1 against +-2 in 2 frames of 4: variances by 3 are 4/3 and 16/3, (4 - 2)^2 / 3 apart.
    one, two = np.zeros((4, 96)), np.zeros((4, 96))
    one[:, 0], two[:, 0] = [1, -1, 1, -1], [2, -2, 2, -2]
    group = np.array([0, 0, 1, 1])
    assert math.isclose(fid(one, two, group, 2)(np.ones((1, 2)))["FID"][0], 4 / 3, rel_tol=1e-9)
    # A group alone: variances by 1 are 2 and 8. Drawn twice: as if its frames were there twice, by 3.
    found = fid(one, two, group, 2)(np.array([[1.0, 0.0], [0.0, 2.0]]))["FID"]
    assert np.allclose(found, [2.0, 4 / 3])


def test_windows_do_not_run_into_each_other() -> None:
    made = np.stack([everywhere(0, 0, 4), everywhere(30, 40, 4)])
    truth = np.zeros_like(made)
    found = all_but_fid(made, truth, UNIT)
    assert (
        found["VelL1"] == found["W1_vel"] == 0.0
        and all_but_fid(made.reshape(8, 104), truth.reshape(8, 104), UNIT)["VelL1"] > 0
    )
    assert math.isclose(found["energy"], 50 / math.sqrt(7))  # of the interval as a whole, as in the seed


@settings(max_examples=25)
@given(st.lists(st.integers(3, 9), min_size=1, max_size=4), st.integers(0, 99))
def test_intervals_pool_as_frames(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [rng.normal(0, 5, (2, length, 104)) for length in lengths]
    tallies = [count(made, truth, UNIT, lambda m: (m[:, 0] > 0).astype(int)) for made, truth in pairs]
    found = pooled_metrics(tallies)
    whole = count(*np.concatenate(pairs, 1), UNIT, lambda m: (m[:, 0] > 0).astype(int))
    as_one = derive({name: value[None] for name, value in whole.sums.items()})
    for name in ("L1", "pck", "pck_0.2", "F1", "acc", "diversity", "diversity_gt"):
        assert math.isclose(found[name], as_one[name][0], rel_tol=1e-9)
    frames = np.array(lengths) - 1
    each = [pooled_metrics([tally])["energy"] for tally in tallies]
    assert math.isclose(found["energy"], float((frames * each).sum() / frames.sum()), rel_tol=1e-9)


def test_a_bootstrap_over_voices() -> None:
    rng = np.random.default_rng(0)
    tallies = [count(rng.normal(0, 4, (20, 104)), rng.normal(0, 6, (20, 104)), UNIT) for _ in range(5)]
    drawn = derive(pooled(tallies, weights(5, 3, 50)).sums)
    shown = {metric.key for metric in METRICS} - {"FID", "F1"}
    assert shown <= set(drawn) and all(drawn[name].shape == (51,) and np.isfinite(drawn[name]).all() for name in shown)
    assert all(
        math.isclose(drawn[name][0], pooled_metrics(tallies)[name]) and np.ptp(drawn[name]) > 0 for name in shown
    )
    assert cumulative({"pck": 0.5}, "test") == {"test_pck": 0.5}


def test_what_cannot_be_compared() -> None:
    good = everywhere(0, 0)
    for made, truth, told in (
        (good, good[:-1], "the same, of 3 frames or more"),
        (good[:2], good[:2], "the same, of 3 frames or more"),
        (good[:, :96], good, r"poses are \(6, 96\)"),
        (good * np.nan, good, "finite rows"),
    ):
        with pytest.raises(EngineError, match=told):
            count(made, truth, UNIT)
    with pytest.raises(EngineError, match="no interval was counted"):
        pooled_metrics([])
