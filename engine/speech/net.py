"""A speech program as the avatar's own side: a REP socket that takes what :mod:`engine.speech.messages` describes.

Every message is answered, so that a program learns what was wrong with it and how far ahead it is. One thread receives
and plays; a program that sends without end waits for its answers, and delays nobody. What comes in is bounded by
:mod:`engine.door`, who may come by :mod:`engine.access`: where the engine has a token file, a message is two parts, a
token with the right ``set`` and what is said.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

import zmq

from engine.access import LOCAL, Access
from engine.clock import Clock
from engine.door import Bounds, Door
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.publish import to_json
from engine.speech.messages import LONGEST_MESSAGE, SpeechSound, decode
from engine.speech.schedule import SpeechSchedule

PERIOD_S = 0.01
"""Sound is passed on so often, as by a sound card."""
MOST_A_PERIOD = 32
"""Messages answered in one period; the next wait."""
BOUNDS = Bounds(longest=LONGEST_MESSAGE, waiting=4, allowance=2 * LONGEST_MESSAGE, queue=4)
_OPTION = "--speech net"
_JOIN_S = 10.0


class NetSpeech:
    """Takes speech at ``address``: "HOST:PORT", "tcp://HOST:PORT" or "ipc://PATH". Raises :class:`EngineError` where
    anybody from elsewhere could come there, and in :meth:`start` where it is taken."""

    def __init__(self, address: str, access: Access = LOCAL) -> None:
        self._asked, self._access = _endpoint(address), access
        access.check(self._asked, _OPTION)
        self.name = f"speech from {self._asked}"
        self.gives: Collection[Key] = (("audio", "self"), ("words", "self"), ("speaking", "self"))
        self.endpoint = ""
        """Where it is bound, once it is started."""
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failure: str | None = None
        self._schedule: SpeechSchedule | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Bind, and begin to receive and to play."""
        self._context = zmq.Context()
        try:
            door = Door(self._context, zmq.REP, self._asked, _OPTION, BOUNDS, self._access)
        except EngineError:
            self.stop()
            raise
        self.endpoint = door.endpoint
        self._schedule = schedule = SpeechSchedule(feeds, clock.now_ns())
        feeds.notes.append(self._notes)
        self._thread = threading.Thread(target=self._run, args=(door, schedule, clock), name="speech", daemon=True)
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
        """Where to send to, and how many words came too fast."""
        dropped = self._schedule.dropped_words if self._schedule is not None else 0
        return {"source": "speech", "endpoint": self.endpoint or self._asked, "dropped_words": dropped}

    def _notes(self) -> list[str]:
        dropped = self._schedule is not None and self._schedule.dropped_words
        return [f"{self.name}: words came faster than anybody speaks; some were left out"] if dropped else []

    def _run(self, door: Door, schedule: SpeechSchedule, clock: Clock) -> None:
        try:
            due_ns = clock.now_ns()
            while not self._stop.is_set():
                now_ns = clock.now_ns()
                if now_ns >= due_ns:
                    schedule.release(now_ns)
                    due_ns = now_ns + round(PERIOD_S * 1e9)
                self._answer(door, schedule, clock, due_ns)
        except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
            self._failure = f"speech: receiving failed: {type(error).__name__}: {error}"
        finally:
            door.close()

    def _answer(self, door: Door, schedule: SpeechSchedule, clock: Clock, due_ns: int) -> None:
        """Answer what comes before ``due_ns``; where that is very much, wait for that moment."""
        for _ in range(MOST_A_PERIOD):
            left_ms = -(-(due_ns - clock.now_ns()) // 1_000_000)
            if left_ms <= 0 or not door.socket.poll(left_ms):
                return
            parts = door.socket.recv_multipart(copy=False)
            door.keeper.served(parts[0], sum(len(part) for part in parts))
            door.socket.send(to_json(self._done([part.bytes for part in parts], schedule, clock)))
        clock.sleep_until(due_ns, self._stop)

    def _done(self, parts: list[bytes], schedule: SpeechSchedule, clock: Clock) -> dict[str, Any]:
        try:
            if not 1 <= len(parts) <= 2:
                raise EngineError(f"a message of {len(parts)} parts: send it in one, or a token and the message")
            self._access.require(parts[0].decode("latin-1") if len(parts) == 2 else "", "set", "speech")
            message = decode(parts[-1])
            if isinstance(message, SpeechSound):
                schedule.sound(message, clock.now_ns)
            else:
                schedule.told(message, clock.now_ns())
        except EngineError as error:
            return {"ok": False, "error": str(error), "now_ns": clock.now_ns(), "ahead_s": schedule.ahead_s()}
        return {"ok": True, "now_ns": clock.now_ns(), "ahead_s": schedule.ahead_s()}


def _endpoint(address: str) -> str:
    """The address as ZeroMQ takes it, which knows no names of machines where it binds."""
    whole = address if "://" in address else f"tcp://{address}"
    return whole.replace("tcp://localhost:", "tcp://127.0.0.1:", 1)
