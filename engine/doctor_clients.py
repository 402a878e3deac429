"""``engine doctor``, the ways to clients: does what leaves the engine arrive in each protocol that an avatar may have?

Each is tried end to end on this machine: a short session with the built-in partner, and at its end a receiver of that
protocol. What lies beyond (another program's settings, another machine's firewall) cannot be seen from here; each line
says where to look then.
"""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec

from engine.bundle import Bundle
from engine.demo import demo_partner
from engine.errors import EngineError
from engine.finding import Finding, tried
from engine.serve import ServeOptions, Serving, serve

SECONDS, START_S = 4.0, 8.0
"""For which such a session runs, and for which a bridge may take to begin."""
UDP = {
    "vmc": "VMC (VSeeFace, Warudo ...): in the program, receive VMC on the port that you give to --bridge vmc://",
    "livelink": "Live Link: in Unreal, the Apple AR Face Support plugin's port is that of --bridge livelink://",
    "ifacialmocap": "iFacialMocap: the receiver's port is that of --bridge ifacialmocap://",
}
FREE = "tcp://127.0.0.1:*"


def ways(options: ServeOptions) -> Iterator[Finding]:
    """What is found of each way."""
    checks: dict[str, Callable[[], str]] = {"page": lambda: _page(options), "bridges": lambda: _bridges(options)}
    checks |= {"viewer": _viewer}
    for part, check in checks.items():
        yield tried(part, check, "missing")


def _session(options: ServeOptions, **changed: object) -> ServeOptions:
    quiet: dict[str, object] = {"pub": FREE, "control": FREE, "save": None, "record": None, "listen": ""}
    return replace(options, **{**quiet, "seconds": SECONDS, "bridges": (), **changed})  # type: ignore[arg-type]


def _page(options: ServeOptions) -> str:
    """The page of ``engine serve --web``: whether it is served, can see faces, and can say what is typed."""
    if find_spec("aiohttp") is None or find_spec("prometheus_client") is None:
        raise EngineError("not installed: pip install 'reaction-engine[network]'")
    from engine.page_assets import PROGRAM, page_assets
    from engine.speech.say import INSTALL, voices

    got: list[int] = []

    def visit(serving: Serving) -> None:
        address = serving.url.replace("ws://", "http://").removesuffix("session")
        with urllib.request.urlopen(address, timeout=5) as answer:
            got.append(len(answer.read()))
        serving.stop.set()

    serve(_session(options, listen="127.0.0.1:0", web=True, local=False, seconds=None), [], visit)
    missing = set(PROGRAM) - set(page_assets())
    sees = "it cannot see faces yet: `engine assets --web`" if missing else "it can see faces"
    says = "its avatar says what is typed" if voices() else f"what is typed wants a voice: {INSTALL}"
    beyond = "Beyond localhost a browser wants https for camera and microphone"
    return f"`engine serve --web` serves it; {sees}; {says}. {beyond}"


def _bridges(options: ServeOptions) -> str:
    """Each UDP bridge into a socket of this process."""
    specs = [Bundle.load(name).spec for name in options.bundles]
    codecs = {item.codec for spec in specs for item in spec.outputs}
    wanted = [name for name in UDP if "arkit58" in codecs or (name == "vmc" and "quaternions" in codecs)]
    if not wanted:
        raise EngineError(f"bundle {', '.join(options.bundles)} makes no face or body for them")
    with ExitStack() as stack:
        receivers: dict[str, socket.socket] = {}
        for name in wanted:
            receivers[name] = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            receivers[name].bind(("127.0.0.1", 0))
            receivers[name].settimeout(0.05)
        urls = tuple(f"{name}://127.0.0.1:{receivers[name].getsockname()[1]}" for name in wanted)
        serve(_session(options, bridges=urls, seconds=SECONDS + START_S), demo_partner(specs), _until(receivers))
        counts = {name: _waiting(receiver) for name, receiver in receivers.items()}
    silent = [name for name, count in counts.items() if not count]
    if silent:
        raise EngineError(f"nothing came by {', '.join(silent)}; the log above says why")
    shown = ", ".join(f"{count} packets of {name}" for name, count in counts.items())
    return "\n".join([f"{shown} arrived here. Where the avatar does not move:", *(UDP[name] for name in counts)])


def _until(receivers: dict[str, socket.socket]) -> Callable[[Serving], None]:
    """Ends the session once every receiver has got something, or the time is up."""

    def watch(serving: Serving) -> None:
        end = time.monotonic() + START_S + SECONDS
        while time.monotonic() < end and not serving.stop.is_set():
            ready = [_peeked(one) for one in receivers.values()]
            if all(ready):
                time.sleep(1.0)  # some more, so that a count says something
                break
        serving.stop.set()

    def begin(serving: Serving) -> None:
        threading.Thread(target=watch, args=(serving,), name="receivers", daemon=True).start()

    return begin


def _peeked(receiver: socket.socket) -> bool:
    try:
        return bool(receiver.recv(65536, socket.MSG_PEEK))
    except (TimeoutError, OSError):
        return False


def _waiting(receiver: socket.socket) -> int:
    """How many packets have come."""
    count = 0
    while _peeked(receiver):
        receiver.recv(65536)
        count += 1
    return count


def _viewer() -> str:
    """The OpenCV window."""
    if find_spec("cv2") is None:
        raise EngineError("not installed: pip install 'reaction-engine[viewer]'")
    return "`python -m clients.opencv` draws the avatar of the engine at --control"
