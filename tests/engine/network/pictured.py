"""A hall whose server takes pictures, and pictures for it: JPEGs of one colour and of a real face."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.sources.pictures import Trackers
from tests.engine.network.stage import Hall


class Reds:
    """A tracker that says how red a picture is, 0 to 1, in all 58 numbers; a black one holds nobody."""

    made = closed = 0

    def __init__(self) -> None:
        Reds.made += 1
        self.times: list[int] = []

    def track(self, rgb: NDArray[np.uint8], time_ns: int) -> NDArray[np.float32] | None:
        self.times.append(time_ns)
        red = rgb[..., 0].mean() / 255
        return None if red < 0.02 else np.full(58, red, np.float32)

    def close(self) -> None:
        Reds.closed += 1


def jpeg(red: float = 0.8, size: tuple[int, int] = (96, 64), quality: int = 80) -> bytes:
    """A picture of a colour, redder or less, with something to be seen in it; ``size`` is width and height."""
    bgr = np.zeros((size[1], size[0], 3), np.uint8)
    bgr[:, :, 2] = round(255 * red)
    bgr[:, : size[0] // 2, :2] = 60
    return encoded(bgr, quality)


def encoded(bgr: NDArray[np.uint8], quality: int = 80) -> bytes:
    good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert good
    return bytes(data.tobytes())


def hall(most: int = 2, **options: Any) -> Hall:
    return Hall(idle_s=1e9, trackers=Trackers(most, Reds), **options)
