"""Hits, luck, skill and phase of strokes whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest

from train.gesture.evaluation import timing
from train.gesture.strokes import FoundStroke

SECONDS = 90.0
RNG = np.random.default_rng(3)
STRESSES = np.cumsum(RNG.uniform(0.7, 2.6, 54))


def strokes(moments: np.ndarray) -> list[FoundStroke]:
    return [FoundStroke(float(at) - 0.3, float(at), float(at), "right", 100.0) for at in moments]


def derived(moments: np.ndarray, redraw: np.ndarray | None = None) -> dict[str, float]:
    true = strokes(STRESSES[::2])
    sums = [
        {name: value[None] for name, value in timing.tally(strokes(one), true, STRESSES, SECONDS).items()}
        for one in (moments, STRESSES[::3] if redraw is None else redraw)
    ]
    return {name: float(value[0]) for name, value in timing.derive(*sums).items()}


def test_offsets_are_to_the_nearest_stress_round_the_talk() -> None:
    stresses = np.array([1.0, 4.0])
    assert timing.offsets(np.array([0.5, 2.4, 2.6, 9.0]), stresses, 10.0) == pytest.approx([-0.5, 1.4, -1.4, 5.0])
    assert timing.offsets(np.array([0.5]), stresses, 10.0, 7.0) == pytest.approx([-0.5])  # 4 + 7 is 1 again
    assert timing.offsets(np.array([0.5]), stresses, 10.0, -1.5) == pytest.approx([1.0])
    assert np.isinf(timing.offsets(np.array([0.5]), np.zeros(0), 10.0)).all()
    assert timing.offsets(np.zeros(0), stresses, 10.0).shape == (0,)


def test_shifts_fit_the_talk() -> None:
    assert timing.shifts_of(90.0) == [2.7, -2.7, 4.1, -4.1, 6.3, -6.3, 8.5, -8.5, 11.0, -11.0]
    assert timing.shifts_of(6.0) == [2.7, -2.7] and timing.shifts_of(5.0) == []


def test_strokes_on_stresses_meet_them_and_others_do_by_luck() -> None:
    found = derived(STRESSES[::2] + 0.1)
    assert found["hit"] == 1.0 and found["skill"] == pytest.approx(1.0, abs=0.1) and found["met_f1"] == 1.0
    assert 0.15 < found["chance"] < 0.5
    assert found["phase"] == pytest.approx(0.1, abs=0.03) and found["phase_spread"] < 0.06
    aside = derived(np.arange(1.0, 89.0, 0.4))
    assert abs(aside["skill"]) < 0.15 and np.isnan(aside["phase"])


def test_the_window_is_a_quarter_of_a_second_and_a_tight_one() -> None:
    assert derived(STRESSES[::2] + 0.24)["hit"] == 1.0
    late = derived(STRESSES[::2] + 0.2)
    assert late["hit"] == 1.0 and late["skill_tight"] < 0.2 < 0.9 < late["skill"]
    assert derived(STRESSES[::2] + 0.27)["hit"] < 0.3


def test_skill_counts_gain_over_ones_own_luck_against_the_redraws() -> None:
    half = np.concatenate([STRESSES[::4], STRESSES[::4] + 0.36])
    found = derived(half)
    luck = derived(STRESSES[::3])
    gain, most = found["hit"] - found["chance"], luck["hit"] - luck["chance"]
    assert found["skill"] == pytest.approx(gain / most) and 0.2 < found["skill"] < 0.8
    assert derived(np.zeros(0))["met_f1"] == 0.0 and np.isnan(derived(np.zeros(0))["hit"])


def test_f1_is_of_the_stresses_that_the_truth_meets() -> None:
    # Meets two of the 27 that the truth meets, and three that it does not.
    found = derived(np.concatenate([STRESSES[:4:2], STRESSES[1:6:2]]))
    assert found["met_f1"] == pytest.approx(2 * 2 / (5 + 27))


def test_a_talk_too_short_to_be_shifted_counts_for_nothing() -> None:
    sums = timing.tally(strokes(np.array([1.0, 2.0])), [], np.array([1.0]), 5.0)
    assert sums["strokes"] == 0.0 and not sums["hits"].any() and not sums["phase"].any()


def test_the_curve_is_a_density() -> None:
    sums = {k: v[None] for k, v in timing.tally(strokes(STRESSES + 0.01), [], STRESSES, SECONDS).items()}
    width = timing.EDGES[1] - timing.EDGES[0]
    assert (timing.curve(sums, "phase")[0] * width).sum() == pytest.approx(1.0)
    assert timing.curve(sums, "phase")[0].argmax() == timing.BINS // 2
