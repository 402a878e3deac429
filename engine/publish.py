"""The outgoing side: one ZeroMQ socket on which every frame of every stream is published as one message.

A subscriber that reads too slowly, or never, loses frames and costs the engine nothing: at most :data:`QUEUE` messages
wait for it, then new ones are dropped for it alone. Once a second the description of the session goes out under its own
topic, so that a late joiner without the control socket still learns names and units; it is encoded when it changes.

The socket is a PUB, which hands nothing that comes in to anybody. What a subscriber sends are subscriptions, each a
prefix of :data:`LONGEST_SUBSCRIPTION` bytes at most, of which libzmq keeps a tree: one of few bytes can cost it 2 kB.
How many a peer may hold libzmq cannot bound. So a peer that has sent more than :data:`SUBSCRIBER_BYTES` in all (some
hundred subscriptions) is cut off by the doorkeeper (:mod:`engine.door`, which says where it can weigh). Libzmq
works on its tree whenever something is sent, and peers that come, subscribe and go again and again keep it at that for
long. So while the doorkeeper sees such, frames are sent by a thread of their own: they may come late to subscribers
here, and hold up nobody who makes them.
"""

from __future__ import annotations

import json
import math
import struct
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import zmq

from engine.access import LOCAL, Access
from engine.door import LINGER_MS, Bounds, Door, bind
from engine.errors import EngineError
from engine.wire import Frame, encode

__all__ = ["ANNOUNCE_MAGIC", "LINGER_MS", "QUEUE", "Publisher", "bind", "encode_announcement", "to_json"]

QUEUE = 64
"""Messages that may wait for one subscriber (0.6 s of four streams at 25 frames/s)."""
LONGEST_SUBSCRIPTION = 512
"""Bytes; the messages of a handshake with keys need most of them."""
SUBSCRIBER_BYTES = 8 * 1024
"""That a subscriber may send in all: handshake, subscriptions, heartbeats (of one a second it is cut off after a
quarter of an hour, and its library connects again)."""
LONGEST_ANNOUNCEMENT = 1 << 20
LAST_SESSION = 2**32 - 1
ANNOUNCE_MAGIC = b"RXA1"
_BOUNDS = Bounds(longest=LONGEST_SUBSCRIPTION, waiting=4, allowance=SUBSCRIBER_BYTES, queue=QUEUE, buffer=8 * 1024)


class Publisher:
    """Binds ``endpoint`` (``tcp://...``, ``ipc://...``); port ``*`` takes a free one. Raises :class:`EngineError` where
    it is taken or no address, where others would reach it without keys (``access``), or for a session number that does
    not fit into a frame. Any thread may send."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, session: int, access: Access = LOCAL
    ) -> None:
        _check(session)
        self.session = session
        self._door = Door(context, zmq.PUB, endpoint, "--pub", _BOUNDS, access)
        self.endpoint = self._door.endpoint
        self.dropped = 0
        """Messages that found no room before a socket that is busy with its peers; the oldest goes."""
        # Loops of several bundles and the announcements share the socket. Sending is some microseconds' work; a thread
        # in between would be woken for every message and cost milliseconds on a busy machine (measured: 0.1 against 6).
        self._lock = threading.Lock()
        self._later: deque[bytes] = deque(maxlen=QUEUE)
        self._wake, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._send_later, name="publisher", daemon=True)
        self._thread.start()

    def send(self, frame: Frame) -> None:
        """Publish one frame."""
        self._send(encode(frame))

    def announce(self, encoded: bytes) -> None:
        """Publish the session's description, as :func:`encode_announcement` made it."""
        self._send(encoded)

    def subscribers(self) -> int:
        """How many peers are connected; what they subscribed to, libzmq does not tell."""
        return self._door.keeper.peers()

    def close(self) -> None:
        """Release the port."""
        self._closed = True
        self._wake.set()
        self._thread.join()
        self._drain()
        with self._lock:
            self._door.close()

    def _send(self, message: bytes) -> None:
        if not self._later and not self._door.keeper.troubled and self._lock.acquire(blocking=False):
            try:
                self._door.socket.send(message, copy=True)
            finally:
                self._lock.release()
        else:
            self.dropped += len(self._later) == QUEUE
            self._later.append(message)
            self._wake.set()

    def _send_later(self) -> None:
        """Send what waits: in trouble, or when two threads came at once."""
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        try:
            while self._later:
                with self._lock:  # taken out and sent in one: nothing overtakes it
                    self._door.socket.send(self._later.popleft(), copy=True)
        except zmq.ZMQError:  # the context ended first
            self._later.clear()


def encode_announcement(session: int, description: Mapping[str, Any]) -> bytes:
    """The message that announces a description (see ``control.describe``). Raises :class:`EngineError` for a session
    number that does not fit; a description that is too long to be sent every second says so in its place."""
    _check(session)
    told = to_json(description)
    if len(told) > LONGEST_ANNOUNCEMENT:
        told = to_json({"session": session, "problem": f"a description of {len(told)} bytes; ask the control socket"})
    return ANNOUNCE_MAGIC + struct.pack("<I", session) + told


def _check(session: int) -> None:
    if not 0 <= session <= LAST_SESSION:
        raise EngineError(f"session number {str(session)[:40]}: give 0 to {LAST_SESSION} (--session)")


def to_json(value: object) -> bytes:
    """``value`` as JSON that every parser reads: numbers that are not finite become null, and what JSON has no word
    for becomes text."""
    return json.dumps(_plain(value), allow_nan=False).encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
