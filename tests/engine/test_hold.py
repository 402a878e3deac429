"""Phrases and prompts in sessions: over arrays, live, as fast as it goes, recorded and replayed, over the socket."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

import engine
from engine.bundle import Bundle
from engine.cli import main
from engine.clock import FakeClock, MonotonicClock
from engine.control import ControlServer, set_controls
from engine.errors import EngineError
from engine.record.reading import Recording
from engine.record.replay import replay
from engine.session.host import Host
from engine.session.live import LiveSession, Opening
from engine.text.encoder import text_encoders
from tests.engine.holding import hold_bundle

FREE = "tcp://127.0.0.1:*"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return hold_bundle(tmp_path_factory.mktemp("hold"))


@pytest.fixture
def host(bundle: Bundle) -> Iterator[Host]:
    made = Host([bundle], MonotonicClock(), capacity=2)
    made.start()
    yield made
    made.stop()


def opened(host: Host) -> LiveSession:
    """A session that makes no frames."""
    return host.prepare(Opening(bundles=("holder",)), lambda _: None)


def test_over_arrays_a_span_counts_frames_and_a_prompt_brings_its_fields(bundle: Bundle) -> None:
    with engine.open(bundle) as model:
        made = model.run(frames=12, hold="hands apart for 0.4 s; left hand above head")["out"]
        assert made[:, 1].tolist() == [1.0] * 8 + [-1.0] * 4 and (made[:, 2] == 1).all()
        assert (model.run(frames=2, hold="none")["out"] == -1).all()
        model.step(prompt="raises the left arm happily")
        assert model._opened is not None
        inputs = model._opened.inputs
        assert inputs["left_arm"].any() and inputs["mood"].any() and inputs["armed"] == 1 == inputs["prompted"]
        model.step(mood="none", prompt="none")
        assert not any(inputs[name].any() for name in ("prompt", "left_arm", "mood", "armed", "prompted"))
        model.step(hold="hands together")
        with pytest.raises(EngineError, match="'hands' takes together, apart"):
            model.step(hold="hands everywhere")
        assert model.step()["out"].tolist() == [-1, 0, -1, -1]
        model.reset()
        assert (model.step()["out"] == -1).all()


def test_as_fast_as_it_goes_a_span_is_as_long_and_a_replay_is_the_same(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "held.mcap"
    served = ("serve", "--bundle", str(bundle.path), "--fast", "--source", "none", "--pub", FREE, "--control", FREE)
    asked = ("--set", "hold=hands apart for 0.4 s; left elbow straight", "--seconds", "1", "--record", str(path))
    assert main([*served, *asked]) == 0
    steps = list(Recording(path).steps())
    held = np.stack([step.inputs["hold"] for step in steps])
    assert len(held) == 20 and (held[:, 0] == 0).all() and held[:, 1].tolist() == [1] * 8 + [-1] * 12
    found = replay(path, bundle)
    assert (found.frames, found.first) == (20, None)


def test_sessions_hold_their_own_and_a_reset_lets_go(host: Host) -> None:
    one, two = opened(host), opened(host)
    one.set({"hold": "hands apart for 2 s"})
    told = two.set({"hold": "left elbow straight"})
    assert told["choices"] == {"hold": "left elbow straight"} and told["controls"]["hold"] == (0, -1, -1, -1)
    assert one.held()["choices"] == {"hold": "hands apart for 2 s"}
    two.set({"gain": 2})
    two.reset()
    assert two.held()["choices"] == {"hold": "none"} and two.held()["controls"]["gain"] == 2.0
    assert one.held()["choices"] == {"hold": "hands apart for 2 s"}


def test_the_announcement_says_what_may_be_held_and_what_is(host: Host) -> None:
    session = opened(host)
    session.set({"hold": "left arm at a right angle for 2 s"})
    told = json.loads(json.dumps(session.describe()))
    assert (told["quantum_frames"], told["lookahead_frames"]) == (4, 0)
    hold = told["controls"][0]
    assert (hold["words"], hold["value"], hold["choices"]) == ("left elbow bent to 90 for 2 s", [1, -1, -1, -1], [])
    assert hold["groups"][2] == {"name": "left hand {} head", "choices": ["below", "above|over"]}
    assert [told["texts"][name].get("follows") for name in ("prompt", "mood")] == [None, "prompt"]


def test_inputs_that_are_encoded_alike_share_one_graph(bundle: Bundle) -> None:
    made = text_encoders(bundle)
    assert len({id(one._session) for one in made.values()}) == 1
    assert [one.name for one in made.values()] == ["prompt", "left_arm", "mood"]
    with pytest.raises(EngineError, match="text mood of 0 characters"):
        made["mood"].encode("")


@pytest.fixture
def address(host: Host) -> Iterator[str]:
    """The control socket of a session that makes no frames."""
    session = opened(host)
    with zmq.Context() as context:
        handlers = {"describe": lambda _: session.describe(), "set": lambda request: set_controls(session, request)}
        server = ControlServer(context, FREE, handlers, FakeClock())
        yield server.endpoint
        server.close()


def say(capsys: pytest.CaptureFixture[str], address: str, *words: str) -> str:
    """What a command says that has to go well."""
    assert main([*words, "--control", address]) == 0
    return capsys.readouterr().out


def test_the_command_line_sets_and_lists_in_words(capsys: pytest.CaptureFixture[str], address: str) -> None:
    said = say(capsys, address, "set", "hold=LEFT ARM straight, hands together for two seconds", "gain=2")
    assert said.startswith("hold=left elbow straight; hands together for 2 s  gain=2")
    rows = say(capsys, address, "controls").splitlines()
    assert rows[0].startswith("hold") and "left elbow straight; hands ..." in rows[0]
    assert rows[0].endswith("words for 4 elements: engine controls hold")
    assert rows[1].split() == ["gain", "2", "0", "to", "2"]
    assert rows[3].split() == ["left_arm", "''", "text,", "follows", "prompt"]
    assert say(capsys, address, "controls", "gain").split() == ["gain", "2", "0", "to", "2"]
    assert say(capsys, address, "controls", "mood").split() == ["mood", "''", "text,", "follows", "prompt"]
    listed = say(capsys, address, "controls", "hold")
    assert (
        "left elbow ..." in listed
        and "... straight, bent to 90, bent to 10.5" in listed
        and 'engine set hold="' in listed
    )
    found = say(capsys, address, "controls", "hold", "HANDS")
    assert "hands ..." in found and "together, apart" in found and "elbow ..." not in found
    for words, reason in (("controls nose", "no control 'nose'"), ("controls hold nose", "nothing with 'nose'")):
        assert main([*words.split(), "--control", address]) == 2
        error = capsys.readouterr().err
        assert reason in error and len(error.splitlines()) == 1


def test_a_file_sets_a_prompt_and_its_fields(capsys: pytest.CaptureFixture[str], address: str, tmp_path: Path) -> None:
    path = tmp_path / "fields.json"
    path.write_text(json.dumps({"prompt": "walks", "left_arm": "swings", "mood": "none", "gain": 1.5}))
    said = say(capsys, address, "set", "--file", str(path), "gain=0.5")
    assert "gain=0.5  prompt='walks'  left_arm='swings'" in said and "mood" not in said
    for content, reason in (
        ("[1]", "holds no settings"),
        ("{", "cannot be read"),
        ("{}", "holds no settings"),
        ("[" * 9999, "cannot be read"),
        (json.dumps({"prompt": "x" * 20_000}), "more than 16384 bytes"),
        (json.dumps({"prompt": 3}), "text prompt is a int"),
        (json.dumps({"tail": "wags"}), "no control 'tail'"),
    ):
        path.write_text(content)
        assert main(["set", "--file", str(path), "--control", address]) == 2, content
        error = capsys.readouterr().err
        assert reason in error and len(error.splitlines()) == 1
    assert main(["set", "--file", str(tmp_path / "none"), "--control", address]) == 2
    assert "No such file" in capsys.readouterr().err


def test_nothing_of_this_is_logged_as_trouble(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        opened(host).set({"hold": "hands apart", "prompt": "none"})
    assert not caplog.records
