"""Draws shaded capsules with their depth: every pixel knows how far away it is, so near limbs hide far ones.

A capsule in the picture is the union of the circles between two ends (exact for its silhouette up to perspective within
one limb); at each pixel the circle that covers it best gives the sphere whose normal and depth are shown there.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Array = NDArray[np.float32]
Colour = tuple[int, int, int]

KEY = np.array([-0.42, 0.62, 0.66]) / np.linalg.norm([-0.42, 0.62, 0.66])  # right, up, towards the camera
MERGE = 0.012  # m over which one surface passes into another that it crosses
LARGEST = 4000.0  # pixels; a capsule this thick means a camera inside of it


@functools.lru_cache(maxsize=64)
def shades(colour: Colour) -> Image:
    """A colour (BGR) from its darkest shade to its highlight, (256, 1, 3) uint8."""
    light = np.linspace(0.0, 1.0, 256)[:, None]
    base = np.array(colour, np.float64)
    dark = base * 0.30 + np.array((18, 8, 6))
    body = dark + (base * 1.02 - dark) * light**1.15
    shine = 70.0 * np.clip((light - 0.86) / 0.14, 0.0, 1.0) ** 2
    table: Image = np.clip(body + shine, 0, 255).astype(np.uint8)[:, None]
    return table


class Canvas:
    """A picture being drawn, and the depth in metres of what is in each of its pixels."""

    def __init__(self, picture: Image) -> None:
        self.picture = picture
        self.depth = np.full(picture.shape[:2], np.inf, np.float32)

    def capsule(
        self,
        a: NDArray[np.float64],
        b: NDArray[np.float64],
        radii: tuple[float, float],
        metres: tuple[float, float],
        colour: Colour,
        face: tuple[NDArray[np.float64], Colour] | None = None,
    ) -> None:
        """Draw one. Ends (3,) are x, y in pixels and depth in metres, ``radii`` pixels, ``metres`` how far the
        surface comes forward, which of a flat body is not the same.

        Where the surface turns towards ``face`` (a direction right, up, towards the camera) it has another colour.
        """
        (radius, other), (thick, thin) = radii, metres
        along = b[:2] - a[:2]
        length = float(np.hypot(*along))
        if length <= abs(other - radius) + 1e-6:  # one end covers the other
            if other > radius:
                a, radius, thick = b, other, thin
            b, other, thin, length = a, radius, thick, 0.0
        window = self._window(a, b, radius, other)
        if window is None:
            return
        rows, columns = window
        ux, uy = along / length if length else np.array((1.0, 0.0))
        x = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(a[0] - 0.5)
        y = (np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(a[1] - 0.5))[:, None]
        s = x * np.float32(ux) + y * np.float32(uy)
        q = y * np.float32(ux) - x * np.float32(uy)
        size: Array | np.float32 = np.float32(radius)
        way: Array | np.float32 = np.float32(a[2])
        solid: Array | np.float32 = np.float32(thick)
        if length:
            taper = (other - radius) / length
            t = np.abs(q)
            t *= np.float32(taper / math.sqrt(1.0 - taper * taper))
            t += s
            np.clip(t, 0.0, np.float32(length), out=t)
            s -= t
            size = t * np.float32(taper) + np.float32(radius)
            way = t * np.float32((b[2] - a[2]) / length) + np.float32(a[2])
            solid = t * np.float32((thin - thick) / length) + np.float32(thick)
        inverse = np.float32(1.0) / size
        away = s * s
        away += q * q
        cover = size + np.float32(0.5) - cv2.sqrt(away)
        away *= inverse
        away *= inverse
        out = cv2.sqrt(np.maximum(np.float32(1.0) - away, np.float32(0.0)))  # the normal towards the camera
        depth = way - out * solid
        kept = self.depth[rows, columns]
        np.clip(cover, 0.0, 1.0, out=cover)
        share = np.clip((kept - depth) * np.float32(0.5 / MERGE) + np.float32(0.5), 0.0, 1.0)
        share *= cover
        np.copyto(kept, depth, where=(cover > 0.5) & (depth < kept))
        s *= inverse
        q *= inverse
        picture = self._shade(s, q, out, (float(ux), float(uy)), colour, face)
        under = self.picture[rows, columns]
        under[:] = cv2.blendLinear(picture, under, share, np.float32(1.0) - share)

    def _window(
        self, a: NDArray[np.float64], b: NDArray[np.float64], radius: float, other: float
    ) -> tuple[slice, slice] | None:
        """(rows, columns) that the capsule covers, None if it is not in the picture."""
        if not 0.0 < max(radius, other) < LARGEST:
            return None
        tall, wide = self.picture.shape[:2]
        left = max(math.floor(min(a[0] - radius, b[0] - other)) - 1, 0)
        right = min(math.ceil(max(a[0] + radius, b[0] + other)) + 2, wide)
        top = max(math.floor(min(a[1] - radius, b[1] - other)) - 1, 0)
        bottom = min(math.ceil(max(a[1] + radius, b[1] + other)) + 2, tall)
        return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None

    def _shade(
        self,
        s: Array,
        q: Array,
        out: Array,
        along: tuple[float, float],
        colour: Colour,
        face: tuple[NDArray[np.float64], Colour] | None,
    ) -> Image:
        """Colours of a surface whose normal is ``s`` along the picture's direction ``along``, ``q`` across it and
        ``out`` of the picture."""

        def towards(direction: NDArray[np.float64]) -> Array:
            x, y, z = direction[0], -direction[1], direction[2]  # rows of a picture count downwards
            level: Array = s * np.float32(along[0] * x + along[1] * y)
            level += q * np.float32(along[0] * y - along[1] * x)
            level += out * np.float32(z)
            return level

        light = towards(KEY)
        light *= np.float32(0.5)
        light += np.float32(0.5)
        light *= out * np.float32(0.35) + np.float32(0.65)  # edges are darker, so limbs stand off each other
        level = cv2.merge([cv2.convertScaleAbs(light, None, 255.0)] * 3)
        picture: Image = cv2.LUT(level, shades(colour))
        if face is not None:
            share = np.clip((towards(face[0]) - np.float32(0.35)) * np.float32(5.0), 0.0, 1.0)
            picture = cv2.blendLinear(cv2.LUT(level, shades(face[1])), picture, share, np.float32(1.0) - share)
        return picture
