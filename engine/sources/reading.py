"""One pass through an open container (PyAV): its packets in media time, and what they decode to.

Pictures come as people see them: a stored pixel may be wider than it is high (DVD, HDV), and phones turn pictures by a
mark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sources.media_time import MediaTime

RATE_UNSTATED = 25
"""Pictures a second where neither times nor the container say how many."""
_WIDEST = 4  # a pixel wider or higher than so many of its other side is a broken header


class Picture(NamedTuple):
    """A PyAV video frame, and how many times as wide as high its pixels are."""

    frame: Any
    aspect: Fraction


class Heard(NamedTuple):
    """Sound (n, channels) float32 at ``rate`` Hz that begins at ``time_s``; None: right after what came before."""

    time_s: float | None
    samples: NDArray[np.float32]
    rate: int


class Seen(NamedTuple):
    """A picture ``at_ns`` nanoseconds into the medium."""

    at_ns: int
    picture: Picture


class Reading:
    """Reads ``sound`` and ``picture`` (streams of ``container``, or None); ``note`` is told what was damaged."""

    def __init__(self, container: Any, sound: Any, picture: Any, note: Callable[[str], None]) -> None:
        self._container, self._note, self._picture = container, note, picture
        self._used = [stream for stream in (sound, picture) if stream is not None]
        self.time = MediaTime(self._used)
        rate = picture.average_rate if picture is not None else None
        self._step_ns = round(1e9 / float(rate or RATE_UNSTATED))
        self._at_ns = -self._step_ns

    def packets(self) -> Iterator[tuple[Any, float]]:
        """Each packet in media time, and the second at which it ends; also the empty one at the end of a stream."""
        error_type = pyav().error.FFmpegError
        try:
            for packet in self._container.demux(self._used):
                yield packet, self.time.move(packet)
        except error_type as error:
            self._note(f"reading stops early ({reason(error)})")

    def frames(self, packet: Any) -> list[Any]:
        """What a packet decodes to; nothing where it is damaged."""
        errors = pyav().error
        try:
            return list(packet.decode())
        except errors.EOFError:  # the decoder was flushed already
            return []
        except errors.FFmpegError as error:
            self._note(f"damaged {packet.stream.type} passed over ({reason(error)})")
            return []

    def heard(self, packet: Any) -> Iterator[Heard]:
        """The sound in a packet."""
        for frame in self.frames(packet):
            time_s = None if frame.pts is None else float(frame.pts * frame.time_base)
            yield Heard(time_s, _channels(frame), frame.sample_rate)

    def seen(self, packet: Any) -> Iterator[Seen]:
        """The pictures in a packet; those without a time follow at the stream's rate."""
        for frame in self.frames(packet):
            if frame.pts is None:
                self._at_ns += self._step_ns
            else:
                # Where the time breaks, the last pictures before may be shown longer than the sound was heard.
                self._at_ns = max(self._at_ns + 1, round(frame.pts * frame.time_base * 1_000_000_000))
            yield Seen(max(self._at_ns, 0), Picture(frame, aspect(self._picture)))


def upright(picture: Picture) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 RGB with square pixels, turned as its rotation mark says (phones set it)."""
    frame, ratio = picture
    if ratio > 1:  # the shorter side grows: nothing of what was filmed is lost
        frame = frame.reformat(width=round(frame.width * ratio), height=frame.height, format="rgb24")
    elif ratio < 1:
        frame = frame.reformat(width=frame.width, height=round(frame.height / ratio), format="rgb24")
    rgb: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    quarters = round((picture.frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarters))  # PyAV pads its rows, and trackers take no such picture


def aspect(stream: Any) -> Fraction:
    """Width over height of a picture stream's stored pixels; 1 where nothing, or nothing possible, is stated."""
    stated = stream.sample_aspect_ratio or Fraction(1)
    return Fraction(stated) if Fraction(1, _WIDEST) <= stated <= _WIDEST else Fraction(1)


def reason(error: Exception) -> str:
    """What an error of FFmpeg says, without the name of the file or address in it."""
    return getattr(error, "strerror", None) or str(error)


def pyav() -> Any:
    """The package PyAV. Raises :class:`EngineError` without it."""
    try:
        import av
    except ImportError as error:
        raise EngineError("reading media files needs PyAV, which is not installed: pip install av") from error
    return av


def _channels(frame: Any) -> NDArray[np.float32]:
    """The samples of a PyAV audio frame as (n, channels) float32 in [-1, 1]."""
    data = frame.to_ndarray()
    channels = data.T if frame.format.is_planar else data.reshape(-1, len(frame.layout.channels))
    if channels.dtype == np.uint8:
        channels = (channels.astype(np.float32) - 128) / 128
    elif channels.dtype.kind == "i":
        channels = channels.astype(np.float32) / -float(np.iinfo(channels.dtype).min)
    return np.asarray(channels, np.float32)
