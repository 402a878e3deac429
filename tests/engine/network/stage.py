"""A server with sessions on a clock that stands still unless told: a step that says back what it was given, clients
that push hops and wait for their frames, and a raw socket for those who do not behave.

The host does not run in real time, so a hop that is pushed gives one frame, whenever that is, and nothing here depends
on how fast the machine is.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import numpy as np

from clients.python.session import Session
from clients.python.subscriber import Frame
from engine.access import Access
from engine.clock import FakeClock
from engine.network.server import Server
from engine.runtime.protocol import Block, cover
from engine.session.host import Host
from engine.spec import InputSpec, OutputSpec, StreamSpec
from tests.engine.said import said

MS, S = 1_000_000, 1_000_000_000
PERIOD = 40 * MS
RATE, HOP = 16_000, 640
SPEC = StreamSpec(
    name="echo",
    rate=25.0,
    inputs=(
        InputSpec("voice", "audio", (HOP,), -1.0, 1.0, validity="voice_valid", of="partner"),
        InputSpec("voice_valid", "validity"),
        InputSpec("look", "face", (58,), -3.2, 3.2, validity="look_valid", age="look_age", of="partner"),
        InputSpec("look_valid", "validity"),
        InputSpec("look_age", "age", missing=1e3),
        InputSpec("said", "words", (2, 4), of="self"),
        InputSpec("talking", "control", (), 0.0, 1.0, of="self", follows="speaking"),
        InputSpec("gain", "control", (), 0.0, 2.0, 1.0),
    ),
    outputs=(
        OutputSpec("echo", (6,), ("heard", "seen", "age", "words", "talking", "gain")),
        OutputSpec("count", (1,), ("count",)),
    ),
    sample_rate=RATE,
)


class Echo:
    """``heard``: mean of the hop, -1 where nothing was; ``seen``: first number of the face, or -1; its age; words there
    are; talking; gain. ``count``: frames committed in the row since it was new."""

    where = "echo"

    def __init__(self, rows: int) -> None:
        self.spec, self.rows = SPEC, rows
        self.inputs: dict[str, Any] = {item.name: np.zeros((rows, *item.shape), np.float32) for item in SPEC.inputs}
        self.outputs = {item.name: np.zeros((rows, *item.shape), np.float32) for item in SPEC.outputs}
        self.active = np.zeros(rows, np.bool_)
        self.counts = np.zeros(rows, np.int64)
        self.blocks: list[Block] = []

    def warm_up(self) -> None:
        pass

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, Any]:
        self.blocks = cover(self.active, (1, 4)) if blocks is None else list(blocks)
        given = self.inputs
        told = (
            np.where(given["voice_valid"] > 0.5, given["voice"].mean(1), -1.0),
            np.where(given["look_valid"] > 0.5, given["look"][:, 0], -1.0),
            given["look_age"],
            given["said"][:, :, 3].sum(1),
            given["talking"],
            given["gain"],
        )
        self.outputs["echo"][:] = np.stack(told, 1)
        self.outputs["count"][:, 0] = self.counts + 1
        return self.outputs

    def commit(self, rows: Any = None) -> None:
        self.counts += self.active & rows

    def reset(self, row: int) -> None:
        self.counts[row] = 0

    def move(self, source: int, target: int) -> None:
        self.counts[target] = self.counts[source]


class Hall:
    """A host, its server and its clients."""

    def __init__(
        self, address: str = "127.0.0.1:0", capacity: int = 6, access: Access | None = None, **options: Any
    ) -> None:
        self.clock = FakeClock(1000 * S)
        bundle: Any = SimpleNamespace(name="echo", spec=SPEC, vocabulary="")
        self.host = Host(
            [bundle],
            self.clock,
            capacity=capacity,
            realtime=False,
            raw_sound=True,  # its samples say whose they are
            runtimes=lambda _, __, rows, *___: Echo(rows),  # type: ignore[arg-type, return-value]
        )
        self.server = Server(self.host, address, access or Access(), **options)
        self.clients: list[Visitor] = []
        self.raws: list[Raw] = []

    def __enter__(self) -> Hall:
        self._stack = ExitStack()
        self._said = self._stack.enter_context(said("engine.network"))
        self.host.start()
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.session.close()
        for raw in self.raws:
            raw.socket.close()
        self.server.stop()
        self.host.stop()
        self._stack.close()
        assert self.host.failure is None and not self._said

    def visitor(self, number: int = 1, **options: Any) -> Visitor:
        """A client who says ``number`` in everything it sends."""
        self.clients.append(Visitor(self, number, options))
        return self.clients[-1]

    def raw(self, opening: dict[str, Any] | None = None, headers: str = "", receive_buffer: int = 0) -> Raw:
        """A client without manners; with ``opening`` it has opened a session, and read the answer."""
        raw = Raw(self.server.url, headers, receive_buffer)
        self.raws.append(raw)
        if opening is not None:
            raw.text({"open": {"gives": ["audio/partner", "face/partner"], **opening}})
            assert "session" in raw.read()
        return raw


class Visitor:
    """A client of the echo, whose own clock is somewhere else. ``frames`` are all it got of stream 0."""

    def __init__(self, hall: Hall, number: int, options: dict[str, Any]) -> None:
        self.number, self.hop, self.frames = number, 0, list[Frame]()
        self.others: list[Frame] = []
        self._hall = hall
        gives = options.pop("gives", ["audio/partner", "face/partner", "words/self", "speaking/self"])
        self.session = Session(hall.server.url, gives, self.now, **options)

    def now(self) -> int:
        """This client's time."""
        return self._hall.clock.now_ns() + self.number * 10**15

    @property
    def level(self) -> int:
        """What hop number ``hop`` holds, as int16: whose it is, and which."""
        return 1000 * self.number + self.hop

    def push(self, count: int = 1) -> None:
        """Send hops, each with its face of a few ms before, as time goes."""
        for _ in range(count):
            self._hall.clock.advance(PERIOD)
            sound = np.full(HOP, self.level, np.int16)
            face = np.full(58, self.level / 32768, np.float32)
            self.session.push(("face/partner", face, self.now() - 5 * MS), ("audio/partner", sound))
            self.hop += 1

    def wait(self, count: int) -> list[Frame]:
        """Until ``count`` frames of stream 0 are there in all."""

        def there() -> bool:
            for frame in self.session.receive(0.05):
                (self.others if frame.stream else self.frames).append(frame)
            return len(self.frames) >= count

        until(there)
        return self.frames

    def talk(self, hops: int) -> list[Frame]:
        """Push so many hops more, each when the frame of the one before is there, and get their frames."""
        begin = len(self.frames)
        for hop in range(hops):
            self.push()
            self.wait(begin + hop + 1)
        return self.frames[begin:]

    def own(self, frames: Sequence[Frame] | None = None) -> None:
        """All frames say what this client sent, none is missing."""
        for frame in self.frames if frames is None else frames:
            wanted = (1000 * self.number + frame.seq) / 32768
            assert frame.values[0] == np.float32(wanted) and frame.values[1] == np.float32(wanted), frame
            assert frame.session == self.session.announced.session
        seqs = [frame.seq for frame in (self.frames if frames is None else frames)]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


class Raw:
    """A WebSocket client made of a socket."""

    def __init__(self, url: str, headers: str = "", receive_buffer: int = 0) -> None:
        host, _, port = url.removeprefix("ws://").partition("/")[0].rpartition(":")
        self.socket = socket.socket()
        self.socket.settimeout(10.0)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /session HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
        self.socket.sendall(head.encode())
        self._held = b""
        while b"\r\n\r\n" not in self._held:
            self._more()
        answer, self._held = self._held.split(b"\r\n\r\n", 1)
        self.status = int(answer.split()[1])

    def send(self, kind: int, message: bytes, masked: bool = True) -> None:
        """One frame: 1 text, 2 binary, 8 close, 9 ping."""
        size, bit = len(message), 0x80 * masked
        head = struct.pack("!BB", 0x80 | kind, bit | min(size, 126)) if size < 126 else b""
        if size >= 126:
            small = size < 65536
            head = struct.pack("!BB", 0x80 | kind, bit | (126 if small else 127)) + struct.pack(
                "!H" if small else "!Q", size
            )
        mask = os.urandom(4) if masked else b""
        body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(message)) if masked else message
        self.socket.sendall(head + mask + body)

    def text(self, message: object) -> None:
        """A JSON message."""
        self.send(1, json.dumps(message).encode())

    def frame(self) -> tuple[int, bytes]:
        """The next frame from the server: its kind and content; (8, b"") where the connection is gone."""
        try:
            while True:
                if len(self._held) >= 2:
                    size, at = self._held[1], 2
                    if size >= 126:
                        at = 4 if size == 126 else 10
                        size = int.from_bytes(self._held[2:at], "big") if len(self._held) >= at else 1 << 62
                    if len(self._held) >= at + size:
                        kind, body, self._held = self._held[0] & 15, self._held[at : at + size], self._held[at + size :]
                        return kind, body
                self._more()
        except (ConnectionError, EOFError):
            return 8, b""

    def read(self) -> dict[str, Any]:
        """The next text message; one with ``gone`` where the connection is."""
        while True:
            kind, body = self.frame()
            if kind == 8:
                return {"gone": True}
            if kind == 1:
                return dict(json.loads(body))

    def until(self, key: str) -> Any:
        """The value of the next text message that has ``key``; None where the connection is gone before."""
        while True:
            told = self.read()
            if key in told or "gone" in told:
                return told.get(key)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self._held += data


def until(there: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that has to happen; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def ended(hall: Hall, sessions: int = 1) -> None:
    """The hostile session is over and its place free."""
    until(lambda: len(hall.host.sessions()) == sessions and len(hall.server._connections) == sessions, 10.0)


def gone(one: socket.socket) -> bool:
    """Wait until the server has closed a connection."""
    with contextlib.suppress(OSError):
        while one.recv(4096):
            continue
    return True
