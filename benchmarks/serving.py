"""An engine in a process of its own, and visitors in another, for benchmarks over the network."""

from __future__ import annotations

import json
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.visitors import Plan, Visit
from engine.errors import EngineError

START_S, STOP_S = 60.0, 5.0


@dataclass(frozen=True)
class EngineProcess:
    """A running engine: where sessions are opened, and its process."""

    url: str
    pid: int

    @property
    def page(self) -> str:
        """Where its page is, if it has one."""
        return _page(self.url, "")

    def metrics(self) -> dict[tuple[str, ...], float]:
        """All of ``/metrics``, by name and labels' values."""
        from prometheus_client.parser import text_string_to_metric_families

        with urllib.request.urlopen(_page(self.url, "metrics"), timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {(item.name, *item.labels.values()): item.value for family in families for item in family.samples}


@contextmanager
def serving(
    bundles: Sequence[str], capacity: int, window_ms: float = 4.0, page: bool = False
) -> Iterator[EngineProcess]:
    """``engine serve --listen`` on free ports of this machine; with the ``page``, ``--web``. Raises
    :class:`EngineError` where that fails."""
    listen, pub, control = _free_ports(3)
    command = [sys.executable, "-m", "engine", "serve", "--bundle", *bundles]
    command += ["--web" if page else "--listen", f"127.0.0.1:{listen}", *(["--no-browser"] if page else [])]
    command += ["--capacity", str(capacity), "--window", str(window_ms)]
    command += ["--pub", f"tcp://127.0.0.1:{pub}", "--control", f"tcp://127.0.0.1:{control}"]
    engine = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = EngineProcess(f"ws://127.0.0.1:{listen}/session", engine.pid)
    try:
        end = time.monotonic() + START_S
        while not _ready(found.url):
            if engine.poll() is not None or time.monotonic() > end:
                raise EngineError(f"the engine did not come up; run it by hand to see why: {' '.join(command[1:])}")
            time.sleep(0.1)
        yield found
    finally:
        engine.terminate()
        try:
            engine.wait(STOP_S)
        except subprocess.TimeoutExpired:
            engine.kill()
            engine.wait()


@contextmanager
def visitors(plan: Plan) -> Iterator[list[Visit]]:
    """Visitors who come now; the list is filled when the block is left."""
    visits: list[Visit] = []
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "visits.pickle"
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.visitors"], stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(replace(plan, result=str(result)))).encode())
        process.stdin.close()
        try:
            yield visits
            if process.wait(plan.seconds + 60.0):
                raise EngineError(f"the load generator ended with code {process.returncode}; see what it said above")
            visits += pickle.loads(result.read_bytes())
        finally:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(_page(url, "ready"), timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _page(url: str, name: str) -> str:
    return url.replace("ws://", "http://").replace("/session", f"/{name}")
