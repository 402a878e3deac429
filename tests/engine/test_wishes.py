"""A wish in words: what the model is told, what is taken of its answer, and what reaches the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

import engine
from engine.bundle import Bundle
from engine.cli import main
from engine.clock import FakeClock
from engine.control import ControlServer, set_controls
from engine.errors import EngineError
from engine.wishes import LONGEST_WISH, Which, settings
from tests.engine.holding import hold_bundle
from tests.engine.language import content, serving

WISH = "raise your left hand over your head for two seconds"
HOLD = {"hold": "left hand over the head for 2 s"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return hold_bundle(tmp_path_factory.mktemp("wishes"))


@pytest.fixture(scope="module")
def session(bundle: Bundle) -> Iterator[engine.Live]:
    """A session that makes no frames, so that no span ends."""
    with engine.live(bundle.path) as made:
        made._session.pause()
        yield made


@pytest.fixture
def told(session: engine.Live) -> dict[str, Any]:
    session.set(hold="left elbow straight", prompt="none")
    found: dict[str, Any] = json.loads(json.dumps(session.describe()))
    return found


class Model:
    """Gives one answer after the other, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]
        self.asked: list[list[dict[str, str]]] = []

    def __call__(self, messages: list[dict[str, str]]) -> str:
        self.asked.append(list(messages))
        return self._answers[len(self.asked) - 1]


def test_the_model_is_told_what_may_be_set_and_how_it_stands(told: dict[str, Any]) -> None:
    model = Model(HOLD)
    assert settings(WISH, told, model) == HOLD
    system, user = model.asked[0]
    assert user == {"role": "user", "content": WISH}
    for part in (
        '"hold": a posture',
        "left hand ... head",
        "... below, above",
        '"prompt": what the body does',
        "left_arm, mood",
    ):
        assert part in system["content"]
    assert 'At the moment: {"hold": "left elbow straight"}' in system["content"]


@pytest.mark.parametrize(
    ("which", "there", "missing"), [("hold", '"hold"', '"prompt"'), ("fields", '"prompt"', '"hold"')]
)
def test_only_what_may_be_set_is_told(told: dict[str, Any], which: Which, there: str, missing: str) -> None:
    name = there.strip('"')
    model = Model({name: "none"})
    assert settings(WISH, told, model, which) == {name: "none"}
    assert there in model.asked[0][0]["content"] and missing not in model.asked[0][0]["content"]


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (f"Sure! ```json\n{json.dumps(HOLD)}\n```", HOLD),
        (f"<think>perhaps {{this}} or {{}}?</think> {json.dumps(HOLD)} Done {{", HOLD),
        (
            {"prompt": "walks", "mood": "", "left_arm": "swings"},
            {"prompt": "walks", "mood": "none", "left_arm": "swings"},
        ),
        ({"hold": "", "prompt": "", "mood": "sadly"}, {"mood": "sadly"}),
        ({"hold": "none", "prompt": "none"}, {"hold": "none", "prompt": "none"}),
    ],
)
def test_what_is_taken_of_an_answer(told: dict[str, Any], answer: Any, wanted: dict[str, str]) -> None:
    assert settings(WISH, told, Model(answer)) == wanted


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I cannot do that.", "the answer holds no JSON object with one of prompt, left_arm, mood, hold"),
        ("{" * 10_000, "the answer holds no JSON object"),
        ({"hold": "left hand on the moon"}, "'left hand on the moon' is not known"),
        ({"hold": "hands everywhere"}, "'hands' takes together, apart"),
        ({"tail": "wags"}, "there is no setting 'tail'"),
        ({"prompt": ["walk"]}, "prompt is no text of 1000 characters at most"),
        ({"prompt": "x" * 1001}, "prompt is no text of 1000"),
        ({"hold": 3}, "hold is no text"),
        ({"hold": "", "prompt": "\x00"}, "the answer sets nothing"),
        ({"gain": "2"}, "no setting 'gain'"),
    ],
)
def test_an_answer_that_cannot_be_used_goes_back_once_with_the_reason(
    told: dict[str, Any], answer: Any, reason: str
) -> None:
    model = Model(answer, HOLD)
    assert settings(WISH, told, model) == HOLD
    assert reason in model.asked[1][-1]["content"] and len(model.asked[1]) == 4
    stubborn = Model(answer, answer)
    with pytest.raises(EngineError, match="no answer that can be used, also when asked again: ") as caught:
        settings(WISH, told, stubborn)
    assert reason.split(" takes")[0] in str(caught.value) and len(stubborn.asked) == 2


def test_a_wish_or_an_engine_that_there_is_none_of(told: dict[str, Any]) -> None:
    model = Model(HOLD)
    for wish in ("", " \n", "\x1b", "x" * (LONGEST_WISH + 1)):
        with pytest.raises(EngineError, match="a wish of"):
            settings(wish, told, model)
    which: Which
    for which in ("all", "hold", "fields"):
        with pytest.raises(EngineError, match="this engine has n"):
            settings(WISH, {"controls": [{"name": "gain"}]}, model, which)
    assert not model.asked


@pytest.mark.parametrize(
    "change",
    [
        lambda groups: groups.append(dict(groups[0])),
        lambda groups: groups[0].update(choices=[]),
        lambda groups: groups[0].update(name="left elbow"),
        lambda groups: groups[0].pop("name"),
        lambda groups: groups[0].update(choices=["x" * 5000]),
        lambda groups: groups.extend(dict(groups[0], name=f"part {n} {{}}") for n in range(300)),
    ],
)
def test_an_announcement_that_cannot_be_used_is_refused(told: dict[str, Any], change: Callable[[Any], None]) -> None:
    change(told["controls"][0]["groups"])
    with pytest.raises(EngineError, match="what the engine announces of hold cannot be used"):
        settings(WISH, told, Model(HOLD))


@pytest.fixture(scope="module")
def address(session: engine.Live) -> Iterator[str]:
    with zmq.Context() as context:
        handlers = {
            "describe": lambda _: session.describe(),
            "set": lambda request: set_controls(session._session, request),
        }
        server = ControlServer(context, "tcp://127.0.0.1:*", handlers, FakeClock())
        yield server.endpoint
        server.close()


def test_the_command_sets_what_was_wished_for(
    address: str, session: engine.Live, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.set(hold="left elbow straight")
    monkeypatch.setenv("A_KEY", "sk-1")
    with serving(content('{"hold": "hands flying"}'), content(json.dumps(HOLD))) as model:
        asked = ("ask", WISH, "--endpoint", model.address, "--model", "small", "--control", address)
        assert main([*asked, "--key-env", "A_KEY"]) == 0
        assert capsys.readouterr().out == "hold=left hand above head for 2 s\n"
        assert session.describe()["controls"][0]["words"] == "left hand above head for 2 s"
        assert [head["Authorization"] for _, head, _ in model.requests] == ["Bearer sk-1"] * 2
        assert "left elbow straight" in model.requests[0][2]["messages"][0]["content"]
        monkeypatch.delenv("A_KEY")
        assert main([*asked, "--key-env", "A_KEY"]) == 2
        assert "--key-env A_KEY: there is no such environment variable" in capsys.readouterr().err
        assert len(model.requests) == 2


def test_a_refusal_is_one_line_and_sets_nothing(
    address: str, session: engine.Live, capsys: pytest.CaptureFixture[str]
) -> None:
    session.set(hold="left elbow straight")
    with serving(content("no")) as model:
        for more, reason in (
            (["--endpoint", model.address], "gives no answer that can be used"),
            (["--endpoint", "http://example.org/v1"], "without encryption"),
        ):
            assert main(["ask", WISH, "--model", "small", "--control", address, *more]) == 2
            error = capsys.readouterr().err
            assert reason in error and len(error.splitlines()) == 1
    assert session.describe()["controls"][0]["words"] == "left elbow straight"
