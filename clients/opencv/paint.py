"""The face texture: a flat frontal painting of the face, and the drawing helpers that put features on it.

Points are (N, 2) centimetres in the head's own frame (x to the person's left, y up), the frame the texture is
projected onto the head in. Beside its colour the texture has a relief (height in cm, at half resolution) from which
the renderer bends the surface normals, so that lids, lips and folds catch the light.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SCALE = 20.0  # texture pixels per cm
LEFT, TOP = -9.0, 9.5  # the head point of texture pixel (0, 0), cm
WIDTH, HEIGHT = 360, 480
SHIFT = 4  # fractional bits of cv2's drawing coordinates

Points = NDArray[np.floating]
Colour = tuple[int, int, int]


def pixels(points: Points, origin: tuple[int, int] = (0, 0), scale: float = SCALE) -> NDArray[np.int32]:
    """Fixed-point pixel coordinates of head points, relative to the patch whose corner (x, y) is ``origin``."""
    step = scale * (1 << SHIFT)
    nought = (-LEFT * scale - 0.5 - origin[0]) * (1 << SHIFT), (TOP * scale - 0.5 - origin[1]) * (1 << SHIFT)
    place: NDArray[np.int32] = np.rint(points * np.array((step, -step)) + np.array(nought)).astype(np.int32)
    return place


class Texture:
    """A face being painted: ``colour`` (HEIGHT, WIDTH, 3) uint8 BGR and ``relief`` (HEIGHT/2, WIDTH/2) float32 cm."""

    def __init__(self, colour: NDArray[np.uint8], relief: NDArray[np.float32]) -> None:
        """Start from copies of a base painting."""
        self.colour, self.relief = colour.copy(), relief.copy()

    def patch(self, points: Points, margin: float) -> tuple[slice, slice]:
        """(rows, columns) of the texture around ``points``, with ``margin`` cm to spare."""
        (low_x, low_y), (high_x, high_y) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        left, right = (low_x - margin - LEFT) * SCALE, (high_x + margin - LEFT) * SCALE + 1
        top, bottom = (TOP - high_y - margin) * SCALE, (TOP - low_y + margin) * SCALE + 1
        columns = slice(min(max(int(left), 0), WIDTH), min(max(int(right), 0), WIDTH))
        return slice(min(max(int(top), 0), HEIGHT), min(max(int(bottom), 0), HEIGHT)), columns

    def fill(self, outline: Points, colour: Colour) -> None:
        """An opaque polygon with smooth edges."""
        cv2.fillPoly(self.colour, [pixels(outline)], colour, cv2.LINE_AA, SHIFT)

    def tint(self, outline: Points, colour: Colour, strength: float, soft: float, width: float = 0.0) -> None:
        """A soft-edged polygon (or, with ``width`` cm, an open line) of ``strength`` 0..1, blurred by ``soft`` cm."""
        if strength <= 0.01:
            return
        rows, columns = self.patch(outline, 2.2 * soft + width)
        view = self.colour[rows, columns]
        if not view.size:
            return
        mask = self.mask(outline, (rows, columns), width)
        if soft:
            mask = soften(mask, soft)
        blend(view, colour, mask, min(strength, 1.0))

    def mask(self, outline: Points, window: tuple[slice, slice], width: float = 0.0) -> NDArray[np.uint8]:
        """Coverage (h, w) uint8 of a polygon, or of a line ``width`` cm wide, inside a window of the texture."""
        rows, columns = window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        place = [pixels(outline, (columns.start, rows.start))]
        if width:
            cv2.polylines(mask, place, False, 255, max(1, round(width * SCALE)), cv2.LINE_AA, SHIFT)
        else:
            cv2.fillPoly(mask, place, 255, cv2.LINE_AA, SHIFT)
        return mask

    def bump(self, x: float, y: float, wide: float, tall: float, height: float) -> None:
        """Raise the relief by a Gaussian at (x, y) with standard deviations ``wide`` and ``tall``, all in cm."""
        if abs(height) < 1e-3:
            return
        half = SCALE / 2
        columns = np.arange(
            max(0, int((x - 3 * wide - LEFT) * half)), min(WIDTH // 2, int((x + 3 * wide - LEFT) * half))
        )
        rows = np.arange(max(0, int((TOP - y - 3 * tall) * half)), min(HEIGHT // 2, int((TOP - y + 3 * tall) * half)))
        if columns.size and rows.size:
            across = np.exp(-0.5 * (((columns + 0.5) / half + LEFT - x) / wide) ** 2)
            down = np.exp(-0.5 * ((TOP - (rows + 0.5) / half - y) / tall) ** 2)
            self.relief[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += np.outer(down, height * across)

    def emboss(self, outline: Points, height: float, soft: float, width: float = 0.0) -> None:
        """Raise the relief inside a polygon (or on a line ``width`` cm wide) by ``height`` cm, rounded by ``soft``."""
        half = SCALE / 2
        rows, columns = self.patch(outline, 2.5 * soft + width)
        x0, x1, y0, y1 = columns.start // 2, columns.stop // 2, rows.start // 2, rows.stop // 2
        if x1 <= x0 or y1 <= y0 or abs(height) < 1e-3:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.float32)
        place = [pixels(outline, (x0, y0), half)]
        if width:
            cv2.polylines(mask, place, False, float(height), max(1, round(width * half)), cv2.LINE_8, SHIFT)
        else:
            cv2.fillPoly(mask, place, float(height), cv2.LINE_8, SHIFT)
        self.relief[y0:y1, x0:x1] += cv2.GaussianBlur(mask, (0, 0), soft * half)


def soften(mask: NDArray[np.uint8], soft: float) -> NDArray[np.uint8]:
    """``mask`` blurred with a standard deviation of ``soft`` cm."""
    width = 2 * max(1, round(2.45 * soft * SCALE)) + 1
    blurred: NDArray[Any] = cv2.stackBlur(mask, (width, width))
    return blurred


def blend(
    view: NDArray[np.uint8], colour: Colour | NDArray[np.uint8], mask: NDArray[np.uint8], strength: float
) -> None:
    """Mix ``colour`` (one, or an image) into the image ``view`` where ``mask`` (h, w) uint8 says, in place."""
    over = colour if isinstance(colour, np.ndarray) else np.full(view.shape, colour, np.uint8)
    view[:] = mix(view, over, mask * np.float32(strength / 255.0))


def mix(under: NDArray[np.uint8], over: NDArray[np.uint8], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image ``over`` laid on ``under`` with coverage ``share`` (H, W) 0..1."""
    mixed: NDArray[Any] = cv2.blendLinear(over, under, share, np.float32(1.0) - share)
    return mixed


def glow(x: float, y: float, wide: float, tall: float) -> NDArray[np.float32]:
    """A Gaussian (HEIGHT, WIDTH) of peak 1 at a head point, standard deviations in cm."""
    across = np.exp(-0.5 * (((np.arange(WIDTH) + 0.5) / SCALE + LEFT - x) / wide) ** 2)
    down = np.exp(-0.5 * ((TOP - (np.arange(HEIGHT) + 0.5) / SCALE - y) / tall) ** 2)
    return np.outer(down, across).astype(np.float32)


@functools.cache
def base() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The parts of the painting that never move: complexion, and the relief of sockets, nose and philtrum."""
    colour = np.empty((HEIGHT, WIDTH, 3), np.float32)
    colour[:] = (160, 190, 234)
    relief = np.zeros((HEIGHT, WIDTH), np.float32)

    def wash(shade: tuple[int, int, int], area: NDArray[np.float32]) -> None:
        colour[:] += (np.array(shade, np.float32) - colour) * np.clip(area, 0, 1)[..., None]

    for sign in (1, -1):
        wash((122, 140, 232), 0.50 * glow(sign * 4.5, -3.3, 1.6, 1.2))
        wash((128, 150, 205), 0.50 * glow(sign * 3.1, 1.05, 1.6, 0.55))
        wash((140, 160, 212), 0.35 * glow(sign * 3.0, -1.2, 1.3, 0.5))
        wash((120, 138, 214), 0.45 * glow(sign * 8.2, -0.5, 1.1, 2.2))
        wash((84, 96, 168), 0.45 * glow(sign * 1.45, 0.3, 0.45, 0.9))
        wash((40, 48, 110), 0.95 * glow(sign * 0.55, -3.62, 0.30, 0.13))
        wash((90, 104, 180), 0.45 * glow(sign * 1.62, -3.15, 0.14, 0.42))
        relief -= 0.42 * glow(sign * 2.9, 0.35, 1.5, 1.0)
        relief -= 0.25 * glow(sign * 1.5, 0.4, 0.5, 0.8)
        relief += 0.20 * glow(sign * 3.3, 2.2, 1.7, 0.55)
        relief += 0.10 * glow(sign * 0.42, -4.6, 0.13, 0.5)
    wash((120, 138, 230), 0.40 * glow(0, -2.8, 0.8, 0.7))
    wash((120, 140, 205), 0.55 * glow(0, -3.85, 0.9, 0.22))
    wash((126, 146, 212), 0.40 * glow(0, -7.9, 1.3, 0.30))
    wash((120, 150, 226), 0.25 * glow(0, -9.8, 1.3, 0.9))
    relief -= 0.10 * glow(0, -4.6, 0.22, 0.5)
    relief -= 0.12 * glow(0, -7.9, 1.5, 0.40)
    return np.clip(colour, 0, 255).astype(np.uint8), cv2.resize(
        relief, (WIDTH // 2, HEIGHT // 2), None, 0, 0, cv2.INTER_AREA
    )
