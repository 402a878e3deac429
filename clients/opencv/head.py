"""Draws the avatar's head from the 58 numbers of a face.

The solid parts are solved per pixel at reduced resolution (:mod:`.surface`), the features are painted flat
(:mod:`.eyes`, :mod:`.mouth`) and projected onto them, so a turned head hides its far features by itself. Light is
computed at the reduced resolution too; only colours and silhouettes are full size.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import anatomy, light, paint
from .eyes import paint_brow, paint_eye
from .light import AVATAR, Style
from .mouth import paint_mouth
from .paint import mix
from .surface import FAR, Array, Ellipsoid, Surface, box, solve

Image = NDArray[np.uint8]
VIEW = 35.5  # cm of the picture's height, at the plane z = 0
MIDDLE = -2.6  # head-frame height of the picture's middle, cm
LIMITS = {"headPitch": 0.7, "headYaw": 1.0, "headRoll": 0.7, "headX": 0.12, "headY": 0.12, "headZ": 0.12}
REDUCE = 2  # the picture's pixels per pixel of the solved geometry, along each axis


class Face(dict[str, float]):
    """Numbers by name; what the source lacks is 0, what is out of range is clamped, what is not finite is 0."""

    def __missing__(self, name: str) -> float:
        """The neutral value."""
        return 0.0

    @classmethod
    def of(cls, values: Mapping[str, float] | NDArray[np.floating], names: Sequence[str] | None = None) -> Face:
        """A face from a mapping, or from an array (N,) and its N names."""
        pairs = values.items() if isinstance(values, Mapping) else zip(names or (), values.tolist(), strict=True)
        face = cls()
        for name, value in pairs:
            low, high = (-LIMITS[name], LIMITS[name]) if name in LIMITS else (0.0, 1.0)
            face[name] = min(max(float(value), low), high) if np.isfinite(value) else 0.0
        return face


@dataclass(frozen=True, slots=True)
class Stage:
    """What does not move at one picture size: ray grid (cm), the dressed body before its backdrop, its cover, depth."""

    x: Array
    y: Array
    picture: Image
    cloth_cover: Array
    cloth_depth: Array


@functools.lru_cache(maxsize=6)
def stage(columns: int, rows: int, style: Style) -> Stage:
    """The stage for pictures solved on ``columns`` x ``rows`` pixels."""
    step = VIEW / rows
    x = ((np.arange(columns) + 0.5 - columns / 2) * step).astype(np.float32)
    y = (MIDDLE - (np.arange(rows) + 0.5 - rows / 2) * step).astype(np.float32)
    cloth = solve(anatomy.body(), x, y, 0.5)
    share = cover(cloth.edge)
    backdrop = light.backdrop(columns * REDUCE, rows * REDUCE)
    return Stage(x, y, mix(backdrop, enlarge(light.cloth(cloth.normal, style)), share), share, cloth.depth)


def enlarge(image: NDArray[Any]) -> NDArray[Any]:
    """The reduced ``image`` at the picture's size."""
    full: NDArray[Any] = cv2.resize(image, None, None, REDUCE, REDUCE, cv2.INTER_LINEAR)
    return full


def cover(edge: Array) -> Array:
    """Coverage 0..1 at full size of where the reduced field ``edge`` is positive, one pixel soft."""
    across = cv2.Sobel(edge, cv2.CV_32F, 1, 0, None, 3, 0.125)
    down = cv2.Sobel(edge, cv2.CV_32F, 0, 1, None, 3, 0.125)
    distance = edge / (cv2.magnitude(across, down) + np.float32(1e-3))
    np.clip(distance, -8.0, 8.0, out=distance)
    share: Array = np.clip(enlarge(distance) * np.float32(REDUCE) + np.float32(0.5), 0.0, 1.0)
    return share


def before(front: Array, back: Array) -> Array:
    """Share 0..1 at full size by which the reduced depth ``front`` lies before ``back``, one pixel soft."""
    return cover(np.clip(front - back, -3.0, 3.0))


def bounds(solids: list[Ellipsoid], place: Stage) -> tuple[slice, slice]:
    """(rows, columns) of the reduced grid around all ``solids``."""
    boxes = [box(solid, place.x, place.y) for solid in solids]
    top, bottom = min(rows.start for rows, _ in boxes), max(rows.stop for rows, _ in boxes)
    left, right = min(columns.start for _, columns in boxes), max(columns.stop for _, columns in boxes)
    return slice(top, bottom), slice(left, right)


def paint_face(face: Mapping[str, float]) -> paint.Texture:
    """The flat painting of a face."""
    texture = paint.Texture(*paint.base())
    paint_mouth(texture, face)
    for end in ("Left", "Right"):
        paint_eye(texture, face, end)
        paint_brow(texture, face, end)
    return texture


def draw_head(
    values: Mapping[str, float] | NDArray[np.floating],
    names: Sequence[str] | None = None,
    size: int | tuple[int, int] = 480,
    style: Style = AVATAR,
) -> Image:
    """A picture (H, W, 3) uint8 BGR of the head, unmirrored: the person's left is on the picture's right.

    ``values`` are the face's numbers by name, or an array with ``names``; ``size`` is the height of a square picture
    or (width, height) in pixels; ``style`` says whose head it is.
    """
    face = Face.of(values, names)
    width, height = (size, size) if isinstance(size, int) else size
    place = stage(-(-width // REDUCE), -(-height // REDUCE), style)
    turned, offset = anatomy.head_pose(face)
    skin_solids = anatomy.neck(turned, offset)
    skin_solids += [solid.moved(turned, offset) for solid in anatomy.skin(face)]
    hair_solids = [solid.moved(turned, offset) for solid in anatomy.hair(style.short)]
    result = place.picture.copy()
    back = bounds(skin_solids + hair_solids, place)
    hair = solve(hair_solids, place.x[back[1]], place.y[back[0]], 0.20)
    front = bounds(skin_solids, place)
    skin = solve(skin_solids, place.x[front[1]], place.y[front[0]], 0.30)
    inner = (
        slice(front[0].start - back[0].start, front[0].stop - back[0].start),
        slice(front[1].start - back[1].start, front[1].stop - back[1].start),
    )
    window, face_window, inner_window = enlarged(back), enlarged(front), enlarged(inner)
    hair_share, skin_share = cover(hair.edge), cover(skin.edge)
    hair_depth = hair.depth[inner]

    whole = hair_share.copy()
    np.maximum(whole[inner_window], skin_share, out=whole[inner_window])
    light.cast(result, whole, window, place.cloth_cover)

    behind = before(place.cloth_depth[back], hair.depth) * place.cloth_cover[window]
    strands = enlarge(light.hair(hair, turned, offset, style))
    result[window] = mix(result[window], strands, hair_share * (1.0 - behind))

    picture = skin_picture(face, skin, skin.depth - hair_depth, style)
    behind = before(place.cloth_depth[front], np.maximum(skin.depth, FAR + 1.0)) * place.cloth_cover[face_window]
    skin_share *= (1.0 - behind) * (1.0 - before(hair_depth, skin.depth) * hair_share[inner_window])
    result[face_window] = mix(result[face_window], picture, skin_share)
    return np.ascontiguousarray(result[:height, :width])


def enlarged(window: tuple[slice, slice]) -> tuple[slice, slice]:
    """The full-size window of a reduced one."""
    rows, columns = window
    return slice(rows.start * REDUCE, rows.stop * REDUCE), slice(columns.start * REDUCE, columns.stop * REDUCE)


def skin_picture(face: Mapping[str, float], skin: Surface, gap: Array, style: Style) -> Image:
    """The lit skin with the face painted on it, at full size; ``gap`` is how far it lies before the hair, cm."""
    # Where each ray meets the head, in the head's own frame: the place to look up the painting.
    turned, offset = anatomy.head_pose(face)
    own = skin.points(turned, offset)
    across = (own[0] - np.float32(paint.LEFT)) * np.float32(paint.SCALE) - np.float32(0.5)
    down = (np.float32(paint.TOP) - own[1]) * np.float32(paint.SCALE) - np.float32(0.5)
    texture = paint_face(face)
    light.bend(skin.normal, texture.relief, across, down, own[2] > -1.0, turned)
    colour = cv2.remap(texture.colour, enlarge(across), enlarge(down), cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return light.apply(colour, enlarge(light.skin(skin.normal, gap, own, style.skin)))
