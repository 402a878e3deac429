"""A whole session: in this process where something has to fail, as a process of its own where signals end it."""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from engine.control import ask
from engine.errors import EngineError
from engine.publish import ANNOUNCE_MAGIC
from engine.serve import ServeOptions, Serving, serve
from engine.sources.demo import DemoSource
from engine.wire import MAGIC, Flag, decode
from tests.engine.said import said
from tests.engine.session.scene import Asked

FREE = "tcp://127.0.0.1:*"
PORTS = ["--pub", FREE, "--control", FREE]
ROOT = Path(__file__).resolve().parents[2]


class Engine:
    """``engine serve`` as a process, up to the line that tells its addresses."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", "--bundle", "rules", "--source", "demo", *PORTS, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("frames on "):
                words = line.replace(",", " ").replace(";", " ").split()
                self.pub, self.control = (word for word in words if word.startswith("tcp://"))
                return
        raise AssertionError("no addresses told")

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout and the rest of stderr."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextmanager
def running(*arguments: str) -> Iterator[Engine]:
    engine = Engine(*arguments)
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.process.kill()
            engine.process.communicate()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "engine", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


def one_line(text: str) -> bool:
    return len(text.splitlines()) == 1 and "Traceback" not in text


def receive(endpoint: str, seconds: float) -> list[Any]:
    """All frames until none comes for so long."""
    context = zmq.Context()
    frames = []
    with context.socket(zmq.SUB) as socket:
        socket.connect(endpoint)
        socket.subscribe(MAGIC)
        while socket.poll(round(1000 * seconds)):
            frames.append(decode(socket.recv()))
    context.destroy(linger=0)
    return frames


def test_a_session_of_two_seconds_ends_by_itself_with_a_table_and_a_file(tmp_path: Path) -> None:
    saved = tmp_path / "new" / "frames.npz"
    with running("--seconds", "2", "--monitor", "--session", "9", "--save", str(saved)) as engine:
        frames = receive(engine.pub, 2.0)
        code, out, err = engine.end()
    assert (code, err) == (0, "")
    assert "capture to publish" in out
    counted = dict(re.findall(r"(\w+) (\d+) ", out))
    assert int(counted["frames"]) + int(counted["missed"]) == 50
    streams = {frame.stream for frame in frames}
    assert len(streams) == 5
    for stream in streams:
        of_one = [frame for frame in frames if frame.stream == stream]
        assert of_one[-1].seq == 49
        for before, after in itertools.pairwise(of_one):  # a busy machine may skip, but then says so
            assert after.seq == before.seq + 1 or (after.seq > before.seq and Flag.SKIPPED in after.flags)
    assert {frame.session for frame in frames} == {9}
    with np.load(saved) as stored:
        rows = int(counted["frames"])
        assert (len(stored["seq"]), stored["seq"][0], stored["seq"][-1]) == (rows, 0, 49)
        assert stored["flags"][0] & Flag.FIRST
        assert stored["face"].shape == (rows, len(stored["face_names"]))
        assert stored["partner_audio"].shape == (rows, 640)
        received = [frame for frame in frames if frame.stream == 0]
        assert stored["seq"][-len(received) :].tolist() == [frame.seq for frame in received]
        assert np.array_equal(stored["face"][-len(received) :], [frame.values for frame in received])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_session_cleanly(number: signal.Signals) -> None:
    with running() as engine:
        assert receive_one(engine.pub)
        engine.process.send_signal(number)
        code, out, err = engine.end()
    assert code == 0
    assert "frames " in out
    assert err == ""


def receive_one(endpoint: str, prefix: bytes = b"") -> bytes:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.connect(endpoint)
        socket.subscribe(prefix)
        assert socket.poll(10_000)
        return socket.recv()


def test_a_live_session_is_described_turned_and_stopped_from_outside() -> None:
    with running("--set", "nod_rate=0.5") as engine:
        told = ask(engine.control, {"op": "describe"})
        assert told["pub"] == engine.pub
        assert {each["name"]: each["value"] for each in told["controls"]}["nod_rate"] == 0.5
        announced = json.loads(receive_one(engine.pub, ANNOUNCE_MAGIC)[8:], parse_constant=pytest.fail)
        assert announced["streams"] == told["streams"]

        done = command("set", "nod_rate=1.5", "--control", engine.control)
        assert (done.returncode, done.stderr) == (0, "")
        assert "nod_rate=1.5" in done.stdout
        for wrong in ("nod_rate=9", "foo=1", "nod_rate=nan", "x"):
            refused = command("set", wrong, "--control", engine.control)
            assert refused.returncode == 2
            assert one_line(refused.stderr)
        again = ask(engine.control, {"op": "describe"})
        assert {each["name"]: each["value"] for each in again["controls"]}["nod_rate"] == 1.5

        stats = command("stats", "--control", engine.control)
        assert json.loads(stats.stdout, parse_constant=pytest.fail)["frames"] > 0
        assert ask(engine.control, {"op": "reset"})["ok"]
        second = command("serve", "--source", "demo", "--pub", engine.pub, "--control", FREE)
        assert second.returncode == 2
        assert one_line(second.stderr)
        assert f"{engine.pub} is in use" in second.stderr
        third = command("doctor", "--pub", FREE, "--control", engine.control)
        assert third.returncode == 0, "it is well, and looked at"
        assert f"runs at {engine.control}" in third.stdout and "FAILED" not in third.stdout
        assert ask(engine.control, {"op": "stop"})["ok"]
        assert engine.end()[0] == 0


class Trouble(Asked):
    """A source whose start fails, and which remembers being stopped."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__("face")
        self._error = error
        self.stops = 0

    def start(self, *_: object) -> None:
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self.stops += 1


@pytest.mark.parametrize("error", [EngineError("no such device"), RuntimeError("driver")])
def test_a_source_that_does_not_start_leaves_nothing_behind(error: Exception) -> None:
    threads = threading.active_count()
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    bound: list[Serving] = []
    sources = [Trouble(None), Trouble(error)]
    with pytest.raises(type(error), match=str(error)):
        serve(ServeOptions(bundles=("rules",), pub=FREE, control=FREE), sources, bound.append)
    assert [source.stops for source in sources] == [1, 1]
    assert threading.active_count() == threads
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    ports = {"pub": bound[0].publisher.endpoint, "control": bound[0].control}
    sources = [Trouble(None)]
    assert (
        serve(ServeOptions(bundles=("rules",), **ports, seconds=0.01), sources).frames == 1
    )  # both ports are free again


@pytest.mark.parametrize(
    "session",
    [
        ServeOptions(bundles=("nothing",), pub=FREE, control=FREE),
        ServeOptions(bundles=("rules",), pub="nonsense", control=FREE),
        ServeOptions(bundles=("rules",), pub=FREE, control="nonsense"),
        ServeOptions(bundles=("rules",), pub=FREE, control=FREE, controls={"nod_rate": 99}),
        ServeOptions(bundles=("rules",), pub=FREE, control=FREE, where="gpu"),
        ServeOptions(bundles=("rules",), pub=FREE, control=FREE, save=Path(__file__) / "frames.npz"),
    ],
    ids=["bundle", "pub", "control", "controls", "runtime", "save"],
)
def test_what_cannot_be_had_is_refused_before_a_source_starts(session: ServeOptions) -> None:
    threads = threading.active_count()
    source = Trouble(AssertionError("started"))
    with pytest.raises(EngineError):
        serve(session, [source])
    assert source.stops == 1
    assert threading.active_count() == threads


def test_a_file_that_was_saved_before_stays_until_the_session_is_over(tmp_path: Path) -> None:
    saved = tmp_path / "frames.npz"
    saved.write_bytes(b"old")
    session = ServeOptions(bundles=("rules",), pub=FREE, control=FREE, save=saved, seconds=0.1)
    with pytest.raises(RuntimeError):
        serve(session, [Trouble(RuntimeError())])
    assert saved.read_bytes() == b"old"
    serve(session, [Trouble(None)])
    with np.load(saved) as stored:
        assert stored["seq"].tolist() == [0, 1]


def test_trouble_is_told_when_it_comes_when_it_goes_and_at_the_end() -> None:
    source = Trouble(None)
    source.problem = "no face since 1.2 s"
    with said() as told:
        serve(ServeOptions(bundles=("rules",), pub=FREE, control=FREE, seconds=0.04), [source])
    assert told[2:] == ["asked: no face since 1.2 s"]

    class Breaks(Trouble):
        """Breaks after some looks at it, and is over then."""

        looks = 0

        @property
        def problem(self) -> str | None:  # type: ignore[override]
            self.looks += 1
            self.finished = self.looks > 3
            return "cut short" if self.finished else None

        @problem.setter
        def problem(self, _: str | None) -> None: ...

    with said() as told:
        serve(ServeOptions(bundles=("rules",), pub=FREE, control=FREE), [Breaks(None)])
    assert told[2:] == ["asked: cut short"]


def test_a_caller_without_the_main_thread_can_serve_too() -> None:
    stats = []
    session = ServeOptions(bundles=("rules",), pub=FREE, control=FREE, seconds=1, fast=True)
    thread = threading.Thread(target=lambda: stats.append(serve(session, [DemoSource(fast=True)])))
    thread.start()
    thread.join(30)
    assert stats[0].frames == 25


def test_an_engine_of_network_sessions_alone_stops_after_its_seconds() -> None:
    done = command("serve", "--bundle", "rules", "--listen", "127.0.0.1:0", *PORTS, "--seconds", "1")
    assert done.returncode == 0 and "network sessions on" in done.stderr
