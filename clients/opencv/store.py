"""What has been received, put together by frame number: the avatar's face or body, the partner's, and the rest.

Streams are told apart by what the engine announces of them. The *lead* stream makes the moments: the avatar's face or
body, or where the bundle only watches, its first output; all others are attached to its frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clients.python.subscriber import Frame

FACE, PARTNER_AUDIO, PARTNER_FACE = "face", "partner_audio", "partner_face"
BODY, PARTNER_BODY = "body", "partner_body"
METER = range(2, 7)  # values of an output that is shown as bars


@dataclass(slots=True)
class Moment:
    """One frame number: the lead stream's frame, when it arrived (ns), what came with it by stream name, and the
    controls' values as last announced."""

    frame: Frame
    received_ns: int
    values: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    faces: dict[str, dict[str, float]] = field(default_factory=dict)
    controls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def delay_ms(self) -> float:
        """Capture to here, ms."""
        return (self.received_ns - self.frame.capture_ns) / 1e6

    @property
    def face(self) -> dict[str, float]:
        """The avatar's numbers by name; none without a face."""
        return self.faces.get(FACE, {})

    @property
    def partner(self) -> dict[str, float] | None:
        """The partner's face by name, if shown."""
        return self.faces.get(PARTNER_FACE)

    @property
    def voice(self) -> NDArray[np.float32] | None:
        """The partner's voice, (N,) samples in [-1, 1], if shown."""
        return self.values.get(PARTNER_AUDIO)


class Store:
    """Moments by frame number, from the streams that ``engine`` (a describe reply) announces.

    ``keep`` bounds how many moments are kept; None keeps all, for a recording. ``bodies`` are the announced skeletons
    of the streams ``body`` and ``partner_body``, ``meters`` names the outputs of a few values each. Raises ValueError
    where there is nothing to draw.
    """

    def __init__(self, engine: dict[str, Any], keep: int | None = None) -> None:
        self.keep = keep
        self.moments: dict[int, Moment] = {}
        self.rate = float(engine["rate"])
        self.sample_rate = int(engine.get("sample_rate", 16000))
        self.engine = engine
        self.controls: dict[str, Any] = {}
        self.streams = {stream["stream"]: stream for stream in engine["streams"]}
        self.bodies = _bodies(engine)
        self.lead: int = self._lead()
        named = {stream["name"]: stream["names"] for stream in engine["streams"]}
        self.meters = [
            name
            for name, stream in ((each["name"], each) for each in self.streams.values())
            if stream["kind"] == "output" and len(stream["names"]) in METER and name not in (FACE, *self.bodies)
        ]
        self.hop = len(named.get(PARTNER_AUDIO, ())) or round(self.sample_rate / self.rate)
        self._early: dict[int, dict[int, Frame]] = {}
        self.learn(engine)

    def _lead(self) -> int:
        """The stream that makes the moments."""
        outputs = sorted(number for number, stream in self.streams.items() if stream["kind"] == "output")
        drawn = [number for number in outputs if self.streams[number]["name"] in (FACE, BODY)]
        if not drawn and any(stream["name"] in (PARTNER_FACE, PARTNER_BODY) for stream in self.streams.values()):
            drawn = outputs
        if not drawn:
            raise ValueError("the engine announces no stream called 'face' or 'body': nothing to draw")
        return int(drawn[0])

    def learn(self, announced: Mapping[str, Any] | None) -> None:
        """Take over the controls' present values from a newer announcement of this session."""
        if announced is not None and announced.get("session") == self.engine["session"]:
            self.controls = {control["name"]: control for control in announced.get("controls", ())}

    def add(self, frame: Frame, now_ns: int) -> None:
        """Take in one received frame of any stream; unknown streams are ignored."""
        stream = self.streams.get(frame.stream)
        if stream is None or len(stream["names"]) != frame.values.size:
            return
        if frame.stream == self.lead:
            moment = Moment(frame, now_ns, controls=self.controls)
            self._attach(moment, frame)
            for held in self._early.pop(frame.seq, {}).values():
                self._attach(moment, held)
            if self.moments and frame.seq < next(reversed(self.moments)):
                self.moments.clear()  # the engine began anew
            self.moments[frame.seq] = moment
            if self.keep is not None and len(self.moments) > self.keep:
                del self.moments[next(iter(self.moments))]
        elif (known := self.moments.get(frame.seq)) is not None:
            self._attach(known, frame)
        else:
            self._early.setdefault(frame.seq, {})[frame.stream] = frame
            while len(self._early) > 64:
                del self._early[next(iter(self._early))]

    def _attach(self, moment: Moment, frame: Frame) -> None:
        stream = self.streams[frame.stream]
        name = stream["name"]
        if name in (FACE, PARTNER_FACE):
            moment.faces[name] = dict(zip(stream["names"], frame.values.tolist(), strict=True))
        elif name in self.bodies:
            body = frame.values.reshape(-1, 3)
            if name == PARTNER_BODY and len(body) > 1 and not np.ptp(body, axis=0).any():
                return  # nobody is seen: the model was given one point for all joints
            moment.values[name] = body
        else:
            moment.values[name] = frame.values

    def recent(self, count: int) -> list[Moment]:
        """The newest ``count`` moments, oldest first."""
        newest = []
        for moment in reversed(self.moments.values()):
            newest.append(moment)
            if len(newest) == count:
                break
        return newest[::-1]


def _bodies(engine: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The skeleton of each announced stream of joint positions, by the stream's name."""
    found = {}
    skeletons = engine.get("skeletons", {})
    for stream in engine["streams"]:
        name, body = stream["name"], stream.get("skeleton")
        if name not in (BODY, PARTNER_BODY) or not body:
            continue
        if body not in skeletons:
            raise ValueError(f"stream {name!r} is a body of skeleton {body!r}, which the engine does not announce")
        joints = len(skeletons[body].get("joints", ()))
        if len(stream["names"]) != 3 * joints:
            raise ValueError(
                f"stream {name!r} has {len(stream['names'])} values; the {joints} joints of skeleton {body!r} need "
                f"{3 * joints}"
            )
        found[name] = skeletons[body]
    return found


def shown(control: Mapping[str, Any]) -> str:
    """A control's present value as a person says it: the name of a choice, or a number."""
    value, choices = control.get("value"), control.get("choices") or ()
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "?"
    return str(choices[round(value)]) if 0 <= round(value) < len(choices) else f"{value:.2f}"


def level(voice: NDArray[np.float32] | None) -> float:
    """Loudness of a stretch of sound on a 0..1 scale, from -60 dB to 0 dB below full scale; NaN without one."""
    if voice is None:
        return float("nan")
    power = float(np.mean(np.square(np.nan_to_num(voice), dtype=np.float64)))
    return min(max(1.0 + 10.0 * math.log10(power + 1e-12) / 60.0, 0.0), 1.0)
