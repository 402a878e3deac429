"""Draws bodies from joint positions: any announced skeleton, any number of them on one stage.

Limbs are shaded capsules that hide each other by depth; the body's left is blue and its right is orange, on every body,
so a mirrored or twisted pose can be told at a glance; a second body is darker. A joint that is not finite, or
farther away than any stage is wide, is missing: what hangs on it is left out and the rest is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import NEAR, Array, Camera, Size, aim, present
from .capsule import Canvas, Colour
from .ground import FARTHEST_PIXEL, SHIFT, backdrop, draw_grid, draw_shadow
from .physique import LEFT, MIDDLE, RIGHT, Physique, Torso, physique

Image = NDArray[np.uint8]

UP = np.array((0.0, 1.0, 0.0))
TRAIL, FADES = 3.0, 8  # a trail's pixels where it is newest, and its steps of fading
ROOM_COLOUR = np.array((64.0, 56.0, 50.0))  # what a trail fades to


@dataclass(frozen=True, slots=True)
class Tint:
    """Colours (BGR) of a body: its middle, its left and right side, and its face."""

    middle: Colour
    left: Colour
    right: Colour
    face: Colour

    def of(self, side: int) -> Colour:
        """The colour of a side."""
        return {MIDDLE: self.middle, LEFT: self.left, RIGHT: self.right}[side]


AVATAR = Tint((206, 210, 214), (238, 164, 84), (72, 142, 246), (176, 202, 240))
PARTNER = Tint((122, 116, 116), (158, 108, 58), (52, 88, 160), (120, 138, 166))


@dataclass(frozen=True, slots=True)
class StageBody:
    """A body on the stage: ``positions`` (J, 3) in metres, its announced ``skeleton``, its colours, and the positions
    of the last second or so, (K, J, 3) with the oldest first, if hands and feet are to leave trails."""

    positions: NDArray[np.floating]
    skeleton: Mapping[str, Any]
    tint: Tint = AVATAR
    past: NDArray[np.floating] | None = None


def places(figure: StageBody) -> Array:
    """The joints' positions (J, 3), NaN where they are missing. Raises ValueError for a wrong shape."""
    at = np.array(figure.positions, np.float64)
    count = physique(figure.skeleton).joints
    if at.shape != (count, 3):
        name = figure.skeleton.get("name", "?")
        raise ValueError(f"positions have shape {at.shape}; skeleton {name!r} needs ({count}, 3), metres")
    at[~present(at)] = np.nan
    return at


def outline(figures: Sequence[StageBody], floor: float = 0.0) -> Array:
    """Points (N, 3) that a camera has to keep in view: every joint, the head's top, and the height of a standing body
    over its place on the floor, so that the view does not pump with every step. A body more than a few metres from
    the first one does not count, and what is not present does not either; no body gives no points."""
    points: list[Array] = []
    home: Array | None = None
    for figure in figures:
        at = places(figure)
        at = at[np.isfinite(at).all(1)]
        if not len(at):
            continue
        centre = np.median(at, axis=0)
        home = centre if home is None else home
        tall = physique(figure.skeleton).stature
        if np.linalg.norm(centre - home) > 8.0 * tall:
            continue
        near = at[np.linalg.norm(at - centre, axis=1) < 4.0 * tall]
        ends = np.stack([near.max(0), near.min(0)])
        ends[:, [0, 2]] = centre[[0, 2]]
        ends[0, 1] += 0.08 * tall
        if abs(ends[1, 1] - floor) < tall:
            ends[1, 1] = min(ends[1, 1], floor)
            ends[0, 1] = max(ends[0, 1], floor + 1.05 * tall)
        points += [near, ends]
    return np.concatenate(points) if points else np.empty((0, 3))


def draw_scene(figures: Sequence[StageBody], camera: Camera, size: Size = (640, 480), floor: float = 0.0) -> Image:
    """A picture (H, W, 3) uint8 BGR of bodies on one stage, seen by ``camera``; ``size`` is (width, height)."""
    picture = backdrop(size).copy()
    draw_grid(picture, camera, floor)
    bodies = [(figure, physique(figure.skeleton), places(figure)) for figure in figures]
    for _, build, at in bodies:
        _cast(picture, camera, build, at, floor)
    for figure, build, _ in bodies:
        _trails(picture, camera, build, figure)
    canvas = Canvas(picture)
    pieces = [piece for figure, build, at in bodies for piece in _pieces(figure, build, at, camera)]
    if not pieces:
        return picture
    ends = camera.project(np.stack([piece.ends for piece in pieces]), size)
    focal = camera.focal(size)
    axes = camera.axes()
    for index in np.argsort(-ends[..., 2].mean(1)):
        piece, (a, b) = pieces[index], ends[index]
        if min(a[2], b[2]) > NEAR:
            radii = piece.radii[0] * focal / a[2], piece.radii[1] * focal / b[2]
            face = None if piece.face is None else (axes @ piece.face, piece.second)
            canvas.capsule(a, b, radii, piece.deep or piece.radii, piece.colour, face)
    return picture


def draw_body(
    positions: NDArray[np.floating],
    skeleton: Mapping[str, Any],
    size: Size = (640, 480),
    camera: Camera | None = None,
    tint: Tint = AVATAR,
    floor: float = 0.0,
) -> Image:
    """A picture (H, W, 3) uint8 BGR of one body from ``positions`` (J, 3) and its announced ``skeleton``; without a
    ``camera`` it fills the picture."""
    figure = StageBody(positions, skeleton, tint)
    return draw_scene([figure], camera or aim(outline([figure], floor), size), size, floor)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A capsule in the world: ends (2, 3), radii as seen, colour; how far it comes forward where that is another
    measure; and where it faces in which second colour."""

    ends: Array
    radii: tuple[float, float]
    colour: Colour
    deep: tuple[float, float] | None = None
    face: Array | None = None
    second: Colour = (0, 0, 0)


def _pieces(figure: StageBody, build: Physique, at: Array, camera: Camera) -> list[_Piece]:
    """What can be drawn of a body."""
    known = np.asarray(np.isfinite(at).all(1))
    pieces = [
        _Piece(at[[part.a, part.b]], (part.radius_a, part.radius_b), figure.tint.of(part.side))
        for part in build.parts
        if known[part.a] and known[part.b]
    ]
    for torso in build.torsos:
        joints = [*torso.low, *torso.high, *torso.between]
        if known[joints].all():
            pieces += _trunk(torso, figure.tint.middle, build.stature, at, camera.axes())
    if build.head is not None and known[build.head[0]]:
        pieces.append(_skull(figure.tint, build, at, known))
    return pieces


def _trunk(torso: Torso, colour: Colour, tall: float, at: Array, axes: Array) -> list[_Piece]:
    """Hips to waist to chest: wide from one side to the other, flat from back to front, as the body is turned."""
    low, high = at[list(torso.low)], at[list(torso.high)]
    hips, shoulders = low.mean(0), high.mean(0)
    waist = at[list(torso.between)].mean(0) if torso.between else (hips + shoulders) / 2
    sides = [low[0] - low[1], high[0] - high[1]]
    if float(sides[0] @ sides[1]) < 0:
        sides[1] = -sides[1]
    stations = []  # half-width as seen, and how far the surface comes forward
    along, most = _unit(shoulders - hips), 0.36 * float(np.linalg.norm(shoulders - hips))  # rounder would be a ball
    wide = [min(float(np.linalg.norm(side)) / 2 + more, most) for side, more in zip(sides, torso.flesh, strict=True)]
    for side, width, depth in (
        (sides[0], wide[0], 0.062 * tall),
        (sides[0] + sides[1], 0.40 * (wide[0] + wide[1]), 0.054 * tall),
        (sides[1], wide[1], 0.066 * tall),
    ):
        depth = min(depth, most)
        right, up, _ = axes @ _unit(side)
        x, y, _ = axes @ along
        flat = max(float(np.hypot(x, y)), 1e-6)
        facing = min(abs(float(right * y - up * x)) / flat, 1.0) ** 2
        seen = float(np.sqrt(facing * width**2 + (1.0 - facing) * depth**2))
        stations.append((seen, float(np.sqrt(facing * depth**2 + (1.0 - facing) * width**2))))
    (r0, d0), (r1, d1), (r2, d2) = stations
    # The round ends must not bulge past hips and shoulders.
    bottom = hips + max(r0 - torso.flesh[0], 0.0) * along
    top = shoulders - max(r2 - torso.flesh[1], 0.0) * along
    return [
        _Piece(np.stack([bottom, waist]), (r0, r1), colour, (d0, d1)),
        _Piece(np.stack([waist, top]), (r1, r2), colour, (d1, d2)),
    ]


def _skull(tint: Tint, build: Physique, at: Array, known: NDArray[np.bool_]) -> _Piece:
    """The head: upright on its neck, facing where the joints on it are, or where the hips do."""
    assert build.head is not None
    joint, neck, above = build.head
    base, tall = at[joint], build.stature
    up = _unit(base - at[neck]) if known[neck] else UP
    seen = [other for other in above if known[other]]
    reach = max((float((at[other] - base) @ up) for other in seen), default=0.0)
    height = min(max(reach, 0.125 * tall), 0.18 * tall)
    radius = 0.053 * tall
    ahead = at[seen].mean(0) - base if seen else np.zeros(3)
    ahead = ahead - (ahead @ up) * up
    if float(np.linalg.norm(ahead)) < 0.01 * tall and build.across is not None and known[list(build.across)].all():
        ahead = np.cross(at[build.across[0]] - at[build.across[1]], up)
    face = _unit(ahead) if float(np.linalg.norm(ahead)) > 1e-6 else None
    forward = np.zeros(3) if face is None else 0.012 * tall * face
    low, high = base + forward + 0.035 * tall * up, base + forward + (height - radius) * up
    return _Piece(np.stack([low, high]), (0.86 * radius, radius), tint.middle, None, face, tint.face)


def _unit(vector: Array) -> Array:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else UP


def _cast(picture: Image, camera: Camera, build: Physique, at: Array, floor: float) -> None:
    """The shadow of a body."""
    parts = [part for part in build.parts if np.isfinite(at[[part.a, part.b]]).all()]
    if parts:
        ends = at[[(part.a, part.b) for part in parts]]
        radii = np.array([max(part.radius_a, part.radius_b) for part in parts])
        draw_shadow(picture, camera, floor, ends, radii)


def _trails(picture: Image, camera: Camera, build: Physique, figure: StageBody) -> None:
    """Where hands and feet have been: lines that are stronger the newer they are."""
    if figure.past is None or len(figure.past) < 2:
        return
    past = np.array(figure.past, np.float64)[:, list(build.ends)]
    known = present(past)
    past[~known] = 0.0
    seen = camera.project(past, (picture.shape[1], picture.shape[0]))
    shown = known & (seen[..., 2] > NEAR) & (np.abs(seen[..., :2]) < FARTHEST_PIXEL).all(-1)
    pixels = np.ascontiguousarray(np.where(shown[..., None], seen[..., :2], 0.0).transpose(1, 0, 2) * (1 << SHIFT))
    pixels = pixels.round().astype(np.int32)
    starts = np.linspace(0, len(past) - 1, min(len(past), FADES + 1)).round().astype(int).tolist()
    for index, joint in enumerate(build.ends):
        colour = np.array(figure.tint.of(build.sides[joint]))
        for k, (first, last) in enumerate(pairwise(starts), start=1):
            if shown[first : last + 1, index].all():
                share = 0.9 * k / (len(starts) - 1)
                ink = tuple((ROOM_COLOUR + (colour - ROOM_COLOUR) * share).round().tolist())
                thick = max(1, round(TRAIL * share))
                cv2.polylines(picture, [pixels[index, first : last + 1]], False, ink, thick, cv2.LINE_AA, SHIFT)
