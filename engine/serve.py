"""Serving: a host with its bundles, the local session with its sources and sockets, the door for network sessions; and
taking it all apart again, cleanly."""

from __future__ import annotations

import gc
import logging
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from engine.access import Access
from engine.announce import Ticker
from engine.bridges import Bridges
from engine.bundle import DEFAULT, Bundle
from engine.bundle.fillable import check_fillable
from engine.clock import MonotonicClock
from engine.control import ControlServer, set_controls
from engine.errors import EngineError
from engine.publish import Publisher
from engine.record.serving import Recorders
from engine.session.host import Host
from engine.session.live import LiveSession, Opening
from engine.sound.echo import EchoMode
from engine.sources.base import Source
from engine.stats import Stats

SWITCH_S = 0.0005
"""For which a thread may go on computing while another waits. The interpreter's own 5 ms are an eighth of a frame, and
a frame's thread may wait for it once for every message that it sends."""
DRAIN_LOOK_S = 0.1
DEFAULT_PUB = "tcp://127.0.0.1:5570"
DEFAULT_CONTROL = "tcp://127.0.0.1:5571"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServeOptions:
    """What ``engine serve`` was asked for. ``listen`` opens the door for network sessions ("HOST:PORT"), of which there
    may be ``capacity``, each silent for ``idle_s`` seconds at most, from web pages of ``origins`` alone; ``web`` serves
    the engine's own page there too, and of ``pictures`` sessions at a time those that they send are looked at. With
    ``local`` False there is no local session beside them."""

    bundles: tuple[str, ...] = (DEFAULT,)
    pub: str = DEFAULT_PUB
    control: str = DEFAULT_CONTROL
    number: int = 1
    seed: int = 0
    seconds: float | None = None
    fast: bool = False
    monitor: bool = False
    where: str = "onnx:cpu"
    controls: Mapping[str, Any] = field(default_factory=dict)
    record: Path | None = None
    save: Path | None = None
    local: bool = True
    listen: str = ""
    web: bool = False
    pictures: int = 0
    capacity: int = 16
    window_ms: float = 4.0
    idle_s: float = 30.0
    drain_s: float = 0.0
    origins: tuple[str, ...] = ()
    head: str = "face"
    raw_sound: bool = False
    echo: EchoMode = "say"
    access: Access = field(default_factory=Access)
    bridges: tuple[str, ...] = ()
    """URLs of avatar programs that the local session's frames are handed on to (:mod:`engine.bridges`)."""
    keys: Path | None = None
    """The folder from which ``access`` has its keys: bridges connect with those of its client."""


@dataclass(frozen=True)
class Serving:
    """Sockets that are bound: what a caller of :func:`serve` gets to know and may do. ``url``: of the door for network
    sessions, "" where there is none."""

    publisher: Publisher
    control: str
    stop: threading.Event
    host: Host
    url: str = ""


def serve(options: ServeOptions, sources: Sequence[Source], ready: Callable[[Serving], None] | None = None) -> Stats:
    """Run until stopped (a signal, the control socket), until the local session's time is up or its sources are over.

    ``ready`` is called once the sockets are bound and before the sources start. Returns what the local session counted
    (nothing where there is none). Raises :class:`EngineError` for what a user can mend, and at the end where the model
    never recovered. Everything opened is closed again.
    """
    clock = MonotonicClock()
    with ExitStack() as stack:
        for source in sources:
            stack.callback(source.stop)
        if options.fast and not sources and options.seconds is None and options.local:
            raise EngineError("--fast: without a source a session has no end; give --seconds or a --source")
        if options.bridges and not options.local:
            raise EngineError("--bridge: it hands on a session of this machine, and there is none; add a --source")
        bridges = Bridges(options.bridges, options.keys) if options.bridges else None
        bundles = [Bundle.load(name) for name in options.bundles]
        for bundle in bundles:
            check_fillable(bundle)
        for warning in options.access.warnings:
            log.warning("%s", warning)
        recorders = Recorders(options.record, options.save, options.where, wait=options.fast)
        stop = stack.enter_context(_stopped_by_signals())
        host = Host(
            bundles,
            clock,
            capacity=options.capacity if options.listen else 1,
            window_ms=options.window_ms,
            where=options.where,
            realtime=not options.fast,
            raw_sound=options.raw_sound,
            echo=options.echo,
        )
        stack.callback(host.stop)
        host.start()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=0)
        publisher = Publisher(context, options.pub, options.number, options.access)
        stack.callback(publisher.close)
        local = _Local(host, publisher, stop)
        ticker = Ticker(publisher, lambda: local.session, recorders, sources)
        local.troubles = lambda: ticker.troubles
        if options.local:
            ask = Opening(
                bundles=tuple(bundle.name for bundle in bundles),
                seed=options.seed,
                number=options.number,
                controls=options.controls,
                monitor=options.monitor,
                given=frozenset(key for source in sources for key in source.gives),
                seconds=options.seconds,
                head=options.head,
            )
            local.session = host.prepare(ask, publisher.send, sources, _about(options.number))
        server = ControlServer(context, options.control, local.handlers(), clock, options.access)
        stack.callback(server.close)
        url = _listen(options, host, stack) if options.listen else ""
        if ready is not None:
            ready(Serving(publisher, server.endpoint, stop, host, url))
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()  # what start-up made lives as long as the process: no need to walk it in every collection
        stack.callback(gc.unfreeze)
        session = local.session
        if bridges is not None:
            stack.callback(bridges.close)
            bridges.start(publisher.endpoint, options.number)
        if session is not None:
            stack.callback(recorders.abandon)
            host.begin(session, recorders.open(session))
        names = ", ".join(f"{bundle.name} at {bundle.spec.rate:g} frames/s" for bundle in bundles)
        partner = f" from {', '.join(source.name for source in sources)}" if sources else ""
        log.info("serving %s%s", names, partner, extra={"bundles": [bundle.name for bundle in bundles]})
        bound = {"pub": publisher.endpoint, "control": server.endpoint}
        log.info("frames on %(pub)s, control on %(control)s; Ctrl-C stops", bound, extra=bound)
        if options.web:
            page = page_address(url)
            tokens = " (add #token=TOKEN, one of your --tokens)" if options.access.tokens else ""
            log.info("the page is at %s%s", page, tokens, extra={"page": page})
        if url:
            log.info("network sessions on %s, %d at most", url, options.capacity, extra={"url": url})
        ticker.start()
        stack.callback(ticker.close)
        over_ns = math.inf if options.seconds is None else clock.now_ns() + 1e9 * options.seconds
        while not stop.wait(0.05 if options.fast else 0.1):
            over = clock.now_ns() > over_ns if session is None else session.ended is not None
            if over or host.failure is not None:
                break
        if host.failure is not None:
            raise host.failure
        if options.listen and options.drain_s and stop.is_set():
            _drain(host, session, options.drain_s)
        if session is None:
            return Stats()
        session.close("stopped")
        session.done.wait()
        ticker.close()
        ticker.tell()
        recorders.finish()
        session.check_recovered()
        return session.slots[0].stats


class _Local:
    """The local session, if there is one, for the control socket."""

    def __init__(self, host: Host, publisher: Publisher, stop: threading.Event) -> None:
        self.session: LiveSession | None = None
        self.troubles: Callable[[], dict[str, str]] = dict
        self._host, self._publisher, self._stop = host, publisher, stop

    def describe(self) -> dict[str, Any]:
        """The announcement of the local session, or of an engine that has none."""
        if self.session is None:
            bundles = list(self._host.bundles)
            return {
                "protocol": 1,
                "bundle": bundles[0],
                "bundles": bundles,
                "streams": [],
                "pub": self._publisher.endpoint,
            }
        return {**self.session.describe(), "pub": self._publisher.endpoint}

    def handlers(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """What the control socket answers."""
        return {
            "describe": lambda _: self.describe(),
            "stop": self._stopping,
            "reset": self._forgetting,
            "pause": self._pausing,
            "set": lambda request: set_controls(self._asked(), request),
            "stats": lambda _: self._stats(),
        }

    def _stats(self) -> dict[str, Any]:
        counted = {"subscribers": self._publisher.subscribers(), "troubles": self.troubles()}
        return {**(self.session.stats() if self.session else {}), **counted, "host": self._host.stats()}

    def _stopping(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._stop.set()
        return {}

    def _forgetting(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._asked().reset()
        return {}

    def _pausing(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._asked().pause(request.get("paused", True) is not False)
        return {}

    def _asked(self) -> LiveSession:
        if self.session is None:
            raise EngineError("this engine serves network sessions alone; each is set by its own client")
        return self.session


def _about(number: int) -> Callable[[str], None]:
    """Logs what its texts' encoders say of the local session."""
    return lambda message: log.warning("%s", message, extra={"session": number})


def _drain(host: Host, local: LiveSession | None, seconds: float) -> None:
    """Let the network sessions come to their end, for so long at most; nobody new is taken."""
    host.drain()
    end_ns = host.clock.now_ns() + round(seconds * 1e9)
    if there := [session for session in host.sessions() if session is not local]:
        log.info("stopping within %g s, when %d sessions are over; a second signal stops at once", seconds, len(there))
    while any(session is not local for session in host.sessions()) and host.clock.now_ns() < end_ns:
        threading.Event().wait(DRAIN_LOOK_S)


def _listen(options: ServeOptions, host: Host, stack: ExitStack) -> str:
    from engine.network.server import Server
    from engine.sources.pictures import Trackers

    server = Server(
        host,
        options.listen,
        options.access,
        idle_s=options.idle_s,
        origins=options.origins,
        web_page=options.web,
        trackers=Trackers(options.pictures) if options.pictures else None,
    )
    stack.callback(server.stop)
    server.start()
    return server.url


def page_address(url: str) -> str:
    """Where a browser on this machine finds the page of a server with this address for sessions."""
    where = url.removeprefix("ws://").removesuffix("/session")
    host, _, port = where.rpartition(":")
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else '[::1]' if host == '[::]' else host}:{port}/"


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and a terminal that closes set; a second one ends the process at once. A terminal
    that closes may say so twice, by the system and by its shell; and under nohup it is not listened to."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is unknown on Windows
    before = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None)) is not None}
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and before[hang_up] == signal.SIG_IGN:
        del before[hang_up]

    def handle(number: int, _: Any) -> None:
        if stop.is_set() and number != hang_up:
            sys.exit(128 + number)
        stop.set()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
