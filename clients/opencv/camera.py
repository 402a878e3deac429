"""The camera that bodies are seen through: perspective, at a three-quarter view, following without losing anyone.

The camera is a value: :func:`follow` takes one and returns the next, so two views of one stage never disturb each
other. World coordinates are the engine's: right-handed, Y up, metres; a figure facing +Z looks towards azimuth 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Size = tuple[int, int]

AZIMUTH, ELEVATION, FIELD = math.radians(28), math.radians(11), math.radians(30)
NEAR = 0.05  # m; what is closer to the camera than this is not drawn
ROOM, EDGE = 0.10, 0.04  # shares of the picture left free around bodies: aimed at, and kept to whatever happens
PAN_S, ZOOM_S = 0.5, 1.2  # time constants of following
FARTHEST = 1e4  # m; coordinates beyond this are no stage any more and count as missing


@dataclass(frozen=True, slots=True)
class Camera:
    """Looks at ``target`` (x, y, z) from ``distance`` metres; ``azimuth`` about Y, ``elevation`` up, vertical ``field``
    of view, radians."""

    target: tuple[float, float, float] = (0.0, 0.9, 0.0)
    distance: float = 4.5
    azimuth: float = AZIMUTH
    elevation: float = ELEVATION
    field: float = FIELD

    def axes(self) -> Array:
        """Rows (3, 3): the picture's right, its up, and towards the camera, as world directions."""
        sine, cosine, low, high = *_turn(self.azimuth), *_turn(self.elevation)
        return np.array([[cosine, 0.0, -sine], [-low * sine, high, -low * cosine], [sine * high, low, cosine * high]])

    def focal(self, size: Size) -> float:
        """Pixels of a metre seen at one metre, in a picture of ``size`` (width, height)."""
        return size[1] / 2 / math.tan(self.field / 2)

    def seen(self, points: NDArray[np.floating]) -> Array:
        """Points (..., 3) of the world in the camera's frame: right, up, and distance before the camera, metres."""
        own = (np.asarray(points, np.float64) - self.target) @ self.axes().T
        own[..., 2] = self.distance - own[..., 2]
        return own

    def project(self, points: NDArray[np.floating], size: Size) -> Array:
        """Where points (..., 3) of the world are in a picture of ``size``: (..., 3) x, y in pixels and depth in metres.

        x and y mean something only where the depth is positive.
        """
        own = self.seen(points)
        scale = self.focal(size) / np.maximum(own[..., 2], NEAR)
        own[..., 0] = size[0] / 2 + own[..., 0] * scale
        own[..., 1] = size[1] / 2 - own[..., 1] * scale
        return own


def _turn(angle: float) -> tuple[float, float]:
    return math.sin(angle), math.cos(angle)


def present(points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which of the points (..., 3) are places on a stage: finite, and no farther away than :data:`FARTHEST`."""
    with np.errstate(invalid="ignore"):
        known: NDArray[np.bool_] = (np.abs(points) <= FARTHEST).all(-1)
    return known


def needed(camera: Camera, points: Array, size: Size, free: float) -> float:
    """The least distance from which ``camera`` has all points (N, 3) inside the picture less the share ``free``."""
    right, up, back = ((points - camera.target) @ camera.axes().T).T
    focal = camera.focal(size)
    half = 0.5 - free
    apart = np.maximum(np.abs(right) / (half * size[0]), np.abs(up) / (half * size[1])) * focal
    return max(float((back + apart).max()), 10 * NEAR)


def aim(points: NDArray[np.floating], size: Size, camera: Camera | None = None) -> Camera:
    """``camera`` (or the usual one) moved to have all of ``points`` (..., 3) in the picture; as it was if none are
    present."""
    camera = camera or Camera()
    flat = np.asarray(points, np.float64).reshape(-1, 3)
    flat = flat[present(flat)]
    if not len(flat):
        return camera
    middle = (flat.min(0) + flat.max(0)) / 2
    camera = replace(camera, target=(float(middle[0]), float(middle[1]), float(middle[2])))
    return replace(camera, distance=needed(camera, flat, size, ROOM))


def follow(camera: Camera | None, points: NDArray[np.floating], size: Size, seconds: float) -> Camera:
    """The camera ``seconds`` later, drawn smoothly towards :func:`aim`; None begins there.

    Smoothness ends where a point would leave the picture: then the camera steps back at once, and where that is not
    enough of an answer, because a body has jumped elsewhere, it goes there.
    """
    goal = aim(points, size, camera)
    if camera is None or goal is camera:
        return goal
    flat = np.asarray(points, np.float64).reshape(-1, 3)
    flat = flat[present(flat)]
    pan, zoom = (1.0 - math.exp(-max(seconds, 0.0) / constant) for constant in (PAN_S, ZOOM_S))
    moved = np.array(camera.target) + pan * (np.array(goal.target) - camera.target)
    distance = camera.distance + zoom * (goal.distance - camera.distance)
    after = replace(camera, target=(float(moved[0]), float(moved[1]), float(moved[2])), distance=distance)
    least = needed(after, flat, size, EDGE)
    if least > 2.0 * goal.distance:
        return goal
    return replace(after, distance=max(distance, least))
