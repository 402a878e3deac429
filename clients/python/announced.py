"""What an engine says of its session, read from JSON of any shape into plain classes, or refused in words: whoever
answers may be anybody. Needs the standard library alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, TypeGuard

MOST = 1024
"""Streams, controls, skeletons and joints of one engine."""


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
    """One control; ``value`` is empty where it is not known, and has several numbers for a vector."""

    name: str
    low: float
    high: float
    value: tuple[float, ...]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """What an engine says of its session. ``skeletons`` by name have ``joints``, ``parents``, ``rest``, ``edges``,
    ``across`` and ``feet``; ``texts`` are those in force."""

    session: int
    rate: float
    sample_rate: int
    bundle: str
    pub: str
    streams: tuple[Stream, ...]
    controls: tuple[Control, ...]
    skeletons: dict[str, dict[str, Any]]
    texts: dict[str, str]

    @classmethod
    def read(cls, told: object) -> Announced:
        """From parsed JSON of any shape. Raises ValueError naming what cannot be used."""
        told = _object(told, "the announcement")
        if told.get("streams") == []:
            raise ValueError("the engine has no session of its own (yet), only such of network clients")
        if "streams" not in told:
            raise ValueError("it answers without streams; is it the engine's control port?")
        numbers = [each.get("stream") for each in _list(told["streams"], "streams") if isinstance(each, dict)]
        if len({str(number) for number in numbers}) < len(numbers):
            raise ValueError("announced: two streams have one number")
        rate, bundle = _number(told.get("rate"), 1.0, 1000.0, "rate"), _text(told.get("bundle", "?"))
        skeletons, texts = _some(told.get("skeletons", {}), "skeletons"), _some(told.get("texts", {}), "texts")
        return cls(
            session=_whole(told.get("session"), 2**32, "session"),
            rate=rate,
            sample_rate=_whole(told.get("sample_rate", 0), 400_000, "sample_rate"),
            bundle=bundle,
            pub=_text(told.get("pub", "")),
            streams=tuple(_stream(each, rate, bundle) for each in _list(told.get("streams"), "streams")),
            controls=tuple(_control(each) for each in _list(told.get("controls", []), "controls")),
            skeletons={_text(name): _skeleton(each) for name, each in skeletons.items()},
            texts={_text(name): _said(each) for name, each in texts.items()},
        )


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
    )


def _skeleton(told: object) -> dict[str, Any]:
    skeleton = _object(told, "a skeleton")
    name = _text(skeleton.get("name"))
    joints = [_text(each) for each in _list(skeleton.get("joints"), f"joints of {name!r}")]
    tree = _list(skeleton.get("parents"), f"parents of {name!r}")
    parents = [_whole(each, len(joints), f"a parent in {name!r}", -1) for each in tree]
    rest = [_triple(each, name) for each in _list(skeleton.get("rest"), f"rest of {name!r}")]
    if not joints or len(set(joints)) != len(joints) or not len(joints) == len(parents) == len(rest):
        raise ValueError(f"skeleton {name!r}: {len(joints)} joints, {len(parents)} parents, {len(rest)} offsets")
    if any(parent >= joint for joint, parent in enumerate(parents)):
        raise ValueError(f"skeleton {name!r}: a parent comes after its child")
    edges = [
        [_whole(end, len(joints), f"an edge of {name!r}") for end in _list(edge, "an edge", 2)]
        for edge in _list(skeleton.get("edges", []), "edges")
    ]
    named = {
        key: [_text(each) for each in _list(skeleton.get(key, []), f"{key} of {name!r}")] for key in ("across", "feet")
    }
    if any(len(edge) != 2 for edge in edges) or not set(named["across"] + named["feet"]) <= set(joints):
        raise ValueError(f"skeleton {name!r}: edges join two joints, across and feet name some")
    if len(named["across"]) not in (0, 2):
        raise ValueError(f"skeleton {name!r}: across names a left and a right joint, or none")
    return {"name": name, "joints": joints, "parents": parents, "rest": rest, "edges": edges, **named}


def parse(message: bytes) -> object:
    """JSON as Python values; NaN and the infinities become None. Raises ValueError for what is none."""
    try:
        return json.loads(message, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("JSON nested too deep") from None


def clean(told: object, longest: int = 400) -> str:
    """Text that does nothing to a terminal: what cannot be printed, escape codes among it, becomes ``?``."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(told)[:longest])


def _said(told: object) -> str:
    return clean(told.get("text", "") if isinstance(told, dict) else told, 1000)


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
    if not isinstance(told, dict):
        raise ValueError(f"announced: {what} is {clean(repr(told), 40)}, and no JSON object")
    return told


def _some(told: object, what: str) -> dict[str, Any]:
    if len(_object(told, what)) > MOST:
        raise ValueError(f"announced: {what}: more than {MOST}")
    return _object(told, what)
