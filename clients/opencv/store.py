"""What has been received, put together by frame number: the avatar's face or body, the partner's, and the rest.

What a stream is to the viewer, its *part*, follows from its codec, from whose it is, and from whether it was made or
heard and seen; never from its name. The *lead* stream makes the moments: the avatar's face or body, or where the bundle
only watches, its first output. The others of its rate are attached to its frames; streams of another rate, which a
session with several bundles may have, add their newest values to whatever moment comes next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clients.python.announced import Announced, Control
from clients.python.saving import output
from clients.python.subscriber import Frame

FACE, PARTNER_AUDIO, PARTNER_FACE = "face", "partner_audio", "partner_face"
BODY, PARTNER_BODY = "body", "partner_body"
FLAT, OWN_AUDIO = "flat", "own_audio"
EMOTION = "emotion"
PARTS: Mapping[tuple[str, str, str], str] = {
    ("output", "self", "arkit58"): FACE,
    ("output", "self", "joints"): BODY,
    ("output", "self", "emotion25"): EMOTION,
    ("input", "self", "pcm"): OWN_AUDIO,
    ("input", "partner", "pcm"): PARTNER_AUDIO,
    ("input", "partner", "arkit58"): PARTNER_FACE,
    ("input", "partner", "joints"): PARTNER_BODY,
}
"""What a stream is by its kind, owner and codec; an output of chances is a meter, one of points a flat figure."""
COUNTS = {"arkit58": 58, "emotion25": 25}
CHANCES, POINTS = "chances:", "points:"
METER = 6  # values of a meter that are shown
KEPT_WORDS = 256
EARLY = 64  # frame numbers of which something may wait for the lead


@dataclass(slots=True)
class Snapshot:
    """One frame number: the lead stream's frame, when it arrived (ns), what came with it by part, and the controls as
    last announced, by name."""

    frame: Frame
    received_ns: int
    values: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    faces: dict[str, dict[str, float]] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)

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


class FrameStore:
    """Moments by frame number, from the streams that ``engine`` announces.

    ``keep`` bounds how many moments are kept; None keeps all, for a recording. ``stream`` names the one output that is
    drawn; None: whatever there is to draw. ``bodies`` are the announced skeletons
    by part, ``flat`` the stream of points if there is one, ``meters`` the streams of a few chances each; ``said`` when
    each of the avatar's words began (engine's clock, with its text) and ended; ``av_offset`` how late its lips are, as
    last announced (ms; empty without an own voice); ``missed`` counts the lead's frames that never came. A store holds
    one run of an engine: :mod:`.recording` begins another where the engine begins anew. Raises ValueError where there
    is nothing to draw.
    """

    def __init__(self, engine: Announced, keep: int | None = None, stream: str | None = None) -> None:
        if stream is not None:
            chosen = output(engine, stream)
            shown = tuple(each for each in engine.streams if each.kind != "output" or each is chosen)
            engine = replace(engine, streams=shown)
        self.keep = keep
        self.missed = 0
        self.moments: dict[int, Snapshot] = {}
        self.sample_rate = engine.sample_rate
        self.engine = engine
        self.controls: dict[str, Control] = {}
        self.av_offset: Mapping[str, float] = {}
        self.recorded = engine.recorded
        self.said: dict[tuple[int, str], int] = {}
        self.parts = _parts(engine)
        self.streams = {stream.number: stream for stream in engine.streams}
        self.bodies = _bodies(engine, self.parts)
        self.lead = self._lead()
        self.rate = self.streams[self.lead].rate
        self.flat = next((self.streams[number] for number, part in self.parts.items() if part == FLAT), None)
        self.meters = {part: self.streams[number] for number, part in self.parts.items() if part.startswith(CHANCES)}
        voices = [number for number, part in self.parts.items() if part in (PARTNER_AUDIO, OWN_AUDIO)]
        heard = next((self.streams[number] for number in voices if self.streams[number].rate == self.rate), None)
        self.hop = len(heard.names) if heard else round(self.sample_rate / self.rate)
        self._early: dict[int, dict[int, Frame]] = {}
        self._newest: dict[int, Frame] = {}
        self.learn(engine)

    def _lead(self) -> int:
        """The stream that makes the moments."""
        outputs = [stream.number for stream in self.streams.values() if stream.kind == "output"]
        drawn = [number for number in outputs if self.parts.get(number) in (FACE, BODY)]
        drawn = drawn or [number for number in outputs if self.parts.get(number) == FLAT]
        if not drawn and {PARTNER_FACE, PARTNER_BODY} & set(self.parts.values()):
            drawn = outputs
        if not drawn:
            raise ValueError("the engine announces no face (arkit58), body (joints) or points: nothing to draw")
        return min(drawn)

    def learn(self, announced: Announced | None) -> None:
        """Take over the controls' present values, and the words said, from a newer announcement of this session."""
        if announced is not None and announced.session == self.engine.session:
            self.controls = {control.name: control for control in announced.controls}
            self.av_offset, self.recorded = announced.av_offset, announced.recorded
            self.said |= {(word.start_ns, word.text): word.end_ns for word in announced.said}
            while self.keep is not None and len(self.said) > KEPT_WORDS:
                del self.said[next(iter(self.said))]

    def add(self, frame: Frame, now_ns: int) -> None:
        """Take in one received frame of any stream; unknown streams are ignored."""
        stream = self.streams.get(frame.stream)
        if stream is None or len(stream.names) != frame.values.size:
            return
        if frame.stream == self.lead:
            self._begin(frame, now_ns)
        elif stream.rate != self.rate:
            self._newest[frame.stream] = frame
        elif (known := self.moments.get(frame.seq)) is not None:
            self._attach(known, frame)
        else:
            self._early.setdefault(frame.seq, {})[frame.stream] = frame
            while len(self._early) > EARLY:
                del self._early[next(iter(self._early))]

    def _begin(self, frame: Frame, now_ns: int) -> None:
        """A new moment; one that is not newer than the last is none."""
        last = self.last
        if last is not None and frame.seq <= last.frame.seq:
            return
        self.missed += 0 if last is None else frame.seq - last.frame.seq - 1
        moment = Snapshot(frame, now_ns, controls=self.controls)
        for other in (frame, *self._newest.values(), *self._early.pop(frame.seq, {}).values()):
            self._attach(moment, other)
        self.moments[frame.seq] = moment
        if self.keep is not None and len(self.moments) > self.keep:
            del self.moments[next(iter(self.moments))]

    def _attach(self, moment: Snapshot, frame: Frame) -> None:
        part, stream = self.parts.get(frame.stream), self.streams[frame.stream]
        if part in (FACE, PARTNER_FACE):
            moment.faces[part] = dict(zip(stream.names, frame.values.tolist(), strict=True))
        elif part in self.bodies:
            body = frame.values.reshape(-1, 3)
            if part == PARTNER_BODY and len(body) > 1 and (body == body[0]).all():
                return  # nobody is seen: the model was given one point for all joints
            moment.values[part] = body
        elif part is not None:
            moment.values[part] = frame.values.reshape(-1, 2) if part == FLAT else frame.values

    def words(self) -> list[tuple[str, float, float]]:
        """The avatar's words: text, start and end in seconds from the first moment that is kept."""
        first = next(iter(self.moments.values()), None)
        zero_ns = 0 if first is None else first.frame.capture_ns
        return [(text, (start - zero_ns) / 1e9, (end - zero_ns) / 1e9) for (start, text), end in self.said.items()]

    @property
    def last(self) -> Snapshot | None:
        """The newest moment."""
        return next(reversed(self.moments.values()), None)

    def recent(self, count: int) -> list[Snapshot]:
        """The newest ``count`` moments, oldest first."""
        newest = []
        for moment in reversed(self.moments.values()):
            newest.append(moment)
            if len(newest) == count:
                break
        return newest[::-1]


def _parts(engine: Announced) -> dict[int, str]:
    """The part of each stream that has one; the first of a kind has it."""
    parts: dict[int, str] = {}
    for stream in sorted(engine.streams, key=lambda each: each.number):
        if len(stream.names) != COUNTS.get(stream.codec, len(stream.names)):
            raise ValueError(f"stream {stream.name!r} is {stream.codec} and has {len(stream.names)} values")
        part = PARTS.get((stream.kind, stream.of, stream.codec))
        if stream.kind == "output" and stream.codec.startswith(CHANCES) and stream.names:
            part = f"{CHANCES}{stream.number}"
        if stream.kind == "output" and stream.codec.startswith(POINTS) and stream.names:
            if len(stream.names) % 2:
                raise ValueError(f"stream {stream.name!r} is {stream.codec} and has {len(stream.names)} values")
            part = FLAT
        if part is not None and part not in parts.values():
            parts[stream.number] = part
    return parts


def _bodies(engine: Announced, parts: Mapping[int, str]) -> dict[str, Mapping[str, Any]]:
    """The skeleton of each body, by its part."""
    found: dict[str, Mapping[str, Any]] = {}
    for stream in engine.streams:
        part = parts.get(stream.number)
        if part is None or stream.codec != "joints":
            continue
        if stream.skeleton not in engine.skeletons:
            raise ValueError(
                f"stream {stream.name!r} is a body of skeleton {stream.skeleton!r}, which the engine does not announce"
            )
        joints = len(engine.skeletons[stream.skeleton]["joints"])
        if len(stream.names) != 3 * joints:
            raise ValueError(
                f"stream {stream.name!r} has {len(stream.names)} values; the {joints} joints of skeleton "
                f"{stream.skeleton!r} need {3 * joints}"
            )
        found[part] = engine.skeletons[stream.skeleton]
    return found


def shown(control: Control) -> str:
    """A control's present value as a person says it: in words, the name of a choice, or numbers."""
    if control.words:
        return control.words
    if not control.value:
        return "?"
    chosen = round(control.value[0])
    if len(control.value) == 1 and 0 <= chosen < len(control.choices):
        return control.choices[chosen]
    return " ".join(f"{value:.2f}"[:12] for value in control.value[:4])


def level(voice: NDArray[np.float32] | None) -> float:
    """Loudness of a stretch of sound on a 0..1 scale, from -60 dB to 0 dB below full scale; NaN without one."""
    if voice is None:
        return float("nan")
    power = float(np.mean(np.square(np.nan_to_num(voice), dtype=np.float64)))
    return min(max(1.0 + 10.0 * math.log10(power + 1e-12) / 60.0, 0.0), 1.0)
