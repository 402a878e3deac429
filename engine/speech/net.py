"""A speech program as the avatar's own side: a REP socket that takes what :mod:`engine.speech.messages` describes.

Every message is answered, so that a program learns what was wrong with it and how far ahead it is. One thread receives
and plays; a program that sends without end waits for its answers, and delays nobody. The socket asks for no keys, so it
is bound on this machine alone: a program elsewhere comes through a tunnel (``ssh -R 5572:127.0.0.1:5572``).
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Collection
from typing import Any

import zmq

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.publish import bind, to_json
from engine.speech.messages import LONGEST_MESSAGE, Sound, decode
from engine.speech.schedule import Schedule

PERIOD_S = 0.01
"""Sound is passed on so often, as by a sound card."""
MOST_A_PERIOD = 32
"""Messages answered in one period; the next wait."""
_OPTION = "--speech net"
_EXAMPLE = "127.0.0.1:5572"
_JOIN_S = 10.0


class NetSpeech:
    """Takes speech at ``address``: "HOST:PORT" or "tcp://HOST:PORT" of this machine, or "ipc://PATH". Raises
    :class:`EngineError` for another address, and in :meth:`start` where it is taken."""

    def __init__(self, address: str) -> None:
        self._asked = _local(address)
        self.name = f"speech from {self._asked}"
        self.gives: Collection[Key] = (("audio", "self"), ("words", "self"), ("speaking", "self"))
        self.endpoint = ""
        """Where it is bound, once it is started."""
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failure: str | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Bind, and begin to receive and to play."""
        self._context = zmq.Context()
        socket = self._context.socket(zmq.REP)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_MESSAGE)
        socket.setsockopt(zmq.IPV6, int("[" in self._asked))
        try:
            self.endpoint = bind(socket, self._asked, _OPTION)
        except EngineError:
            self.stop()
            raise
        schedule = Schedule(feeds, clock.now_ns())
        self._thread = threading.Thread(target=self._run, args=(socket, schedule, clock), name="speech", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and release the address."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        if self._context is not None:
            self._context.destroy(linger=0)

    @property
    def finished(self) -> bool:
        """A speech program may come back at any time: never over."""
        return False

    @property
    def problem(self) -> str | None:
        """That the thread failed; None when all is well. What a program sends wrong, its answers say."""
        return self._failure

    def describe(self) -> dict[str, Any]:
        """Where to send to."""
        return {"source": "speech", "endpoint": self.endpoint or self._asked}

    def _run(self, socket: zmq.Socket[bytes], schedule: Schedule, clock: Clock) -> None:
        try:
            due_ns = clock.now_ns()
            while not self._stop.is_set():
                now_ns = clock.now_ns()
                if now_ns >= due_ns:
                    schedule.release(now_ns)
                    due_ns = now_ns + round(PERIOD_S * 1e9)
                self._answer(socket, schedule, clock, due_ns)
        except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
            self._failure = f"speech: receiving failed: {type(error).__name__}: {error}"
        finally:
            socket.close()

    def _answer(self, socket: zmq.Socket[bytes], schedule: Schedule, clock: Clock, due_ns: int) -> None:
        """Answer what comes before ``due_ns``; where that is very much, wait for that moment."""
        for _ in range(MOST_A_PERIOD):
            left_ms = -(-(due_ns - clock.now_ns()) // 1_000_000)
            if left_ms <= 0 or not socket.poll(left_ms):
                return
            socket.send(to_json(self._done(socket.recv_multipart(), schedule, clock)))
        clock.sleep_until(due_ns, self._stop)

    def _done(self, parts: list[bytes], schedule: Schedule, clock: Clock) -> dict[str, Any]:
        try:
            if len(parts) != 1:
                raise EngineError(f"a message of {len(parts)} parts: send it in one")
            message = decode(parts[0])
            if isinstance(message, Sound):
                schedule.sound(message, clock.now_ns)
            else:
                schedule.told(message, clock.now_ns())
        except EngineError as error:
            return {"ok": False, "error": str(error), "now_ns": clock.now_ns(), "ahead_s": schedule.ahead_s()}
        return {"ok": True, "now_ns": clock.now_ns(), "ahead_s": schedule.ahead_s()}


def _local(address: str) -> str:
    """The address to bind, of this machine alone."""
    if address.startswith("ipc://"):
        return address
    host, colon, port = address.removeprefix("tcp://").rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    try:
        local = bare == "localhost" or ipaddress.ip_address(bare).is_loopback
    except ValueError:
        local = False
    if "://" in host or not colon or not local or not (port == "*" or port.isdecimal()):
        raise EngineError(
            f"{_OPTION} {address!r}: give a port of this machine such as {_EXAMPLE}; a speech program elsewhere comes "
            f"through a tunnel (ssh -R 5572:{_EXAMPLE})"
        )
    return f"tcp://{'127.0.0.1' if bare == 'localhost' else host}:{port}"
