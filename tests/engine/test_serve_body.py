"""Whole sessions of a bundle that moves a body and hears nothing: alone, with a take, and two engines in a duet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from engine.body.bvh import read_body
from engine.body.motion import Motion
from engine.body.write import write_bvh
from engine.bundle import Bundle
from engine.cli import main
from engine.control import ask
from engine.demo import demo_partner
from engine.doctor import examine
from engine.errors import EngineError
from engine.serve import ServeOptions, Serving, serve
from engine.sources.base import Source
from engine.sources.body import BodySource
from engine.sources.remote import EngineSource
from engine.wire import PARTNER_STREAM, Flag, Frame, decode, topic
from tests.engine.body.made import dance
from tests.engine.dancer import EFFORTS, STICK, TURN, dancer_bundle, take, walk
from tests.engine.said import said

FREE = "tcp://127.0.0.1:*"
PORTS = ("--pub", FREE, "--control", FREE)


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(dancer_bundle(tmp_path_factory.mktemp("dancer")).path)


class Running:
    """A session on a thread of its own."""

    def __init__(self, session: ServeOptions, *sources: Source) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=serve, args=(session, sources, self._bound))
        self._thread.start()
        assert self._ready.wait(30)

    def _bound(self, serving: Serving) -> None:
        self.pub, self.control, self._stop = serving.publisher.endpoint, serving.control, serving.stop
        self._ready.set()

    def frames(self, stream: int, until: Callable[[list[Frame]], bool]) -> list[Frame]:
        """What is received of a stream until it holds what is waited for."""
        got: list[Frame] = []
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.subscribe(topic(1, stream))
            socket.connect(self.pub)
            while not until(got):
                assert socket.poll(10_000)
                got.append(decode(socket.recv()))
                assert len(got) < 600
        return got

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)


@pytest.fixture
def run(dancer: str) -> Iterator[Callable[..., Running]]:
    """Starts sessions of the dancer, and ends them with the test."""
    with ExitStack() as stack:

        def start(*sources: Source, **options: Any) -> Running:
            session = ServeOptions(**{"bundles": (str(dancer),), "pub": FREE, "control": FREE, **options})
            running = Running(session, *sources)
            stack.callback(running.stop)
            return running

        yield start


def angle(frame: Frame) -> float:
    """How far the dancer has turned, from its left hand."""
    left, chest = frame.values.reshape(5, 3)[[3, 1]]
    return float(np.arctan2(-(left - chest)[2], (left - chest)[0]))


def turned(frames: list[Frame]) -> np.ndarray:
    return np.diff(np.unwrap([angle(frame) for frame in frames]))


def test_alone_it_runs_by_the_clock_and_nothing_is_missing(dancer: str, run: Callable[..., Running]) -> None:
    with said("engine.serve") as messages:
        running = run()
        frames = running.frames(0, lambda got: len(got) >= 8)
    assert all(frame.flags & ~(Flag.FIRST | Flag.LATE | Flag.SKIPPED) == 0 for frame in frames)
    told = ask(running.control, {"op": "describe"})
    assert told["skeletons"] == {"stick": STICK.to_dict()}
    streams = {each["name"]: each for each in told["streams"]}
    assert list(streams) == ["body", "rotations", "seen"]
    assert streams["body"]["names"] == list(STICK.channels) and streams["body"]["units"] == ["m"] * 15
    assert streams["rotations"]["names"][:4] == ["hip.x", "hip.y", "hip.z", "hip.w"]
    assert [streams[name]["skeleton"] for name in streams] == ["stick", "stick", ""]
    assert {each["name"]: each["choices"] for each in told["controls"]} == {"effort": list(EFFORTS), "speed": []}
    assert told["sources"] == []
    assert "rate" in told and messages[0] == "serving dancer at 30 frames/s"


def test_a_label_is_switched_live_and_an_unknown_one_refused(
    run: Callable[..., Running], capsys: pytest.CaptureFixture[str]
) -> None:
    running = run()
    assert main(["set", "effort=high", "speed=0.5", "--control", running.control]) == 0
    assert capsys.readouterr().out == "effort=high  speed=0.5\n"
    running.frames(0, lambda got: len(got) >= 2)
    assert main(["set", "effort=wild", "--control", running.control]) == 2
    assert "effort = 'wild' is no choice: give one of low, medium, high" in capsys.readouterr().err
    with pytest.raises(EngineError, match="no choice"):
        ask(running.control, {"op": "set", "controls": {"effort": 1.5}})
    frames = running.frames(0, lambda got: len(got) >= 5 and all(np.diff([each.seq for each in got[-4:]]) == 1))[-4:]
    assert np.allclose(turned(frames), 3 * TURN * 0.5, atol=1e-3)  # it goes on, and as it was set before
    assert not any(Flag.HELD in frame.flags for frame in frames)


@pytest.mark.parametrize("rate", [30.0, 60.0])
def test_a_take_is_seen_frame_by_frame_and_its_end_is_the_end(
    dancer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: float
) -> None:
    path, saved = take(tmp_path / "a.bvh", round(2 * rate), rate), tmp_path / "a.npz"
    command = ["serve", "--bundle", dancer, *PORTS, "--source", "body", str(path), "--fast", "--monitor"]
    assert main([*command, "--save", str(saved)]) == 0
    assert "frames 60 " in capsys.readouterr().out
    with np.load(saved) as stored:
        every = round(rate / 30)
        expected = walk(round(2 * rate), rate).positions[every - 1 :: every]
        assert np.allclose(stored["partner_body"].reshape(60, 5, 3), expected, atol=1e-5)
        assert np.allclose(stored["seen"], expected[:, 0], atol=1e-5)
        assert stored["flags"].tolist() == [int(Flag.FIRST)] + [0] * 59
        assert json.loads(str(stored["skeletons"])) == {"stick": STICK.to_dict()}
        body = stored["body"].reshape(60, 5, 3)
    assert main(["bvh", str(saved), str(tmp_path / "out.bvh")]) == 0
    assert "rotations as recorded" in capsys.readouterr().out
    assert np.abs(read_body(tmp_path / "out.bvh", STICK).motion.positions - body).max() < 1e-4
    assert main(["bvh", str(saved), str(tmp_path / "in.bvh"), "--stream", "partner_body"]) == 0
    assert np.abs(read_body(tmp_path / "in.bvh", STICK).motion.positions - expected).max() < 1e-4


def test_the_effort_meter_shows_the_same_for_a_take_in_any_unit_and_with_z_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turn = np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    motion = dance(frames=90)
    shown = {}
    for name, scale, axes, note in (
        ("plain", 1.0, np.eye(3, dtype=np.float32), ""),
        ("metres", 0.01, np.eye(3, dtype=np.float32), "unit found: metres"),
        ("inches", 1 / 2.54, np.eye(3, dtype=np.float32), "unit found: inches"),
        ("zup", 1.0, turn, "Z up turned upright"),
    ):
        rest = np.float32(motion.skeleton.rest) @ axes.T * np.float32(scale)
        body = replace(motion.skeleton, rest=tuple((float(x), float(y), float(z)) for x, y, z in rest))
        write_bvh(Motion(body, 30.0, motion.positions @ axes.T * np.float32(scale)), tmp_path / f"{name}.bvh")
        source = ["--source", "body", str(tmp_path / f"{name}.bvh"), "--fast"]
        assert main(["serve", "--bundle", "effort", *PORTS, *source, "--save", str(tmp_path / "a.npz")]) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"body {name}.bvh: ")]
        assert len(said) == bool(note) and all(note in line for line in said)
        with np.load(tmp_path / "a.npz") as stored:
            shown[name] = stored["shown"]
    assert np.ptp(shown["plain"], axis=0).max() > 0.05  # it does move
    for name in ("metres", "inches", "zup"):
        assert np.abs(shown[name] - shown["plain"]).max() < 2e-3


def test_in_real_time_a_take_ends_the_session_too(dancer: str, tmp_path: Path) -> None:
    source = BodySource(take(tmp_path / "a.bvh", 15), STICK)
    stats = serve(ServeOptions(bundles=(str(dancer),), pub=FREE, control=FREE), [source])
    assert source.finished
    assert 0 < stats.frames + stats.missed <= 16


def test_as_fast_as_it_goes_it_takes_as_many_frames_as_asked(dancer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--bundle", dancer, *PORTS, "--fast", "--seconds", "20"]) == 0
    out, err = capsys.readouterr()
    assert "frames 600 " in out and "voice" not in out and "face" not in out
    assert err.splitlines()[0] == "serving dancer at 30 frames/s"
    assert main(["serve", "--bundle", dancer, *PORTS, "--fast"]) == 2
    assert "--fast: without a source a session has no end; give --seconds" in capsys.readouterr().err


def test_two_engines_dance_with_each_other_through_silence_and_return(run: Callable[..., Running]) -> None:
    first = run()
    watching = EngineSource(first.control, STICK)
    second = run(watching, monitor=True)
    seeing = second.frames(PARTNER_STREAM, lambda got: len(got) >= 10 and Flag.DEGRADED not in got[-1].flags)
    assert np.allclose(seeing[-1].values.reshape(5, 3)[0], STICK.rest[0], atol=1e-5)
    assert abs(angle(seeing[-1])) > 0.0
    back = EngineSource(second.control, STICK)  # and the other way round: a duet
    third = run(back, monitor=True)
    third.frames(PARTNER_STREAM, lambda got: len(got) >= 5 and Flag.DEGRADED not in got[-1].flags)
    port = {"pub": first.pub, "control": first.control}
    first.stop()
    second.frames(PARTNER_STREAM, lambda got: bool(got) and Flag.DEGRADED in got[-1].flags)
    pause = threading.Event()
    assert any(pause.wait(0.05) or "no engine answers" in (watching.problem or "") for _ in range(100))
    assert "no body since" in (watching.problem or "")
    run(**port)
    frames = second.frames(PARTNER_STREAM, lambda got: bool(got) and Flag.DEGRADED not in got[-1].flags)
    assert frames[-1].values.any()
    assert watching.problem is None


def test_an_engine_that_is_not_there_yet_is_waited_for_and_a_wrong_one_refused(run: Callable[..., Running]) -> None:
    missing = EngineSource("tcp://127.0.0.1:9", STICK)
    assert missing.problem == "no engine answers at tcp://127.0.0.1:9; waiting for it"
    missing.stop()
    with pytest.raises(EngineError, match="is no address"):
        EngineSource("nonsense", STICK)
    listener = run(bundles=("rules",))
    with pytest.raises(EngineError, match="bundle 'rules' moves no body"):
        EngineSource(listener.control, STICK)
    dancing = run()
    other = type(STICK)("twig", ("hip", "tail"), (-1, 0), ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    with pytest.raises(EngineError, match="has no joint tail, which skeleton 'twig' needs"):
        EngineSource(dancing.control, other)
    fewer = type(STICK)("head", ("rHand", "hip"), (-1, -1), ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    assert EngineSource(dancing.control, fewer).problem is None  # by name, in any order


def test_the_doctor_and_the_demo_ask_for_no_more_than_the_bundle(
    dancer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(ServeOptions(bundles=(str(dancer),), pub=FREE, control=FREE)) == 0
    said = capsys.readouterr().out
    assert "3 streams announced" in said
    assert "tracker" not in said and "devices" not in said
    assert demo_partner([Bundle.load(dancer).spec]) == []
    assert [source.name for source in demo_partner([Bundle.load("rules").spec])] == ["demo"]
