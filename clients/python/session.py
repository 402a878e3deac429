"""A session of one's own on an engine somewhere: copy this file and announced.py; they need websockets and numpy.

with Session("ws://127.0.0.1:8080/session", gives=["audio/partner", "face/partner"], seed=1) as session:
    while talking:
        session.push(("face/partner", face), ("audio/partner", pcm))  # a hop of sound and the face that goes with it
        for frame in session.receive(timeout=0.0):
            pose = frame.named() if frame.info.codec == "arkit58" else pose

What is pushed was captured now, unless a third item says when on this machine's clock (nanoseconds of ``clock``, by
default ``time.monotonic_ns``); the engine finds out how that relates to its own. A thread of the session answers the
engine and keeps the newest frames, so :meth:`Session.receive` may be called when it suits.

A session ends with its engine, or with the connection: ``push`` raises ConnectionError and ``ended`` says why. A new
one takes its place, with the same wishes, once an engine is there: ``session = session.again(wait=60)``. It begins from
the start (the avatar remembers nothing), and its streams may be others; each frame carries the description it has.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from .announced import Announced, Received, clean, decode, fits, parse

WAITING = 256
"""Frames that are kept for :meth:`Session.receive`; the oldest go."""
LONGEST = 1 << 24
PICTURES = "pictures/partner"
REPLIES = ("set", "stats", "pong", "dropped")
RECORD = struct.Struct("<BBBBIq")  # kind of numbers, input, valid, 0, count, captured at


TRY_LATER = 1013
"""The close code of an engine that has no room now."""


class Refused(ConnectionRefusedError):
    """The engine does not open this session, and says why."""


class Later(Refused):
    """It has no room for it now."""


class Session(AbstractContextManager["Session"]):
    """An open session. ``announced`` describes it, ``ended`` says why it is over (None while it is not), ``refused``
    what was wrong with the last message not taken, ``notices`` what the engine said of the sound (too quiet, clipped,
    ...; the newest 16), ``replies`` holds the newest of :data:`REPLIES`, ``lost`` counts frames that nobody received,
    ``mismatched`` those that are not as announced. ``options``: bundles, seed, controls, sample_rate (of the sound that
    is pushed), head, monitor, token. Raises ConnectionError where it cannot be had, :class:`Refused` with the engine's
    reason."""

    def __init__(
        self,
        url: str,
        gives: Sequence[str] = ("audio/partner",),
        clock: Callable[[], int] = time.monotonic_ns,
        timeout: float = 10.0,
        **options: Any,
    ) -> None:
        self.ended: str | None = None
        self.refused = ""
        self.replies: dict[str, Any] = {}
        self.notices: deque[str] = deque(maxlen=16)
        self.lost = self.mismatched = 0
        self._wishes: dict[str, Any] = {"url": url, "gives": gives, "clock": clock, "timeout": timeout, **options}
        self._clock = clock
        self._frames: deque[Received] = deque(maxlen=WAITING)
        self._changed = threading.Condition()
        self._stack = ExitStack()
        try:
            opened = connect(url, compression=None, open_timeout=timeout, close_timeout=1, max_size=LONGEST)
            self._socket = self._stack.enter_context(opened)
            self._say({"open": {**options, "gives": list(gives), "at": clock()}})
            answer = _object(self._socket.recv(timeout=timeout))
            if "ended" in answer:
                raise (Later if self._code() == TRY_LATER else Refused)(clean(answer["ended"]))
            self.announced = Announced.read(answer.get("session"))
            self._streams = {stream.number: stream for stream in self.announced.streams}
            self._inputs = {str(item["gives"]): (int(item["input"]), int(item["count"])) for item in answer["inputs"]}
        except (OSError, ValueError, TypeError, KeyError, WebSocketException) as error:
            self._stack.close()
            kind = type(error) if isinstance(error, Refused) else ConnectionError
            raise kind(f"no session at {url}: {error or 'nothing answers'}") from error
        self._answer(answer)
        self._thread = threading.Thread(target=self._read, name="session", daemon=True)
        self._thread.start()

    def push(self, *items: tuple[Any, ...]) -> None:
        """Send what was heard and seen, each item (name, numbers) or (name, numbers, captured at): sound as int16 or
        float32 from -1 to 1, a face as its 58 numbers, a body's joints, a picture ("pictures/partner", where the engine
        takes them) as the bytes of a JPEG; numbers None: nothing was seen. A face before the sound it belongs to.
        Raises ConnectionError when the session is over."""
        now = self._clock()
        message = b""
        for name, numbers, *at in items:
            if name not in self._inputs:
                raise ValueError(f"{name!r} was not given when the session was opened; there is {list(self._inputs)}")
            number, count = self._inputs[name]
            nothing = b"\0" if name == PICTURES else np.zeros(count or 1, np.float32)
            kind, size, data = _packed(nothing if numbers is None else numbers)
            message += RECORD.pack(kind, number, numbers is not None, 0, size, at[0] if at else now) + data
        self._say(message)

    def words(self, *words: tuple[str, int, int | None], owner: str = "self") -> None:
        """Tell timed words: text, start, end (None: not known yet), ns of the clock; up to a minute ahead."""
        self._say({"words": [list(word) for word in words], "owner": owner})

    def speaking(self, flag: bool | None, at_ns: int | None = None, owner: str = "self") -> None:
        """Say whether somebody speaks; None: words and sound tell again."""
        self._say({"speaking": flag, "owner": owner, "at": self._clock() if at_ns is None else at_ns})

    def set(self, **values: Any) -> None:
        """Turn controls, give texts."""
        self._say({"set": values})

    def order(self, what: str) -> None:
        """pause, resume, reset, or ask for stats."""
        self._say({what: True})

    def receive(self, timeout: float = 1.0) -> list[Received]:
        """The frames that wait, oldest first; empty if none came within ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self.ended is not None, timeout)
            frames = list(self._frames)
            self._frames.clear()
        return frames

    def __iter__(self) -> Iterator[Received]:
        """Frames, until the session is over."""
        while self.ended is None or self._frames:
            yield from self.receive()

    def again(self, wait: float = 0.0) -> Session:
        """Close this session and open another with the same wishes, as soon as an engine takes it within ``wait``
        seconds. Raises ConnectionError where none does, :class:`Refused` at once where time will not help."""
        self.close()
        until = time.monotonic() + wait
        while True:
            try:
                return Session(**self._wishes)
            except ConnectionError as error:
                if (isinstance(error, Refused) and not isinstance(error, Later)) or time.monotonic() >= until:
                    raise
            time.sleep(min(0.5, max(until - time.monotonic(), 0.0)))

    def close(self) -> None:
        """End the session."""
        self.ended = self.ended or "closed"
        self._stack.close()
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _code(self) -> int:
        """The close code that follows an engine's last words; 0 where none comes."""
        try:
            self._socket.recv(timeout=1.0)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 0
        except TimeoutError:
            pass
        return 0

    def _say(self, message: dict[str, Any] | bytes) -> None:
        try:
            self._socket.send(message if isinstance(message, bytes) else json.dumps(message))
        except ConnectionClosed as error:
            raise ConnectionError(f"the session is over: {self.ended or error}") from error

    def _read(self) -> None:
        try:
            for message in self._socket:
                frame = decode(message) if isinstance(message, bytes) else None
                if frame is None:
                    self._answer(_object(message))
                    continue
                info = self._streams.get(frame.stream)
                if info is None or not fits(frame, info):
                    self.mismatched += 1
                    continue
                with self._changed:
                    self.lost += len(self._frames) == WAITING
                    self._frames.append(Received.of(frame, info, self.announced, 0, time.monotonic_ns()))
                    self._changed.notify_all()
        except (ConnectionError, ConnectionClosed) as error:
            self.ended = self.ended or f"the connection to the engine broke: {error}"
        with self._changed:
            self.ended = self.ended or "the engine closed the session"
            self._changed.notify_all()

    def _answer(self, told: dict[str, Any]) -> None:
        if isinstance(told.get("time"), int):
            self._say({"time": told["time"], "at": self._clock()})
        self.refused = clean(told.get("refused", self.refused))
        self.notices.extend([clean(told["notice"])] if "notice" in told else [])
        self.ended = clean(told["ended"]) if "ended" in told else self.ended
        self.replies |= {kind: told[kind] for kind in REPLIES if kind in told}


def _packed(numbers: Any) -> tuple[int, int, bytes]:
    """Their kind, how many they are, and as bytes."""
    if isinstance(numbers, bytes):
        return 3, len(numbers), numbers
    values = np.asarray(numbers)
    whole = values.dtype == np.int16
    return 1 if whole else 2, values.size, np.ascontiguousarray(values, "<i2" if whole else "<f4").tobytes()


def _object(message: str | bytes) -> dict[str, Any]:
    """A JSON object; an empty one for anything else, as whoever answers may be anybody."""
    try:
        told = parse(message if isinstance(message, bytes) else message.encode())
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
