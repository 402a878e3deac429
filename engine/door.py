"""A ZeroMQ socket that strangers may connect to: bound with bounds, and with a doorkeeper that weighs what each sends.

libzmq bounds the length of a part (MAXMSGSIZE) and the number of messages that wait (the high-water marks), but not the
parts of one message, nor the subscriptions that one peer holds: a peer that sends a message without end grew an engine
from 0.1 to 2.5 GB in seconds. So on Linux the doorkeeper asks the kernel how many bytes each connection has sent
(TCP_INFO, a connection's file descriptor comes from the socket's monitor) and cuts off one that has sent more than its
*allowance* beyond what was served of it. It looks every :data:`PERIOD_MS`; what one core can push in that time is the
overshoot. Connections are bounded in number, the newest is cut off.

``ipc://`` sockets, whose users the folder's permissions choose, are not weighed, nor is anything on other systems:
there the bounds of libzmq are all there is, so bind to loopback, or to others with CURVE keys (:mod:`engine.curve`),
which keep strangers out before anything of theirs is stored.
"""

from __future__ import annotations

import contextlib
import os
import socket as sockets
import struct
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass

import zmq

from engine.access import LOCAL, Access
from engine.errors import EngineError, clean

LINGER_MS = 200
"""How long closing waits for the last messages to leave, where a peer does not take them."""
MOST_PEERS = 64
PERIOD_MS = 20
QUIET_MS = 100
"""Between two looks while nobody is connected."""
TROUBLE_S = 5.0
MANY_A_SECOND = 16
"""Connections within a second that are trouble."""
A_MESSAGE = 128
"""Bytes around a message's content that are served with it: envelope, headers, what CURVE adds."""
_HANDSHAKE_MS = 5000
_BACKLOG = 256
_EVENTS = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_MONITOR_STOPPED
_EVENT = struct.Struct("=Hi")  # event, and of these three the file descriptor of the connection
_RECEIVED = struct.Struct("120xQQ")  # tcpi_bytes_acked, tcpi_bytes_received (Linux 4.1)
_AT_ONCE = struct.pack("ii", 1, 0)
_WEIGHS = sys.platform == "linux" and hasattr(sockets, "TCP_INFO")


@dataclass(frozen=True)
class Bounds:
    """Of what comes in: ``longest`` bytes of a part, ``waiting`` messages of a peer, and the ``allowance``, bytes that
    a peer may have sent and that were not served. ``queue``: messages that may wait for a peer; new ones are dropped.
    ``buffer``: bytes that the system keeps of a peer before they are read (-1: as it likes)."""

    longest: int
    waiting: int
    allowance: int
    queue: int
    buffer: int = -1


class Door:
    """A socket of ``kind`` on ``endpoint`` (``tcp://...``, ``ipc://...``; port ``*`` takes a free one), which
    ``option`` chose. Raises :class:`EngineError` where it is taken or no address, or would let in anybody."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        kind: int,
        endpoint: str,
        option: str,
        bounds: Bounds,
        access: Access,
    ) -> None:
        self.socket = context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, LINGER_MS)
        limit(self.socket, bounds)
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        self.socket.setsockopt(zmq.BACKLOG, _BACKLOG)
        for name, value in ((zmq.TCP_KEEPALIVE, 1), (zmq.TCP_KEEPALIVE_IDLE, 60), (zmq.TCP_KEEPALIVE_INTVL, 15)):
            self.socket.setsockopt(name, value)  # a peer that vanished without a word is gone after some minutes
        self.keeper = Doorkeeper(self.socket, bounds.allowance)
        try:
            self.endpoint = bind(self.socket, endpoint, option, access)
        except EngineError:
            self.keeper.close()
            raise
        self.keeper.start()

    def close(self) -> None:
        """Release the address."""
        self.keeper.close()
        self.socket.close()


class Doorkeeper:
    """Weighs what the peers of ``socket`` send, on a thread of its own between :meth:`start` and :meth:`close`, and
    cuts off who sends more than ``allowance`` bytes beyond what was :meth:`served`. Made before the socket binds or
    connects; closed before the socket."""

    def __init__(self, socket: zmq.Socket[bytes], allowance: int) -> None:
        self.cut_off = 0
        """How many peers were cut off."""
        self.troubled = False
        """Whether somebody was cut off, or many connected within a second, in the last :data:`TROUBLE_S`."""
        self._trouble_s = -TROUBLE_S
        self._came: deque[float] = deque(maxlen=MANY_A_SECOND)
        self._socket, self._allowance = socket, allowance
        # Of a shadow of the context: not the context's to close, it ends when the socket does.
        self._monitor: zmq.Socket[bytes] = zmq.Context.shadow(socket.context.underlying).socket(zmq.PAIR)
        self._monitor.setsockopt(zmq.LINGER, 0)
        where = f"inproc://doorkeeper-{id(self)}"
        socket.monitor(where, _EVENTS)
        self._monitor.connect(where)
        self._peers: dict[int, _Peer] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doorkeeper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if not self._socket.closed:
            self._socket.monitor(None, 0)
        if self._thread.ident is not None:
            self._thread.join()
        else:
            self._monitor.close()

    def peers(self) -> int:
        """How many are connected."""
        return len(self._peers)

    def served(self, part: zmq.Frame, size: int) -> None:
        """A message of ``size`` bytes, of which ``part`` is a part, came from a peer and was taken in."""
        with contextlib.suppress(zmq.ZMQError, ValueError):
            peer = self._peers.get(int(part.get(zmq.SRCFD)))
            if peer is not None:
                peer.served += size + A_MESSAGE

    def _run(self) -> None:
        weighed = time.monotonic()
        try:
            while True:
                # Never without an end: the word that the socket is closed may be lost with the socket.
                if self._monitor.poll(PERIOD_MS if self._peers else QUIET_MS) and not self._hear():
                    return
                if self._stop.is_set():
                    return
                now = time.monotonic()
                if now - weighed >= PERIOD_MS / 1000:
                    weighed = now
                    self._weigh()
                    self.troubled = now - self._trouble_s < TROUBLE_S
        except zmq.ZMQError:  # the context ended first
            return
        finally:
            for peer in self._peers.values():
                peer.forget()
            self._monitor.close()

    def _hear(self) -> bool:
        """One event of the socket; False when it is closed."""
        head, endpoint = self._monitor.recv_multipart()
        event, number = _EVENT.unpack(head)
        if event == zmq.EVENT_MONITOR_STOPPED:
            return False
        known = self._peers.pop(number, None)
        if known is not None:
            known.forget()
        if event in (zmq.EVENT_ACCEPTED, zmq.EVENT_CONNECTED):
            peer, now = _Peer(number, endpoint), time.monotonic()
            if len(self._came) == MANY_A_SECOND and now - self._came[0] < 1.0:
                self._trouble(now)
            self._came.append(now)
            if len(self._peers) >= MOST_PEERS:
                self._cut(peer)
                peer.forget()
            else:
                self._peers[number] = peer
        return True

    def _weigh(self) -> None:
        for peer in self._peers.values():
            if not peer.gone and peer.received() > self._allowance + peer.served:
                self._cut(peer)

    def _cut(self, peer: _Peer) -> None:
        self.cut_off += 1
        peer.cut()
        self._trouble(time.monotonic())

    def _trouble(self, now_s: float) -> None:
        self.troubled, self._trouble_s = True, now_s


class _Peer:
    """A connection by libzmq's file descriptor, of which a copy is kept: it stays this connection's."""

    def __init__(self, number: int, endpoint: bytes) -> None:
        self.served = 0
        self.gone = False
        self._line: sockets.socket | None = None
        if not _WEIGHS or not endpoint.startswith(b"tcp://"):
            return
        with contextlib.suppress(OSError):  # closed meanwhile, and its number perhaps something else's
            self._line = sockets.socket(fileno=os.dup(number))
            port = int(endpoint.rpartition(b":")[2])
            if port not in (self._line.getsockname()[1], self._line.getpeername()[1]):
                self.forget()

    def received(self) -> int:
        """Bytes that came."""
        if self._line is None:
            return 0
        try:
            told = self._line.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, 256)
            return int(_RECEIVED.unpack_from(told)[1])
        except (OSError, struct.error):  # no TCP after all, or an old kernel
            return 0

    def cut(self) -> None:
        """End the connection; libzmq then forgets all that it stored of it."""
        self.gone = True
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _AT_ONCE)  # the system keeps nothing
                self._line.shutdown(sockets.SHUT_RDWR)

    def forget(self) -> None:
        """Let the copy go."""
        if self._line is not None:
            self._line.close()
            self._line = None


def limit(socket: zmq.Socket[bytes], bounds: Bounds) -> None:
    """Set the bounds that libzmq knows."""
    socket.setsockopt(zmq.MAXMSGSIZE, bounds.longest)
    socket.setsockopt(zmq.RCVHWM, bounds.waiting)
    socket.setsockopt(zmq.SNDHWM, bounds.queue)
    socket.setsockopt(zmq.RCVBUF, bounds.buffer)


def bind(socket: zmq.Socket[bytes], endpoint: str, option: str, access: Access = LOCAL) -> str:
    """Bind ``socket`` and return the address it got. Raises :class:`EngineError` naming endpoint, reason and option;
    the socket is closed then."""
    port = endpoint.rpartition(":")[2]
    try:
        access.check(endpoint, option)
        if endpoint.startswith("tcp://") and port.isdecimal() and int(port[:6]) > 65535:
            raise zmq.ZMQError(zmq.EINVAL)  # ZeroMQ itself would bind the remainder
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        if access.keys is not None:
            access.keys.guard(socket)
        socket.bind(endpoint)
    except EngineError:
        socket.close()
        raise
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
            f"cannot bind {clean(endpoint, 80)!r}: {clean(error.strerror)}; give {option} an address such as "
            "tcp://127.0.0.1:5570"
        ) from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
