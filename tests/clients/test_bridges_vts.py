"""The bridge to VTube Studio, with a program that answers as its documentation says: the token, parameters, values, and
what happens when it refuses, falls silent, ends and comes back."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.bridges import tokens, vts, vts_bridge
from clients.bridges.address import parse
from clients.bridges.poser import Pose, Presence
from clients.bridges.vts_bridge import Vts

from .bridges import NUMBERS, Receiver, pose_of, until
from .vtube_studio import VTubeStudio

POSE = pose_of(NUMBERS)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of its own, and less patience."""
    monkeypatch.setattr(tokens, "user_config_path", lambda _: tmp_path / "config")
    monkeypatch.setattr(vts_bridge, "AGAIN_S", 0.05)
    monkeypatch.setattr(vts_bridge, "FURTHER_S", 0.1)
    monkeypatch.setattr("clients.bridges.bridge.QUIET_S", 0.1)


class Running:
    def __init__(self, port: int, query: str = "") -> None:
        self.said: list[str] = []
        self.bridge = Vts(parse(f"vts://127.0.0.1:{port}{query}"), self.said.append)

    def __enter__(self) -> Running:
        self.bridge.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bridge.close()
        self.bridge.join()
        assert not self.bridge._thread.is_alive()

    def until(self, true: Callable[[], Any], pose: Pose = POSE) -> None:
        until(lambda: self.bridge.offer(pose) or true())


@pytest.fixture
def studio() -> Iterator[VTubeStudio]:
    with VTubeStudio() as made:
        yield made


def test_it_asks_once_keeps_the_token_for_its_owner_alone_and_never_tells_it(studio: VTubeStudio) -> None:
    with Running(studio.port) as running:
        running.until(lambda: len(studio.injected) > 5)
        said = list(running.said)
    assert studio.asked[:2] == ["AuthenticationTokenRequest", "AuthenticationRequest"] and studio.wrong == []
    kept = tokens.token_file()
    assert json.loads(kept.read_text()) == {f"127.0.0.1:{studio.port}": "token-0"}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and [each.name for each in kept.parent.iterdir()] == [kept.name]
    assert "allow" in said[0] and vts.PLUGIN in said[0] and said[1].endswith("connected to VTube Studio")
    with Running(studio.port) as running:
        before = len(studio.injected)
        running.until(lambda: len(studio.injected) > before)
        said += running.said
    assert studio.asked.count("AuthenticationTokenRequest") == 1 and studio.wrong == []
    assert not any("token-0" in line for line in said)


def test_values_and_created_parameters_arrive_under_their_names(studio: VTubeStudio) -> None:
    with Running(studio.port) as running:
        running.until(lambda: studio.injected)
    first = studio.injected[0]
    assert first["faceFound"] is True
    assert first["values"]["FaceAngleX"] == pytest.approx(28.64789)
    assert first["values"]["RxJawOpen"] == pytest.approx(0.3) and first["values"]["RxEyeBlinkLeft"] == 0.75
    assert len(studio.created) == 52 and len(first["values"]) == 20 + 52
    assert studio.asked.count("ParameterCreationRequest") == 52


def test_what_nobody_asked_for_is_no_answer(studio: VTubeStudio) -> None:
    studio.chatty = True
    with Running(studio.port) as running:
        running.until(lambda: len(studio.injected) > 5)
    assert studio.asked.count("AuthenticationTokenRequest") == 1 and studio.wrong == []
    assert tokens.known(f"127.0.0.1:{studio.port}") == "token-0"


def test_without_a_face_nothing_is_connected(studio: VTubeStudio) -> None:
    body = Pose(None, POSE.bones, 1.0, 1, 25.0)
    with Running(studio.port) as running:
        for _ in range(10):
            running.bridge.offer(body)
            until(lambda: running.bridge._pose is None)
    assert studio.asked == [] and running.said == []


def test_a_program_that_is_not_there_is_not_called_with_every_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def connect(url: str, **_: Any) -> Any:
        called.append(url)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(vts_bridge, "connect", connect)
    monkeypatch.setattr(vts_bridge, "AGAIN_S", 1e6)
    bridge = Vts(parse("vts://[::1]:8001"), lambda _: None)
    with pytest.raises(OSError, match="Connection refused; tried again"):
        bridge.send(POSE)
    for _ in range(5):
        bridge.send(POSE)
    assert called == ["ws://[::1]:8001"]


def test_shapes_can_be_left_out(studio: VTubeStudio) -> None:
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
    assert studio.created == {} and len(studio.injected[0]["values"]) == 20


def test_a_parameter_of_another_plugin_is_left_out_and_said(studio: VTubeStudio) -> None:
    studio.taken = {"RxJawOpen"}
    with Running(studio.port) as running:
        running.until(lambda: studio.injected)
        assert any("1 parameters cannot be created, RxJawOpen among them" in line for line in running.said)
    assert "RxJawOpen" not in studio.injected[0]["values"] and len(studio.injected[0]["values"]) == 20 + 51


def test_a_person_who_refuses_is_told_of_and_asked_again_later(studio: VTubeStudio) -> None:
    studio.allows = False
    with Running(studio.port) as running:
        running.until(lambda: studio.asked.count("AuthenticationTokenRequest") > 2)
        refusals = [line for line in running.said if "User has denied API access" in line]
        assert len(refusals) == 1 and "(error 50)" in refusals[0]
        studio.allows = True
        running.until(lambda: studio.injected)


def test_a_token_that_no_longer_counts_is_replaced(studio: VTubeStudio) -> None:
    tokens.keep(f"127.0.0.1:{studio.port}", "an-old-one")
    with Running(studio.port) as running:
        running.until(lambda: studio.injected)
    assert studio.asked[:3] == ["AuthenticationRequest", "AuthenticationTokenRequest", "AuthenticationRequest"]
    assert tokens.known(f"127.0.0.1:{studio.port}") == "token-0"


def test_it_waits_for_a_program_that_is_not_there_and_goes_on_when_it_is_back() -> None:
    with Receiver() as free, Running(free.port) as running:
        running.until(lambda: running.said)
        assert running.said[0].startswith(f"vts://127.0.0.1:{free.port}: Connection refused; tried again")
        with VTubeStudio(free.port) as studio:
            running.until(lambda: studio.injected)
            known = studio.tokens
        running.until(lambda: any("tried again" in line for line in running.said[3:]))
        with VTubeStudio(free.port) as studio:
            studio.tokens = known
            running.until(lambda: studio.injected)
            assert studio.asked[0] == "AuthenticationRequest" and "AuthenticationTokenRequest" not in studio.asked
            studio.injected.clear()
            studio.hang_up()
            running.until(lambda: studio.injected)


def test_a_program_that_falls_silent_gets_few_poses_and_is_left(
    studio: VTubeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
        studio.silent = True
        running.until(lambda: len(running.bridge._open) == vts_bridge.MOST_OPEN)
        asked = len(studio.asked)
        for _ in range(1000):
            running.bridge.offer(POSE)
        assert len(studio.asked) - asked <= vts_bridge.MOST_OPEN
        monkeypatch.setattr(vts_bridge, "ANSWER_S", 0.05)
        running.until(lambda: any("no answer for" in line or "no answer within" in line for line in running.said))
        studio.silent = False
        monkeypatch.setattr(vts_bridge, "ANSWER_S", 5.0)
        studio.injected.clear()
        running.until(lambda: studio.injected)


def test_access_that_is_taken_back_is_asked_for_again(studio: VTubeStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
        studio.tokens.clear()
        serve = studio._serve

        def revoked(kind: str, data: dict[str, Any]) -> dict[str, Any]:
            if not studio.tokens:
                from .vtube_studio import Refused

                raise Refused(vts.DENIED, "User has revoked API access")
            return serve(kind, data)

        monkeypatch.setattr(studio, "_serve", revoked)
        running.until(lambda: studio.asked.count("AuthenticationTokenRequest") == 2)
        studio.injected.clear()
        running.until(lambda: studio.injected)
        assert any("does not allow it any more: User has revoked API access" in line for line in running.said)


def test_a_refused_value_is_said_and_values_go_on(studio: VTubeStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
        right = vts.parameters
        monkeypatch.setattr(vts, "parameters", lambda face: {"NoSuchName": 1.0})
        running.until(lambda: any("VTube Studio refuses: no parameter NoSuchName" in line for line in running.said))
        monkeypatch.setattr(vts, "parameters", right)
        studio.injected.clear()
        running.until(lambda: studio.injected)
        running.until(lambda: running.said[-1].endswith("all well again"))
    assert sum("NoSuchName" in line for line in running.said) == 1


def test_rest_is_told_and_then_nothing_is_injected(studio: VTubeStudio) -> None:
    assert POSE.face is not None
    resting = Pose(POSE.face, {}, 3.0, 2, 25.0, Presence.RESTING)
    gone = Pose(POSE.face, {}, 3.0, 3, 25.0, Presence.GONE)
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
        running.until(lambda: studio.injected[-1]["faceFound"] is False, resting)
        running.bridge.offer(gone)
        until(lambda: running.bridge._pose is None)  # it is taken: all before it has been sent
        until(lambda: not running.bridge._open)  # and answered
        counted = len(studio.injected)
        for _ in range(20):
            running.bridge.offer(gone)
            until(lambda: running.bridge._pose is None)
        assert len(studio.injected) == counted
        body = Pose(None, {}, 3.0, 4, 25.0)
        running.bridge.offer(body)
        until(lambda: running.bridge._pose is None)
    assert len(studio.injected) == counted


def test_answers_of_any_form_do_no_harm() -> None:
    for answer in ("", "[]", "{", '"x"', '{"data": 3, "requestID": null}', b"\xff\xfe", "[" * 100_000):
        told = vts_bridge._read(answer)
        assert set(told) == {"requestID", "messageType", "data"} and told["data"] == {}
    assert (
        vts_bridge._error(vts_bridge._read('{"data": {"message": "\\u001b[2J", "errorID": [1]}}')) == "?[2J (error [1])"
    )


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', "[" * 50_000, '{"a": ""}', '{"a": "%s"}' % ("x" * 65)])
def test_a_file_of_tokens_that_does_not_read_holds_none(content: str) -> None:
    path = tokens.token_file()
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert tokens.known("a") == ""
    tokens.keep("a", "good")
    tokens.keep("b", "other")
    tokens.keep("b", "")
    assert tokens.known("a") == "good" and tokens.known("b") == ""


def test_a_place_that_cannot_be_written_is_said(studio: VTubeStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "user_config_path", lambda _: Path("/dev/null"))
    with Running(studio.port, "?shapes=no") as running:
        running.until(lambda: studio.injected)
        assert any("cannot be written (File exists): allow the plugin again" in line for line in running.said)
