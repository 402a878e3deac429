"""What an engine sends, read into plain classes or refused in words, as whoever sends may be anybody: announcements
(JSON of any shape) and frames (bytes). A frame that is handed out carries the announcement it belongs to, so that its
numbers are never read under another's names. Needs numpy alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeGuard

import numpy as np

HEADER = np.dtype(
    [
        ("magic", "S4"),
        ("session", "<u4"),
        ("stream", "<u2"),
        ("version", "u1"),
        ("flags", "u1"),
        ("step_us", "<u4"),
        ("seq", "<u8"),
        ("capture_ns", "<i8"),
        ("due_ns", "<i8"),
        ("publish_ns", "<i8"),
        ("layout", "<u4"),
        ("count", "<u2"),
        ("more_flags", "<u2"),
    ]
)
"""The 56 bytes before a frame's values."""
# By bit; from the ninth on those of ``more_flags``.
FLAGS = ("held", "late", "silent", "no face", "degraded", "first", "bad input", "skipped", "unsound", "text pending")
MOST = 1024  # streams, controls, skeletons and joints of one engine


@dataclass(frozen=True, slots=True)
class Stream:
    """One announced stream. ``codec`` says how its values are to be understood ("arkit58", "joints", "pcm", ...),
    ``kind`` is "output" or "input" (what the model was given), ``of`` whose it is: "self" (the avatar) or "partner"."""

    number: int
    name: str
    codec: str
    kind: str
    of: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    layout: int
    skeleton: str
    rate: float
    bundle: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control; ``value`` is empty where it is not known, and has several numbers for a vector. ``words`` says it,
    where that is how the control is set."""

    name: str
    low: float
    high: float
    value: tuple[float, ...]
    choices: tuple[str, ...]
    words: str = ""


class Said(NamedTuple):
    """A word of the avatar's, from ``start_ns`` to ``end_ns`` of the engine's clock."""

    text: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Announced:
    """What an engine says of its session. ``skeletons`` by name have ``joints``, ``parents``, ``rest``, ``edges``,
    ``across``, ``feet`` and ``humanoid`` (joint by Unity's bone); ``texts`` are those in force, ``said`` the avatar's
    newest words (with --monitor), ``av_offset`` ("p50" ..., ms) of lips behind its voice; ``recorded``: to a file."""

    session: int
    rate: float
    sample_rate: int
    bundle: str
    pub: str
    streams: tuple[Stream, ...]
    controls: tuple[Control, ...]
    skeletons: dict[str, dict[str, Any]]
    texts: dict[str, str]
    said: tuple[Said, ...] = ()
    av_offset: dict[str, float] = field(default_factory=dict)
    recorded: bool = False

    def lasting(self) -> tuple[object, ...]:
        """What does not change while one engine runs; controls and texts may."""
        return self.session, self.bundle, self.streams, self.skeletons

    def stream(self, codec: str) -> Stream | None:
        """The first output with this codec, or None."""
        found = {one.number: one for one in self.streams if (one.kind, one.codec) == ("output", codec)}
        return found[min(found)] if found else None

    @classmethod
    def read(cls, told: object) -> Announced:
        """From parsed JSON of any shape. Raises ValueError naming what cannot be used."""
        told = _object(told, "the announcement")
        if told.get("streams") == []:
            raise ValueError("the engine has no session of its own (yet), only such of network clients: --session")
        if "streams" not in told:
            raise ValueError("it answers without streams; is it the engine's control port?")
        numbers = [str(each.get("stream")) for each in _list(told["streams"], "streams") if isinstance(each, dict)]
        if len(set(numbers)) < len(numbers):
            raise ValueError("announced: two streams have one number")
        rate, bundle = _number(told.get("rate"), 1.0, 1000.0, "rate"), _text(told.get("bundle", "?"))
        skeletons, texts, lips = (_object(told.get(n, {}), n) for n in ("skeletons", "texts", "av_offset_ms"))
        return cls(
            session=_whole(told.get("session"), 2**32, "session"),
            rate=rate,
            sample_rate=_whole(told.get("sample_rate", 0), 400_000, "sample_rate"),
            bundle=bundle,
            pub=_text(told.get("pub", "")),
            streams=tuple(_stream(each, rate, bundle) for each in _list(told.get("streams"), "streams")),
            controls=tuple(_control(each) for each in _list(told.get("controls", []), "controls")),
            skeletons={_text(name): _skeleton(each) for name, each in skeletons.items()},
            texts={_text(n): clean(t.get("text", "") if isinstance(t, dict) else t, 1000) for n, t in texts.items()},
            said=tuple(_word(each) for each in _list(told.get("said", []), "said")),
            av_offset={_text(name): each for name, each in lips.items() if _is_number(each)},
            recorded=bool(told.get("recording")),
        )


class Frame(NamedTuple):
    """One frame of one stream; times in ns of the engine host's monotonic clock, ``values`` (count,) float32."""

    session: int
    stream: int
    flags: int
    step_us: int
    seq: int
    capture_ns: int
    due_ns: int
    publish_ns: int
    layout: int
    values: np.ndarray

    def words(self) -> list[str]:
        """The flags in words; one that is not known here by its number."""
        bits = [bit for bit in range(24) if self.flags >> bit & 1]
        return [FLAGS[bit] if bit < len(FLAGS) else f"flag {bit}" for bit in bits]


def decode(message: bytes) -> Frame | None:
    """The frame of one message, or None if the bytes are not a frame of version 1."""
    if len(message) < HEADER.itemsize:
        return None
    head = dict(zip(HEADER.names or (), np.frombuffer(message, HEADER, 1)[0].item(), strict=True))
    if head["magic"] != b"RXN1" or head["version"] != 1 or len(message) != HEADER.itemsize + 4 * head["count"]:
        return None
    head["flags"] |= head["more_flags"] << 8
    return Frame(**{name: head[name] for name in Frame._fields[:-1]}, values=np.frombuffer(message, "<f4", -1, 56))


class Received(Frame):
    """A frame together with what its engine said of it: ``info`` describes its stream, ``engine`` is the announcement
    that holds it (controls, skeletons), ``run`` counts from 0 how often the engine has begun anew, ``received_ns`` is
    when it came (this machine's monotonic clock)."""

    info: Stream
    engine: Announced
    run: int
    received_ns: int

    @classmethod
    def of(cls, frame: Frame, info: Stream, engine: Announced, run: int, received_ns: int) -> Received:
        """``frame``, which has the layout of ``info``, with its description."""
        made = cls._make(frame)
        made.info, made.engine, made.run, made.received_ns = info, engine, run, received_ns
        return made

    def named(self) -> dict[str, float]:
        """The values by name, in the stream's units (``info.units``)."""
        return dict(zip(self.info.names, self.values.tolist(), strict=True))

    def joints(self) -> dict[str, np.ndarray]:
        """A body's joints (codec "joints"): the place (3,) of each by its name, metres, Y up. Raises ValueError for a
        stream that is no body, or whose skeleton was not announced."""
        skeleton = self.engine.skeletons.get(self.info.skeleton)
        if self.info.codec != "joints" or skeleton is None or self.values.size != 3 * len(skeleton["joints"]):
            raise ValueError(f"stream {self.info.name!r} is {self.info.codec} and no body of an announced skeleton")
        return dict(zip(skeleton["joints"], self.values.reshape(-1, 3), strict=True))


def fits(frame: Frame, info: Stream | None) -> bool:
    """Whether the frame is of the stream that is described: the hash of names and units, and their number, agree."""
    return info is not None and info.layout == frame.layout and len(info.names) == frame.values.size


def _word(told: object) -> Said:
    text, start_ns, end_ns = (*_list(told, "a word that was said", 3), None, None, None)[:3]
    return Said(_text(text), _whole(start_ns, 2**63, "start of a word"), _whole(end_ns, 2**63, "end of a word"))


def _stream(told: object, rate: float, bundle: str) -> Stream:
    stream = _object(told, "a stream")
    name = _text(stream.get("name"))
    if "codec" not in stream:
        raise ValueError(f"stream {name!r} has no codec: the engine is older than this client; use that of its version")
    names = tuple(_text(each) for each in _list(stream.get("names"), f"names of {name!r}", 0xFFFF))
    units = tuple(_text(each) for each in _list(stream.get("units", []), f"units of {name!r}", 0xFFFF))
    return Stream(
        number=_whole(stream.get("stream"), 2**16, f"number of stream {name!r}"),
        name=name,
        codec=_text(stream["codec"]),
        kind=_text(stream.get("kind")),
        of=_text(stream.get("of", "self" if stream.get("kind") == "output" else "partner")),
        names=names,
        units=units,
        layout=_whole(stream.get("layout"), 2**32, f"layout of {name!r}"),
        skeleton=_text(stream.get("skeleton") or ""),
        rate=_number(stream.get("rate", rate), 1.0, 1000.0, f"rate of {name!r}"),
        bundle=_text(stream.get("bundle", bundle)),
    )


def _control(told: object) -> Control:
    control = _object(told, "a control")
    low, high, value = (control.get(key) for key in ("low", "high", "value"))
    values = value if isinstance(value, list) else [value]
    numbers = tuple(float(each) for each in values if _is_number(each))
    return Control(
        name=_text(control.get("name")),
        low=float(low) if _is_number(low) else -math.inf,
        high=float(high) if _is_number(high) else math.inf,
        value=numbers[:MOST] if len(numbers) == len(values) else (),
        choices=tuple(_text(each) for each in _list(control.get("choices") or [], "choices of a control")),
        words=clean(control.get("words") or "", 1000),
    )


def _skeleton(told: object) -> dict[str, Any]:
    skeleton = _object(told, "a skeleton")
    name = _text(skeleton.get("name"))
    joints = [_text(each) for each in _list(skeleton.get("joints"), f"joints of {name!r}")]
    above = _list(skeleton.get("parents"), f"parents of {name!r}")
    parents = [_whole(each, len(joints), f"a parent in {name!r}", -1) for each in above]
    rest = [_triple(each, name) for each in _list(skeleton.get("rest"), f"rest of {name!r}")]
    if not joints or len(set(joints)) != len(joints) or not len(joints) == len(parents) == len(rest):
        raise ValueError(f"skeleton {name!r}: {len(joints)} joints, {len(parents)} parents, {len(rest)} offsets")
    if any(parent >= joint for joint, parent in enumerate(parents)):
        raise ValueError(f"skeleton {name!r}: a parent comes after its child")
    edges = [
        [_whole(end, len(joints), f"an edge of {name!r}") for end in _list(edge, "an edge", 2)]
        for edge in _list(skeleton.get("edges", []), "edges")
    ]
    listed = {key: _list(skeleton.get(key, []), f"{key} of {name!r}") for key in ("across", "feet")}
    named = {key: [_text(each) for each in told] for key, told in listed.items()}
    bones = {_text(bone): _text(each) for bone, each in _object(skeleton.get("humanoid", {}), "humanoid").items()}
    if any(len(edge) != 2 for edge in edges) or not {*named["across"], *named["feet"], *bones.values()} <= set(joints):
        raise ValueError(f"skeleton {name!r}: edges join two joints; across, feet and humanoid name some")
    if len(named["across"]) not in (0, 2):
        raise ValueError(f"skeleton {name!r}: across names a left and a right joint, or none")
    more: dict[str, Any] = {**named, "humanoid": bones, "rest": rest, "edges": edges}
    return {"name": name, "joints": joints, "parents": parents, **more}


def parse(message: bytes) -> object:
    """JSON as Python values; NaN and the infinities become None. Raises ValueError for what is none."""
    try:
        return json.loads(message, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("JSON nested too deep") from None


def clean(told: object, longest: int = 400) -> str:
    """Text that does nothing to a terminal: what cannot be printed, escape codes among it, becomes ``?``."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(told)[:longest])


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise ValueError(f"announced: {clean(repr(told), 40)} where text belongs")
    return clean(told, 200)


def _is_number(told: object) -> TypeGuard[float]:
    return isinstance(told, (int, float)) and not isinstance(told, bool) and -1e300 < told < 1e300


def _number(told: Any, low: float, high: float, what: str) -> float:
    if not _is_number(told) or not low <= told <= high:
        raise ValueError(f"announced: {what} = {clean(repr(told), 40)}; it is a number from {low:g} to {high:g}")
    return float(told)


def _whole(told: Any, end: int, what: str, low: int = 0) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not low <= told < end:
        raise ValueError(f"announced: {what} = {clean(repr(told), 40)}; it is a whole number from {low} to {end - 1}")
    return told


def _triple(told: object, name: str) -> list[float]:
    offset = _list(told, f"an offset of {name!r}", 3)
    if len(offset) != 3:
        raise ValueError(f"announced: an offset of {name!r} has {len(offset)} numbers")
    return [_number(each, -1e3, 1e3, f"an offset of {name!r}, metres,") for each in offset]


def _list(told: object, what: str, most: int = MOST) -> list[Any]:
    if not isinstance(told, list) or len(told) > most:
        raise ValueError(f"announced: {what}: {clean(repr(told), 40)}; it is a list of {most} at most")
    return told


def _object(told: object, what: str) -> dict[str, Any]:
    if not isinstance(told, dict) or len(told) > MOST:
        raise ValueError(f"announced: {what} is {clean(repr(told), 40)}; it is a JSON object of {MOST} at most")
    return told
