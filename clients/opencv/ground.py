"""The stage that bodies stand on: backdrop, a floor grid that fades with distance, and soft contact shadows.

The floor is the plane y = 0 of the engine's stage, lines a metre apart, so how high a foot is and how far a body
travels can be read off the picture.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import NEAR, Array, Camera, Size

Image = NDArray[np.uint8]

REACH = 9  # m of grid around the camera's target
LINE = (150, 140, 130)
STEPS = 6  # of fading
SHIFT = 4  # fractional bits of cv2's drawing coordinates
FARTHEST_PIXEL = 16_000  # what cv2 can count with its fractional bits
SMALL = 4  # the picture's pixels per pixel of the shadow
LIFT = 0.30  # m over the floor at which a shadow has lost most of its strength


@functools.lru_cache(maxsize=8)
def backdrop(size: Size) -> Image:
    """The empty room in a picture of ``size``: dark, with a pool of light on the floor around the middle."""
    width, height = size
    x = (np.arange(width) + 0.5 - width / 2) / height
    y = (np.arange(height)[:, None] + 0.5) / height
    pool = np.exp(-((x / 0.75) ** 2) - ((y - 0.80) / 0.30) ** 2)
    wall = np.exp(-((x / 0.60) ** 2) - ((y - 0.38) / 0.42) ** 2)
    dither = np.random.default_rng(3).uniform(-0.7, 0.7, (height, width, 1))
    colour = np.array((46.0, 38.0, 33.0)) + pool[..., None] * (44, 41, 38) + wall[..., None] * (28, 23, 20) + dither
    image: Image = np.clip(colour, 0, 255).astype(np.uint8)
    return image


def draw_grid(picture: Image, camera: Camera, floor: float) -> None:
    """Lines a metre apart on the plane y = ``floor``, fading away from where the camera looks."""
    size = (picture.shape[1], picture.shape[0])
    middle = np.array((camera.target[0], floor, camera.target[2]))
    far = max(1.0, camera.distance / 5.0)  # from far away the squares are larger, so that lines stay apart
    square = float(2.0 ** np.floor(np.log2(far)))
    ticks = np.arange(-REACH, REACH + 1, dtype=np.float64)
    start = np.round(middle / square)
    x, z = np.meshgrid((ticks + start[0]) * square, (ticks + start[2]) * square)
    points = np.stack([x, np.full_like(x, floor), z], -1)
    places = camera.project(points, size)
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        first, last, here, there = places[one], places[other], points[one], points[other]
        apart = np.linalg.norm((here + there) / 2 - middle, axis=-1) / (REACH * square)
        shown = (first[..., 2] > 0.5) & (last[..., 2] > 0.5) & (apart < 1.0)
        ends = np.stack([first[shown][:, :2], last[shown][:, :2]], 1)
        strength = np.floor((1.0 - apart[shown]) ** 1.5 * STEPS).astype(int)
        inside = (np.abs(ends) < FARTHEST_PIXEL).all((1, 2))
        for step in range(1, STEPS + 1):
            lines = np.round(ends[inside & (strength == step)] * (1 << SHIFT)).astype(np.int32)
            if len(lines):
                share = 0.42 * step / STEPS
                colour = tuple(int(70 + (line - 70) * share * 1.6) for line in LINE)
                cv2.polylines(picture, list(lines), False, colour, 1, cv2.LINE_AA, SHIFT)


def draw_shadow(
    picture: Image, camera: Camera, floor: float, ends: Array, radii: NDArray[np.float64], strength: float = 0.62
) -> None:
    """Darken the floor under capsules between ``ends`` (N, 2, 3) in the world, of ``radii`` (N,) metres.

    What is close to the floor casts a dark, narrow shadow, what is high a faint, wide one.
    """
    size = (picture.shape[1], picture.shape[0])
    height = np.maximum(ends[..., 1].mean(1) - floor, 0.0)
    flat = ends.copy()
    flat[..., 1] = floor
    places = camera.project(flat, size)
    order = np.argsort(-height)
    scale = camera.focal(size) / np.maximum(places[..., 2].mean(1), NEAR)
    shown = np.all(places[..., 2] > 0.5, axis=1) & np.all(np.abs(places[..., :2]) < FARTHEST_PIXEL, axis=(1, 2))
    order = order[shown[order]]
    if not len(order):
        return
    soft = max(1.2 * SMALL, 0.045 * float(scale[order].mean()))  # pixels of standard deviation
    wide = np.maximum((radii + 0.10 * height) * scale, 1.0)
    low = places[order][..., :2] - wide[order][:, None, None] - 4 * soft
    high = places[order][..., :2] + wide[order][:, None, None] + 4 * soft
    left, top = np.maximum(np.floor(low.min((0, 1)) / SMALL), 0).astype(int) * SMALL
    right, bottom = (np.minimum(high.max((0, 1)), size) // SMALL).astype(int) * SMALL
    if right - left < 2 * SMALL or bottom - top < 2 * SMALL:
        return
    mask = np.zeros(((bottom - top) // SMALL, (right - left) // SMALL), np.uint8)
    dark = (255 * strength * (0.25 + 0.75 * np.exp(-height / LIFT))).astype(int)
    nought = np.array((left, top), np.float64)
    for index in order:
        a, b = np.round((places[index, :, :2] - nought) / SMALL * (1 << SHIFT)).astype(int)
        thick = max(1, round(1.3 * wide[index] / SMALL))
        cv2.line(mask, a.tolist(), b.tolist(), int(dark[index]), thick, cv2.LINE_AA, SHIFT)
    blurred = cv2.GaussianBlur(mask, (0, 0), soft / SMALL, borderType=cv2.BORDER_CONSTANT)
    shade = cv2.resize(cv2.bitwise_not(blurred), (right - left, bottom - top), None, 0, 0, cv2.INTER_LINEAR)
    under = picture[top:bottom, left:right]
    cv2.multiply(under, cv2.merge([shade] * 3), under, 1.0 / 255)
