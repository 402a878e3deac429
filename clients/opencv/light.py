"""Light and materials: skin, hair, cloth and backdrop, from unit normals (3, H, W) in the viewer's frame."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .surface import Array, Surface

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """A person's colours, BGR: hair (body, sheen, rim), top (lit, rim), what the skin multiplies; and the haircut."""

    hair: tuple[Colour, Colour, Colour]
    top: tuple[Colour, Colour]
    skin: Colour
    short: bool


AVATAR = Style(((40, 58, 96), (62, 84, 116), (120, 118, 112)), ((128, 104, 52), (120, 100, 70)), (1.0, 1.0, 1.0), False)
PARTNER = Style(((34, 34, 40), (70, 74, 84), (120, 116, 112)), ((72, 84, 168), (80, 84, 110)), (0.80, 0.86, 0.93), True)


def _unit(*vector: float) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (np.array(vector) / np.linalg.norm(vector)).astype(np.float32)
    return unit


KEY, FILL, RIM, SHINE = (
    _unit(-0.50, 0.55, 0.72),
    _unit(0.75, 0.05, 0.50),
    _unit(0.85, 0.35, -0.45),
    _unit(-0.26, 0.36, 0.9),
)
LIGHTS = np.stack([KEY, FILL, RIM, SHINE])
UNITY = 150.0  # the light level, of 255, that leaves a colour as it is


def bend(
    normal: Array, relief: Array, across: Array, down: Array, front: NDArray[np.bool_], turned: NDArray[np.float64]
) -> None:
    """Tilt ``normal`` in place by the slopes of the painting's ``relief``, looked up at texture pixels."""
    slope = cv2.merge(
        [cv2.Sobel(relief, cv2.CV_32F, 1, 0, None, 3, 1.25), cv2.Sobel(relief, cv2.CV_32F, 0, 1, None, 3, 1.25)]
    )
    half = np.float32(0.5)
    tilt = cv2.remap(
        slope, across * half - half / 2, down * half - half / 2, cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT
    )
    tilt *= front[..., None]
    right, up = turned[:, 0].astype(np.float32), turned[:, 1].astype(np.float32)
    normal -= right[:, None, None] * tilt[..., 0]
    normal += up[:, None, None] * tilt[..., 1]
    normal /= np.sqrt(np.einsum("ijk,ijk->jk", normal, normal)) + np.float32(1e-6)


def skin(normal: Array, gap: Array, own: Array, tone: Colour) -> Image:
    """Light (H, W, 3) uint8 on skin, :data:`UNITY` meaning 1.

    ``gap`` is how far, in cm, the skin lies in front of the hair, ``own`` (3, H, W) the place on the head,
    ``tone`` what the complexion multiplies light by.
    """
    shape = normal.shape[1:]
    lit = LIGHTS @ normal.reshape(3, -1)
    facing = normal[2].ravel()
    key = np.clip((lit[0] + 0.28) / 1.28, 0.0, 1.0)
    key *= key * (3.0 - 2.0 * key) * 0.35 + 0.65
    fill = np.maximum(lit[1], 0.0)
    rim = np.maximum(lit[2], 0.0) * np.square(1.0 - np.maximum(facing, 0.0))
    sky = 0.5 + 0.5 * normal[1].ravel()
    ember = key * (1.0 - key)  # light that went through the skin reddens the edge of shade
    shine = np.maximum(lit[3], 0.0) ** 26
    # Shade thrown by the fringe, and below the chin.
    near = np.exp(-np.square(np.clip((gap.ravel() - 0.10) / 0.55, -2.5, 6.0)))
    under = np.clip((-10.2 - own[1].ravel()) / 3.0, 0.0, 1.0) * np.clip((4.0 - own[2].ravel()) / 3.0, 0.0, 1.0)
    open_sky = (1.0 - 0.42 * near) * (1.0 - 0.50 * under)
    key, sky, shine = key * open_sky, sky * open_sky, shine * open_sky
    terms = np.stack([np.full_like(key, 0.20), sky, key, fill, rim, ember, shine])
    palette = np.array(
        [
            [1.00, 0.92, 0.96],
            [0.20, 0.17, 0.15],
            [0.60, 0.72, 0.80],
            [0.16, 0.11, 0.09],
            [0.62, 0.54, 0.50],
            [-0.05, 0.02, 0.26],
            [0.11, 0.11, 0.11],
        ],
        np.float32,
    )
    glow = (palette * np.array(tone, np.float32) * np.float32(UNITY)).T @ terms
    return picture_of(glow, shape)


def apply(colour: Image, glow: Image) -> Image:
    """``colour`` under light ``glow``, both (H, W, 3) uint8."""
    lit: NDArray[Any] = cv2.multiply(colour, glow, None, 1.0 / UNITY)
    return lit


def picture_of(channels: Array, shape: tuple[int, ...]) -> Image:
    """``channels`` (3, H * W) in 0..255 as an image (H, W, 3) uint8."""
    planes = np.clip(channels, 0, 255).astype(np.uint8).reshape(3, *shape)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


@functools.cache
def strand_noise() -> Array:
    """Streaks (256, 512) in -1..1: across are strands around the head, down is along them."""
    noise = np.random.default_rng(5).standard_normal((256, 512)).astype(np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.2, sigmaY=36, borderType=cv2.BORDER_REFLECT)
    broad = cv2.GaussianBlur(noise, (0, 0), sigmaX=5.0, sigmaY=50, borderType=cv2.BORDER_REFLECT)
    noise = 0.55 * fine / fine.std() + 0.45 * broad / broad.std()
    streaks: Array = np.clip(noise, -2, 2).astype(np.float32) * np.float32(0.5)
    return streaks


def hair(surface: Surface, turned: NDArray[np.float64], offset: NDArray[np.float64], style: Style) -> Image:
    """Colour (H, W, 3) uint8 of hair with a sheen across its strands."""
    normal, shape = surface.normal, surface.depth.shape
    own = surface.points(turned, offset)
    # Strands leave a parting high on the person's left side and run around the head.
    angle = cv2.phase(own[2] + np.float32(7.0), own[0] - np.float32(2.4))
    angle = np.where(angle > np.pi, angle - np.float32(2 * np.pi), angle)
    streak = cv2.remap(
        strand_noise(),
        (angle * 110 + 256).astype(np.float32),
        (own[1] * 7 + 128).astype(np.float32),
        cv2.INTER_LINEAR,
        None,
        cv2.BORDER_REFLECT,
    )
    lit = (LIGHTS @ normal.reshape(3, -1)).reshape(4, *shape)
    up = turned[:, 1].astype(np.float32)
    rise = np.tensordot(up, normal, 1)
    along = (float(up @ SHINE) - rise * lit[3]) / np.sqrt(np.maximum(1.0 - rise * rise, 0.05))
    along += 0.13 * streak - 0.02
    sheen = np.maximum(1.0 - along * along, 0.0) ** 14 * np.maximum(lit[3], 0.0)
    key = np.clip((lit[0] + 0.35) / 1.35, 0.0, 1.0)
    rim = np.maximum(lit[2], 0.0) * np.square(1.0 - np.maximum(normal[2], 0.0))
    body = (0.30 + 0.80 * key) * (1.0 + 0.30 * streak)
    terms = np.stack([body, sheen * (1.0 + 0.5 * streak), rim]).reshape(3, -1)
    colour = np.array(style.hair, np.float32).T @ terms
    return picture_of(colour, shape)


def cloth(normal: Array, style: Style) -> Image:
    """Colour (H, W, 3) uint8 of the knitted top."""
    lit = (LIGHTS @ normal.reshape(3, -1)).reshape(4, *normal.shape[1:])
    key = np.clip((lit[0] + 0.2) / 1.2, 0.0, 1.0)
    rim = np.maximum(lit[2], 0.0) * np.square(1.0 - np.maximum(normal[2], 0.0))
    level = 0.28 + 0.80 * key
    return picture_of(np.array(style.top, np.float32).T @ np.stack([level, rim]).reshape(2, -1), level.shape)


def backdrop(width: int, height: int) -> Image:
    """A calm gradient, lighter behind the head."""
    x = (np.arange(width) + 0.5 - width / 2) / height
    y = (np.arange(height)[:, None] + 0.5) / height - 0.42
    glow = np.exp(-(x * x + y * y) / 0.20)[..., None]
    dither = np.random.default_rng(3).uniform(-0.7, 0.7, (height, width, 1))  # hides banding in so smooth a gradient
    colour = np.array([86, 70, 58]) + np.array([104, 92, 84]) * glow + dither
    image: Image = np.clip(colour, 0, 255).astype(np.uint8)
    return image


def cast(picture: Image, share: Array, window: tuple[slice, slice], onto: Array) -> None:
    """Darken ``picture`` where the head, of coverage ``share`` in ``window``, throws soft shadow on cover ``onto``."""
    height, width = onto.shape
    whole = np.zeros((height, width), np.float32)
    whole[window] = share
    small = cv2.resize(whole, (max(width // 8, 1), max(height // 8, 1)), None, 0, 0, cv2.INTER_AREA)
    drop = max(1, small.shape[0] // 16)
    fallen = np.zeros_like(small)
    fallen[drop:] = small[:-drop]
    blurred = cv2.GaussianBlur(fallen, (0, 0), max(1.0, small.shape[0] / 28))
    first = int(np.argmax(onto.any(axis=1)))  # the body fills the lower part only
    shadow = cv2.resize(blurred, (width, height), None, 0, 0, cv2.INTER_LINEAR)[first:] * onto[first:]
    level = cv2.convertScaleAbs(shadow, None, -0.55 * 255.0, 255.0)
    cv2.multiply(picture[first:], cv2.merge([level] * 3), picture[first:], 1.0 / 255)
