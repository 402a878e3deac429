"""What waits to be sent to one client, between the loops' threads that publish and the network's thread that sends.

Bounded in number and in bytes; drop rule: the oldest frame goes, for this client alone, and is counted. All that waits
leaves in one write, as WebSocket frames made here: a frame from a server is two to ten bytes and the message, and a
write for each, with the library's coroutine around it, costs three times as much. Control frames stay the library's;
both write whole frames, in one thread.

Nothing is written while the transport still holds :data:`HIGH` bytes of before, so what a client that never reads can
hold here is that, the outbox, and the system's own send buffer.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections import deque
from collections.abc import Callable

from engine.network.metrics import Traffic
from engine.session.live import STREAMS_A_BUNDLE
from engine.wire import Frame, encode

MOST_FRAMES = 128
MOST_BYTES = 256 * 1024
HIGH = 64 * 1024
TEXT, BINARY, CLOSE, PONG = 0x81, 0x82, 0x88, 0x8A
"""First bytes of whole WebSocket frames (RFC 6455, section 5.2)."""


def framed(kind: int, message: bytes) -> bytes:
    """A message as a WebSocket frame of a server."""
    size = len(message)
    if size < 126:
        return struct.pack("!BB", kind, size) + message
    if size < 65536:
        return struct.pack("!BBH", kind, 126, size) + message
    return struct.pack("!BBQ", kind, 127, size) + message


class Outbox:
    """``wake(outbox)`` is called, from any thread, when something waits that was not told of before."""

    def __init__(self, traffic: Traffic, wake: Callable[[Outbox], None]) -> None:
        self.dropped = 0
        self.stuck_ns: int | None = None
        """Since when the client has taken nothing; None while it does."""
        self._traffic, self._wake = traffic, wake
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._told = self._shut = False
        self._transport: asyncio.WriteTransport | None = None
        self._last: dict[int, int] = {}

    def publish(self, frame: Frame) -> None:
        """Queue a frame; in a loop's thread, so it is quick and never raises."""
        message = framed(BINARY, encode(frame))
        with self._lock:
            if self._shut:
                return
            self._waiting.append(message)
            self._bytes += len(message)
            dropped = 0
            while len(self._waiting) > MOST_FRAMES or (self._bytes > MOST_BYTES and len(self._waiting) > 1):
                self._bytes -= len(self._waiting.popleft())
                dropped += 1
            self.dropped += dropped
            tell, self._told = not self._told, True
        if not frame.stream % STREAMS_A_BUNDLE:  # once a frame, whatever streams it has
            missed = frame.seq - self._last.get(frame.stream, frame.seq - 1) - 1
            self._last[frame.stream] = frame.seq
            self._traffic.frame(frame, missed)
        if dropped:
            self._traffic.count("dropped", dropped)
        if tell:
            self._wake(self)

    def open(self, transport: asyncio.WriteTransport) -> None:
        """Begin to send; until then frames wait."""
        self._transport = transport

    def flush(self, now_ns: int) -> None:
        """Send what waits, if the client takes anything; in the network's thread."""
        self._told = False
        transport = self._transport
        if transport is None or not self._waiting or transport.is_closing():
            return
        if transport.get_write_buffer_size() > HIGH:
            self.stuck_ns = self.stuck_ns or now_ns
            return
        self.stuck_ns = None
        with self._lock:
            data = b"".join(self._waiting)
            self._traffic.count("sent", len(self._waiting))
            self._waiting.clear()
            self._bytes = 0
        self._traffic.count("sent_bytes", len(data))
        transport.write(data)

    def say(self, message: bytes) -> bool:
        """Send a text message at once, ahead of what waits; False, and nothing is sent, where the client takes none."""
        return self._send(TEXT, message)

    def pong(self, message: bytes) -> None:
        """Answer a ping, where the client takes anything."""
        self._send(PONG, message)

    def _send(self, kind: int, message: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > HIGH:
            return False
        data = framed(kind, message)
        self._traffic.count("sent_bytes", len(data))
        transport.write(data)
        return True

    def shut(self, code: int = 1000, why: bytes = b"") -> None:
        """Send nothing more but, where the client takes it, that it is over."""
        with self._lock:
            self._shut = True
            self._waiting.clear()
            self._bytes = 0
        transport = self._transport
        if transport is not None and not transport.is_closing() and transport.get_write_buffer_size() <= HIGH:
            transport.write(framed(CLOSE, struct.pack("!H", code) + why[:120]))
