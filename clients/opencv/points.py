"""Draws figures of points in a plane (codec ``points:NAME``): x right, y down, in the units that the stream states.

Which points are joined is known of the figures in :data:`FIGURES`; of another the points alone are drawn. The body's
left is blue and its right orange, as on the stage. A point that is not finite is missing, and so is what hangs on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .body import AVATAR
from .camera import Size
from .capsule import Colour
from .ground import backdrop

Image = NDArray[np.uint8]
SHIFT = 4  # binary digits after the point of a pixel's place
FARTHEST = 1e5


@dataclass(frozen=True)
class Figure:
    """How a figure is drawn: the point that each hangs on (-1: none), each point's colour, how thick limbs are at the
    root and at the ends (a share of the picture's height), and the place (left, top, right, bottom) in the stream's
    units that is always in view."""

    parents: tuple[int, ...]
    colours: tuple[Colour, ...]
    thick: tuple[float, ...]
    view: tuple[float, float, float, float]


def _pats52() -> Figure:
    """PATS (Ahuja et al. 2020): neck, right and left arm, nose and eyes, 21 points of each hand, left first."""
    hand = [0 if point == 0 else 4 * finger + point for finger in range(5) for point in range(4)]
    parents = [-1, 0, 1, 2, 0, 4, 5, 0, 7, 7, 6, *(10 + point for point in hand), 3, *(31 + point for point in hand)]
    left = {4, 5, 6, *range(10, 31)}
    colours = [AVATAR.middle if k in (0, 7, 8, 9) else AVATAR.left if k in left else AVATAR.right for k in range(52)]
    thick = [0.02] * 7 + [0.012] * 3 + [0.005] * 42
    return Figure(tuple(parents), tuple(colours), tuple(thick), (-420.0, -260.0, 420.0, 560.0))


FIGURES = {"pats52": _pats52()}


class Plane:
    """Pictures of one figure, which share one view: it holds all that was in it so far, and never shrinks."""

    def __init__(self, name: str, count: int) -> None:
        known = FIGURES.get(name)
        loose = Figure((-1,) * count, (AVATAR.middle,) * count, (0.008,) * count, (np.inf, np.inf, -np.inf, -np.inf))
        self.figure = known if known is not None and len(known.parents) == count else loose
        self._low, self._high = np.array(self.figure.view[:2]), np.array(self.figure.view[2:])

    def draw(self, at: NDArray[np.floating], size: Size = (480, 480)) -> Image:
        """A picture (H, W, 3) uint8 BGR of the points ``at`` (P, 2); ``size`` is (width, height). Raises ValueError for
        another number of points."""
        count = len(self.figure.parents)
        if np.shape(at) != (count, 2):
            raise ValueError(f"points have shape {np.shape(at)}; this figure needs ({count}, 2)")
        picture = backdrop(size).copy()
        places = np.array(at, np.float64)
        there: NDArray[np.bool_] = np.asarray((np.abs(places) < FARTHEST).all(axis=1))  # NaN is below nothing
        if not there.any():
            return picture
        self._low = np.minimum(self._low, places[there].min(0))
        self._high = np.maximum(self._high, places[there].max(0))
        span = np.maximum(self._high - self._low, 1e-6)
        scale = 0.92 * float(np.min(np.array(size) / span))
        pixels = (places - (self._low + self._high) / 2) * scale + np.array(size) / 2
        for k in sorted(range(count), key=lambda one: -self.figure.thick[one]):
            parent, colour = self.figure.parents[k], self.figure.colours[k]
            if there[k] and parent >= 0 and there[parent]:
                thick = max(1, round(self.figure.thick[k] * size[1]))
                cv2.line(picture, _fine(pixels[parent]), _fine(pixels[k]), colour, thick, cv2.LINE_AA, SHIFT)
            if there[k] and (parent < 0 or self.figure.thick[k] > 0.006):
                radius = round(max(self.figure.thick[k] * size[1] * 0.6, 2.0) * (1 << SHIFT))
                cv2.circle(picture, _fine(pixels[k]), radius, colour, -1, cv2.LINE_AA, SHIFT)
        return picture


def figure_of(codec: str) -> str:
    """The name of the figure that a codec ``points:NAME`` carries."""
    return codec.partition(":")[2]


def _fine(place: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(place[0]) * (1 << SHIFT)), round(float(place[1]) * (1 << SHIFT))
