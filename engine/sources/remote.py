"""Another engine as partner: the body that it publishes is the body that this one sees. Two such engines are a duet.

The other engine is asked on its control socket for its streams and skeletons; its joints are found by name. It may
start later, fall silent or be restarted at any time: it is then asked again until it answers. A pose counts as
captured when it arrives, since the clocks of two machines have nothing in common.

The other engine may be anybody. What it says of itself is read into :class:`RemoteBody` or refused in words; its
messages are bounded as those of a peer are (:mod:`engine.door`), and whether a pose can be true is for the feed to
judge.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from engine.access import host_of
from engine.body.skeleton import MOST_JOINTS, Skeleton
from engine.clock import Clock, MonotonicClock
from engine.control import NoAnswer, ask, connect
from engine.door import A_MESSAGE, Bounds, Doorkeeper, limit
from engine.errors import EngineError, clean
from engine.feeds.feeds import Feeds, Key
from engine.feeds.latest import PoseRing, PoseSample
from engine.sources.base import joined
from engine.wire import HEADER, WireError, decode, topic

SILENT_S = 1.0
"""Seconds without a pose after which the other engine counts as silent and is asked again, as often."""
ANSWER_S = 1.0
MOST_STREAMS = 1024
WAITING = 64
"""Poses of the other engine that may wait; only the newest is looked at."""
_HANDSHAKE = 512  # bytes that a message of it may have
_POLL_MS = 50
_JOIN_S = 10.0
_EVERYWHERE = ("0.0.0.0", "*", "::")


@dataclass(frozen=True)
class RemoteBody:
    """Where a body comes from: address and topic to subscribe to, its layout, and which of its joints to take."""

    bundle: str
    pub: str
    topic: bytes
    layout: int
    joints: list[int]
    of: int

    @property
    def bounds(self) -> Bounds:
        """Of what may come: frames of this body and nothing longer."""
        longest = max(HEADER.size + 12 * self.of, _HANDSHAKE)
        return Bounds(longest, WAITING, WAITING * (longest + A_MESSAGE), queue=1)

    @classmethod
    def read(cls, told: Mapping[str, Any], skeleton: Skeleton, endpoint: str) -> RemoteBody:
        """From what the engine whose control socket is ``endpoint`` says of itself. Raises :class:`EngineError` where
        it publishes no body, one with other joints, or says what cannot be."""
        bundle = clean(told.get("bundle", "?"), 60)
        stream, joints = _body_stream(told, bundle)
        absent = [joint for joint in skeleton.joints if joint not in joints]
        if absent:
            raise EngineError(
                f"the body of bundle {bundle!r} has no joint {', '.join(absent[:6])}, which skeleton "
                f"{skeleton.name!r} needs; let both engines serve bundles of one skeleton"
            )
        session, number = _whole(told, "session", 2**32), _whole(stream, "stream", 2**16)
        return cls(
            bundle,
            _reachable(told.get("pub"), endpoint),
            topic(session, number),
            _whole(stream, "layout", 2**32),
            [joints.index(joint) for joint in skeleton.joints],
            len(joints),
        )

    def pose(self, message: bytes, now_ns: int) -> PoseSample | None:
        """The pose that a message holds; None where it holds none of this body."""
        try:
            frame = decode(message)
        except WireError:
            return None
        if not message.startswith(self.topic) or frame.layout != self.layout or frame.values.size != 3 * self.of:
            return None
        return PoseSample(now_ns, np.array(frame.values, np.float32).reshape(self.of, 3)[self.joints], True)


class EngineSource:
    """Watches the body of the engine whose control socket is ``endpoint``, as ``skeleton`` (joints by name). ``token``
    and ``keys`` (a client's folder) are for an engine that wants them.

    An engine that does not answer yet is waited for (``problem`` says so). Raises
    :class:`engine.errors.EngineError` when ``endpoint`` is no address, or what answers there publishes no body or
    one with other joints; where that happens later it is a ``problem``.
    """

    gives: Collection[Key] = frozenset({("body", "partner")})

    def __init__(self, endpoint: str, skeleton: Skeleton, token: str = "", keys: Path | None = None) -> None:
        self._endpoint, self._skeleton, self._token, self._keys = endpoint, skeleton, token, keys
        self.name = f"engine {endpoint}"
        self._clock: Clock = MonotonicClock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_ns = 0
        self._failure: str | None = None
        self._bundle = ""
        try:
            self._body: RemoteBody | None = self._ask()
        except NoAnswer as error:
            self._body, self._failure = None, self._waiting(error)

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to watch."""
        self._clock, self._last_ns = clock, clock.now_ns()
        ring = feeds.latest[("body", "partner")]
        self._thread = threading.Thread(target=self._run, args=(ring,), name="engine", daemon=True)
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
                try:
                    if self._body is None:
                        self._body, self._failure = self._ask(), None
                    self._watch(context, self._body, ring)
                except NoAnswer as error:
                    self._again(self._waiting(error))
                except EngineError as error:
                    self._again(str(error))
                except Exception as error:  # whatever the other side did: it may be mended or restarted
                    self._again(f"watching failed: {type(error).__name__}: {clean(error)}")
        finally:
            context.destroy(linger=0)

    def _again(self, failure: str) -> None:
        """Say what is wrong, and ask once more after a while."""
        self._body, self._failure = None, failure
        self._stop.wait(SILENT_S)

    def _watch(self, context: zmq.Context[zmq.Socket[bytes]], body: RemoteBody, ring: PoseRing) -> None:
        """Put what arrives into the ring, until nothing has come for a while."""
        with context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            limit(socket, body.bounds)
            keeper = Doorkeeper(socket, body.bounds.allowance)
            try:
                socket.subscribe(body.topic)
                connect(socket, body.pub, self._keys)
                keeper.start()
                since_ns = self._clock.now_ns()
                while not self._stop.is_set():
                    newest = self._newest(socket, keeper, body)
                    if newest is not None:
                        ring.put(newest)
                        since_ns = self._last_ns = self._clock.now_ns()
                    if self._clock.now_ns() - since_ns > SILENT_S * 1e9:
                        break
            finally:
                keeper.close()
        self._body = None  # asked again: another bundle may run there now

    def _newest(self, socket: zmq.Socket[bytes], keeper: Doorkeeper, body: RemoteBody) -> PoseSample | None:
        """The newest pose among the messages that wait, after waiting a little for one."""
        newest = None
        for number in range(WAITING):
            if not socket.poll(0 if number else _POLL_MS):
                break
            parts = socket.recv_multipart(copy=False)
            keeper.served(parts[0], sum(len(part.buffer) for part in parts))
            pose = body.pose(parts[0].bytes, self._clock.now_ns()) if len(parts) == 1 else None
            newest = pose or newest
        return newest

    def _ask(self) -> RemoteBody:
        request = {"op": "describe"} | ({"token": self._token} if self._token else {})
        try:
            body = RemoteBody.read(ask(self._endpoint, request, ANSWER_S, self._keys), self._skeleton, self._endpoint)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, EngineError):
                raise
            raise EngineError(
                f"the engine at {self._endpoint} describes itself in words that this one does not know "
                f"({type(error).__name__} {clean(error, 80)}); run the same version on both sides"
            ) from error
        self._bundle = body.bundle
        return body

    def _waiting(self, error: NoAnswer) -> str:
        return f"{str(error).split(';')[0]}; waiting for it"


def _body_stream(told: Mapping[str, Any], bundle: str) -> tuple[Mapping[str, Any], list[str]]:
    """The first output that is joint positions, and its joints. Raises :class:`NoAnswer` without a session."""
    if told["streams"] == []:
        raise NoAnswer(f"the engine with bundle {bundle!r} has no session of its own (yet); start one there")
    for stream in told["streams"][:MOST_STREAMS]:
        if stream["kind"] == "output" and stream["codec"] == "joints":
            joints = [str(joint) for joint in told["skeletons"][stream["skeleton"]]["joints"]]
            if not 0 < len(joints) <= MOST_JOINTS or len(stream["names"]) != 3 * len(joints):
                raise ValueError(f"{len(stream['names'])} values of {len(joints)} joints")
            return stream, joints
    raise EngineError(f"bundle {bundle!r} moves no body; give the control address of one that does")


def _whole(told: Mapping[str, Any], name: str, end: int) -> int:
    """A whole number from 0 to before ``end``."""
    value = told[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < end:
        raise ValueError(f"{name} = {value!r}")
    return value


def _reachable(pub: Any, control: str) -> str:
    """The address of frames, where it was bound to all interfaces seen from the control socket's host."""
    if not isinstance(pub, str) or not pub.startswith(("tcp://", "ipc://")):
        raise ValueError(f"pub = {pub!r}")
    if pub.startswith("tcp://") and control.startswith("tcp://") and host_of(pub) in _EVERYWHERE:
        return f"{control.rpartition(':')[0]}:{pub.rpartition(':')[2]}"
    return pub
