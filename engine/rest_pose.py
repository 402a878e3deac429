"""Where a head rests, learned from the past alone, and poses told relative to it.

A camera below or beside the screen would otherwise show a person who never looks straight, so a slow mean of the
rotation (``rest_s`` time constant, past frames only, begun at zero, at most 25 degrees per angle) is taken as straight
ahead: a turn of two seconds loses 6 % of itself, an offset of the camera 86 % within a minute. The place is in metres
from a rest position, which starts at the first face and follows as slowly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.channels import head_angles, head_rotation

REST_LIMIT_RAD = np.radians(25.0)
"""Furthest that the rest rotation goes from the camera's axis, per angle."""


class RestPose:
    """Where the head rests, from the past alone, and poses relative to it. ``rest_s`` as in the tracker."""

    def __init__(self, rest_s: float) -> None:
        self._rest_s = rest_s
        self._angles = np.zeros(3)
        self._place: NDArray[np.float64] | None = None
        self._last_ns: int | None = None

    def move_in(self) -> None:
        """Someone new or elsewhere: the next pose is the rest position (the camera has not moved: angles stay)."""
        self._place = None

    def relative(self, matrix: NDArray[np.float64], time_ns: int) -> NDArray[np.float32]:
        """``matrix`` (4, 4), centimetres, at ``time_ns`` as (6,) float32: pitch, yaw, roll in rad, x, y, z in m."""
        left, _, right = np.linalg.svd(matrix[:3, :3])  # nearest rotation: drops scale and rounding
        rotation, place = left @ right, matrix[:3, 3] / 100.0
        if self._place is None:
            self._place = place
        passed_s = 0.0 if self._last_ns is None else min((time_ns - self._last_ns) / 1e9, 0.5)
        self._last_ns = time_ns
        # The pose is taken against the rest as it was: the present frame moves only later ones.
        relative = head_angles(head_rotation(*self._angles).T @ rotation)
        out = np.array([*relative, *(place - self._place)], np.float32)
        if self._rest_s > 0:
            share = 1 - np.exp(-passed_s / self._rest_s)
            self._angles += share * (np.array(head_angles(rotation)) - self._angles)
            self._angles = np.clip(self._angles, -REST_LIMIT_RAD, REST_LIMIT_RAD)
            self._place = self._place + share * (place - self._place)
        return out
