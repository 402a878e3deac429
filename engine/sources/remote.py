"""Another engine as partner: the body that it publishes is the body that this one sees. Two such engines are a duet.

The other engine is asked on its control socket for its streams and skeletons; its joints are found by name. It may
start later, fall silent or be restarted at any time: it is then asked again until it answers. A pose counts as
captured when it arrives, since the clocks of two machines have nothing in common.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import zmq

from engine.body.skeleton import Skeleton
from engine.clock import Clock, MonotonicClock
from engine.control import NoAnswer, ask
from engine.errors import EngineError
from engine.poses import Pose, PoseRing
from engine.rings import Rings
from engine.sources.base import joined
from engine.wire import WireError, decode, topic

SILENT_S = 1.0
"""Seconds without a pose after which the other engine counts as silent and is asked again, as often."""
ANSWER_S = 1.0

_POLL_MS = 50
_JOIN_S = 10.0


@dataclass(frozen=True)
class _Body:
    """Where a body comes from: address and topic to subscribe to, its layout, and which of its joints to take."""

    pub: str
    topic: bytes
    layout: int
    joints: list[int]
    of: int


class EngineSource:
    """Watches the body of the engine whose control socket is ``endpoint``, as ``skeleton`` (joints by name).

    An engine that does not answer yet is waited for (``problem`` says so). Raises
    :class:`engine.errors.EngineError` when ``endpoint`` is no address, or what answers there publishes no body or
    one with other joints; where that happens later it is a ``problem``.
    """

    gives: Collection[str] = ("body",)

    def __init__(self, endpoint: str, skeleton: Skeleton) -> None:
        self._endpoint, self._skeleton = endpoint, skeleton
        self.name = f"engine {endpoint}"
        self._clock: Clock = MonotonicClock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_ns = 0
        self._failure: str | None = None
        self._bundle = ""
        try:
            self._body: _Body | None = self._ask()
        except NoAnswer as error:
            self._body, self._failure = None, self._waiting(error)

    def start(self, rings: Rings, clock: Clock) -> None:
        """Begin to watch."""
        self._clock, self._last_ns = clock, clock.now_ns()
        self._thread = threading.Thread(target=self._run, args=(rings.body,), name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    @property
    def finished(self) -> bool:
        """An engine that ends may be started again: never over."""
        return False

    @property
    def problem(self) -> str | None:
        """That the other engine does not answer, is silent, or moves another body; None when all is well."""
        silent_s = (self._clock.now_ns() - self._last_ns) / 1e9
        silent = f"no body since {silent_s:.1f} s" if self._thread and silent_s > SILENT_S else None
        return joined(silent, self._failure)

    def describe(self) -> dict[str, Any]:
        """Address, and the bundle that answered there last."""
        return {"source": "engine", "endpoint": self._endpoint, "bundle": self._bundle}

    def _run(self, ring: PoseRing) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            while not self._stop.is_set():
                if self._body is None:
                    self._try_again()
                else:
                    self._watch(context, self._body, ring)
        except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
            self._failure = f"watching failed: {type(error).__name__}: {error}"
        finally:
            context.destroy(linger=0)

    def _try_again(self) -> None:
        try:
            self._body, self._failure = self._ask(), None
        except NoAnswer as error:
            self._failure = self._waiting(error)
        except EngineError as error:
            self._failure = str(error)
        if self._body is None:
            self._stop.wait(SILENT_S)

    def _watch(self, context: zmq.Context[zmq.Socket[bytes]], body: _Body, ring: PoseRing) -> None:
        """Put what arrives into the ring, until nothing has come for a while."""
        with context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.subscribe(body.topic)
            socket.connect(body.pub)
            since_ns = self._clock.now_ns()
            while not self._stop.is_set():
                if socket.poll(_POLL_MS):
                    messages = [socket.recv()]
                    while socket.poll(0) and len(messages) < 64:
                        messages.append(socket.recv())
                    if self._put(messages[-1], body, ring):
                        since_ns = self._last_ns = self._clock.now_ns()
                if self._clock.now_ns() - since_ns > SILENT_S * 1e9:
                    break
        self._body = None  # asked again: another bundle may run there now

    def _put(self, message: bytes, body: _Body, ring: PoseRing) -> bool:
        try:
            frame = decode(message)
        except WireError:
            return False
        if frame.layout != body.layout or frame.values.size != 3 * body.of:
            return False
        positions = np.array(frame.values, np.float32).reshape(body.of, 3)[body.joints]
        ring.put(Pose(self._clock.now_ns(), positions, True))
        return True

    def _ask(self) -> _Body:
        told = ask(self._endpoint, {"op": "describe"}, ANSWER_S)
        try:
            self._bundle = str(told["bundle"])
            stream, joints = _body_stream(told)
            absent = [joint for joint in self._skeleton.joints if joint not in joints]
            if absent:
                raise EngineError(
                    f"the body of bundle {self._bundle!r} has no joint {', '.join(absent[:6])}, which skeleton "
                    f"{self._skeleton.name!r} needs; let both engines serve bundles of one skeleton"
                )
            return _Body(
                pub=_reachable(str(told["pub"]), self._endpoint),
                topic=topic(int(told["session"]), int(stream["stream"])),
                layout=int(stream["layout"]),
                joints=[joints.index(joint) for joint in self._skeleton.joints],
                of=len(joints),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, EngineError):
                raise
            raise EngineError(
                f"the engine at {self._endpoint} describes itself in words that this one does not know "
                f"({type(error).__name__} {error}); run the same version on both sides"
            ) from error

    def _waiting(self, error: NoAnswer) -> str:
        return f"{str(error).split(';')[0]}; waiting for it"


def _body_stream(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """The first output that is joint positions, and its joints."""
    for stream in told["streams"]:
        name = stream.get("skeleton") or ""
        if stream["kind"] == "output" and name:
            joints = [str(joint) for joint in told["skeletons"][name]["joints"]]
            if len(stream["names"]) == 3 * len(joints):
                return stream, joints
    raise EngineError(f"bundle {told['bundle']!r} moves no body; give the control address of one that does")


def _reachable(pub: str, control: str) -> str:
    """The address of frames, where it was bound to all interfaces seen from the control socket's host."""
    if pub.startswith("tcp://") and control.startswith("tcp://"):
        host, port = urlsplit(pub).hostname, pub.rpartition(":")[2]
        if host in ("0.0.0.0", "*", "::"):
            return f"{control.rpartition(':')[0]}:{port}"
    return pub
