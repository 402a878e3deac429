"""Receive the engine's frames: copy this file into your project, it needs pyzmq and numpy alone.

engine = describe("tcp://127.0.0.1:5571")
face = next(s for s in engine["streams"] if s["name"] == "face")
for frame in Subscriber(engine["pub"], engine["session"], stream=0, latest=True):
    pose = dict(zip(face["names"], frame.values))

A body's stream names its skeleton (joints, parents, rest pose), which the description holds; metres, Y up:

body = next(s for s in engine["streams"] if s["name"] == "body")
skeleton = engine["skeletons"][body["skeleton"]]
for frame in Subscriber(engine["pub"], engine["session"], stream=body["stream"], latest=True):
    place = dict(zip(skeleton["joints"], frame.values.reshape(-1, 3)))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import zmq

HEADER = np.dtype(
    "S4,<u4,<u2,u1,u1,<u4,<u8,<i8,<i8,<i8,<u4,<u2,<u2"  # 56 bytes; the fields below, in the wire's order
)
HEADER.names = (
    *("magic", "session", "stream", "version", "flags", "step_us", "seq"),
    *("capture_ns", "due_ns", "publish_ns", "layout", "count", "reserved"),
)
FLAGS = ("held", "late", "silent", "no face", "degraded", "first", "bad input", "skipped")  # bit 0 first


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
        """The flags in words."""
        return [word for bit, word in enumerate(FLAGS) if self.flags >> bit & 1]


def decode(message: bytes) -> Frame | None:
    """The frame of one message, or None if the bytes are not a frame of version 1."""
    if len(message) < HEADER.itemsize:
        return None
    head = dict(zip(HEADER.names or (), np.frombuffer(message, HEADER, 1)[0].item(), strict=True))
    if head["magic"] != b"RXN1" or head["version"] != 1 or len(message) != HEADER.itemsize + 4 * head["count"]:
        return None
    return Frame(**{name: head[name] for name in Frame._fields[:-1]}, values=np.frombuffer(message, "<f4", -1, 56))


class Subscriber:
    """Iterates over decoded frames of one session (or all) and one stream (or all).

    ``lost`` counts frames missing by ``seq`` per stream. ``announced`` is the newest description the engine sent; a
    frame whose layout differs from it is dropped and counted in ``mismatched``. With ``latest`` a slow reader skips to
    the newest frame of each stream. :meth:`receive` waits at most ``timeout`` seconds.
    """

    def __init__(
        self,
        endpoint: str = "tcp://127.0.0.1:5570",
        session: int | None = None,
        stream: int | None = None,
        latest: bool = False,
        announced: dict[str, Any] | None = None,
    ) -> None:
        self.session, self.stream, self.latest, self.announced = session, stream, latest, announced
        self.lost: dict[int, int] = {}
        self.mismatched = 0
        self._last: dict[int, tuple[int, int]] = {}
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVHWM, 64)  # under a second of frames: a reader that stalls wants new ones, not old
        which = b"" if session is None else session.to_bytes(4, "little")
        narrow = b"" if stream is None or session is None else stream.to_bytes(2, "little")
        self._socket.subscribe(b"RXN1" + which + narrow)
        self._socket.subscribe(b"RXA1" + which)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._socket.close()
            raise ValueError(f"endpoint {endpoint!r}: {error}; write it as tcp://HOST:PORT") from None

    def receive(self, timeout: float) -> list[Frame]:
        """The frames waiting, oldest first; empty if none came within ``timeout`` seconds."""
        frames: list[Frame] = []
        if self._socket.poll(int(timeout * 1000)):
            while self._socket.poll(0) and len(frames) < 256:
                parts = self._socket.recv_multipart()
                if len(parts) == 1 and (frame := self._accept(parts[0])):
                    frames.append(frame)
        return list({frame.stream: frame for frame in frames}.values()) if self.latest else frames

    def _accept(self, message: bytes) -> Frame | None:
        if message[:4] == b"RXA1":
            try:
                self.announced = json.loads(message[8:])
            except ValueError:
                self.mismatched += 1
            return None
        frame = decode(message)
        if frame is None or self.stream not in (None, frame.stream):
            return None
        known = [s["layout"] for s in (self.announced or {}).get("streams", ()) if s["stream"] == frame.stream]
        if known and known[0] != frame.layout:
            self.mismatched += 1
            return None
        session, seq = self._last.get(frame.stream, (frame.session, frame.seq - 1))
        if frame.session == session and frame.seq > seq:  # a smaller number means that the engine began anew
            self.lost[frame.stream] = self.lost.get(frame.stream, 0) + frame.seq - seq - 1
        self._last[frame.stream] = (frame.session, frame.seq)
        return frame

    def __iter__(self) -> Iterator[Frame]:
        while True:
            yield from self.receive(1.0)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def describe(control: str = "tcp://127.0.0.1:5571", timeout: float = 2.0) -> dict[str, Any]:
    """What the engine says about itself: session, streams with their names, controls. Raises ConnectionError."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    with socket:
        socket.set(zmq.LINGER, 0)
        try:
            socket.connect(control)
        except zmq.ZMQError as error:
            raise ConnectionError(f"control endpoint {control!r}: {error}; write it as tcp://HOST:PORT") from None
        socket.send(b'{"op":"describe"}')
        if not socket.poll(int(timeout * 1000)):
            raise ConnectionError(
                f"no engine answers at {control} within {timeout:g} s: start one (engine serve) or correct --control"
            )
        answer = socket.recv()
    try:
        reply: dict[str, Any] = json.loads(answer)
        missing = [key for key in ("session", "rate", "pub", "streams") if key not in reply]
    except (ValueError, TypeError):
        raise ConnectionError(
            f"{control} answers something that is not JSON: is it the engine's control port?"
        ) from None
    if missing:
        raise ConnectionError(f"{control} answers without {', '.join(missing)}: is it the engine's control port?")
    return reply


def connectable(pub: str, control: str) -> str:
    """The publishing endpoint as seen from here: a wildcard address is replaced by the control endpoint's host."""
    parts = urlsplit(pub)
    if parts.hostname in ("*", "0.0.0.0", "::"):
        return f"{parts.scheme}://{urlsplit(control).hostname}:{pub.rsplit(':', 1)[1]}"
    return pub
