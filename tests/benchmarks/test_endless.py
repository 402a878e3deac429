"""The shipped dancer over minutes of dancing with its controls turned; the hour is run by hand (`-m slow`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.endless import answers, drift, endless, judged, schedule
from engine.bundle import Bundle
from engine.errors import EngineError


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load("dance")


def holds(figures: dict[str, Any]) -> None:
    """It neither froze nor jumped, stayed on the stage, and kept its bones."""
    assert figures["finite"]
    assert figures["slowest_2s_m_s"] > 0.02 and figures["speed_m_s"] > 0.2
    assert figures["farthest_step_m"] < 4 * figures["usual_step_m"] and figures["farthest_step_m"] < 0.5
    assert figures["farthest_after_turn_m"] <= figures["farthest_step_m"]
    assert figures["bones_vary"] < 1e-3
    assert figures["from_middle_m"] < 5.0


def test_two_minutes_hold(bundle: Bundle) -> None:
    holds(endless(bundle, 2.0))


@pytest.mark.slow
def test_an_hour_holds(bundle: Bundle) -> None:
    figures = endless(bundle, 60.0, seed=1)
    holds(figures)
    for name, part in figures["drift"].items():
        assert abs(part["last"] - part["first"]) < 0.2 * abs(part["first"]), name


def test_freezes_and_jumps_are_seen(bundle: Bundle) -> None:
    rate, joints = bundle.spec.rate, len(bundle.spec.skeletons[0].joints)
    time = np.arange(600)[:, None, None] / rate
    body = (np.sin(2 * np.pi * time) * 0.1 + np.arange(joints)[:, None] * np.ones(3) * 0.1).astype(np.float32)
    shown = np.tile(np.float32([0.2, 0.6, 0.2]), (600, 1))
    turned = {"speed": np.ones(600, np.float32), "effort": np.ones(600, np.float32)}
    well = judged(bundle, body, shown, turned)
    assert well["answer"] == {"1": 1.0} and well["slowest_2s_m_s"] > 0.1
    frozen, thrown = body.copy(), body.copy()
    frozen[300:400] = frozen[300]
    thrown[300:, 5] += 1.0
    assert judged(bundle, frozen, shown, turned)["slowest_2s_m_s"] < 1e-6
    assert judged(bundle, thrown, shown, turned)["farthest_step_m"] > 0.9


def test_turns_come_again_after_ten_minutes(bundle: Bundle) -> None:
    item = bundle.spec.input("effort")
    values = schedule(item, 60 * 1800, 30.0, 0)
    assert set(values.tolist()) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(values[:18_000], values[-18_000:])
    assert answers(values, np.eye(3, dtype=np.float32)[values.astype(int)], 30.0) == {"0": 1.0, "1": 1.0, "2": 1.0}


def test_drift_is_told_from_chance() -> None:
    chance = np.random.default_rng(0)
    steady = chance.normal(1.0, 0.1, 36_000).astype(np.float32)
    rising = steady + np.linspace(0, 0.5, 36_000, dtype=np.float32)
    found = drift({"steady": steady, "rising": rising}, 30.0)
    assert found["rising"]["differs"] and abs(found["steady"]["last"] - found["steady"]["first"]) < 0.01


def test_a_bundle_without_a_body_is_refused() -> None:
    with pytest.raises(EngineError, match="no body"):
        endless(Bundle.load("rules"), 0.1)
