"""The control side: a REP socket that describes the session, reads its statistics and turns its controls.

Requests and replies are JSON objects in one message part: ``{"op": "describe"}``, ``{"op": "set", "controls":
{"nod_rate": 1.5}}`` (a control that is a choice is set by name: ``{"effort": "high"}``), ``{"op": "stats"}``,
``{"op": "clock"}`` (the engine's monotonic clock beside UTC, nanoseconds), ``{"op": "reset"}`` (the model forgets) and
``{"op": "stop"}``. Where the engine has tokens, a request shows one in ``"token"``, and each op needs its right
(:data:`RIGHT_OF`, :mod:`engine.access`). Every reply has ``ok``; a refusal has ``error`` in words and changes nothing.

Whoever asks may be hostile. A request is bounded in bytes, few of a peer wait, one that sends without being served is
cut off (:mod:`engine.door`), and the thread that answers rests after each answer for :data:`REST` times as long as that
took, so that a flood takes a small share of the processor and honest peers, each in its turn, are served beside it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import zmq

from engine.access import LOCAL, Access
from engine.clock import Clock
from engine.curve import ClientKeys
from engine.door import Bounds, Door, Doorkeeper, limit
from engine.errors import EngineError, SpecError, clean
from engine.publish import to_json

POLL_MS = 100
LONGEST_REQUEST = 16 * 1024
UNSERVED = 32 * 1024
"""Bytes that a peer may have sent and that were not answered."""
REST, LONGEST_REST_S = 4.0, 0.1
LONGEST_ERROR = 600
LONGEST_REPLY = 1 << 20
"""Bytes, of what an engine answers and of what is taken from one."""
DEEPEST_REPLY, MOST_SHOWN, LARGEST = 16, 4000, 2**64
RIGHT_OF: Mapping[str, str] = {"describe": "describe", "stats": "describe", "clock": "describe", "stop": "stop"}
"""The right that an op needs; all others change the session and need ``set``."""
_SERVER = Bounds(longest=LONGEST_REQUEST, waiting=8, allowance=UNSERVED, queue=8)
_CLIENT = Bounds(longest=LONGEST_REPLY, waiting=2, allowance=2 * LONGEST_REPLY, queue=2)


class NoAnswer(EngineError):
    """Nobody answers at an address; the message names it."""


Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ControlServer:
    """Answers requests on ``endpoint`` from a thread of its own until :meth:`close`. Raises :class:`EngineError` as
    :class:`engine.door.Door` does."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        handlers: Mapping[str, Handler],
        clock: Clock,
        access: Access = LOCAL,
    ) -> None:
        def tell_time(_: Mapping[str, Any]) -> dict[str, Any]:
            return {"monotonic_ns": clock.now_ns(), "utc_ns": time.time_ns()}

        self._handlers: dict[str, Handler] = {**handlers, "clock": tell_time}
        self._access = access
        self._door = Door(context, zmq.REP, endpoint, "--control", _SERVER, access)
        self.endpoint = self._door.endpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and release the port."""
        self._stop.set()
        self._thread.join()

    def _serve(self) -> None:
        socket = self._door.socket
        try:
            while not self._stop.is_set():
                if not socket.poll(POLL_MS):
                    continue
                began = time.monotonic()
                parts = socket.recv_multipart(copy=False)
                self._door.keeper.served(parts[0], sum(len(part.buffer) for part in parts))
                socket.send(self.answer([part.bytes for part in parts]))
                self._stop.wait(min(REST * (time.monotonic() - began), LONGEST_REST_S))
        except zmq.ZMQError:  # the context ended first
            return
        finally:
            self._door.close()

    def answer(self, parts: list[bytes]) -> bytes:
        """The reply to a message of these parts, whatever they are."""
        try:
            reply = to_json(self._answer(parts))
            if len(reply) > LONGEST_REPLY:
                raise EngineError(f"the answer has {len(reply)} bytes, more than {LONGEST_REPLY}")
            return reply
        except Exception as error:  # a thread has no caller, and the next request deserves its answer
            return to_json({"ok": False, "error": clean(f"no answer: {type(error).__name__}: {error}", LONGEST_ERROR)})

    def _answer(self, parts: list[bytes]) -> dict[str, Any]:
        op, request = None, None
        try:
            (part,) = parts
            request = json.loads(part) if len(part) <= LONGEST_REQUEST else None
            op = request["op"] if isinstance(request, dict) else None
        except (ValueError, KeyError, RecursionError):
            pass
        if not isinstance(op, str) or op not in self._handlers:
            known = ", ".join(sorted(self._handlers))
            return {
                "ok": False,
                "error": f'not a request: send one JSON object such as {{"op": "describe"}}; ops: {known}',
            }
        try:
            assert isinstance(request, dict)
            self._access.require(request.pop("token", ""), RIGHT_OF.get(op, "set"), op)
            return {"ok": True, **self._handlers[op](request)}
        except EngineError as error:
            return {"ok": False, "error": clean(error, LONGEST_ERROR)}
        except Exception as error:  # as above
            return {"ok": False, "error": clean(f"{op} failed: {type(error).__name__}: {error}", LONGEST_ERROR)}


class Settable(Protocol):
    """What can be set while it runs: a live session."""

    def set(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Set all values or none; ``controls``, ``choices`` and ``texts`` as they are then."""
        ...


def set_controls(session: Settable, request: Mapping[str, Any]) -> dict[str, Any]:
    """Handler of ``set``."""
    values = request.get("controls")
    if not isinstance(values, dict) or not values:
        raise SpecError(f"set: controls = {clean(repr(values), 80)}; give an object of names and values")
    return dict(session.set(values))


def shown(reply: Mapping[str, Any], only: Collection[str] | None = None) -> str:
    """What a reply of ``set`` says, as ``name=value`` for a terminal, whatever an engine made of it; of the names
    ``only``, where they are given."""
    found: dict[str, str] = {}
    for kind in ("controls", "choices", "texts"):
        told = reply.get(kind)
        for name, value in (told if isinstance(told, dict) else {}).items():
            if isinstance(value, dict):
                said = value.get("pending") or value.get("text")
                if "follows" in value and not said:
                    continue  # of the fields that are read in a prompt most are empty
                value = repr(clean(said, MOST_SHOWN))
            parts = value if isinstance(value, list) else [value]
            found[clean(name, 80)] = ",".join(
                f"{part:g}" if isinstance(part, (int, float)) and abs(part) < LARGEST else clean(part, MOST_SHOWN)
                for part in parts
            )
    return "  ".join(f"{name}={value}" for name, value in found.items() if only is None or name in only)


def ask(endpoint: str, request: Mapping[str, Any], timeout_s: float = 2.0, keys: Path | None = None) -> dict[str, Any]:
    """The reply of the engine at ``endpoint``, every text in it cleaned (:func:`engine.errors.clean`). ``keys`` is a
    client's folder of keys. Raises :class:`NoAnswer` where none answers within ``timeout_s`` seconds, another
    :class:`EngineError` where what answers is none or refuses."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.REQ)
    keeper = Doorkeeper(socket, _CLIENT.allowance)
    nobody = NoAnswer(
        f"no engine answers at {clean(endpoint, 80)}; start one with `engine serve`, or give its --control "
        "(and its keys, where it has some)"
    )
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDTIMEO, round(1000 * timeout_s))  # a peer that was cut off at once takes nothing
        limit(socket, _CLIENT)
        connect(socket, endpoint, keys)
        keeper.start()
        try:
            socket.send(to_json(request))
        except zmq.Again:
            raise nobody from None
        if not socket.poll(round(1000 * timeout_s)):
            raise nobody
        answer = socket.recv_multipart()
    finally:
        keeper.close()
        socket.close()
        context.term()
    try:
        (part,) = answer
        reply = _cleaned(json.loads(part, parse_constant=lambda _: None), DEEPEST_REPLY)
        if not isinstance(reply, dict) or "ok" not in reply:
            raise ValueError("no reply")
    except (ValueError, RecursionError) as error:
        raise EngineError(f"what answers at {clean(endpoint, 80)} is no engine; give the engine's --control") from error
    if reply["ok"] is not True:
        raise EngineError(f"the engine refused: {clean(reply.get('error'), LONGEST_ERROR)}")
    return reply


def connect(socket: zmq.Socket[bytes], endpoint: str, keys: Path | None = None) -> None:
    """Connect ``socket``. Raises :class:`EngineError` where ``endpoint`` is no address or the keys cannot be read."""
    try:
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        if keys is not None:
            ClientKeys.load(keys).join(socket)
        socket.connect(endpoint)
    except (zmq.ZMQError, UnicodeEncodeError) as error:
        raise EngineError(
            f"{clean(endpoint, 80)!r} is no address ({clean(error)}); e.g. tcp://127.0.0.1:5571"
        ) from error


def _cleaned(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        return {clean(key, MOST_SHOWN): _cleaned(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, depth - 1) for item in value]
    if isinstance(value, (int, float)) and not -LARGEST < value < LARGEST:
        return None  # beyond all that is counted, or not finite: null, as to_json says it
    return clean(value, MOST_SHOWN) if isinstance(value, str) else value
