"""What is counted of one dance: limbs, feet, derivatives, spread; on motion whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.train.dance.bodies import CMU
from tests.train.dance.evaluation.toys import people
from train.dance.evaluation import rows, sanity
from train.dance.evaluation.rows import Performance
from train.dance.evaluation.sanity import Reference

TRUTH, TRAINING, _ = people()
REFERENCE = Reference.of(CMU, TRAINING)
REST = CMU.rest_positions() - np.array([0.0, CMU.rest_positions()[:, 1].min(), 0.0], np.float32)


def standing(frames: int = 90) -> np.ndarray:
    feet = list(REFERENCE.feet)
    body = REST.copy()
    body[feet, 1] = REFERENCE.low
    return np.repeat(body[None], frames, 0)


def measured(positions: np.ndarray, sound: np.ndarray | None = None) -> dict[str, float]:
    """Means of what is counted on one dance."""
    whole = np.ones(len(positions), bool) if sound is None else sound
    found = sanity.tally(Performance("d", "d", positions.astype(np.float32), {}, whole), REFERENCE)
    sums = {name: float(value) for name, value in found.sums.items() if value.ndim == 0}
    return {
        "limbs": sums["limbs"] / sums["frames"],
        "slide": sums["slide"] / max(sums["standing"], 1.0),
        "standing": sums["standing"] / sums["feet"],
        "sunk": sums["sunk"] / sums["frames"],
        "frozen": sums["frozen"] / sums["speed.count"],
        "jumps": sums["jumps"],
        "spread": sums["spread"] / max(sums["spread.count"], 1.0),
        **{name: sums[name] / max(sums[f"{name}.count"], 1.0) for name in sanity.DERIVATIVES},
        "step": float(found.peaks["step"]),
    }


def test_a_body_at_rest_stands_still() -> None:
    found = measured(standing())
    assert found["frozen"] == 1.0 and found["standing"] == 1.0
    for name in ("slide", "speed", "spread", "sunk", "limbs"):
        assert found[name] == pytest.approx(0.0, abs=1e-6)


def test_a_body_that_glides_slides_at_its_speed() -> None:
    along = np.linspace(0.0, 3.0, 91)[:90, None, None] * np.array([1.0, 0.0, 0.0])
    found = measured(standing() + along)
    assert found["slide"] == pytest.approx(1.0, rel=1e-3)  # 3 m in 3 s
    assert found["speed"] == pytest.approx(1.0, rel=1e-3)
    assert found["acceleration"] == pytest.approx(0.0, abs=2e-2)
    assert found["spread"] == pytest.approx(0.0, abs=1e-6)  # its shape does not change


def test_feet_in_the_air_neither_stand_nor_slide_and_under_the_floor_are_sunk() -> None:
    along = np.linspace(0.0, 3.0, 90)[:, None, None] * np.array([1.0, 0.0, 0.0])
    up = np.array([0.0, 0.2, 0.0])
    assert measured(standing() + along + up)["standing"] == 0.0
    assert measured(standing() + up)["sunk"] == 0.0
    assert measured(standing() - 0.5 * up)["sunk"] == 1.0


def test_derivatives_are_those_of_the_path() -> None:
    time = np.arange(90) / 30.0
    lift = (time**3)[:, None, None] * np.array([0.0, 1.0, 0.0])
    assert measured(standing() + lift)["jerk"] == pytest.approx(6.0, rel=1e-3)


def test_limbs_that_stretch_are_told() -> None:
    stretched = standing() * (1.0 + 0.1 * np.sin(np.arange(90) / 5.0))[:, None, None]
    assert measured(stretched)["limbs"] == pytest.approx(0.1 / np.sqrt(2.0), rel=0.1)
    assert measured(TRUTH.dances[0].positions)["limbs"] < 1e-4


def test_a_jump_is_counted_once_and_a_damaged_one_not_at_all() -> None:
    moved = standing()
    moved[45:] += np.array([0.0, 0.0, 2.0], np.float32)
    assert measured(moved)["step"] == pytest.approx(2.0, abs=1e-5)
    assert measured(moved)["jumps"] == len(CMU.joints)
    sound = np.ones(90, bool)
    sound[44:46] = False
    found = measured(moved, sound)
    assert found["jumps"] == 0.0 and found["step"] == 0.0 and found["speed"] == 0.0


def test_travel_and_turning_are_those_of_the_stage() -> None:
    time = np.arange(90) / 30.0
    body = standing()
    angle = np.radians(90.0) * time
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros(90), np.ones(90)
    turn = np.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).reshape(90, 3, 3)
    turned = np.einsum("tij,tkj->tki", turn, body) + np.stack([0.5 * time, zero, zero], -1)[:, None]
    sums = sanity.tally(Performance("d", "d", turned.astype(np.float32), {}, np.ones(90, bool)), REFERENCE).sums
    assert sums["turning"] / sums["stage_s"] == pytest.approx(90.0, rel=1e-3)
    assert sums["travel"] / sums["stage_s"] == pytest.approx(0.5, rel=0.05)


def test_rows_pool_and_hold_is_one_pose() -> None:
    held = rows.hold(TRUTH)
    one = held.dances[0].positions
    assert (one == one[0]).all() and len(one) == len(TRUTH.dances[0])
    tally = sanity.tally(TRUTH.dances[0], REFERENCE) + sanity.tally(TRUTH.dances[1], REFERENCE)
    assert tally.sums["frames"] == len(TRUTH.dances[0]) + len(TRUTH.dances[1])
    assert tally.sums["speed.bins"].sum() == tally.sums["speed.count"] * len(CMU.joints)


def test_markers_without_feet_are_measured_too() -> None:
    footless = replace(CMU, feet=())
    found = sanity.tally(TRUTH.dances[0], Reference.of(footless, TRAINING))
    assert found.sums["feet"] == 0.0 and found.sums["frames"] == len(TRUTH.dances[0])
