"""What travels over the WebSocket of a network session. Text messages are JSON objects, binary ones numbers; all times
are whole nanoseconds of the client's own clock, whatever that counts from.

**From the client.** The first message opens the session; ``at`` is the client's time, told with as many messages as it
likes. What is left out has a default.

======================================================= ==========================================================
``{"open": {...}}``                                     fields of :class:`Open`: ``bundles`` (default: the first
                                                        there is), ``seed``, ``controls``, ``gives`` (what the client
                                                        will send, as "audio/partner"), ``sample_rate`` of its sound,
                                                        ``head``, ``monitor``, ``token``, ``at``
``{"set": {"nod_rate": 1.5}}``                          controls and texts
``{"words": [["hi", 123, 456], ...], "owner": "self"}`` text, start, end (or null); up to a minute ahead
``{"speaking": true, "owner": "self", "at": 123}``      true or false wins over words and sound; null: those count again
``{"pause": true}``, ``{"resume": true}``               no frames; frames again
``{"reset": true}``                                     the model forgets
``{"ping": 7}``                                         is answered; a sign of life of a client that sends nothing
``{"stats": true}``                                     is answered
``{"time": 99, "at": 123}``                             the answer to ``{"time": 99}``, at once
binary                                                  one or several *records*: sound, a pose or a picture
======================================================= ==========================================================

A record is 16 bytes, little-endian, and then its numbers; records follow each other without a gap, and a pose that
belongs to a hop of sound stands best before it in the same message:

====== ===== =============================================================================================
offset type  meaning
====== ===== =============================================================================================
0      u8    numbers: 1 int16 (sound only), 2 float32, 3 bytes of one JPEG (pictures only)
1      u8    which input, by its number in ``inputs`` of the announcement
2      u8    1; 0: nothing was heard or seen, and the numbers mean nothing
3      u8    0
4      u32   count of numbers
8      i64   when the last sample, the pose or the picture was captured
====== ===== =============================================================================================

Pictures ("pictures/partner") are taken where the engine was told to (``engine serve --pictures``); it finds the face in
them, and models get that. What is none, or too large, is found out after it was taken, and refused then
(:mod:`engine.sources.jpeg`).

**From the engine.** ``{"session": announcement, "inputs": [{"input": 0, "gives": "audio/partner", "count": 0}, ...],
"time": ns}`` answers the opening (``count`` numbers make a pose; sound and pictures have any), then come frames as the
wire format has them (:mod:`engine.wire`), one a binary message, and as text ``{"time": ns}`` (to be answered),
``{"set": ...}`` (all that is held now), ``{"pong": 7, "at": ns}``, ``{"stats": ...}``, ``{"dropped": n}`` (frames that
this client was too slow for, in all), ``{"refused": "why", "in_all": n}``, ``{"notice": "partner's voice: too quiet
..."}`` (each once) and at the end ``{"ended": "why"}``.

Everything is parsed within bounds, and nothing of a message counts that does not fit.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.feeds.feeds import Key
from engine.feeds.words import LONGEST_WORD
from engine.plain import STRICT, PlainError, read
from engine.roles import OWNERS
from engine.sources.pictures import PICTURES
from engine.speech.messages import RATES
from engine.text.tidy import tidy

LONGEST_BINARY = 64 * 1024
"""Bytes of a message: a third of a second of float32 at 48 kHz."""
LONGEST_READ = 4 * LONGEST_BINARY
"""Where pictures are taken, what is longer than a message may be is read up to here and refused; beyond that, and where
none are taken, it ends the connection."""
LONGEST_TEXT = 16 * 1024
MOST_RECORDS = 16
MOST_WORDS = 64
MOST_NAMES = 64
HEAD = struct.Struct("<BBBBIq")
INT16, FLOAT32, JPEG = 1, 2, 3
FORMATS: Mapping[int, tuple[str, int]] = {INT16: ("<i2", 2), FLOAT32: ("<f4", 4), JPEG: ("u1", 1)}
KINDS = ("open", "set", "words", "speaking", "pause", "resume", "reset", "ping", "stats", "time")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class MessageError(EngineError):
    """A message that is none; it says what to send instead."""


class Input(NamedTuple):
    """Something that a session is given in numbers: ``key``, and the ``shape`` of a pose (() for sound, pictures)."""

    key: Key
    shape: tuple[int, ...] = ()

    @property
    def pictures(self) -> bool:
        """Whether it takes JPEGs, and nothing else."""
        return self.key == PICTURES


class Record(NamedTuple):
    """Numbers of one input: sound (n,) from -1 to 1 or a pose of the input's shape, float32; of a picture the bytes
    (n,) of its JPEG, uint8."""

    input: int
    at_ns: int
    values: NDArray[Any]
    valid: bool


@dataclass(frozen=True)
class Open:
    """How a session is asked for; see :class:`engine.session.live.Opening`."""

    bundles: tuple[str, ...] = ()
    seed: int = 0
    controls: dict[str, Any] = field(default_factory=dict)
    gives: tuple[str, ...] = ()
    sample_rate: int = 16_000
    head: Literal["face", "body"] = "face"
    monitor: bool = False
    token: str = ""
    at: int | None = None

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise MessageError("open: seed: give a whole number from 0 to 4294967295")
        if self.sample_rate not in RATES:
            raise MessageError(f"open: sample_rate: give one of {', '.join(map(str, RATES))} Hz")
        if max(len(self.bundles), len(self.controls), len(self.gives)) > MOST_NAMES:
            raise MessageError(f"open: {MOST_NAMES} bundles, controls or gives at most")
        if self.at is not None:
            _time(self.at, "open: at")

    @property
    def keys(self) -> frozenset[Key]:
        """``gives`` as feeds know it. Raises :class:`MessageError`."""
        return frozenset(_key(name) for name in self.gives)


class Words(NamedTuple):
    """Words of an owner: text, start, end (None: not known)."""

    owner: str
    words: list[tuple[str, int, int | None]]


class Said(NamedTuple):
    """Whether an owner speaks; ``at_ns`` None: from now on."""

    owner: str
    flag: bool | None
    at_ns: int | None


class ClientOrder(NamedTuple):
    """One of the short messages: ``set``, ``pause``, ``resume``, ``reset``, ``ping``, ``stats``, ``time`` with its
    value."""

    kind: str
    value: Any
    at_ns: int | None


def parse_text(message: bytes) -> Open | Words | Said | ClientOrder:
    """What a text message says. Raises :class:`MessageError`."""
    if len(message) > LONGEST_TEXT:
        raise MessageError(f"a text message of {len(message)} bytes: send {LONGEST_TEXT} at most")
    try:
        told = json.loads(message.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        told = None
    kinds = [kind for kind in KINDS if kind in told] if isinstance(told, dict) else []
    if not kinds:
        raise MessageError(f"no message: send a JSON object with one of {', '.join(KINDS)}")
    kind, rest = kinds[0], set(told) - {kinds[0], "owner", "at"}
    if rest:
        raise MessageError(f"{kind}: one thing a message, with owner or at beside it; what is {_shown(min(rest))}?")
    value, at_ns = told[kind], _time(told["at"], "at") if "at" in told else None
    if kind == "open":
        if not isinstance(value, dict):
            raise MessageError("open: give an object of its fields")
        try:
            return read(Open, value, exact=True)
        except PlainError as error:
            raise MessageError(f"open: {error}") from None
    if kind == "words":
        return Words(_owner(told), [_word(entry) for entry in _listed(value)])
    if kind == "speaking":
        if value is not None and not isinstance(value, bool):
            raise MessageError("speaking: give true, false or null")
        return Said(_owner(told), value, at_ns)
    return ClientOrder(kind, _checked(kind, value), at_ns)


def parse_records(message: bytes, inputs: Sequence[Input]) -> list[Record]:
    """The records of a binary message for a session's ``inputs``; numbers are copied from it. Raises
    :class:`MessageError`."""
    size, at = len(message), 0
    if not HEAD.size <= size <= LONGEST_BINARY:
        raise MessageError(f"a binary message of {size} bytes: send records of {HEAD.size} to {LONGEST_BINARY} in all")
    records: list[Record] = []
    while at < size:
        if size - at < HEAD.size or len(records) >= MOST_RECORDS:
            raise MessageError(
                f"record {len(records)}: {size - at} bytes are left; send {MOST_RECORDS} whole ones at most"
            )
        kind, number, valid, zero, count, at_ns = HEAD.unpack_from(message, at)
        at += HEAD.size
        known = FORMATS.get(kind)
        if known is None or valid > 1 or zero or number >= len(inputs):
            raise MessageError(
                f"record {len(records)}: numbers {kind}, input {number}, valid {valid}, {zero}; give 1 to 3, an input "
                f"below {len(inputs)}, 0 or 1, and 0"
            )
        shape = inputs[number].shape
        if not count or count > (size - at) // known[1]:
            raise MessageError(f"record {len(records)}: {count} numbers, {size - at} bytes are left for them")
        numbers = np.frombuffer(message, known[0], count, at)
        at += count * known[1]
        if (kind == JPEG) != inputs[number].pictures:
            raise MessageError(
                f"record {len(records)}: numbers {kind} for {'/'.join(inputs[number].key)}; pictures, and "
                "nothing else, are 3"
            )
        values: NDArray[Any] = numbers
        if kind == JPEG:
            values = numbers  # of the message itself, which nothing else writes to
        elif kind == INT16:
            values = numbers.astype(np.float32) * np.float32(1 / 32768)
        elif np.isfinite(numbers).all():
            values = numbers.astype(np.float32)
        else:
            raise MessageError(f"record {len(records)}: numbers that are not finite; send 0 for valid instead")
        if shape:
            if kind != FLOAT32 or count != _count(shape):
                raise MessageError(
                    f"record {len(records)}: a pose of {inputs[number].key[0]} is {_count(shape)} float32"
                )
            values = values.reshape(shape)
        elif kind == FLOAT32:
            np.clip(values, -1.0, 1.0, out=values)
        records.append(Record(number, at_ns, values, bool(valid)))
    return records


def record(number: int, at_ns: int, values: NDArray[Any], valid: bool = True) -> bytes:
    """A record of int16 or float32 ``values``, or of a picture's bytes as uint8."""
    kind = {"int16": INT16, "uint8": JPEG}.get(values.dtype.name, FLOAT32)
    numbers = np.ascontiguousarray(values, FORMATS[kind][0])
    return HEAD.pack(kind, number, valid, 0, numbers.size, at_ns) + numbers.tobytes()


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _checked(kind: str, value: Any) -> Any:
    """The value of one of the short messages."""
    if kind == "set":
        if not isinstance(value, dict) or not value or len(value) > MOST_NAMES:
            raise MessageError(f"set: give an object of 1 to {MOST_NAMES} names and values")
        return value
    if kind in ("time", "ping"):
        return _time(value, kind)
    if value is not True:
        raise MessageError(f"{kind}: give true")
    return True


def _word(entry: Any) -> tuple[str, int, int | None]:
    if not isinstance(entry, list) or not 2 <= len(entry) <= 3 or not isinstance(entry[0], str):
        raise MessageError('words: give ["text", start, end] for each')
    text = tidy(entry[0][: 4 * LONGEST_WORD])[:LONGEST_WORD]
    if not text:
        raise MessageError("words: a text without letters")
    end = entry[2] if len(entry) == 3 else None
    return text, _time(entry[1], "start of a word"), None if end is None else _time(end, "end of a word")


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_WORDS:
        raise MessageError(f"words: give a list of 1 to {MOST_WORDS}")
    return value


def _owner(told: Mapping[str, Any]) -> str:
    owner = told.get("owner", "self")
    if owner not in OWNERS:
        raise MessageError(f"owner {_shown(owner)}: give {' or '.join(OWNERS)}")
    return str(owner)


def _key(name: str) -> Key:
    what, slash, owner = name.partition("/")
    if not slash or owner not in OWNERS or not what:
        raise MessageError(f"gives {_shown(name)}: write WHAT/OWNER, for example audio/partner")
    return what, owner


def _time(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not _SMALLEST <= value <= _LARGEST:
        raise MessageError(f"{what}: give a whole number that fits 64 bits")
    return value


def _no_number(name: str) -> float:
    raise ValueError(name)


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
