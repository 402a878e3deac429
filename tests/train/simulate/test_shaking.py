"""Shakes begin and end at rest, swing to both sides, and are numbers wherever they fall on the grid of frames."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from train.simulate.shaking import Shake, render_shakes


@example(start=6.32, cycles=9, hertz=9 / 5.97)  # rounding puts its last phase a hair below zero
@given(start=st.floats(0.0, 10.0), cycles=st.integers(1, 14), hertz=st.floats(0.8, 4.0))
def test_a_shake_is_from_rest_to_rest(start: float, cycles: int, hertz: float) -> None:
    shake = Shake(start, 0.1, cycles, hertz)
    yaw = render_shakes([shake], 800)
    assert np.isfinite(yaw).all()
    moving = np.flatnonzero(np.abs(yaw) > 1e-6)
    assert moving[0] / 25.0 >= start and moving[-1] / 25.0 <= shake.end_s + 0.04
    assert -0.1 <= yaw.min() < 0.0 < yaw.max() <= 0.1
