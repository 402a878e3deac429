"""What has been received, put together by frame number: avatar face, partner face and partner voice of one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clients.python.subscriber import Frame

FACE, PARTNER_AUDIO, PARTNER_FACE = "face", "partner_audio", "partner_face"


@dataclass(slots=True)
class Moment:
    """One frame number: the avatar's frame, when it arrived (ns), and what the model was given, if shown.

    ``face`` and ``partner`` are numbers by name, ``voice`` (N,) samples in [-1, 1].
    """

    frame: Frame
    received_ns: int
    face: dict[str, float]
    partner: dict[str, float] | None = None
    voice: NDArray[np.float32] | None = None

    @property
    def delay_ms(self) -> float:
        """Capture to here, ms."""
        return (self.received_ns - self.frame.capture_ns) / 1e6


class Store:
    """Moments by frame number, from the streams that ``engine`` (a describe reply) announces.

    ``keep`` bounds how many moments are kept; None keeps all, for a recording.
    """

    def __init__(self, engine: dict[str, Any], keep: int | None = None) -> None:
        self.keep = keep
        self.moments: dict[int, Moment] = {}
        self.rate = float(engine["rate"])
        self.sample_rate = int(engine.get("sample_rate", 16000))
        self.engine = engine
        self.streams = {stream["stream"]: stream for stream in engine["streams"]}
        names = {stream["name"]: stream["names"] for stream in engine["streams"]}
        if FACE not in names:
            raise ValueError("the engine announces no stream called 'face': nothing to draw")
        self.hop = len(names.get(PARTNER_AUDIO, ())) or round(self.sample_rate / self.rate)
        self._early: dict[int, dict[str, Frame]] = {}

    def add(self, frame: Frame, now_ns: int) -> None:
        """Take in one received frame of any stream; unknown streams are ignored."""
        stream = self.streams.get(frame.stream)
        if stream is None or len(stream["names"]) != frame.values.size:
            return
        if stream["name"] == FACE:
            moment = Moment(frame, now_ns, dict(zip(stream["names"], frame.values.tolist(), strict=True)))
            for name, held in self._early.pop(frame.seq, {}).items():
                self._attach(moment, name, held)
            if self.moments and frame.seq < next(reversed(self.moments)):
                self.moments.clear()  # the engine began anew
            self.moments[frame.seq] = moment
            if self.keep is not None and len(self.moments) > self.keep:
                del self.moments[next(iter(self.moments))]
        elif stream["name"] in (PARTNER_FACE, PARTNER_AUDIO):
            moment_or_none = self.moments.get(frame.seq)
            if moment_or_none is None:
                self._early.setdefault(frame.seq, {})[stream["name"]] = frame
                while len(self._early) > 64:
                    del self._early[next(iter(self._early))]
            else:
                self._attach(moment_or_none, stream["name"], frame)

    def _attach(self, moment: Moment, name: str, frame: Frame) -> None:
        if name == PARTNER_AUDIO:
            moment.voice = frame.values
        else:
            moment.partner = dict(zip(self.streams[frame.stream]["names"], frame.values.tolist(), strict=True))

    def recent(self, count: int) -> list[Moment]:
        """The newest ``count`` moments, oldest first."""
        newest = []
        for moment in reversed(self.moments.values()):
            newest.append(moment)
            if len(newest) == count:
                break
        return newest[::-1]


def level(voice: NDArray[np.float32] | None) -> float:
    """Loudness of a stretch of sound on a 0..1 scale, from -60 dB to 0 dB below full scale; NaN without one."""
    if voice is None:
        return float("nan")
    power = float(np.mean(np.square(np.nan_to_num(voice), dtype=np.float64)))
    return min(max(1.0 + 10.0 * math.log10(power + 1e-12) / 60.0, 0.0), 1.0)
