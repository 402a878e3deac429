"""Per-pixel geometry of a smooth union of ellipsoids: depth, normals and silhouette of the avatar's solid parts.

Every viewing ray meets an ellipsoid in closed form, so a head made of some twenty of them needs no mesh, no z-buffer
and no search: each part is solved inside its own bounding box and blended into what is already there.
Coordinates are the viewer's, in centimetres: x right, y up, z towards the camera, which sits at ``(0, 0, CAMERA)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
CAMERA = 75.0  # camera distance: near enough for mild perspective, far enough not to swell the nose
FAR = np.float32(-60.0)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A solid: ``centre`` (3,) cm, ``axes`` (3, 3) whose columns are the half axes in cm, ``blend`` fillet in cm."""

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    blend: float = 0.0

    def moved(self, rotation: NDArray[np.float64], offset: NDArray[np.float64]) -> Ellipsoid:
        """The solid after ``p -> rotation @ p + offset``."""
        return Ellipsoid(rotation @ self.centre + offset, rotation @ self.axes, self.blend)


def box(solid: Ellipsoid, x: Array, y: Array) -> tuple[slice, slice]:
    """(rows, columns) of the grid of ``x`` (W,) and ``y`` (H,) that the solid and its fillet can touch."""
    half = np.sqrt(np.square(solid.axes).sum(axis=1)) + 0.4 * solid.blend
    zoom = CAMERA / (CAMERA - solid.centre[2] - np.array([half[2], -half[2]]))
    low = ((solid.centre[:2] - half[:2])[:, None] * zoom).min(axis=1)
    high = ((solid.centre[:2] + half[:2])[:, None] * zoom).max(axis=1)
    per_cm = 1.0 / float(x[1] - x[0])
    left, right = (low[0] - x[0]) * per_cm - 1, (high[0] - x[0]) * per_cm + 2
    top, bottom = (y[0] - high[1]) * per_cm - 1, (y[0] - low[1]) * per_cm + 2
    columns = slice(min(max(int(left), 0), x.size), min(max(int(right), 0), x.size))
    return slice(min(max(int(top), 0), y.size), min(max(int(bottom), 0), y.size)), columns


def linear(row: NDArray[np.float64], x: Array, y: Array) -> Array:
    """``row @ (x, y, -CAMERA)`` on the grid of ``x`` (W,) and ``y`` (H, 1)."""
    return (np.float32(row[0]) * x - np.float32(row[2] * CAMERA)) + np.float32(row[1]) * y


def quadratic(form: NDArray[np.float64], x: Array, y: Array) -> Array:
    """``d' form d`` of the symmetric (3, 3) ``form`` for d = (x, y, -CAMERA) on a grid of x (W,), y (H, 1)."""
    xx, yy, xy = np.float32(form[0, 0]), np.float32(form[1, 1]), np.float32(2.0 * form[0, 1])
    along, across = np.float32(-2.0 * CAMERA * form[0, 2]), np.float32(-2.0 * CAMERA * form[1, 2])
    values = (xx * x + along) * x + np.float32(CAMERA**2 * form[2, 2]) + (yy * y + across) * y
    if abs(xy) > 1e-9:
        values += (xy * y) * x
    return values


class Surface:
    """The nearest surface of a set of solids on a pixel grid.

    ``depth`` (H, W) is z in cm (:data:`FAR` where nothing is), ``normal`` (3, H, W) the unit normals and ``edge``
    (H, W) roughly the distance inside the silhouette in cm, negative outside.
    """

    def __init__(self, x: Array, y: Array) -> None:
        """``x`` (W,) and ``y`` (H,): where the pixels' rays cross the plane z = 0, in cm, evenly spaced."""
        self.x, self.y = x, y
        self.depth = np.full((y.size, x.size), FAR, np.float32)
        self.normal = np.zeros((3, y.size, x.size), np.float32)
        self.edge = np.full((y.size, x.size), np.float32(-9.0))

    def add(self, solid: Ellipsoid) -> None:
        """Blend one solid in: the nearer surface wins, with a fillet of ``solid.blend`` where both are close."""
        rows, columns = box(solid, self.x, self.y)
        x, y = self.x[columns], self.y[rows, None]
        if not x.size or not y.size:
            return
        # With rays C + t d, d = (x, y, -CAMERA), the solid (p - m)' G (p - m) = 1 is met where
        # (d'Gd) t^2 + 2 (h'd) t + c = 0; each coefficient is a polynomial in x and y with few terms.
        inverse = np.linalg.inv(solid.axes)
        form = inverse.T @ inverse
        start = np.array([0.0, 0.0, CAMERA]) - solid.centre
        lean = form @ start
        square = quadratic(form, x, y)
        slope = linear(lean, x, y)
        room = quadratic(np.outer(lean, lean) - (start @ lean - 1.0) * form, x, y)
        root = np.sqrt(np.maximum(room, 0.0))
        hit = (slope + root) / -square
        # Past the silhouette the surface goes on, falling steeply, so that a fillet has something to blend with.
        beyond = np.sqrt(np.maximum(-room, 0.0)) * np.float32(3.0) / square
        depth = np.float32(CAMERA) - np.float32(CAMERA) * (hit + beyond)
        narrow = 0.5 * float(np.sqrt(np.square(solid.axes[:2]).sum(axis=1).min()))
        edge = room * np.float32(narrow / max(float(room.max()), 1e-6))

        seen, seen_edge = self.depth[rows, columns], self.edge[rows, columns]
        blend = np.float32(max(solid.blend, 1e-3))
        share = np.clip(0.5 + (depth - seen) * (0.5 / blend), 0.0, 1.0)
        seen += share * (depth - seen) + blend * share * (1.0 - share)
        share *= share * (3.0 - 2.0 * share)
        for axis in range(3):
            view = self.normal[axis, rows, columns]
            # The gradient is not unit length, only about so: the radius scales it, and finish() normalises.
            normal = hit * linear(2.0 * narrow * form[axis], x, y)
            normal += np.float32(2.0 * narrow * lean[axis])
            normal -= view
            normal *= share
            view += normal
        rounding = np.float32(0.5 * blend)
        overlap = np.maximum(rounding - np.abs(edge - seen_edge), 0.0)
        np.maximum(seen_edge, edge, out=seen_edge)
        seen_edge += overlap * overlap * (0.25 / rounding)

    def finish(self, soft: float) -> None:
        """Smooth the normals over ``soft`` cm, which takes the creases out of fillets, and make them unit length."""
        if soft:
            width = 2 * round(0.85 * soft / float(self.x[1] - self.x[0])) + 1
            for plane in self.normal:
                for _ in range(2):  # twice a box is nearly a Gaussian, and much cheaper
                    cv2.blur(plane, (width, width), plane)
        self.normal /= np.sqrt(np.einsum("ijk,ijk->jk", self.normal, self.normal)) + np.float32(1e-6)

    def points(self, turned: NDArray[np.float64], offset: NDArray[np.float64]) -> Array:
        """Where each ray meets the surface, (3, H, W) cm, in the frame that ``turned @ p + offset`` carries here."""
        away = (np.float32(CAMERA) - self.depth) / np.float32(CAMERA)
        here = np.stack([self.x * away, self.y[:, None] * away, self.depth]).reshape(3, -1)
        own = turned.T.astype(np.float32) @ (here - offset.astype(np.float32)[:, None])
        return own.astype(np.float32, copy=False).reshape(3, *self.depth.shape)


def solve(solids: list[Ellipsoid], x: Array, y: Array, soft: float = 0.0) -> Surface:
    """The surface of ``solids``, blended in the given order, on the grid of ``x`` (W,) and ``y`` (H,) cm.

    ``soft`` cm smooths the normals.
    """
    surface = Surface(x, y)
    for solid in solids:
        surface.add(solid)
    surface.finish(soft)
    return surface


def rotation(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """The (3, 3) rotation ``Ry(yaw) @ Rx(pitch) @ Rz(roll)`` of angles in radians, the engine's head convention."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([pitch, yaw, roll]), np.sin([pitch, yaw, roll])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_y @ about_x @ about_z
    return turned


def ellipsoid(
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    blend: float = 0.0,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Ellipsoid:
    """A solid from its centre and radii in cm, rotated by ``turn`` (pitch, yaw, roll) about its centre."""
    return Ellipsoid(np.array(centre, np.float64), rotation(*turn) * radii, blend)
