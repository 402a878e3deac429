"""The front end: what it takes off, what it joins, what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EngineError
from engine.sound.front_end import FrontEnd


def test_switched_off_it_is_the_mean_of_the_channels() -> None:
    off = FrontEnd(on=False)
    np.testing.assert_array_equal(off.push(np.array([[1, 3], [0, -2]], np.float32), 16_000), [2, -1])
    np.testing.assert_array_equal(off.push(np.array([1, 2], np.float32), 16_000), [1, 2])
    with pytest.raises(EngineError, match="give \\(samples,\\)"):
        off.push(np.zeros((2, 2, 2), np.float32), 16_000)
