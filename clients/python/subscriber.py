"""Receive the engine's frames: copy this file and announced.py into your project, they need pyzmq and numpy alone.

for frame in Subscriber("tcp://127.0.0.1:5570", codec="arkit58", latest=True):
    pose = frame.named()                      # the avatar's face: 58 numbers by name
for frame in Subscriber("tcp://127.0.0.1:5570", codec="joints", latest=True):
    place = frame.joints()                    # its body: (3,) metres by joint, Y up; frame.engine.skeletons has more

The engine may end and begin anew, with another bundle too: the loop goes on when it is back, and every frame carries
the announcement it belongs to (``frame.info``, ``frame.engine``). Names kept from an earlier one may be wrong by then.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.auth import load_certificate

from .announced import Announced, Frame, Received, Stream, clean, decode, fits, parse

__all__ = ["Frame", "NoEngine", "Received", "Subscriber", "connectable", "decode", "describe"]

LONGEST = (1 << 20) + 1024  # bytes of a message; announcements are the longest
KEEPALIVE = {zmq.TCP_KEEPALIVE: 1, zmq.TCP_KEEPALIVE_IDLE: 5, zmq.TCP_KEEPALIVE_INTVL: 2, zmq.TCP_KEEPALIVE_CNT: 3}
"""A host that vanished is noticed after some ten seconds, and connected to again when it is back."""
KEPT = 1024
"""Frames that wait for a reader, or for their announcement, which comes once a second; the oldest go."""
STALE_S, CATCH_UP_S = 0.1, 0.05
"""If the newest message is older than this when frames are asked for, so long the thread may take to see newer ones."""


class NoEngine(ConnectionError):
    """No engine answers, or it has no session yet: it may come."""


class _Waiting(NamedTuple):
    """A frame that has come and is not handed out yet."""

    frame: Frame
    received_ns: int


class Matcher:
    """Brings frames and announcements together, message by message. A frame is handed out once an announcement of its
    session describes its stream with its layout; where the numbers of frames begin anew, or the session is another,
    frames wait for the next announcement, as the one before was of another run.

    ``lost``, ``mismatched`` and ``undescribed`` are those of :class:`Subscriber`, as are the choices.
    """

    def __init__(self, announced: Announced | None, stream: int | None = None, codec: str = "") -> None:
        self.stream, self.codec = stream, codec
        self.announced, self.settled = announced, announced is not None
        self.run = 0
        self.lost: dict[int, int] = {}
        self.mismatched = self.undescribed = 0
        self._streams = _by_number(announced)
        self._last: dict[int, tuple[int, int]] = {}
        self._waiting: deque[_Waiting] = deque()

    def take(self, message: bytes) -> list[Received]:
        """The frames that a message makes known: its own, or those that waited for this announcement."""
        if message[:4] == b"RXA1":
            return self._learn(message)
        frame = decode(message)
        if frame is None or self.stream not in (None, frame.stream):
            return []
        session, seq = self._last.get(frame.stream, (frame.session, -1))
        if frame.session != session or frame.seq <= seq:
            self._begin_anew()
        missed = frame.seq - seq - 1 if frame.stream in self._last else 0
        self._last[frame.stream] = (frame.session, frame.seq)
        if self._is_chosen(frame):
            self.lost[frame.stream] = self.lost.get(frame.stream, 0) + missed
        came = _Waiting(frame, time.monotonic_ns())
        if self.settled and (known := self._described(came)) is not None:
            return [known] if self._is_chosen(frame) else []
        self._waiting.append(came)
        if len(self._waiting) > KEPT:
            self._waiting.popleft()
            self.undescribed += 1
        return []

    def _learn(self, message: bytes) -> list[Received]:
        try:
            new = Announced.read(parse(message[8:]))
        except ValueError:
            self.mismatched += 1
            return []
        old, waited, self._waiting = self.announced, self._waiting, deque()
        if old is not None and self.settled and self._last and old.lasting() != new.lasting():
            self._begin_anew()
        self.announced, self.settled, self._streams = new, True, _by_number(new)
        known = [found for came in waited if (found := self._described(came)) is not None]
        self.mismatched += len(waited) - len(known)
        return [frame for frame in known if self._is_chosen(frame)]

    def _begin_anew(self) -> None:
        """The engine is another than before: what it says counts from here."""
        self.run += 1
        self.settled = False
        self._last.clear()
        self.undescribed += len(self._waiting)
        self._waiting.clear()

    def _described(self, came: _Waiting) -> Received | None:
        frame, told = came.frame, self.announced
        info = self._streams.get(frame.stream)
        if info is None or told is None or told.session != frame.session or not fits(frame, info):
            return None
        return Received.of(frame, info, told, self.run, came.received_ns)

    def _is_chosen(self, frame: Frame) -> bool:
        chosen = self.announced.stream(self.codec) if self.codec and self.announced is not None else None
        return not self.codec or (chosen is not None and chosen.number == frame.stream)


def _by_number(announced: Announced | None) -> dict[int, Stream]:
    return {} if announced is None else {each.number: each for each in announced.streams}


class Subscriber(contextlib.AbstractContextManager["Subscriber"]):
    """Iterates over frames (:class:`Received`) of one engine, and of the one after it at the same endpoint, of one
    session or any. ``codec`` chooses the first output of that codec, whatever its number is after a restart; ``stream``
    chooses by number. A thread always reads: with ``latest`` a slow reader gets the newest frame of each stream,
    without it the newest :data:`KEPT` frames.

    ``lost`` counts frames missing by ``seq`` per stream, ``unread`` those that a slow reader left. ``announced`` is the
    newest description, ``settled`` whether it is that of the engine that sends now, ``run`` counts restarts, ``heard``
    is when the last message came (``time.monotonic``). Frames that no announcement described are counted in
    ``undescribed``; those that contradict theirs, and descriptions that cannot be read, in ``mismatched``. ``keys`` is
    a client's folder of keys, for an engine that wants them (``engine keys``). Close it, or use it in ``with``.
    """

    def __init__(
        self,
        endpoint: str = "tcp://127.0.0.1:5570",
        session: int | None = None,
        stream: int | None = None,
        latest: bool = False,
        announced: Announced | None = None,
        keys: str | Path | None = None,
        codec: str = "",
    ) -> None:
        if not 0 <= (session or 0) < 2**32 or not 0 <= (stream or 0) < 2**16:
            raise ValueError(f"session {session}, stream {stream}: give 0 to 4294967295 and 0 to 65535")
        self.session, self.latest, self.unread, self.heard = session, latest, 0, time.monotonic()
        self._matcher = Matcher(announced, stream, codec)
        self._frames: deque[Received] = deque()
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        for option, value in {zmq.LINGER: 0, zmq.MAXMSGSIZE: LONGEST, **KEEPALIVE}.items():
            self._socket.set(option, value)
        which = b"" if session is None else session.to_bytes(4, "little")
        narrow = b"" if stream is None or session is None else stream.to_bytes(2, "little")
        self._socket.subscribe(b"RXN1" + which + narrow)
        self._socket.subscribe(b"RXA1" + which)
        try:
            _connect(self._socket, endpoint, keys)
        except ValueError:
            self._context.destroy(linger=0)
            raise
        self._thread = threading.Thread(target=self._read, name="subscriber", daemon=True)
        self._thread.start()

    announced = property(lambda self: self._matcher.announced)
    settled = property(lambda self: self._matcher.settled)
    run = property(lambda self: self._matcher.run)
    lost = property(lambda self: self._matcher.lost)
    mismatched = property(lambda self: self._matcher.mismatched)
    undescribed = property(lambda self: self._matcher.undescribed)

    def receive(self, timeout: float) -> list[Received]:
        """The frames waiting, oldest first; empty if none came within ``timeout`` seconds."""
        return self._take(timeout, KEPT)

    def __iter__(self) -> Iterator[Received]:
        while True:  # with ``latest`` one by one: while the reader works on one, the others are renewed
            yield from self._take(1.0, 1 if self.latest else KEPT)

    def _take(self, timeout: float, most: int) -> list[Received]:
        with self._changed:
            if self.latest and self._frames:  # the reader's whole program may have stood still, the thread too
                self._changed.wait_for(lambda: time.monotonic() - self.heard < STALE_S, CATCH_UP_S)
            self._changed.wait_for(lambda: self._frames or self._error, min(timeout, threading.TIMEOUT_MAX))
            frames = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
        if not frames and self._error is not None:
            raise self._error
        return frames

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._context.term()  # the thread's call ends, and it closes the socket
        self._thread.join()

    def _read(self) -> None:
        """The thread: empty the socket, so that what is handed out is never older than what has come."""
        with self._socket:
            try:
                while True:
                    self._put(self._batch())
            except zmq.ContextTerminated:
                pass
            except Exception as error:
                self._error = error
                self._put([])

    def _batch(self) -> list[Received]:
        """Wait for a message, and take those behind it."""
        frames: list[Received] = []
        wait = 0
        with contextlib.suppress(zmq.Again):
            while len(frames) < KEPT:
                parts = self._socket.recv_multipart(wait)
                frames += self._matcher.take(parts[0]) if len(parts) == 1 else []
                wait = zmq.NOBLOCK
        return frames

    def _put(self, frames: list[Received]) -> None:
        with self._changed:
            self.heard = time.monotonic()
            for frame in frames:
                if self.latest:
                    kept = (each for each in self._frames if each.run == frame.run and each.stream != frame.stream)
                    self._frames = deque(kept)
                elif len(self._frames) == KEPT:
                    self._frames.popleft()
                    self.unread += 1
                self._frames.append(frame)
            self._changed.notify_all()


def describe(
    control: str = "tcp://127.0.0.1:5571",
    timeout: float = 2.0,
    token: str = "",
    keys: str | Path | None = None,
    wait: float = 0.0,
) -> Announced:
    """What the engine says about itself: session, streams with their names, controls. One that does not run yet is
    waited for ``wait`` seconds, in turns of ``timeout``. Raises :class:`NoEngine` where none answers, and
    ConnectionError for one that wants another ``token`` or ``keys``, or something that is no engine."""
    until = time.monotonic() + wait
    while True:
        try:
            return _ask(control, timeout, token, keys)
        except NoEngine:
            if time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _ask(control: str, timeout: float, token: str, keys: str | Path | None) -> Announced:
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
            raise NoEngine(
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
        kind = NoEngine if reply.get("streams") == [] else ConnectionError
        raise kind(f"{control}: {error}") from None


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
