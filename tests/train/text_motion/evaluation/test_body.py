"""What is counted of one motion: skate of feet that slide, depth under the floor, bones that stretch, jerk."""

from __future__ import annotations

import numpy as np
import pytest

from models.text_motion.layout import HUMANML3D, KIT
from tests.train.text_motion.evaluation.toys import BODY, RATE, REST, motion
from train.report.intervals import pooled
from train.text_motion.evaluation import body
from train.text_motion.evaluation.body import Reference, body_of

STANDING = np.repeat(REST[None], 60, 0)
REFERENCE = Reference.of(BODY, RATE, [STANDING, motion("walk")])


def measured(motion_: np.ndarray, truth: np.ndarray = STANDING) -> dict[str, float]:
    own, other = (pooled([body.tally(item, REFERENCE)], np.ones((1, 1))) for item in (motion_, truth))
    return {name: float(value[0]) for name, value in body.metrics(own, other).items()}


def test_a_body_that_stands_does_nothing() -> None:
    found = measured(STANDING)
    assert found["standing"] == 1.0 and found["still"] == 100.0
    for name in ("skate", "under", "sunk", "speed", "jerk", "bones", "bone"):
        assert found[name] == pytest.approx(0.0, abs=1e-5), name


def test_sliding_feet_skate_at_their_speed() -> None:
    along = np.arange(60)[:, None, None] / RATE * np.array([0.3, 0.0, 0.4])
    found = measured(STANDING + along)
    assert found["skate"] == pytest.approx(0.5, rel=1e-5) and found["speed"] == pytest.approx(0.5, rel=1e-5)
    lifted = STANDING + along + np.array([0.0, 0.2, 0.0])
    assert measured(lifted)["standing"] == 0.0 and np.isnan(measured(lifted)["skate"])
    half = measured(STANDING + 0.5 * along, STANDING + along)
    assert half["skate_ratio"] == pytest.approx(0.5, rel=1e-5)


def test_a_body_in_the_floor_is_under_it() -> None:
    found = measured(STANDING - np.array([0.0, 0.03, 0.0]))
    assert found["under"] == pytest.approx(3.0, rel=1e-4) and found["sunk"] == 100.0
    assert measured(STANDING - np.array([0.0, 0.01, 0.0]))["sunk"] == 0.0


def test_a_cubic_has_a_constant_jerk_and_a_longer_shin_is_seen() -> None:
    t = np.arange(60) / RATE
    jerky = STANDING.astype(np.float64)
    jerky[:, 20, 0] += 0.5 * t**3  # one wrist of 22 joints, jerk 3
    assert measured(jerky)["jerk"] == pytest.approx(3.0 / 22, rel=1e-3)
    stretched = STANDING.copy()
    knee, ankle = BODY.index("l_knee"), BODY.index("l_ankle")
    down = stretched[::2, ankle] - stretched[::2, knee]
    stretched[::2, [ankle, BODY.index("l_foot")]] += 0.1 * down[:, None]
    found = measured(stretched)
    assert found["bone"] == pytest.approx(100 * 0.05 / 1.05, rel=1e-3)  # half of the frames 10 % longer
    assert found["bones"] == pytest.approx(found["bone"] / 21, rel=1e-3)


def test_layouts_have_bodies() -> None:
    assert body_of(HUMANML3D) == BODY
    kit = body_of(KIT)
    assert kit.parents == KIT.parents and kit.feet == ("l_foot", "l_toe", "r_foot", "r_toe")
