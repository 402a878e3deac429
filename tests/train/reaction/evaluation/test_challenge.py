"""The challenge's metrics behave as their reference does, quirks and all."""

from __future__ import annotations

import numpy as np
import pytest

from train.reaction.evaluation import challenge
from train.reaction.evaluation.challenge import lag, measure, score, warped_distance


def smooth(rng: np.random.Generator, count: int, frames: int) -> np.ndarray:
    """Slowly varying streams (count, frames, 25), each its own."""
    walk = np.cumsum(rng.normal(size=(count, frames + 40, 25)), 1)
    kernel = np.ones(41) / 41
    return np.apply_along_axis(lambda x: np.convolve(x, kernel, "valid"), 1, walk) * 0.05


def scores(predictions: np.ndarray, listeners: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    found = measure(predictions, listeners, speakers, np.eye(len(listeners), dtype=bool))
    return {name: float(values[0]) for name, values in score(found, np.ones((1, len(listeners)))).items()}


def test_warped_distance_is_the_root_of_summed_squares_along_the_best_path() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((23, 25)), rng.random((31, 25))

    def warp(a: np.ndarray, b: np.ndarray) -> float:
        cost = np.full((len(a) + 1, len(b) + 1), np.inf)
        cost[0, 0] = 0.0
        for i in range(len(a)):
            for j in range(len(b)):
                before = min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
                cost[i + 1, j + 1] = ((a[i] - b[j]) ** 2).sum() + before
        return float(np.sqrt(cost[-1, -1]))

    expected = warp(x[:, :15], y[:, :15]) / 15 + warp(x[:, 15:17], y[:, 15:17]) + warp(x[:, 17:], y[:, 17:]) / 8
    assert warped_distance(x, y) == pytest.approx(expected)


@pytest.mark.parametrize("constant", [0, 1, 4])
def test_a_perfect_prediction_scores_the_samples_less_the_constant_channels(constant: int) -> None:
    truth = smooth(np.random.default_rng(1), 3, 200)
    truth[:, :, :constant] = 0.5
    got = scores(np.repeat(truth[:, None], 4, 1), truth, truth)
    assert got["frc"] == pytest.approx(4 * (1 - constant / 25), abs=1e-4)
    assert got["frd"] == 0.0 and got["frdiv"] == pytest.approx(0.0, abs=1e-12)
    assert got["frsyn"] == (49.0 if constant else 0.0)
    assert got["frsyn_moving"] == 0.0


def test_uniform_noise_wins_what_measures_spread() -> None:
    rng = np.random.default_rng(2)
    truth = smooth(rng, 4, 400)
    got = scores(rng.random((4, 3, 400, 25)), truth, truth)
    assert got["frvar"] == pytest.approx(1 / 12, rel=0.01)
    assert got["frdvs"] == pytest.approx(1 / 6, rel=0.01)
    assert got["frdiv"] == pytest.approx(1 / 6, rel=0.01)
    assert abs(got["frc"]) < 0.1


def test_a_still_prediction_has_no_spread_and_no_correlation() -> None:
    truth = smooth(np.random.default_rng(3), 3, 200)
    still = np.repeat(truth.mean(1, keepdims=True), 200, 1)
    got = scores(np.repeat(still[:, None], 2, 1), truth, truth)
    assert got["frc"] == 0.0 and got["frvar"] < 1e-20 and got["frsyn"] == 49.0
    assert np.isnan(got["frsyn_moving"])
    assert got["frd"] > 0.0


@pytest.mark.parametrize("late", [0, 7, 15])
def test_a_mime_lags_by_its_delay(late: int) -> None:
    speaker = smooth(np.random.default_rng(4), 1, 300)[0]
    copy = np.concatenate([np.repeat(speaker[:1], late, 0), speaker])[: len(speaker)]
    copy += np.random.default_rng(5).normal(0, 1e-6, copy.shape)  # so that the held beginning is no constant
    assert lag(copy, speaker) == (late, late)


def test_the_nearest_of_the_appropriate_listeners_counts() -> None:
    truth = smooth(np.random.default_rng(6), 2, 150)
    other = truth[::-1][:, None]
    alone = measure(other, truth, truth, np.eye(2, dtype=bool))
    together = measure(other, truth, truth, np.ones((2, 2), bool))
    assert (alone["frd"] > 0).all() and (together["frd"] == 0).all()
    assert together["frc"] == pytest.approx([1.0, 1.0], abs=1e-4)


def test_a_listener_is_not_held_against_itself() -> None:
    """A sample that is a copy of an appropriate listener is measured against the others."""
    truth = smooth(np.random.default_rng(9), 3, 120)
    everybody = np.ones((3, 3), bool)
    copies = truth[[1, 2, 0]][:, None]
    alone = measure(copies, truth, truth, everybody, np.array([[1], [2], [-1]]))
    for clip, others in enumerate(([0, 2], [0, 1])):
        wanted = challenge.fit(copies[clip, 0], [truth[other] for other in others])
        assert (alone["frc"][clip], alone["frd"][clip]) == pytest.approx(wanted)
        assert wanted[0] < 0.9 and wanted[1] > 0
    assert (
        alone["frc"][2] == pytest.approx(1.0, abs=1e-4) and alone["frd"][2] == 0.0
    )  # drawn by nobody: a perfect answer


def test_giving_up_early_changes_no_distance() -> None:
    streams = smooth(np.random.default_rng(10), 7, 130)
    streams[:, :, :15] = streams[:, :, :15] > 0  # action units are 0 or 1: equal distances occur
    sample, *people = streams
    whole = [warped_distance(truth, sample) for truth in people]
    best, nearest = challenge.fit(sample, people)
    assert nearest == pytest.approx(min(whole), rel=1e-12)
    assert best == pytest.approx(max(float(challenge.ccc(truth, sample).mean()) for truth in people))
    for truth, distance in zip(people, whole, strict=True):
        assert warped_distance(truth, sample, distance) == pytest.approx(distance, rel=1e-12)
        assert warped_distance(truth, sample, 0.99 * distance) == np.inf


def test_a_clip_drawn_twice_weighs_twice() -> None:
    truth = smooth(np.random.default_rng(7), 3, 120)
    found = measure(smooth(np.random.default_rng(8), 3, 120)[:, None], truth, truth, np.eye(3, dtype=bool))
    weighted = score(found, np.array([[2.0, 1.0, 0.0]]))
    assert weighted["frd"][0] == pytest.approx((2 * found["frd"][0] + found["frd"][1]) / 3)
    assert weighted["frdvs"][0] == pytest.approx(found["frdvs"][0, 1])


def test_samples_are_repeated_up_to_the_number_asked_for() -> None:
    one, two = np.zeros((5, 25)), np.ones((5, 25))
    assert challenge.padded([one, two], 5)[:, 0, 0].tolist() == [0, 1, 0, 1, 0]
