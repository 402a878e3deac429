"""The examination of an engine that runs: why its avatar does not move."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import zmq

from engine.control import ask
from engine.doctor import examine
from engine.doctor_running import Running, look, running
from engine.finding import Finding
from engine.serve import ServeOptions
from engine.wire import Flag, Frame, encode
from tests.engine.test_serve import Engine
from tests.engine.test_serve import running as serving

LISTEN_S = 1.0
STREAM = {"stream": 0, "name": "face", "kind": "output", "codec": "arkit58", "rate": 25.0}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with serving() as one:
        yield one


def found(control: str, engine: Running | None = None) -> dict[str, Finding]:
    engine = engine or running(control)
    assert engine is not None
    return {one.part: one for one in look(engine, control, seconds=LISTEN_S)}


def test_an_engine_that_is_well_is_told_so_and_who_receives(engine: Engine) -> None:
    alone = found(engine.control)
    assert alone["receivers"].state == "missing" and engine.pub in alone["receivers"].said
    context = zmq.Context()
    with context.socket(zmq.SUB) as socket:
        socket.connect(engine.pub)
        socket.subscribe(b"")
        assert socket.poll(5000)
        parts = found(engine.control)
    context.destroy(linger=0)
    assert {one.state for one in parts.values()} == {"ok"}
    assert set(parts) == {"engine", "frames", "movement", "controls", "sources", "partner's sound", "receivers"}
    assert "rules, 1 of 1 sessions" in parts["engine"].said and parts["receivers"].said.startswith("1 connected")
    assert "face" in parts["movement"].said and "demo" in parts["sources"].said


def test_a_pause_and_a_control_at_nothing_are_found(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    ask(engine.control, {"op": "set", "controls": {"expressiveness": 0, "smile_gain": 0}})
    ask(engine.control, {"op": "pause"})
    try:
        parts = found(engine.control)
        assert parts["frames"].state == "FAILED" and "paused" in parts["frames"].said and "movement" not in parts
        assert "engine set expressiveness=1 smile_gain=1" in parts["controls"].said
        assert examine(ServeOptions(bundles=("rules",), control=engine.control), as_json=True) == 1
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {"part": "frames", "state": "FAILED", "said": parts["frames"].said} in told
    finally:
        ask(engine.control, {"op": "pause", "paused": False})
        ask(engine.control, {"op": "set", "controls": {"expressiveness": 1, "smile_gain": 1}})


def test_frames_that_do_not_come_and_sources_in_trouble_are_told(engine: Engine) -> None:
    known = running(engine.control)
    assert known is not None
    away = {**known.told, "pub": "tcp://127.0.0.1:9"}
    stats = {**known.stats, "troubles": {"camera 0": "camera stalled: no picture for 3.0 s"}}
    parts = found(engine.control, Running(away, stats))
    assert "none came from tcp://127.0.0.1:9" in parts["frames"].said and "firewall" in parts["frames"].said
    assert parts["sources"] == Finding("sources", "missing", "camera 0: camera stalled: no picture for 3.0 s")


def test_an_engine_for_visitors_alone_says_where_its_avatars_are() -> None:
    with serving("--listen", "127.0.0.1:0", "--seconds", "30") as one:
        known = running(one.control)
        assert known is not None
        parts = found(one.control, Running({**known.told, "streams": []}, known.stats))
    assert list(parts) == ["engine", "frames"] and "each network client has its avatar" in parts["frames"].said


def test_where_no_engine_is_the_machine_is_examined() -> None:
    assert running("tcp://127.0.0.1:*") is None
    context = zmq.Context()
    with context.socket(zmq.REP) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
    context.destroy(linger=0)
    assert running(f"tcp://127.0.0.1:{port}") is None


class Sender:
    """Publishes frames that a test makes up, so that what they hold can be wrong."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")

    def play(self, values: np.ndarray, flags: Flag) -> None:
        """A frame for each row, once somebody has subscribed."""
        assert self.socket.poll(5000)
        self.socket.recv()
        for seq, row in enumerate(values):
            self.socket.send(encode(Frame(1, 0, flags, 100, seq, 0, 0, 0, 7, row.astype(np.float32))))


@pytest.mark.parametrize(
    ("values", "flags", "part", "state", "said"),
    [
        (np.tile(np.linspace(0, 1, 58), (25, 1)), Flag(0), "movement", "FAILED", "stands still"),
        (np.random.default_rng(0).random((25, 58)), Flag(0), "movement", "ok", "what is sent moves"),
        (np.random.default_rng(0).random((25, 58)), Flag.SILENT, "SILENT", "missing", "100 % of frames: no sound"),
        (np.random.default_rng(0).random((25, 58)), Flag.HELD, "HELD", "missing", "the one before is repeated"),
        (np.random.default_rng(0).random((10, 58)), Flag(0), "frames", "FAILED", "too few a second: face 10 of 25"),
    ],
)
def test_what_is_sent_is_looked_at(values: np.ndarray, flags: Flag, part: str, state: str, said: str) -> None:
    sender = Sender()
    told = {"bundles": ["x"], "streams": [STREAM], "session": 1, "pub": f"tcp://0.0.0.0:{sender.port}"}
    thread = threading.Thread(target=sender.play, args=(values, flags))
    thread.start()
    parts = found("tcp://127.0.0.1:5571", Running(told, {"host": {}}))
    thread.join()
    sender.context.destroy(linger=0)
    assert parts[part].state == state and said in parts[part].said
    assert (part == flags.name) == (flags.name in parts)
