"""The control side: a REP socket that describes the session, reads its statistics and turns its controls.

Requests and replies are JSON objects in one message part: ``{"op": "describe"}``, ``{"op": "set", "controls":
{"nod_rate": 1.5}}`` (a control that is a choice is set by name: ``{"effort": "high"}``), ``{"op": "stats"}``,
``{"op": "clock"}`` (the engine's monotonic clock beside UTC, nanoseconds), ``{"op": "reset"}`` (the model forgets) and
``{"op": "stop"}``. Every reply has ``ok``; a refusal has ``error`` in words and changes nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import zmq

from engine.clock import Clock
from engine.errors import EngineError
from engine.publish import LINGER_MS, bind, to_json
from engine.spec import SpecError, StreamSpec

POLL_MS = 100
LONGEST_REQUEST = 64 * 1024


class NoAnswer(EngineError):
    """Nobody answers at an address; the message names it."""


class Controls:
    """Present values of a spec's controls, set by one thread and read by another."""

    def __init__(self, spec: StreamSpec, values: Mapping[str, Any] | None = None) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._values = {item.name: item.missing for item in spec.controls}
        self.set(values or {})

    def set(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Change all the given controls or, if one is unknown or out of range, none (:class:`SpecError`)."""
        checked = self._spec.check_controls(values)
        with self._lock:
            self._values.update(checked)
            return dict(self._values)

    def values(self) -> dict[str, float]:
        """A copy of all present values."""
        with self._lock:
            return dict(self._values)

    def choices(self) -> dict[str, str]:
        """The present names of the controls that are choices."""
        now = self.values()
        return {item.name: item.names[round(now[item.name])] for item in self._spec.controls if item.names}


Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


class ControlServer:
    """Answers requests on ``endpoint`` from a thread of its own until :meth:`close`."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, handlers: Mapping[str, Handler], clock: Clock
    ) -> None:
        def tell_time(_: Mapping[str, Any]) -> dict[str, Any]:
            return {"monotonic_ns": clock.now_ns(), "utc_ns": time.time_ns()}

        self._handlers: dict[str, Handler] = {**handlers, "clock": tell_time}
        self._socket = context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)  # the answer to `stop` has to leave
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_REQUEST)
        self.endpoint = bind(self._socket, endpoint, "--control")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and release the port."""
        self._stop.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if self._socket.poll(POLL_MS):
                self._socket.send(to_json(self._answer(self._socket.recv_multipart())))
        self._socket.close()

    def _answer(self, parts: list[bytes]) -> dict[str, Any]:
        try:
            (part,) = parts
            request = json.loads(part)
            handler = self._handlers[request["op"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            known = ", ".join(sorted(self._handlers))
            return {
                "ok": False,
                "error": f'not a request: send one JSON object such as {{"op": "describe"}}; ops: {known}',
            }
        try:
            return {"ok": True, **handler(request)}
        except EngineError as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:  # a thread has no caller, and the next request deserves its answer
            return {"ok": False, "error": f"{request['op']} failed: {type(error).__name__}: {error}"}


def set_controls(controls: Controls, request: Mapping[str, Any]) -> dict[str, Any]:
    """Handler of ``set``."""
    values = request.get("controls")
    if not isinstance(values, dict) or not values:
        raise SpecError(f"set: controls = {values!r}; give an object of names and values")
    return {"controls": controls.set(values), "choices": controls.choices()}


def ask(endpoint: str, request: Mapping[str, Any], timeout_s: float = 2.0) -> dict[str, Any]:
    """The reply of the engine at ``endpoint``. Raises :class:`NoAnswer` where none answers within ``timeout_s``
    seconds, another :class:`EngineError` where what answers is none or refuses."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        try:
            socket.connect(endpoint)
        except (zmq.ZMQError, UnicodeEncodeError) as error:
            raise EngineError(f"{endpoint!r} is no address ({error}); e.g. tcp://127.0.0.1:5571") from error
        socket.send_json(request)
        if not socket.poll(round(1000 * timeout_s)):
            raise NoAnswer(f"no engine answers at {endpoint}; start one with `engine serve` or give its --control")
        answer = socket.recv()
    finally:
        socket.close()
        context.term()
    try:
        reply = dict(json.loads(answer))
    except (ValueError, TypeError) as error:
        raise EngineError(f"what answers at {endpoint} is no engine; give the engine's --control") from error
    if not reply.get("ok"):
        raise EngineError(f"the engine refused: {reply.get('error')}")
    return reply
