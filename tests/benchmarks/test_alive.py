"""The liveliness benchmark measures a listener and tells a dead one: its exit code is what CI or a trainer can use."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import alive


def test_the_bundled_listener_is_within_people_s_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    assert alive.main(["--minutes", "2"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["outside"] == [] and set(told["rows"]) == {"speech", "silence", "noise"}
    assert told["rows"]["speech"]["nods_per_min"] > told["rows"]["silence"]["nods_per_min"]


def test_a_still_and_a_shaking_head_are_outside() -> None:
    rng = np.random.default_rng(0)
    still = np.zeros((1500, 58), np.float32)
    still[np.arange(0, 1500, 70)[:, None] + np.arange(4), 8:10] = 1.0  # it blinks by the clock and does nothing else
    figures = alive.measure(still, 25.0)
    assert figures["freeze_s"] > alive.RANGES["freeze_s"][1]
    assert figures["blink_interval_cv"] < alive.RANGES["blink_interval_cv"][0]
    shaking = still + rng.normal(0.0, 0.1, still.shape).astype(np.float32)
    figures = alive.measure(shaking, 25.0)
    assert figures["head_above_7hz"] > alive.RANGES["head_above_7hz"][1]
    assert figures["face_step_max"] > alive.RANGES["face_step_max"][1]
