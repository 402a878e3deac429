"""Receive the engine's frames: copy this file and announced.py into your project, they need pyzmq and numpy alone.

engine = describe("tcp://127.0.0.1:5571")
face = next(stream for stream in engine.streams if stream.codec == "arkit58")
for frame in Subscriber(engine.pub, engine.session, stream=face.number, latest=True):
    pose = dict(zip(face.names, frame.values))

A body's stream (codec "joints") names its skeleton (joints, parents, rest pose), which the description holds; metres,
Y up:

skeleton = engine.skeletons[body.skeleton]
for frame in Subscriber(engine.pub, engine.session, stream=body.number, latest=True):
    place = dict(zip(skeleton["joints"], frame.values.reshape(-1, 3)))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import zmq
from zmq.auth import load_certificate

from .announced import Announced, clean, parse

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
FLAGS = (
    "held",  # bit 0
    "late",
    "silent",
    "no face",
    "degraded",
    "first",
    "bad input",
    "skipped",
    "unsound",  # bit 0 of more_flags
    "text pending",
)
LONGEST = (1 << 20) + 1024  # bytes of a message; announcements are the longest


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


class Subscriber:
    """Iterates over decoded frames of one session (or all) and one stream (or all).

    ``lost`` counts frames missing by ``seq`` per stream. ``announced`` is the newest description the engine sent; a
    frame whose layout differs from it is dropped and counted in ``mismatched``, as is a description that cannot be
    read. With ``latest`` a slow reader skips to the newest frame of each stream. :meth:`receive` waits at most
    ``timeout`` seconds. ``keys`` is a client's folder of keys, for an engine that wants them (``engine keys``).
    """

    def __init__(
        self,
        endpoint: str = "tcp://127.0.0.1:5570",
        session: int | None = None,
        stream: int | None = None,
        latest: bool = False,
        announced: Announced | None = None,
        keys: str | Path | None = None,
    ) -> None:
        if not 0 <= (session or 0) < 2**32 or not 0 <= (stream or 0) < 2**16:
            raise ValueError(f"session {session}, stream {stream}: give 0 to 4294967295 and 0 to 65535")
        self.session, self.stream, self.latest = session, stream, latest
        self.lost: dict[int, int] = {}
        self.mismatched = 0
        self._last: dict[int, tuple[int, int]] = {}
        self._learn(announced)
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVHWM, 64)  # under a second of frames: a reader that stalls wants new ones, not old
        self._socket.set(zmq.MAXMSGSIZE, LONGEST)
        which = b"" if session is None else session.to_bytes(4, "little")
        narrow = b"" if stream is None or session is None else stream.to_bytes(2, "little")
        self._socket.subscribe(b"RXN1" + which + narrow)
        self._socket.subscribe(b"RXA1" + which)
        try:
            _connect(self._socket, endpoint, keys)
        except ValueError:
            self._socket.close()
            raise

    def receive(self, timeout: float) -> list[Frame]:
        """The frames waiting, oldest first; empty if none came within ``timeout`` seconds."""
        frames: list[Frame] = []
        if self._socket.poll(int(timeout * 1000)):
            while self._socket.poll(0) and len(frames) < 256:
                parts = self._socket.recv_multipart()
                if len(parts) == 1 and (frame := self.accept(parts[0])):
                    frames.append(frame)
        return list({frame.stream: frame for frame in frames}.values()) if self.latest else frames

    def accept(self, message: bytes) -> Frame | None:
        """The frame of a message; None for one that is not wanted, and for an announcement, which is learnt."""
        if message[:4] == b"RXA1":
            try:
                self._learn(Announced.read(parse(message[8:])))
            except ValueError:
                self.mismatched += 1
            return None
        frame = decode(message)
        if frame is None or self.stream not in (None, frame.stream):
            return None
        if self._layouts.get(frame.stream, frame.layout) != frame.layout:
            self.mismatched += 1
            return None
        session, seq = self._last.get(frame.stream, (frame.session, frame.seq - 1))
        if frame.session == session and frame.seq > seq:  # a smaller number means that the engine began anew
            self.lost[frame.stream] = self.lost.get(frame.stream, 0) + frame.seq - seq - 1
        self._last[frame.stream] = (frame.session, frame.seq)
        return frame

    def _learn(self, announced: Announced | None) -> None:
        self.announced = announced
        self._layouts = {} if announced is None else {each.number: each.layout for each in announced.streams}

    def __iter__(self) -> Iterator[Frame]:
        while True:
            yield from self.receive(1.0)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def describe(
    control: str = "tcp://127.0.0.1:5571", timeout: float = 2.0, token: str = "", keys: str | Path | None = None
) -> Announced:
    """What the engine says about itself: session, streams with their names, controls. Raises ConnectionError where none
    answers, one that wants another ``token`` or ``keys``, or something that is no engine."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    with socket:
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, LONGEST)
        try:
            _connect(socket, control, keys)
        except ValueError as error:
            raise ConnectionError(f"control {error}") from None
        socket.send(json.dumps({"op": "describe"} | ({"token": token} if token else {})).encode())
        if not socket.poll(int(timeout * 1000)):
            raise ConnectionError(
                f"no engine answers at {control} within {timeout:g} s: start one (engine serve) or correct --control"
            )
        answer = socket.recv_multipart()
    try:
        reply = parse(answer[0])
    except ValueError:
        reply = None
    if len(answer) != 1 or not isinstance(reply, dict):
        raise ConnectionError(f"{control} answers something that is not JSON: is it the engine's control port?")
    if reply.get("ok") is False:
        raise ConnectionError(f"{control} refuses: {clean(reply.get('error'))}")
    try:
        return Announced.read(reply)
    except ValueError as error:
        raise ConnectionError(f"{control}: {error}") from None


def connectable(pub: str, control: str) -> str:
    """The publishing endpoint as seen from here: a wildcard address is replaced by the control endpoint's host."""
    host, _, port = pub.partition("://")[2].rpartition(":")
    if pub.startswith("tcp://") and control.startswith("tcp://") and host in ("*", "0.0.0.0", "[::]"):
        return f"{control.rpartition(':')[0]}:{port}"
    return pub


def _connect(socket: zmq.Socket[bytes], endpoint: str, keys: str | Path | None) -> None:
    """Raises ValueError where it is no address, or the keys cannot be read."""
    try:
        socket.set(zmq.IPV6, int("[" in endpoint))
        if keys is not None:
            public, secret = load_certificate(Path(keys) / "client.key_secret")
            socket.curve_serverkey = load_certificate(Path(keys) / "server.key")[0]
            socket.curve_publickey, socket.curve_secretkey = public, secret or b""
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise ValueError(f"endpoint {endpoint!r}: {error}; write it as tcp://HOST:PORT") from None
    except (OSError, ValueError) as error:
        raise ValueError(
            f"endpoint {endpoint!r}: {getattr(error, 'strerror', None) or error}; make keys with `engine keys`"
        ) from None
