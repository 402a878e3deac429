"""Eyes and brows on the face texture: aperture, white, iris, lids, lashes and crease, from the face's numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from .paint import SCALE, Points, Texture, blend, soften

CENTRE_X, CENTRE_Y, HALF_WIDTH = 3.15, 0.0, 1.72
IRIS = 0.98  # radius, cm
LASH = (28, 26, 36)
BROW = (32, 46, 74)
SPAN = np.linspace(0.0, 1.0, 25)
UPPER = (4.0 * SPAN * (1.0 - SPAN)) ** 0.72 * (1.06 - 0.12 * SPAN)
LOWER = (4.0 * SPAN * (1.0 - SPAN)) ** 0.85 * (0.90 + 0.16 * SPAN)


@functools.cache
def iris_sprite() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(BGR, coverage) of an iris with pupil, 96 x 96, radius 40 pixels about the middle; lit from the upper left."""
    y, x = np.mgrid[0:96, 0:96].astype(np.float32) - 47.5
    radius, angle = np.hypot(x, y) / 40.0, np.arctan2(y, x)
    streaks = 0.5 + 0.5 * np.sin(angle * 23 + 2.2 * np.sin(angle * 7)) * np.clip((radius - 0.35) * 4, 0, 1)
    light = np.clip(0.62 + 0.50 * y / 40.0 + 0.16 * streaks, 0.25, 1.25)[..., None]
    colour = np.array([108, 142, 84], np.float32) * light
    warm = np.exp(-(((radius - 0.52) / 0.16) ** 2))[..., None] * 0.55
    colour += (np.array([70, 140, 150], np.float32) * light - colour) * warm
    ring = np.clip((radius - 0.74) / 0.22, 0, 1)[..., None]
    colour += (np.array([44, 46, 26], np.float32) - colour) * ring * 0.85
    pupil = np.clip((0.46 - radius) * 40 / 2.0 + 0.5, 0, 1)[..., None]
    colour += (np.array([18, 14, 14], np.float32) - colour) * pupil
    cover = np.clip((1.0 - radius) * 40 / 2.5 + 0.5, 0, 1) * 255
    return np.clip(colour, 0, 255).astype(np.uint8), cover.astype(np.uint8)


def gaze(face: Mapping[str, float], end: str) -> tuple[float, float]:
    """Displacement of one iris from the eye's middle, cm, in head axes; ``end`` is Left or Right."""
    outward = 1.0 if end == "Left" else -1.0
    across = outward * (face[f"eyeLookOut{end}"] - face[f"eyeLookIn{end}"])
    return 0.92 * across, 0.58 * face[f"eyeLookUp{end}"] - 0.62 * face[f"eyeLookDown{end}"]


def lids(face: Mapping[str, float], end: str) -> tuple[Points, Points, Points]:
    """(upper lid as it is, upper lid if open, lower lid) of one eye as (25, 2) curves from inner to outer corner."""
    sign = 1.0 if end == "Left" else -1.0
    blink, wide, squint = face[f"eyeBlink{end}"], face[f"eyeWide{end}"], face[f"eyeSquint{end}"]
    cheek = max(face[f"cheekSquint{end}"], 0.55 * face[f"mouthSmile{end}"])
    up, down = face[f"eyeLookUp{end}"], face[f"eyeLookDown{end}"]
    x = sign * (CENTRE_X + HALF_WIDTH * (2.0 * SPAN - 1.0))
    corner = CENTRE_Y - 0.16 + 0.30 * SPAN
    rise = 1.02 + 0.34 * wide - 0.26 * squint + 0.16 * up - 0.34 * down - 0.10 * face[f"browDown{end}"]
    sink = max(0.74 + 0.10 * wide - 0.40 * squint - 0.26 * cheek + 0.10 * down - 0.06 * up, 0.16)
    lower = corner - sink * LOWER
    closed = corner - (0.80 * sink) * LOWER
    opened = corner + max(rise, 0.35) * UPPER
    upper = opened + (closed - opened) * blink
    lower = lower + (closed - lower) * blink
    curves = [np.stack([x, y], axis=1) for y in (upper, opened, lower)]
    return curves[0], curves[1], curves[2]


def paint_eye(texture: Texture, face: Mapping[str, float], end: str) -> None:
    """One eye with its lids and lashes."""
    sign = 1.0 if end == "Left" else -1.0
    upper, opened, lower = lids(face, end)
    blink = face[f"eyeBlink{end}"]
    outline = np.concatenate([upper, lower[::-1]])
    crease = opened + np.stack([np.zeros(25), 0.16 + 0.30 * UPPER], axis=1)
    crease[:, 1] -= 0.22 * blink + 0.10 * face[f"eyeSquint{end}"]
    lid = np.concatenate([crease, upper[::-1]])
    texture.tint(lid, (132, 150, 206), 0.55 + 0.15 * blink, 0.10)
    texture.tint(crease[2:], (70, 84, 150), 0.60 - 0.25 * blink, 0.06, 0.10)
    bag = lower + np.stack([np.zeros(25), -0.34 - 0.05 * LOWER], axis=1)
    texture.tint(bag[4:-3], (96, 112, 180), 0.18 + 0.45 * face[f"eyeSquint{end}"], 0.10, 0.10)

    rows, columns = texture.patch(outline, 0.15)
    mask = texture.mask(outline, (rows, columns))
    ball = np.empty((*mask.shape, 3), np.uint8)
    ball[:] = (238, 240, 246)
    place = ((columns.start, rows.start), texture, sign)
    paint_ball(ball, gaze(face, end), upper, *place)
    blend(texture.colour[rows, columns], ball, mask, 1.0)

    # The waterline lightens the lower rim, which makes the eye look moist rather than cut out.
    texture.tint(lower[2:-1] - (0, 0.02), (150, 160, 222), 0.55 * (1.0 - blink), 0.02, 0.10)
    texture.tint(lower[8:] - (0, 0.07), (60, 66, 110), 0.55, 0.03, 0.06)
    lashes(texture, upper, sign, blink)
    texture.emboss(np.concatenate([opened, lower[::-1]]), 0.10 + 0.28 * blink, 0.30)
    texture.emboss(upper, 0.10, 0.10, 0.15)


def paint_ball(
    ball: NDArray[np.uint8],
    look: tuple[float, float],
    upper: Points,
    origin: tuple[int, int],
    texture: Texture,
    sign: float,
) -> None:
    """White, iris and catchlights into the patch ``ball`` whose corner is texture pixel ``origin``."""
    window = (slice(origin[1], origin[1] + ball.shape[0]), slice(origin[0], origin[0] + ball.shape[1]))
    inner = np.array([[sign * (CENTRE_X - HALF_WIDTH + 0.10), CENTRE_Y - 0.18]])
    shade = soften(texture.mask(upper, window, 0.55), 0.16)
    middle = (np.array([sign * CENTRE_X, CENTRE_Y + 0.10]) + look - (-9.0, 9.5)) * (SCALE, -SCALE) - 0.5 - origin
    # An iris turned away from the viewer narrows.
    squeeze = np.sqrt(1.0 - np.minimum((np.array(look) / 1.9) ** 2, 0.6))
    size = IRIS * SCALE / 40.0 * squeeze
    move = np.array([[size[0], 0, middle[0] - 47.5 * size[0]], [0, size[1], middle[1] - 47.5 * size[1]]])
    colour, cover = iris_sprite()
    shape = (ball.shape[1], ball.shape[0])
    cover = cv2.warpAffine(cover, move, shape, None, cv2.INTER_AREA)
    edge = cv2.warpAffine(colour, move, shape, None, cv2.INTER_AREA, cv2.BORDER_REPLICATE)
    blend(ball, edge, cover, 1.0)
    blend(ball, (96, 92, 112), shade, 0.62)
    cv2.circle(ball, *_dot(inner[0], 0.17, origin), (150, 156, 222), -1, cv2.LINE_AA, 4)
    shine = np.array([sign * CENTRE_X, CENTRE_Y + 0.10]) + 0.86 * np.array(look)
    cv2.circle(ball, *_dot(np.add(shine, (-0.34, 0.36)), 0.24, origin), (255, 255, 255), -1, cv2.LINE_AA, 4)
    cv2.circle(ball, *_dot(np.add(shine, (0.38, -0.42)), 0.10, origin), (226, 230, 236), -1, cv2.LINE_AA, 4)


def _dot(point: Points, radius: float, origin: tuple[int, int]) -> tuple[tuple[int, int], int]:
    place = ((point - (-9.0, 9.5)) * (SCALE, -SCALE) - 0.5 - origin) * 16
    return (round(float(place[0])), round(float(place[1]))), round(radius * SCALE * 16)


def lashes(texture: Texture, upper: Points, sign: float, blink: float) -> None:
    """The upper lash line: a stroke that thickens outwards and ends in a small wing."""
    thick = (0.07 + 0.17 * SPAN**1.4) * np.minimum(1.0, 12.0 * (1.02 - SPAN))
    wing = upper[-1] + (sign * 0.30, 0.20 - 0.34 * blink)
    top = upper + np.stack([sign * 0.04 * SPAN, thick], axis=1)
    bottom = upper - (0, 0.03)
    texture.fill(np.concatenate([top[:-1], wing[None], bottom[::-1]]), LASH)
    if blink > 0.5:  # lashes of a closed eye point down and give it a visible edge
        for at in (10, 13, 16, 19, 22):
            root = upper[at]
            tip = np.add(root, (sign * 0.02 * (at - 8), -0.26 * (blink - 0.5) * 2.0))
            texture.fill(np.array([root - (0.05, 0), tip, np.add(root, (0.05, 0))]), LASH)


def paint_brow(texture: Texture, face: Mapping[str, float], end: str) -> None:
    """One brow: a tapered band whose inner end, arch and tail move on their own."""
    sign = 1.0 if end == "Left" else -1.0
    inner, outer, down = face["browInnerUp"], face[f"browOuterUp{end}"], face[f"browDown{end}"]
    x = CENTRE_X - 1.95 + 4.05 * SPAN
    arch = 2.14 + 0.56 * np.sin(np.pi * np.clip(SPAN / 1.30, 0, 1)) - 0.18 * SPAN
    near, far = (1.0 - SPAN) ** 1.3, SPAN * (1.25 - 0.45 * SPAN)
    y = arch + 1.05 * inner * near + 0.95 * outer * far + 0.30 * inner * SPAN - down * (0.95 * near + 0.42)
    x = x - 0.32 * down * near - 0.05 * inner * near
    y = y + 0.10 * face[f"eyeWide{end}"] - 0.08 * face[f"noseSneer{end}"] * near
    thick = 0.30 * (1.0 - SPAN) ** 0.45 * np.minimum(1.0, 0.62 + 3.0 * SPAN) + 0.03
    top = np.stack([sign * x, y + thick], axis=1)
    bottom = np.stack([sign * x, y - thick], axis=1)
    band = np.concatenate([top, bottom[::-1]])
    texture.tint(band, BROW, 0.45, 0.09)
    texture.tint(band, BROW, 0.78, 0.025)
    texture.emboss(band, 0.08, 0.16)
    if inner > 0.15:  # raised inner ends fold the forehead
        fold = np.stack(
            [sign * np.linspace(0.0, 2.6, 9), 4.6 + 0.5 * inner - 0.03 * np.linspace(0, 2.6, 9) ** 2], axis=1
        )
        for step in (0.0, 0.95):
            texture.tint(np.add(fold, (0, step)), (110, 130, 196), 0.30 * inner, 0.10, 0.10)
    frown = np.array([[sign * 0.62, 1.15], [sign * 0.50, 1.75], [sign * 0.62, 2.35]])
    texture.tint(frown, (92, 110, 176), 0.55 * down, 0.08, 0.10)
