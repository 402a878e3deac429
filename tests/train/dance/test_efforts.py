"""Computed efforts: known motions give known numbers, what does not matter changes nothing, thirds are thirds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.body.skeleton import skeleton
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, dancer, take, toy_takes
from train.dance.augment import mirrored, resampled, turned
from train.dance.efforts import Bounds, Thresholds, computed_table, end_effectors, fit_thresholds, measure, take_measure

MARKERS = skeleton("pirounet")
SECONDS = np.arange(120) / 30.0


def markers_moving(way: np.ndarray) -> np.ndarray:
    """A standing body of which every marker goes ``way`` (T,) up and down."""
    return MARKERS.rest_positions() + way[:, None, None] * np.array([0.0, 1.0, 0.0])


def test_time_is_the_mean_acceleration() -> None:
    speed = 2 * np.pi * 1.0  # one swing a second: mean of |a| is 2/pi of 0.1 m * speed^2, 6 % are filtered
    values = measure(markers_moving(0.1 * np.sin(speed * SECONDS)), MARKERS, 30.0, "time")
    assert values.shape == (81,) and values.mean() == pytest.approx(0.1 * speed**2 * 2 / np.pi, rel=0.08)
    assert measure(markers_moving(0.5 * SECONDS), MARKERS, 30.0, "time").max() < 1e-6  # steady is not sudden


def test_space_is_directness() -> None:
    straight = measure(markers_moving(0.5 * SECONDS), MARKERS, 30.0, "space")
    assert straight.min() > 0.85
    there_and_back = measure(markers_moving(0.3 * np.cos(2 * np.pi * SECONDS * 30 / 31)), MARKERS, 30.0, "space")
    assert there_and_back.max() < 0.05
    still = measure(markers_moving(0 * SECONDS) + 1e-4, MARKERS, 30.0, "space")
    assert np.abs(still).max() < 1e-6
    assert [CMU.joints[joint] for joint in end_effectors(CMU)][2:] == ["rMid1", "lMid1", "rFoot.end", "lFoot.end"]


@pytest.mark.parametrize("effort", ["time", "space"])
def test_windows_and_whole_takes_agree(effort: str) -> None:
    motion = dancer(1, 90)
    whole = measure(motion.positions, CMU, 30.0, effort)
    cut = np.stack([motion.positions[start : start + 40] for start in range(51)])
    assert np.allclose(measure(cut, CMU, 30.0, effort)[:, 0], whole, rtol=1e-6)


@pytest.mark.parametrize("effort", ["time", "space"])
def test_where_the_dancer_is_and_looks_does_not_matter(effort: str) -> None:
    motion = dancer(2, 60)
    here = measure(motion.positions, CMU, 30.0, effort)
    travelling = motion.positions + np.linspace(0, 3, 60)[:, None, None] ** 2 * np.array([1.0, 0.0, 0.5])
    assert np.allclose(measure(travelling, CMU, 30.0, effort), here, rtol=1e-4)
    assert np.allclose(measure(turned(motion, 1.0).positions, CMU, 30.0, effort), here, rtol=1e-4)
    assert np.allclose(measure(mirrored(motion).positions, CMU, 30.0, effort), here, rtol=1e-4)


def test_faster_is_more_sudden() -> None:
    motion = dancer(1, 200)
    slow, fast = (measure(resampled(motion, 30.0 / speed).positions, CMU, 30.0, "time").mean() for speed in (0.8, 1.6))
    assert fast / slow == pytest.approx(4.0, rel=0.15)  # acceleration grows with the square of speed


@pytest.mark.parametrize("effort", ["time", "space"])
def test_noise_of_millimetres_moves_few_levels(effort: str) -> None:
    takes = toy_takes()
    thresholds = fit_thresholds(takes)
    rng = np.random.default_rng(0)
    same = []
    for each in takes:
        shaken = each.motion.positions + rng.normal(0, 3e-3, each.motion.positions.shape)
        own = measure(each.motion.positions, CMU, 30.0, effort)
        same.append(thresholds.levels(own, effort) == thresholds.levels(measure(shaken, CMU, 30.0, effort), effort))
    assert np.mean(same) > 0.9


def test_thresholds_are_thirds_of_the_training_windows() -> None:
    takes = toy_takes()
    thresholds = fit_thresholds(takes)
    assert thresholds.windows == 3 * 111
    for effort in ("time", "space"):
        table = computed_table(takes, thresholds, effort)
        assert set(table) == {each.name for each in takes}
        training = np.concatenate([table[each.name][:111] for each in takes if each.split == "train"])
        assert np.bincount(training, minlength=3).tolist() == [111, 111, 111]
        assert all((levels[111:] == -1).all() and levels.dtype == np.int8 for levels in table.values())
    time = computed_table(takes, thresholds, "time")
    assert [int(np.median(time[f"test_{level}"][:111])) for level in range(3)] == [0, 1, 2]
    moved = [replace(each, motion=dancer(2, 150, seed=9)) if each.split == "test" else each for each in takes]
    assert fit_thresholds(moved) == thresholds
    assert thresholds.to_dict() == {"time": [*thresholds.time], "space": [*thresholds.space], "windows": 333}


def test_damaged_frames_have_no_effort() -> None:
    sound = np.ones(100, bool)
    sound[60] = False
    values = take_measure(replace(take(frames=100), sound=sound), "time")
    assert np.isnan(values[21:]).all() and np.isfinite(values[:21]).all()
    long = take_measure(replace(take(frames=150), sound=np.arange(150) != 60), "time")
    assert np.flatnonzero(np.isnan(long)).tolist() == [*range(21, 61), *range(111, 150)]
    bounds = Thresholds(Bounds(1.0, 2.0), Bounds(0.3, 0.4), 1)
    assert bounds.levels(np.array([0.5, 1.5, 2.5, np.nan]), "time").tolist() == [0, 1, 2, -1]


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(EngineError, match="39 frames"):
        measure(np.zeros((39, 27, 3)), CMU, 30.0, "time")
    with pytest.raises(EngineError, match="no effort 'weight'"):
        measure(np.zeros((40, 27, 3)), CMU, 30.0, "weight")
    with pytest.raises(EngineError, match="no effort 'flow'"):
        Thresholds(Bounds(1.0, 2.0), Bounds(0.3, 0.4), 1).of("flow")
    with pytest.raises(EngineError, match="training split"):
        fit_thresholds([take(split="test")])
    with pytest.raises(EngineError, match="0 windows of 40 undamaged frames"):
        fit_thresholds([replace(take(), sound=np.zeros(150, bool))])
