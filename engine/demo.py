"""``engine demo``: the whole way at once - this engine, the built-in partner for a bundle that listens or looks, and a
viewer in a process of its own.

The viewer is told apart only by the sockets it is given, so what it shows has come over the wire. The session starts
when it has subscribed and ends with the engine's own table.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.feeds import wanted
from engine.serve import ServeOptions, Serving, serve
from engine.sources.base import Source
from engine.sources.demo import DemoSource
from engine.spec import StreamSpec
from engine.stdio import tell

JOIN_S, LEAVE_S = 30.0, 180.0
BEGIN_S = 10.6
"""Where the partner's story is joined: from here, 20 s hold its question, its laugh and its look away."""


def demo(options: ServeOptions, folder: Path, headless: bool) -> int:
    """Serve a bundle with the OpenCV viewer attached, and with the demo partner where the bundle has a use for it.
    Without a display the viewer writes ``demo.mp4`` and ``demo.png`` into ``folder``. Returns the viewer's exit code;
    raises :class:`EngineError` where it does not come up."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot write into {folder}: {error.strerror}; give --out another folder") from error
    viewer: subprocess.Popen[bytes] | None = None

    def attach(serving: Serving) -> None:
        nonlocal viewer
        command = [sys.executable, "-m", "clients.opencv", "--control", serving.control]
        command += ["--wait", "0", "--video", str(folder / "demo.mp4"), "--png", str(folder / "demo.png")]
        viewer = subprocess.Popen([*command, "--headless"] if headless else command)
        give_up = time.monotonic() + JOIN_S
        while not serving.publisher.subscribers() and not serving.stop.is_set():
            if viewer.poll() is not None:
                raise EngineError(f"the viewer ended with code {viewer.returncode} before it subscribed; see above")
            if time.monotonic() > give_up:
                raise EngineError(f"the viewer did not subscribe within {JOIN_S:g} s; try `python -m clients.opencv`")
            time.sleep(0.05)
        threading.Thread(target=_stop_with, args=(viewer, serving.stop), name="viewer", daemon=True).start()

    try:
        sources = demo_partner([Bundle.load(name).spec for name in options.bundles], BEGIN_S)
        stats = serve(replace(options, monitor=True), sources, attach)
        tell(stats.table())
        return viewer.wait(LEAVE_S) if viewer is not None else 1
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"the viewer was still busy {LEAVE_S:g} s after the session; it was ended") from error
    finally:
        if viewer is not None and viewer.poll() is None:
            viewer.terminate()
            viewer.wait()


def demo_partner(specs: Sequence[StreamSpec], start_s: float = 0.0) -> list[Source]:
    """The built-in partner, from ``start_s`` on, where any model listens or looks at faces; nobody for others."""
    return [DemoSource(start_s=start_s)] if any(wanted(spec) & set(DemoSource.gives) for spec in specs) else []


def _stop_with(viewer: subprocess.Popen[bytes], stop: threading.Event) -> None:
    """Let the session end when the viewer does: its window was closed."""
    viewer.wait()
    stop.set()
