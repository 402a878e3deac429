"""The wire format: one ZeroMQ message part per frame and stream, a 56-byte header followed by float32 values.

All fields are little-endian and naturally aligned; the first bytes are the subscription topic, so a prefix of

- 4 bytes selects this protocol, - 8 bytes one session, - 10 bytes one stream of one session.

====== ===== ============ =====================================================================================
offset type  field        meaning
====== ===== ============ =====================================================================================
0      u32   magic        ``RXN1`` as bytes
4      u32   session      session number
8      u16   stream       stream number; names and units come from the control socket (``describe``)
10     u8    version      1
11     u8    flags        the low eight bits of :class:`Flag`
12     u32   step_us      duration of the model step, microseconds
16     u64   seq          frame number since the session started; gaps are lost or skipped frames
24     i64   capture_ns   when the newest input of this frame was captured
32     i64   due_ns       when the frame was due (its hop of audio complete)
40     i64   publish_ns   when the message was handed to ZeroMQ
48     u32   layout       CRC-32 of names and units, see :func:`layout_hash`
52     u16   count        number of float32 values that follow
54     u16   more_flags   bits 8 to 23 of :class:`Flag`; 0 from engines that know only eight
56     f32[] values       the stream's values in the announced order
====== ===== ============ =====================================================================================

The header grows by meaning given to what was 0, never by length: a reader of version 1 that ignores the last field
reads everything else rightly. What needs more than that will be another version and another magic.

Times are nanoseconds of the engine host's monotonic clock; the control socket's ``clock`` request relates it to UTC.
A message of an unknown version or magic must be ignored. Every client's tests decode ``tests/wire_golden.json``.
"""

from __future__ import annotations

import enum
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAGIC = b"RXN1"
VERSION = 1
HEADER = struct.Struct("<4sIHBBIQqqqIHH")
PARTNER_STREAM = 0x100
"""First stream number of monitor streams, which echo what the model was given (sent with ``--monitor`` only)."""


class Flag(enum.IntFlag):
    """Why a frame may be less than it seems."""

    HELD = 1  #: no new pose could be computed; the previous one is repeated
    LATE = 2  #: published after its deadline (one frame period after it was due)
    SILENT = 4  #: no partner audio reached this frame
    NO_FACE = 8  #: no valid partner face reached this frame
    DEGRADED = 16  #: a source failed or is stale; the model runs on what is left
    FIRST = 32  #: first frame of a session or after a reset
    BAD_INPUT = 64  #: a non-finite input was replaced by "missing"
    SKIPPED = 128  #: frames before this one were skipped to catch up
    UNSOUND = 256  #: a partner's pose was out of range or jumped too far to be believed; it counts as not seen
    PENDING = 512  #: a text that was set is still being encoded; the one before is in force


class WireError(ValueError):
    """The bytes are not a frame of this protocol version."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One published frame of one stream; times in nanoseconds, ``values`` float32 of shape (count,)."""

    session: int
    stream: int
    flags: Flag
    step_us: int
    seq: int
    capture_ns: int
    due_ns: int
    publish_ns: int
    layout: int
    values: NDArray[np.float32]


def topic(session: int, stream: int | None = None) -> bytes:
    """Subscription prefix of one session, or of one stream of it."""
    prefix = MAGIC + struct.pack("<I", session)
    return prefix if stream is None else prefix + struct.pack("<H", stream)


def layout_hash(names: Sequence[str], units: Sequence[str]) -> int:
    """CRC-32 over the JSON of names and units: two peers with the same hash agree on what each float means."""
    return zlib.crc32(json.dumps([list(names), list(units)], separators=(",", ":")).encode())


def encode(frame: Frame) -> bytes:
    """The message of one frame."""
    values = np.ascontiguousarray(frame.values, "<f4")
    flags = int(frame.flags)
    header = HEADER.pack(
        MAGIC,
        frame.session,
        frame.stream,
        VERSION,
        flags & 0xFF,
        min(frame.step_us, 2**32 - 1),
        frame.seq,
        frame.capture_ns,
        frame.due_ns,
        frame.publish_ns,
        frame.layout,
        values.size,
        flags >> 8,
    )
    return header + values.tobytes()


def decode(message: bytes) -> Frame:
    """The frame of one message. Raises :class:`WireError` naming what does not fit."""
    if len(message) < HEADER.size:
        raise WireError(f"message of {len(message)} bytes is shorter than the {HEADER.size}-byte header")
    (magic, session, stream, version, flags, step_us, seq, capture, due, publish, layout, count, more) = HEADER.unpack(
        message[: HEADER.size]
    )
    if magic != MAGIC or version != VERSION:
        raise WireError(f"magic {magic!r} version {version}: expected {MAGIC!r} version {VERSION}")
    if len(message) != HEADER.size + 4 * count:
        raise WireError(f"message of {len(message)} bytes does not hold the {count} values its header names")
    return Frame(
        session=session,
        stream=stream,
        flags=Flag(flags | more << 8),
        step_us=step_us,
        seq=seq,
        capture_ns=capture,
        due_ns=due,
        publish_ns=publish,
        layout=layout,
        values=np.frombuffer(message, "<f4", count, HEADER.size),
    )
