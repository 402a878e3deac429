"""Changes of text: a stream that jumps at each is told from one that goes on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.train.text_motion.evaluation.toys import RATE, asks, motion
from train.text_motion.evaluation import changes
from train.text_motion.evaluation.served import Streams, Stretch

EVERY = 60


def streams(jump_m: float, texts: int = 30) -> Streams:
    """Two streams in which the text changes every three seconds, with a jump of the whole body."""
    bodies = np.stack([motion("walk", "quickly", texts * EVERY, seed) for seed in (0, 1)])
    for change in range(1, texts):
        bodies[:, change * EVERY + 1 :, :, 1] += jump_m * (-1.0) ** change
    spots = {row * texts + n: Stretch(row, n * EVERY, (n + 1) * EVERY) for row in (0, 1) for n in range(texts)}
    return Streams(bodies, spots)


def test_stretches_are_at_changes_or_far_from_them() -> None:
    numbered = np.arange(2 * 120, dtype=float).reshape(2, 120, 1, 1) * np.ones(3)
    at, elsewhere = changes.stretches(Streams(numbered, {0: Stretch(0, 0, 70), 1: Stretch(0, 70, 120)}), RATE)
    assert [(part[0, 0, 0], part[-1, 0, 0]) for part in at] == [(68.0, 85.0)]
    assert [(part[0, 0, 0], part[-1, 0, 0]) for part in elsewhere] == [(30.0, 47.0), (46.0, 63.0), (100.0, 117.0)]


def test_a_stream_that_jumps_is_told_from_one_that_goes_on() -> None:
    smooth = changes.section("toy", streams(0.0), asks(6), RATE, 0)
    assert [row.name for row in smooth.results] == ["at changes", "elsewhere", "truth"]
    assert smooth.results[0].groups == 58 and "pass:" in smooth.sentences()[0]
    assert "(100 are wanted)" in smooth.sentences()[0]
    jumps = changes.section("toy", streams(0.2), asks(6), RATE, 0)
    at, elsewhere = jumps.results[:2]
    assert at.value("jumps") == 100.0 and elsewhere.value("jumps") < 2.0
    assert at.value("acceleration_peak") > 0.2 * RATE**2 * 0.9
    assert at.value("speed") == pytest.approx(0.2 * RATE, rel=0.3)
    assert "FAIL: of 58 changes of text (100 are wanted) 100.0 % are jumps" in jumps.sentences()[0]
    assert elsewhere.value("speed") == pytest.approx(smooth.results[1].value("speed"))
