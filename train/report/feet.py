"""Feet on the floor: when one stands, and how fast it moves over the floor while it does.

A foot stands where it is at most 4 cm above its own usual low place and rises or falls slower than 0.25 m/s; the speed
over the floor decides nothing, as it is what is measured. Standing feet of real people turn and drag, so they have a
slide too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

NEAR_FLOOR_M, RISING_M_S = 0.04, 0.25
LOW = 0.1
"""Quantile of a foot's heights that is its usual low place."""


def standing(feet: Array, low: Array, rate: float) -> NDArray[np.bool_]:
    """Where feet stand, (T - 1, F), of their positions (T, F, 3) in metres; ``low`` (F,) are their usual heights."""
    height = feet[..., 1]
    rising = np.abs(np.diff(height, axis=0)) * rate
    return np.asarray((height[1:] <= low + NEAR_FLOOR_M) & (rising < RISING_M_S))


def over_floor(feet: Array, rate: float) -> Array:
    """Speed over the floor in m/s, (T - 1, F), of positions (T, F, 3) in metres."""
    return np.asarray(np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * rate)
