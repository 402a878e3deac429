"""Putting a session together: bundle, runtime, sources, sockets and loop; and taking it apart again, cleanly."""

from __future__ import annotations

import gc
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zmq

import engine
from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.control import Controls, ControlServer, set_controls
from engine.errors import EngineError
from engine.loop import Loop
from engine.publish import Publisher
from engine.rings import Rings
from engine.runtime import OnnxStep
from engine.sources.base import Source
from engine.spec import StreamSpec
from engine.stats import Stats
from engine.streams import Stream
from engine.wire import Frame

ANNOUNCE_S = 1.0
DEFAULT_PUB = "tcp://127.0.0.1:5570"
DEFAULT_CONTROL = "tcp://127.0.0.1:5571"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Session:
    """What ``engine serve`` was asked for."""

    bundle: str = "rules"
    pub: str = DEFAULT_PUB
    control: str = DEFAULT_CONTROL
    number: int = 1
    seed: int = 0
    seconds: float | None = None
    fast: bool = False
    monitor: bool = False
    provider: str = "cpu"
    controls: Mapping[str, Any] = field(default_factory=dict)
    save: Path | None = None


def serve(
    session: Session, sources: Sequence[Source], say: Say, ready: Callable[[Serving], None] | None = None
) -> Stats:
    """Run a session until it is stopped (Ctrl-C, SIGTERM, the control socket), its time is up or its sources are over.

    ``say`` gets what a person should know. ``ready`` is called once the sockets are bound and before the sources
    start. Raises :class:`EngineError` for what a user can mend. Everything opened is closed again.
    """
    clock = MonotonicClock()
    with ExitStack() as stack:
        for source in sources:
            stack.callback(source.stop)
        if session.fast and not sources and session.seconds is None:
            raise EngineError("--fast: without a source a session has no end; give --seconds or a --source")
        kept = _Recording(session.save) if session.save is not None else None
        bundle = Bundle.load(session.bundle)
        step = OnnxStep(bundle, provider=session.provider)
        step.warm_up()
        spec = bundle.spec
        controls = Controls(spec, session.controls)
        skeletons = {item.name: item.to_dict() for item in spec.skeletons}
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=0)
        publisher = Publisher(context, session.pub, session.number)
        stack.callback(publisher.close)
        rings = Rings.of(spec, clock.now_ns())

        def publish(frame: Frame) -> None:
            publisher.send(frame)
            if kept is not None:
                kept.add(frame)

        loop = Loop(
            *(step, rings, sources, publish, controls, clock),
            session=session.number,
            seed=session.seed,
            monitor=session.monitor,
            realtime=not session.fast,
        )
        stop = stack.enter_context(_stopped_by_signals())

        def describe(_: Mapping[str, Any] | None = None) -> dict[str, Any]:
            known = controls.values()
            return {
                "protocol": 1,
                "engine": engine.__version__,
                "session": session.number,
                "bundle": bundle.name,
                "rate": spec.rate,
                "sample_rate": spec.sample_rate,
                "lookahead_frames": spec.lookahead,
                "pub": publisher.endpoint,
                "streams": [stream.describe() for stream in loop.streams],
                "skeletons": skeletons,
                "controls": [
                    {"name": item.name, "low": item.low, "high": item.high, "default": item.missing}
                    | {"value": known[item.name], "choices": list(item.names), "about": item.about}
                    for item in spec.controls
                ],
                "sources": [source.describe() for source in sources],
            }

        def stopping(_: Mapping[str, Any]) -> dict[str, Any]:
            stop.set()
            return {}

        def forget(_: Mapping[str, Any]) -> dict[str, Any]:
            loop.reset()
            return {}

        handlers = {
            "describe": describe,
            "stop": stopping,
            "reset": forget,
            "set": lambda request: set_controls(controls, request),
            "stats": lambda _: loop.stats.to_dict(),
        }
        server = ControlServer(context, session.control, handlers, clock)
        stack.callback(server.close)
        if ready is not None:
            ready(Serving(publisher, server.endpoint, stop))
        gc.collect()
        gc.freeze()  # what start-up made lives as long as the process: no need to walk it in every collection
        stack.callback(gc.unfreeze)
        for source in sources:
            source.start(rings, clock)
        partner = f" from {', '.join(source.name for source in sources)}" if sources else ""
        say(f"serving {bundle.name} at {spec.rate:g} frames/s{partner}")
        say(f"frames on {publisher.endpoint}, control on {server.endpoint}; Ctrl-C stops")
        ticker = _Ticker(publisher, describe, sources, say, clock)
        frames = None if session.seconds is None else max(1, round(session.seconds * spec.rate))
        loop.run(stop, frames, ticker)
        ticker.tell()
        if kept is not None:
            kept.write(loop.streams, spec)
        return loop.stats


@dataclass(frozen=True)
class Serving:
    """A session whose sockets are bound: what a caller of :func:`serve` gets to know and may do."""

    publisher: Publisher
    control: str
    stop: threading.Event


class _Ticker:
    """Once a second, between two frames: announce the session and tell of new trouble."""

    def __init__(
        self,
        publisher: Publisher,
        describe: Callable[[], Mapping[str, Any]],
        sources: Sequence[Source],
        say: Say,
        clock: MonotonicClock,
    ) -> None:
        self._publisher, self._describe, self._sources, self._say = publisher, describe, sources, say
        self._clock = clock
        self._next_ns = clock.now_ns()
        self._told: dict[str, str | None] = {}

    def __call__(self) -> None:
        if self._clock.now_ns() < self._next_ns:
            return
        self._next_ns = self._clock.now_ns() + round(ANNOUNCE_S * 1e9)
        self._publisher.subscribers()
        self._publisher.announce(self._describe())
        self.tell()

    def tell(self) -> None:
        """Say what is new about the sources' troubles; also at the very end, as a file may fail in its last second."""
        for source in self._sources:
            problem = source.problem
            kind = re.sub(r"[\d.]+", "", problem) if problem else None  # the seconds count on, the trouble is the same
            if kind != self._told.get(source.name):
                self._say(f"{source.name}: {problem or 'all well again'}")
                self._told[source.name] = kind


class _Recording:
    """Every published frame in memory, written to ``path`` as one npz at the end: for looking at a session afterwards.
    Raises :class:`EngineError` at once where ``path`` cannot be written; what is there stays until the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames: dict[int, list[Frame]] = {}
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            path.open("ab").close()
            if new:
                path.unlink()

    def add(self, frame: Frame) -> None:
        copied = Frame(
            **{name: getattr(frame, name) for name in Frame.__slots__ if name != "values"}, values=frame.values.copy()
        )
        self._frames.setdefault(frame.stream, []).append(copied)

    def write(self, streams: Sequence[Stream], spec: StreamSpec) -> None:
        arrays: dict[str, Any] = {}
        for stream in streams:
            frames = self._frames.get(stream.number, [])
            arrays[stream.name] = np.array([frame.values for frame in frames], np.float32).reshape(
                -1, len(stream.names)
            )
            arrays[f"{stream.name}_names"] = np.array(stream.names)
            arrays[f"{stream.name}_skeleton"] = np.array(stream.skeleton)
        first = self._frames.get(streams[0].number, [])
        arrays["seq"] = np.array([frame.seq for frame in first], np.int64)
        arrays["rate"] = np.float64(spec.rate)
        arrays["skeletons"] = np.array(json.dumps({item.name: item.to_dict() for item in spec.skeletons}))
        arrays["flags"] = np.array([int(frame.flags) for frame in first], np.uint8)
        with self._writing(), self._path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = error.strerror if isinstance(error, OSError) else error
            raise EngineError(
                f"cannot write {self._path}: {reason}; give --save a place that can be written"
            ) from error


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, _: Any) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.set()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
