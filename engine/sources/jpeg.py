"""JPEG pictures that a stranger sends, decoded within bounds.

FFmpeg's decoder is told how many pixels a picture may have and refuses a larger one by its header, before it makes
room for it; what is damaged is refused, not guessed. The number of scans is bounded as well: each goes over the whole
picture, and tens of thousands fit into what a message may hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sources.reading import pyav

MOST_PIXELS = 640 * 480
LEAST_SIDE = 32
MOST_SCANS = 32
"""A progressive picture has about ten."""
_SCAN = b"\xff\xda"


class JpegError(EngineError):
    """Bytes that are no picture to be looked at; it says what to send instead."""


class JpegReader:
    """Decodes one picture after the other; used by one thread at a time."""

    def __init__(self) -> None:
        self._av = pyav()
        self._codec = self._fresh()
        self._colours = self._av.video.reformatter.VideoReformatter()

    def read(self, jpeg: bytes) -> NDArray[np.uint8]:
        """The picture (H, W, 3) uint8, RGB. Raises :class:`JpegError`."""
        if jpeg.count(_SCAN) <= MOST_SCANS:
            try:
                frames = self._codec.decode(self._av.Packet(jpeg))
                if len(frames) == 1 and min(frames[0].width, frames[0].height) >= LEAST_SIDE:
                    made: NDArray[np.uint8] = self._colours.reformat(frames[0], format="rgb24").to_ndarray()
                    return made
            except (self._av.error.FFmpegError, ValueError):
                pass
            self._codec = self._fresh()  # whatever state it was brought into ends with the picture
        raise JpegError(
            f"{len(jpeg)} bytes are no picture to be looked at: send a whole JPEG of {LEAST_SIDE} pixels a side to "
            f"{MOST_PIXELS} in all, such as 480 x 360"
        )

    def _fresh(self) -> Any:
        codec = self._av.CodecContext.create("mjpeg", "r")
        codec.thread_count = 1
        codec.options = {"max_pixels": str(MOST_PIXELS), "err_detect": "explode"}
        return codec
