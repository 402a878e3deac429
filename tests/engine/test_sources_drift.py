"""The clock of a sound card against the engine's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sources.drift import LEAST, WINDOW_S, ClockDrift
from tests.engine.test_sources_mic import MS, Ports, Rig

RATE, BLOCK = 48_000, 960


def heard(drift: ClockDrift, seconds: float, ppm: float, jitter_s: float, seed: int = 0, start_ns: int = 10**9) -> int:
    """Give blocks of 20 ms that come late by up to ``jitter_s``; the time after the last."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE / BLOCK)
    ends = (np.arange(count) + 1) * BLOCK / RATE / (1.0 + ppm * 1e-6) + rng.uniform(0.0, jitter_s, count)
    for end in ends:
        drift.add(BLOCK, start_ns + int(end * 1e9))
    return start_ns + int(ends[-1] * 1e9)


@settings(max_examples=20, deadline=None)
@given(st.floats(-300.0, 300.0), st.floats(0.0, 0.02), st.integers(0, 100))
def test_a_cards_clock_is_told_in_spite_of_blocks_that_come_late(ppm: float, jitter_s: float, seed: int) -> None:
    drift = ClockDrift(RATE)
    heard(drift, 300.0, ppm, jitter_s, seed)
    assert drift.ppm is not None and abs(drift.ppm - ppm) < 10.0


def test_nothing_is_told_before_a_minute_and_lost_samples_begin_anew() -> None:
    drift = ClockDrift(RATE)
    end_ns = heard(drift, LEAST * WINDOW_S - 1.0, 50.0, 0.0)
    assert drift.ppm is None
    drift.begin()
    end_ns = heard(drift, 300.0, -80.0, 0.005, start_ns=end_ns + 3 * 10**9)
    before = drift.ppm
    assert before is not None and abs(before + 80.0) < 10.0
    drift.begin()  # half a second is lost: the line does not go through it
    heard(drift, 300.0, -80.0, 0.005, seed=1, start_ns=end_ns + 10**9 // 2)
    assert drift.ppm is not None and abs(drift.ppm + 80.0) < 10.0


def test_how_fast_the_cards_clock_runs_is_told_and_begins_anew_where_samples_were_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(Ports(16_000, 1), monkeypatch)

    def hear(seconds: int, ppm: int) -> None:
        for _ in range(10 * seconds):
            rig.clock.advance(100 * MS - ppm * 100)  # a tenth of a second less or more
            rig.deliver(np.ones((1600, 1), np.float32))
            rig.turn()

    hear(50, 200)
    assert rig.mic.describe()["drift_ppm"] is None
    hear(30, 200)
    assert abs(rig.mic.describe()["drift_ppm"] - 200.0) < 3.0
    rig.clock.advance(400 * MS)
    rig.deliver(np.ones((1600, 1), np.float32), overflow=True)
    hear(80, -100)
    assert abs(rig.mic.describe()["drift_ppm"] + 100.0) < 3.0
