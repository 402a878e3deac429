"""What a speech program sends: one message part, either sound or a JSON object. Times in seconds count from the start
of the present *utterance*, so they are what a synthesiser gives.

Sound, little-endian, the samples mono and interleaved with nothing:

====== ======= ==========================================================================================
offset type    meaning
====== ======= ==========================================================================================
0      4 bytes ``RXS1``
4      u8      kind of the samples: 0 int16, 1 float32 from -1 to 1
5      u8      1: an utterance begins with this sound; 0: it goes on
6      u16     0
8      u32     rate in Hz, one of :data:`RATES`
12     i64     moment at which to play it, nanoseconds of the engine's clock; 0: now, or after what came before
20     ...     samples
====== ======= ==========================================================================================

JSON fields, each of which may be left out, in the order in which they are obeyed:

=============== ============================================================================================
``"clear"``     true: what was not played yet is forgotten (somebody interrupts the avatar)
``"begin"``     true: an utterance begins, now or after what came before
``"at_ns"``     with ``begin``: the moment on the engine's clock, where it is later than that
``"words"``     list of ``{"start": s, "end": s, "text": "hi"}``, at most :data:`MOST_WORDS`
``"speaking"``  true or false: it wins over sound and words; null: it is told from those again
``"at"``        with ``speaking``: seconds from the start of the utterance; without it now
=============== ============================================================================================

Where the engine has a token file, a message has two parts, a token with the right ``set`` being the first. Every
message is answered with a JSON object: ``ok``; ``now_ns``, the engine's clock; ``ahead_s``, how much is yet to be
played; or ``error`` in words, and then nothing of the message was done.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.speech.spoken import LATEST_S, SpokenWord, timed_word

MAGIC = b"RXS1"
HEAD = struct.Struct("<4sBBHIq")
LONGEST_MESSAGE = 4 << 20
"""Bytes; ten seconds at 48 kHz in float32 are half of that."""
LONGEST_JSON = 256 << 10
MOST_WORDS = 1024
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Rates that are taken; a rate without a common measure with the model's would need a filter of a gigabyte."""
_KINDS: tuple[tuple[str, float], ...] = (("<i2", 1.0 / 32768.0), ("<f4", 1.0))
_FIELDS = ("clear", "begin", "at_ns", "words", "speaking", "at")


@dataclass(frozen=True)
class SpeechSound:
    """``samples`` (n,) float32 at ``rate`` Hz; ``begins`` an utterance; ``at_ns`` 0: after what came before."""

    samples: NDArray[np.float32]
    rate: int
    begins: bool = False
    at_ns: int = 0


@dataclass(frozen=True)
class SpeechUpdate:
    """The JSON fields; ``flag`` is what is said of speaking, where ``flagged``; ``at``
    None: now."""

    clear: bool = False
    begins: bool = False
    at_ns: int = 0
    words: tuple[SpokenWord, ...] = ()
    flagged: bool = False
    flag: bool | None = None
    at: float | None = None


def decode(message: bytes) -> SpeechSound | SpeechUpdate:
    """What a message says. Raises :class:`EngineError` in words for the one who sent it."""
    return _sound(message) if message[:4] == MAGIC else _told(message)


def encode_sound(samples: NDArray[np.float32], rate: int, begins: bool = False, at_ns: int = 0) -> bytes:
    """A message of float32 ``samples`` (n,)."""
    return HEAD.pack(MAGIC, 1, begins, 0, rate, at_ns) + np.ascontiguousarray(samples, "<f4").tobytes()


def _sound(message: bytes) -> SpeechSound:
    if not HEAD.size <= len(message) <= LONGEST_MESSAGE:
        raise EngineError(f"sound of {len(message)} bytes: give a head of {HEAD.size} and {LONGEST_MESSAGE} at most")
    _, kind, begins, reserved, rate, at_ns = HEAD.unpack_from(message)
    if kind >= len(_KINDS) or begins > 1 or reserved:
        raise EngineError(f"sound of kind {kind}, begin {begins}, {reserved}: give 0 (int16) or 1 (float32), 0 or 1, 0")
    if rate not in RATES:
        raise EngineError(f"sound at {rate} Hz: give one of {', '.join(str(known) for known in RATES)}")
    if at_ns < 0:
        raise EngineError(f"sound for the moment {at_ns}: give nanoseconds of the engine's clock, or 0 for now")
    dtype, scale = _KINDS[kind]
    if (len(message) - HEAD.size) % np.dtype(dtype).itemsize:
        raise EngineError(f"sound of {len(message) - HEAD.size} bytes: that is no whole number of samples ({dtype})")
    samples = np.frombuffer(message, dtype, offset=HEAD.size)
    if not np.isfinite(samples).all():
        raise EngineError("sound with numbers that are not finite; send samples from -1 to 1")
    return SpeechSound(np.clip(samples * np.float32(scale), -1.0, 1.0), rate, bool(begins), at_ns)


def _told(message: bytes) -> SpeechUpdate:
    if len(message) > LONGEST_JSON:
        raise EngineError(f"JSON of {len(message)} bytes: {LONGEST_JSON} at most; send words as they are made")
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not told or not set(told) <= set(_FIELDS):
        raise EngineError(
            f"no message of a speech program: give sound that starts with {MAGIC.decode()}, or a JSON object with some "
            f"of {', '.join(_FIELDS)}"
        )
    for name in ("clear", "begin"):
        if not isinstance(told.get(name, False), bool):
            raise EngineError(f"{name}: give true or false")
    at_ns = told.get("at_ns", 0)
    if isinstance(at_ns, bool) or not isinstance(at_ns, int) or not 0 <= at_ns < 1 << 63:
        raise EngineError("at_ns: give whole nanoseconds of the engine's clock")
    if not isinstance(told.get("speaking"), (bool, type(None))):
        raise EngineError("speaking: give true, false or null")
    return SpeechUpdate(
        clear=told.get("clear", False),
        begins=told.get("begin", False),
        at_ns=at_ns,
        words=_words(told.get("words", [])),
        flagged="speaking" in told,
        flag=told.get("speaking"),
        at=_seconds(told.get("at")),
    )


def _words(listed: Any) -> tuple[SpokenWord, ...]:
    if not isinstance(listed, list) or len(listed) > MOST_WORDS:
        raise EngineError(f"words: give a list of {MOST_WORDS} at most")
    words = []
    for number, entry in enumerate(listed):
        try:
            words.append(timed_word(entry))
        except ValueError as error:
            raise EngineError(f"words: number {number} is {error}") from None
    return tuple(words)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST_S:
        raise EngineError(f"at: give seconds from the start of the utterance, {LATEST_S:g} at most")
    return float(value)
