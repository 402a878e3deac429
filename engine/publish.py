"""The outgoing side: one ZeroMQ socket on which every frame of every stream is published as one message.

A subscriber that reads too slowly, or never, loses frames and costs the engine nothing: at most :data:`QUEUE` messages
wait for it, then new ones are dropped for it alone. Once a second the description of the session goes out under its own
topic, so that a late joiner without the control socket still learns names and units.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import zmq

from engine.errors import EngineError
from engine.wire import Frame, encode

QUEUE = 64
"""Messages that may wait for one subscriber (0.6 s of four streams at 25 frames/s)."""
ANNOUNCE_MAGIC = b"RXA1"


class Publisher:
    """Binds ``endpoint`` (``tcp://...``, ``ipc://...``); port ``*`` takes a free one. Raises :class:`EngineError` where
    it is taken or no address. Used from one thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, session: int) -> None:
        self.session = session
        # XPUB is PUB that also hears of subscriptions, so that one can tell whether anyone listens.
        self._socket = context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, QUEUE)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        self.endpoint = bind(self._socket, endpoint, "--pub")
        self._subscriptions = 0

    def send(self, frame: Frame) -> None:
        """Publish one frame."""
        self._socket.send(encode(frame), copy=True)

    def announce(self, description: Mapping[str, Any]) -> None:
        """Publish the session's description (see ``control.describe``)."""
        head = ANNOUNCE_MAGIC + struct.pack("<I", self.session)
        self._socket.send(head + json.dumps(description).encode())

    def subscribers(self) -> int:
        """Subscriptions held at the moment."""
        while self._socket.poll(0):
            message = self._socket.recv()
            self._subscriptions += 1 if message[:1] == b"\x01" else -1
        return max(self._subscriptions, 0)

    def close(self) -> None:
        """Release the port."""
        self._socket.close()


def bind(socket: zmq.Socket[bytes], endpoint: str, option: str) -> str:
    """Bind ``socket`` and return the address it got. Raises :class:`EngineError` naming endpoint, reason and option;
    the socket is closed then."""
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        if error.errno == zmq.EADDRINUSE:
            raise EngineError(
                f"{endpoint} is in use, perhaps by another engine; stop that one or choose another port with {option}"
            ) from error
        raise EngineError(
            f"cannot bind {endpoint!r}: {error.strerror}; give {option} an address such as tcp://127.0.0.1:5570"
        ) from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
