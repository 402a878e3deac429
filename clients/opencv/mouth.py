"""Mouth, folds and cheeks' colour on the face texture: lips, opening, teeth and tongue from the face's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .anatomy import jaw_offset
from .paint import Points, Texture, blend, pixels, soften

REST_Y, HALF_WIDTH = -6.0, 2.30
LIP, LIP_DARK, LIP_LIGHT = (104, 104, 204), (84, 82, 176), (168, 172, 240)
SPAN = np.linspace(-1.0, 1.0, 41)  # from the person's right corner to the left one
RISE = np.where(SPAN > 0, SPAN, 0.0) ** 2  # how much a point belongs to the left end
FALL = np.where(SPAN < 0, SPAN, 0.0) ** 2
BOW = (1.0 - SPAN**2) ** 0.62 * (
    1.0 + 0.20 * np.exp(-(((np.abs(SPAN) - 0.20) / 0.13) ** 2)) - 0.10 * np.exp(-((SPAN / 0.10) ** 2))
)
FULL = (1.0 - SPAN**2) ** 0.58 * (0.86 + 0.14 * np.cos(np.pi * SPAN))


@dataclass(frozen=True, slots=True)
class Lips:
    """Outlines from the person's right corner to the left one, (41, 2) cm each, and the ``gap`` in the middle, cm."""

    upper_outer: Points
    upper_inner: Points
    lower_inner: Points
    lower_outer: Points
    gap: float

    @property
    def corners(self) -> NDArray[np.float64]:
        """(2, 2): the right and the left corner."""
        return np.stack([self.upper_inner[0], self.upper_inner[-1]])


def lips(face: Mapping[str, float]) -> Lips:
    """Where the lips are, from the face's numbers."""
    jaw_side, drop, _ = jaw_offset(face)
    pout = face["mouthPucker"]
    funnel = face["mouthFunnel"]
    opening = face["jawOpen"] * (1.0 - face["mouthClose"])
    fallen = 0.96 * drop * (1.0 - face["mouthClose"])  # how far the lower lip follows the jaw
    corner_x, corner_y = {}, {}
    for end in ("Left", "Right"):
        smile, frown, stretch = face[f"mouthSmile{end}"], face[f"mouthFrown{end}"], face[f"mouthStretch{end}"]
        dimple, press = face[f"mouthDimple{end}"], face[f"mouthPress{end}"]
        wide = HALF_WIDTH + 0.92 * smile + 0.62 * stretch + 0.22 * dimple - 0.06 * press - 0.30 * opening
        wide *= (1.0 - 0.42 * pout) * (1.0 - 0.30 * funnel)
        corner_x[end] = max(wide, 0.7)
        corner_y[end] = (
            0.10 + 1.0 * smile - 0.90 * frown - 0.22 * stretch + 0.16 * dimple - 0.60 * fallen * (0.55 - 0.2 * smile)
        )
    shift = 0.85 * (face["mouthLeft"] - face["mouthRight"])
    x = np.where(SPAN > 0, corner_x["Left"], corner_x["Right"]) * SPAN + shift
    ends = RISE * corner_y["Left"] + FALL * corner_y["Right"]
    # Part of a smile lifts the middle too; the rest is the curve towards the corners.
    ends = ends + 0.10 * (corner_y["Left"] + corner_y["Right"])

    side_up = _sides(face, "mouthUpperUp") * np.exp(-(((np.abs(SPAN) - 0.40) / 0.42) ** 2))
    side_down = _sides(face, "mouthLowerDown") * np.exp(-(((np.abs(SPAN) - 0.40) / 0.45) ** 2))
    sneer = _sides(face, "noseSneer") * np.exp(-(((np.abs(SPAN) - 0.40) / 0.42) ** 2))
    arc = (1.0 - SPAN**2) ** 0.75
    smiling = 0.5 * (face["mouthSmileLeft"] + face["mouthSmileRight"])
    lift = 0.55 * side_up + 0.22 * sneer + 0.26 * funnel + 0.30 * face["mouthShrugUpper"] + 0.22 * opening
    upper = REST_Y + ends + lift * arc - 0.05 * np.exp(-((SPAN / 0.3) ** 2))
    closed_drop = 0.55 * (drop - fallen)  # a closed mouth over a dropped jaw hangs lower as a whole
    sag = (fallen + 0.55 * side_down + 0.30 * funnel) * arc
    raised = 0.38 * face["mouthShrugLower"]
    upper = upper - closed_drop + 0.6 * raised * arc
    lower = np.minimum(REST_Y + ends - closed_drop - sag + raised * arc - 0.05 * np.exp(-((SPAN / 0.3) ** 2)), upper)
    lower_x = x + 0.8 * jaw_side * arc

    press = 0.5 * (face["mouthPressLeft"] + face["mouthPressRight"])
    plump = 1.0 + 0.30 * pout + 0.25 * funnel - 0.42 * press - 0.22 * smiling
    top = 0.60 * plump * (1.0 - 0.80 * face["mouthRollUpper"]) * BOW
    bottom = 0.84 * plump * (1.0 - 0.80 * face["mouthRollLower"]) * FULL
    return Lips(
        np.stack([x, upper + np.maximum(top, 0.0)], axis=1),
        np.stack([x, upper], axis=1),
        np.stack([lower_x, lower], axis=1),
        np.stack([lower_x, lower - np.maximum(bottom, 0.0)], axis=1),
        float((upper - lower)[20]),
    )


def _sides(face: Mapping[str, float], name: str) -> NDArray[np.float64]:
    return np.where(SPAN > 0, face[f"{name}Left"], face[f"{name}Right"])


def paint_mouth(texture: Texture, face: Mapping[str, float]) -> None:
    """Folds around the mouth, the opening with teeth and tongue, then the lips."""
    shape = lips(face)
    paint_folds(texture, face, shape)
    hole = np.concatenate([shape.upper_inner, shape.lower_inner[::-1]])
    upper = np.concatenate([shape.upper_outer, shape.upper_inner[::-1]])
    lower = np.concatenate([shape.lower_inner, shape.lower_outer[::-1]])
    widest = float((shape.upper_inner[:, 1] - shape.lower_inner[:, 1]).max())
    if widest > 0.06:
        paint_opening(texture, face, shape, hole)
    texture.tint(np.concatenate([shape.upper_outer, shape.lower_outer[::-1]]), LIP_DARK, 0.35, 0.12)
    texture.tint(lower, LIP, 0.95, 0.035)
    texture.tint(upper, LIP_DARK, 0.92, 0.035)
    middle = 0.5 * (shape.lower_inner + shape.lower_outer)[12:29]
    thick = float(np.abs(shape.lower_inner - shape.lower_outer)[20, 1])
    texture.tint(np.add(middle, (0, 0.04)), LIP_LIGHT, 0.62 * min(thick / 0.5, 1.0), 0.10, max(0.36 * thick, 0.06))
    if face["tongueOut"] > 0.02:
        paint_tongue_out(texture, face["tongueOut"], shape)
    if widest <= 0.25:  # closed lips meet in a dark line
        seam = 0.5 * (shape.upper_inner + shape.lower_inner)
        texture.tint(seam, (46, 44, 104), 0.95, 0.025, 0.11)
    for corner in shape.corners:
        spot = corner + 0.13 * np.array([[-1, 0], [0, 0.9], [1, 0], [0, -0.9]])
        texture.tint(spot, (58, 62, 128), 0.75, 0.06)
    texture.emboss(upper, 0.17, 0.14)
    texture.emboss(lower, 0.26, 0.16)
    if widest > 0.06:
        texture.emboss(hole, -0.20, 0.15)


def paint_opening(texture: Texture, face: Mapping[str, float], shape: Lips, hole: Points) -> None:
    """The inside of an open mouth, clipped to it."""
    window = texture.patch(hole, 0.12)
    rows, columns = window
    mask = texture.mask(hole, window)
    inside = np.empty((*mask.shape, 3), np.uint8)
    inside[:] = (34, 26, 78)
    corner = (columns.start, rows.start)
    left, right = shape.upper_inner[-1, 0], shape.upper_inner[0, 0]
    middle, half = 0.5 * (left + right), 0.5 * (left - right)
    drop = jaw_offset(face)[1]
    floor = float(shape.lower_inner[:, 1].min())
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    tongue = ring * (0.62 * half, 0.55 + 0.12 * drop) + (middle, floor + 0.05)
    cv2.fillPoly(inside, [pixels(tongue, corner)], (98, 92, 196), cv2.LINE_AA, 4)
    shine = ring * (0.30 * half, 0.22) + (middle, floor + 0.30)
    cv2.fillPoly(inside, [pixels(shine, corner)], (118, 112, 214), cv2.LINE_AA, 4)
    inside[:] = cv2.GaussianBlur(inside, (0, 0), 2.0)
    # Teeth sit with the skull (upper) and with the jaw (lower), so the lips slide over them.
    across = np.linspace(-1, 1, 21)
    edge = REST_Y - 0.30 - 0.10 * across**2 + 0.45 * min(face["mouthSmileLeft"], face["mouthSmileRight"]) * across**2
    if floor < REST_Y - 0.9:
        lower_edge = REST_Y - 0.55 - 0.97 * drop - 0.18 * across**2
        low = np.stack([middle + 0.72 * half * across, lower_edge], axis=1)
        box = np.concatenate([low, low[::-1] - (0, 1.2)])
        cv2.fillPoly(inside, [pixels(box, corner)], (196, 204, 214), cv2.LINE_AA, 4)
    row = np.stack([middle + 0.94 * half * across, edge], axis=1)
    box = np.concatenate([row, np.add(row[::-1], (0, 2.4))])
    cv2.fillPoly(inside, [pixels(box, corner)], (236, 241, 244), cv2.LINE_AA, 4)
    depth = soften(texture.mask(shape.upper_inner, window, 0.50), 0.15)
    blend(inside, (60, 50, 96), depth, 0.50)
    for end in (0, -1):
        dark = soften(texture.mask(shape.upper_inner[end][None] + ring * 0.55, window), 0.20)
        blend(inside, (38, 30, 80), dark, 0.85)
    blend(texture.colour[rows, columns], inside, mask, 1.0)


def paint_tongue_out(texture: Texture, amount: float, shape: Lips) -> None:
    """A tongue over the lower lip."""
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    root = shape.lower_inner[20]
    middle = root - (0, 0.65 * amount)
    tongue = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (0.95, 0.25 + 0.95 * amount) + middle
    texture.tint(tongue, (104, 100, 212), 1.0, 0.03)
    texture.tint(np.stack([np.add(root, (0, 0.2)), middle - (0, 0.5 * amount)]), (74, 70, 170), 0.6, 0.06, 0.08)
    texture.emboss(tongue, 0.25, 0.2)


def paint_folds(texture: Texture, face: Mapping[str, float], shape: Lips) -> None:
    """Smile lines, blush, dimples, chin crease and nose wrinkles."""
    for sign, end, corner in ((-1.0, "Right", shape.corners[0]), (1.0, "Left", shape.corners[1])):
        smile, sneer = face[f"mouthSmile{end}"], face[f"noseSneer{end}"]
        fold = min(1.0, 0.10 + 0.85 * smile + 0.6 * sneer + 0.35 * face[f"mouthDimple{end}"] + 0.3 * face["jawOpen"])
        start = np.array([sign * 1.55, -3.35 + 0.3 * sneer])
        finish = np.array([corner[0] + sign * (0.50 + 0.15 * smile), corner[1] + 0.35])
        along = np.linspace(0, 1, 9)[:, None]
        bend = np.array([sign * (0.25 + 0.40 * smile), 0.35]) * np.sin(np.pi * along)
        line = start + (finish - start) * along + bend
        texture.tint(line[1:], (92, 104, 190), 0.42 * fold, 0.09, 0.12)
        texture.emboss(line[1:], -0.12 * fold, 0.22, 0.20)
        texture.bump(sign * 3.9, -2.7 + 0.5 * smile, 1.1, 0.8, 0.22 * max(smile, face[f"cheekSquint{end}"]))
        blush = np.stack(
            [sign * (4.1 + 1.3 * np.cos(6.28 * along[:, 0])), -2.6 + 0.8 * np.sin(6.28 * along[:, 0])], axis=1
        )
        texture.tint(blush, (112, 128, 240), 0.42 * smile, 0.60)
        dimple = face[f"mouthDimple{end}"]
        if dimple > 0.02:
            spot = corner + (sign * 0.45, 0.05) + 0.13 * np.array([[-1, 0], [0, 1.6], [1, 0], [0, -1.6]])
            texture.tint(spot, (84, 96, 170), 0.8 * dimple, 0.08)
        wrinkle = np.array([[sign * 0.55, -0.6], [sign * 1.05, -0.9], [sign * 1.35, -1.5]])
        texture.tint(wrinkle, (96, 112, 184), 0.5 * sneer, 0.08, 0.10)
    under = shape.lower_outer[12:29].mean(axis=0)
    crease = np.stack(
        [under[0] + np.linspace(-1.2, 1.2, 9), under[1] - 0.32 - 0.14 * np.linspace(-1, 1, 9) ** 2], axis=1
    )
    texture.tint(crease, (100, 118, 192), 0.34 + 0.3 * face["mouthShrugLower"], 0.16, 0.22)
