"""The outgoing side: one ZeroMQ socket on which every frame of every stream is published as one message.

A subscriber that reads too slowly, or never, loses frames and costs the engine nothing: at most :data:`QUEUE` messages
wait for it, then new ones are dropped for it alone. Once a second the description of the session goes out under its own
topic, so that a late joiner without the control socket still learns names and units.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import zmq

from engine.errors import EngineError
from engine.wire import Frame, encode

QUEUE = 64
"""Messages that may wait for one subscriber (0.6 s of four streams at 25 frames/s)."""
LINGER_MS = 200
"""How long closing waits for the last frames to leave, where a subscriber does not take them."""
LONGEST_SUBSCRIPTION = 4096
ANNOUNCE_MAGIC = b"RXA1"


class Publisher:
    """Binds ``endpoint`` (``tcp://...``, ``ipc://...``); port ``*`` takes a free one. Raises :class:`EngineError` where
    it is taken or no address. Used from one thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, session: int) -> None:
        self.session = session
        # XPUB is PUB that also hears of subscriptions, so that one can tell whether anyone listens.
        self._socket = context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, QUEUE)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_SUBSCRIPTION)  # of what subscribers send here
        self._socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        self.endpoint = bind(self._socket, endpoint, "--pub")
        self._subscriptions = 0

    def send(self, frame: Frame) -> None:
        """Publish one frame."""
        self._socket.send(encode(frame), copy=True)

    def announce(self, description: Mapping[str, Any]) -> None:
        """Publish the session's description (see ``control.describe``)."""
        head = ANNOUNCE_MAGIC + struct.pack("<I", self.session)
        self._socket.send(head + to_json(description))

    def subscribers(self) -> int:
        """Subscriptions held at the moment."""
        for _ in range(1000):  # a peer that sends without end must not keep the loop here
            if not self._socket.poll(0):
                break
            kind = self._socket.recv()[:1]  # anything but 0 and 1 is a peer's own idea
            self._subscriptions += {b"\x01": 1, b"\x00": -1}.get(kind, 0)
        return max(self._subscriptions, 0)

    def close(self) -> None:
        """Release the port."""
        self._socket.close()


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


def bind(socket: zmq.Socket[bytes], endpoint: str, option: str) -> str:
    """Bind ``socket`` and return the address it got. Raises :class:`EngineError` naming endpoint, reason and option;
    the socket is closed then."""
    port = endpoint.rpartition(":")[2]
    try:
        if endpoint.startswith("tcp://") and port.isdecimal() and int(port) > 65535:
            raise zmq.ZMQError(zmq.EINVAL)  # ZeroMQ itself would bind the remainder
        socket.bind(endpoint)
    except UnicodeEncodeError as error:
        socket.close()
        raise EngineError(f"{option} {endpoint!r} is not readable as text; give tcp://127.0.0.1:5570") from error
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
