"""The examination: all is well, each vital part failing in turn, and optional parts that only are told."""

from __future__ import annotations

import socket
import threading

import pytest

from engine import doctor
from engine.doctor import examine
from engine.errors import EngineError
from engine.serve import ServeOptions

FREE = "tcp://127.0.0.1:*"
ALL_FREE = ServeOptions(bundles=("rules",), pub=FREE, control=FREE)


@pytest.fixture(autouse=True)
def without_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways to clients take seconds, and have their own tests."""
    monkeypatch.setattr(doctor, "ways", lambda _: iter(()))


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What was said of each part."""
    said = {}
    for line in capsys.readouterr().out.splitlines():
        if not line.startswith(" " * 20):
            for name in ("bundle", "ports", "one frame", "face tracker", "devices"):
                if line.strip().startswith(name):
                    said[name] = line.strip().removeprefix(name).strip()
    return said


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    threads = set(threading.enumerate())
    assert examine(ALL_FREE) == 0
    said = lines(capsys)
    assert list(said) == ["bundle", "ports", "one frame", "face tracker", "devices"]
    assert all(said[name].startswith("ok") for name in ("bundle", "ports", "one frame"))
    assert "rules" in said["bundle"]
    assert "3 streams announced" in said["one frame"]
    left = set(threading.enumerate()) - threads
    # One thread a process stays, for all calls into the sound system.
    assert not [thread for thread in left if not thread.name.startswith("portaudio")]


def light(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leave out parts that a test is not about."""
    for name in names:
        monkeypatch.setattr(doctor, name, lambda *_: "left out")


@pytest.mark.parametrize("option", ["pub", "control"])
def test_a_taken_port_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    light(monkeypatch, "_frame", "_tracker", "devices", "_bundle")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert examine(ServeOptions(**{"pub": FREE, "control": FREE, option: endpoint})) == 1
        said = lines(capsys)["ports"]
    assert said.startswith(f"FAILED: {endpoint} is in use")
    assert f"--{option}" in said
    assert examine(ServeOptions(**{"pub": FREE, "control": FREE, option: endpoint})) == 0


def test_one_port_for_both_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    light(monkeypatch, "_frame", "_tracker", "devices", "_bundle")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    assert examine(ServeOptions(bundles=("rules",), pub=endpoint, control=endpoint)) == 1
    assert "--control" in lines(capsys)["ports"]


@pytest.mark.parametrize(
    "session",
    [
        ServeOptions(pub=FREE, control=FREE, bundles=("nothing",)),
        ServeOptions(bundles=("rules",), pub=FREE, control=FREE, where="quantum"),
    ],
)
def test_a_bundle_that_does_not_run_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, session: ServeOptions
) -> None:
    light(monkeypatch, "_tracker", "devices")
    assert examine(session) == 1
    said = lines(capsys)
    assert said["bundle"].startswith("FAILED")
    assert said["one frame"].startswith("FAILED")
    assert said["ports"].startswith("ok")


def test_a_control_out_of_range_fails_the_frame(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    light(monkeypatch, "_tracker", "devices")
    assert examine(ServeOptions(bundles=("rules",), pub=FREE, control=FREE, controls={"nod_rate": 9})) == 1
    assert "out of range" in lines(capsys)["one frame"]


@pytest.mark.parametrize("error", [EngineError("no such thing"), ImportError("no such thing")])
def test_what_is_optional_is_only_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails() -> str:
        raise error

    light(monkeypatch, "_bundle", "_frame", "_ports")
    monkeypatch.setattr(doctor, "_tracker", fails)
    monkeypatch.setattr(doctor, "devices", fails)
    assert examine(ALL_FREE) == 0
    said = lines(capsys)
    assert said["face tracker"].startswith("missing: ")
    assert said["devices"].endswith("no such thing")


def test_a_control_socket_that_does_not_answer_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise EngineError("no engine answers")

    light(monkeypatch, "_tracker", "devices", "_bundle", "_ports")
    monkeypatch.setattr(doctor, "ask", silent)
    assert examine(ALL_FREE) == 1
    assert "control socket does not answer" in lines(capsys)["one frame"]
