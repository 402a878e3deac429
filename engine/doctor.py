"""``engine doctor``: why does nothing move? Every part a session needs is tried, and each says what it found.

Where an engine runs already, it is looked at (:mod:`.doctor_running`). Otherwise: bundle and runtime, ports, one frame
from a source through the step to a subscriber; then what the bundle's senses may use: face tracker, devices; and the
ways to clients (:mod:`.doctor_clients`). What a session cannot do without fails the examination; what it can is only
told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import zmq

from engine.assets import face_landmarker
from engine.bundle import Bundle
from engine.bundle.fillable import check_fillable
from engine.clock import MonotonicClock
from engine.control import ask
from engine.demo import demo_partner
from engine.doctor_clients import ways
from engine.doctor_running import look, running
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, wanted
from engine.finding import Finding, tell, tried
from engine.publish import bind
from engine.runtime import open_runtime
from engine.serve import ServeOptions, Serving, serve
from engine.sources.choose import SENSES, devices, senses
from engine.wire import decode, topic

FRAME_WAIT_S = 5.0
LISTEN_S = 4.0
"""For which the microphone is listened to."""


def examine(
    options: ServeOptions, mic: str | None = None, token: str = "", keys: Path | None = None, as_json: bool = False
) -> int:
    """Print one line (or JSON object) per part; 0 when a session can run, or the one that runs is well, 1 otherwise.
    ``mic``: the microphone that is listened to. ``token``, ``keys``: for an engine that runs and wants them."""
    return tell(_findings(options, mic, token, keys), as_json)


def _findings(options: ServeOptions, mic: str | None, token: str, keys: Path | None) -> Iterator[Finding]:
    try:
        engine = running(options.control, token, keys)
    except EngineError as error:
        yield Finding("engine", "FAILED", f"one runs at {options.control} and does not tell: {error}")
        return
    if engine is not None:
        yield from look(engine, options.control, keys)
        return
    vital: list[tuple[str, Callable[[], str]]] = [
        ("bundle", lambda: _bundle(options)),
        ("ports", lambda: _ports(options)),
        ("one frame", lambda: _frame(options)),
    ]
    useful: list[tuple[str, set[str], Callable[[], str]]] = [
        ("face tracker", {"face"}, _tracker),
        ("sound", {"audio"}, lambda: _sound(options, mic)),
        ("devices", {"audio", "face"}, devices),
        ("feeds", {"self"}, lambda: _feeds(options)),
    ]
    for name, check in vital:
        yield tried(name, check, "FAILED")
    may = _senses(options)
    for name, roles, check in useful:
        if roles & may:
            yield tried(name, check, "missing")
    yield from ways(options)


def _senses(options: ServeOptions) -> set[str]:
    """What the bundles may be given; everything where one does not load."""
    try:
        specs = [Bundle.load(name).spec for name in options.bundles]
    except EngineError:
        return set(SENSES)
    own = {"self" for spec in specs if any(owner == "self" for _, owner in wanted(spec))}
    return own.union(*(senses(spec) for spec in specs))


def _bundle(options: ServeOptions) -> str:
    told = []
    for name in options.bundles:
        bundle = Bundle.load(name)
        check_fillable(bundle)
        runtime = open_runtime(bundle, options.where)
        runtime.warm_up()
        if not all(bool(np.isfinite(value).all()) for value in runtime.run().values()):
            raise EngineError(f"{bundle.name}: a step on empty input is not finite; export the model again")
        told.append(f"{bundle.name} {bundle.version}, {bundle.spec.rate:g} frames/s, on {options.where}")
    return "; ".join(told)


def _feeds(options: ServeOptions) -> str:
    """What the bundles take of their own avatar, which `--speech` gives."""
    keys = set[tuple[str, str]]().union(*(wanted(Bundle.load(name).spec) for name in options.bundles))
    return (
        "takes its own avatar's " + ", ".join(sorted(what for what, owner in keys if owner == "self")) + " (--speech)"
    )


def _ports(options: ServeOptions) -> str:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with ExitStack() as stack:
        stack.callback(context.destroy, linger=0)
        for endpoint, option in ((options.pub, "--pub"), (options.control, "--control")):
            socket = stack.enter_context(context.socket(zmq.PUB))  # held until both are: they may be the same
            bind(socket, endpoint, option, options.access)
    return f"{options.pub} and {options.control} are free"


def _tracker() -> str:
    from engine.tracker import MediaPipeTracker

    path = face_landmarker()
    MediaPipeTracker(path).close()
    return f"MediaPipe with {path.name}"


def _sound(options: ServeOptions, mic: str | None) -> str:
    """The microphone's level meter after a few seconds, and what is wrong with its sound."""
    from engine.sources.mic import MicSource

    source = MicSource(mic)
    bundle = next(one for one in map(Bundle.load, options.bundles) if one.spec.by_role("audio"))
    feeds, clock = Feeds.of(bundle.spec, 0), MonotonicClock()
    try:
        source.start(feeds, clock)
        threading.Event().wait(LISTEN_S)
    finally:
        source.stop()
    told = feeds.meters["partner"].told()
    if "level_dbfs" not in told:
        raise EngineError(f"{source.name}: {source.problem or 'it gives no sound'}")
    heard = "no voice heard: say something" if told["voice_dbfs"] is None else f"voice at {told['voice_dbfs']:g} dBFS"
    wrong = "; ".join([*told["notices"], *([source.problem] if source.problem else [])])
    return (
        f"{source.name}: level {told['level_dbfs']:g}, peak {told['peak_dbfs']:g} dBFS in {LISTEN_S:g} s, {heard}"
        f"{'; ' + wrong if wrong else ''}"
    )


def _frame(options: ServeOptions) -> str:
    """A real session on free ports: the demo partner, if the bundle has a use for it, the step, ZeroMQ, a subscriber,
    and the control socket."""
    got: list[bytes] = []
    told: list[int] = []
    threads: list[threading.Thread] = []

    def subscribe(serving: Serving) -> None:
        threads.append(threading.Thread(target=_receive, args=(serving, options.number, got, told), daemon=True))
        threads[0].start()
        if not _subscribed(serving):
            raise EngineError("a subscriber in this process could not connect; is loopback blocked by a firewall?")

    trial = replace(
        options, pub="tcp://127.0.0.1:*", control="tcp://127.0.0.1:*", seconds=FRAME_WAIT_S, save=None, record=None,
        listen="",
    )  # fmt: skip
    try:
        specs = [Bundle.load(name).spec for name in options.bundles]
        serve(trial, demo_partner(specs), subscribe)
    finally:
        for thread in threads:
            thread.join(FRAME_WAIT_S)
    if not got:
        raise EngineError("frames were published but none arrived; is loopback blocked by a firewall?")
    if not told:
        raise EngineError("frames arrive, but the control socket does not answer; is loopback blocked by a firewall?")
    frame = decode(got[0])
    return f"{frame.values.size} values, step {frame.step_us} us, {told[0]} streams announced"


def _subscribed(serving: Serving) -> bool:
    pause = threading.Event()
    return any(serving.publisher.subscribers() or serving.stop.is_set() or pause.wait(0.05) for _ in range(100))


def _receive(serving: Serving, number: int, got: list[bytes], told: list[int]) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, topic(number))
        socket.connect(serving.publisher.endpoint)
        if socket.poll(round(1000 * FRAME_WAIT_S)):
            got.append(socket.recv())
            with suppress(EngineError):
                told.append(len(ask(serving.control, {"op": "describe"})["streams"]))
    finally:
        context.destroy(linger=0)
        serving.stop.set()
