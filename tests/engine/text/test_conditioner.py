"""Texts are encoded on a thread of their own: no caller waits, the newest wins, no session crowds out another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.held import Held
from engine.text import conditioner as module
from engine.text.conditioner import Conditioner
from engine.text.encoder import Encoded
from tests.engine.text.made import TOKENS, mean_of, text_bundle

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return text_bundle(tmp_path_factory.mktemp("texts"), inputs=("prompt", "style"))


class Gate:
    """Holds an encoder back until the test lets it go on, text by text."""

    def __init__(self, conditioner: Conditioner, name: str = "prompt") -> None:
        self.begun: list[str] = []
        self.changed = threading.Condition()
        self.open = False
        self.fails: set[str] = set()
        self._encoder: Any = conditioner._encoders[name]
        self._encode: Callable[[str], Encoded] = self._encoder.encode
        self._encoder.encode = self

    def __call__(self, text: str) -> Encoded:
        with self.changed:
            self.begun.append(text)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.open, PATIENCE_S)
        if text in self.fails:
            raise ValueError(f"no {text}")
        return self._encode(text)

    def until_begun(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, PATIENCE_S)

    def go_on(self) -> None:
        with self.changed:
            self.open = True
            self.changed.notify_all()


class Answers:
    """Collects what a session gets back."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.changed = threading.Condition()

    def to(self, text: str) -> Callable[[Any], None]:
        def done(made: Any) -> None:
            with self.changed:
                self.got.append((text, made))
                self.changed.notify_all()

        return done

    def until(self, count: int) -> list[tuple[str, Any]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, PATIENCE_S)
            return list(self.got)


@pytest.fixture()
def conditioner(bundle: Bundle) -> Iterator[Conditioner]:
    made = Conditioner(bundle)
    yield made
    made.close()


def test_the_vector_comes_to_whoever_asked(conditioner: Conditioner) -> None:
    answers, others = Answers(), Answers()
    conditioner.encode_for("one")("prompt", "wave", answers.to("wave"))
    conditioner.encode_for("two")("style", "bow slowly", others.to("bow slowly"))
    np.testing.assert_allclose(answers.until(1)[0][1], mean_of("wave"), rtol=1e-5)
    np.testing.assert_allclose(others.until(1)[0][1], mean_of("bow", "slowly"), rtol=1e-5)


def test_a_caller_does_not_wait_and_of_its_texts_the_newest_counts(conditioner: Conditioner) -> None:
    gate, answers = Gate(conditioner), Answers()
    encode = conditioner.encode_for("one")
    encode("prompt", "wave", answers.to("wave"))
    gate.until_begun(1)  # the encoder is at work, and every further call comes back all the same
    for text in ("bow", "nod", "twice"):
        encode("prompt", text, answers.to(text))
    assert not answers.got
    gate.go_on()
    got = answers.until(2)
    assert [text for text, _ in got] == ["wave", "twice"] and gate.begun == ["wave", "twice"]
    np.testing.assert_allclose(got[1][1], mean_of("twice"), rtol=1e-5)


def test_one_who_asks_all_the_time_comes_no_sooner(conditioner: Conditioner) -> None:
    gate, answers = Gate(conditioner), Answers()
    conditioner.encode_for("zero")("prompt", "nod", answers.to("nod"))
    gate.until_begun(1)
    flood, other = conditioner.encode_for("flood"), conditioner.encode_for("other")
    flood("prompt", "wave", answers.to("wave"))
    other("prompt", "bow", answers.to("bow"))
    for count in range(50):
        flood("prompt", f"wave {count}", answers.to(f"wave {count}"))
    gate.go_on()
    assert [text for text, _ in answers.until(3)] == ["nod", "wave 49", "bow"]


def test_inputs_of_one_session_do_not_replace_each_other(conditioner: Conditioner) -> None:
    gate, answers = Gate(conditioner), Answers()
    encode = conditioner.encode_for("one")
    encode("prompt", "nod", answers.to("nod"))
    gate.until_begun(1)
    encode("prompt", "wave", answers.to("wave"))
    encode("style", "slowly", answers.to("slowly"))
    gate.go_on()
    assert {text for text, _ in answers.until(3)} == {"nod", "wave", "slowly"}


def test_a_text_that_was_encoded_lately_is_there_at_once(conditioner: Conditioner) -> None:
    gate, answers = Gate(conditioner), Answers()
    gate.go_on()
    conditioner.encode_for("one")("prompt", "wave", answers.to("wave"))
    answers.until(1)
    conditioner.encode_for("two")("prompt", "  wave\n", answers.to("again"))
    assert answers.got[1][0] == "again", "in the caller's own thread"
    np.testing.assert_array_equal(answers.got[1][1], answers.got[0][1])
    assert gate.begun == ["wave"]


def test_a_text_of_two_inputs_that_are_encoded_alike_is_encoded_once(conditioner: Conditioner) -> None:
    """As "claps", which speaks of both hands."""
    gate, answers = Gate(conditioner), Answers()
    encode = conditioner.encode_for("one")
    encode("prompt", "nod", answers.to("nod"))
    gate.until_begun(1)
    encode("style", "wave", answers.to("style"))
    encode("prompt", "wave", answers.to("prompt"))
    gate.go_on()
    got = dict(answers.until(3))
    assert got["prompt"] is got["style"] and gate.begun == ["nod"]  # the gate is that of prompts


def test_a_remembered_text_takes_the_place_of_one_that_waits(conditioner: Conditioner) -> None:
    gate, answers = Gate(conditioner), Answers()
    encode = conditioner.encode_for("one")
    gate.go_on()
    encode("prompt", "wave", answers.to("wave"))
    answers.until(1)
    gate.open = False
    conditioner.encode_for("two")("prompt", "nod", answers.to("nod"))
    gate.until_begun(2)
    encode("prompt", "bow", answers.to("bow"))
    encode("prompt", "wave", answers.to("wave again"))
    gate.go_on()
    conditioner.encode_for("three")("prompt", "twice", answers.to("twice"))
    assert [text for text, _ in answers.until(4)] == ["wave", "wave again", "nod", "twice"]
    assert "bow" not in gate.begun


def test_the_memory_is_bounded_in_number_and_bytes(
    bundle: Bundle, conditioner: Conditioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, gate = Answers(), Gate(conditioner)
    gate.go_on()
    encode = conditioner.encode_for("one")

    def ask(*texts: str) -> int:
        before = len(gate.begun)
        for text in texts:
            count = len(answers.got)
            encode("prompt", text, answers.to(text))
            answers.until(count + 1)
        return len(gate.begun) - before

    monkeypatch.setattr(module, "MOST_KEPT", 2)
    assert ask("wave", "bow", "wave", "nod") == 3  # bow was not asked for the longest
    assert ask("wave") == 0 and ask("bow") == 1
    monkeypatch.setattr(module, "MOST_KEPT_BYTES", 40)
    assert ask("slowly") == 1 and ask("wave") == 1
    assert conditioner._kept_bytes == sum(
        made.vector.nbytes + 4 * len(text) for (_, text), made in conditioner._kept.items()
    )
    assert conditioner._kept_bytes <= 40


def test_no_more_texts_wait_than_were_stated(conditioner: Conditioner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    gate, answers = Gate(conditioner), Answers()
    conditioner.encode_for("zero")("prompt", "nod", answers.to("nod"))
    gate.until_begun(1)
    for session in range(5):
        conditioner.encode_for(session)("prompt", f"wave {session}", answers.to(f"wave {session}"))
    assert [text for text, _ in answers.got] == ["wave 3", "wave 4"]
    assert all(isinstance(made, EngineError) and "try again" in str(made) for _, made in answers.got)
    conditioner.encode_for(0)("prompt", "bow", answers.to("bow"))  # one that has a place may change its mind
    gate.go_on()
    assert [text for text, _ in answers.until(6)][2:] == ["nod", "bow", "wave 1", "wave 2"]


def test_a_failing_encoder_is_told_and_the_vector_before_stays(conditioner: Conditioner, bundle: Bundle) -> None:
    gate = Gate(conditioner)
    gate.fails, gate.open = {"bow"}, True
    told = threading.Condition()
    encode = conditioner.encode_for("one")

    def watched(name: str, text: str, done: Callable[[Any], None]) -> None:
        def passed(made: Any) -> None:
            done(made)
            with told:
                told.notify_all()

        encode(name, text, passed)

    held = Held(bundle.spec, {}, watched)

    def put(text: str) -> dict[str, str]:
        held.set({"prompt": text})
        with told:
            assert told.wait_for(lambda: not held.texts()["prompt"]["pending"], PATIENCE_S)
        return held.texts()["prompt"]

    assert put("wave") == {"text": "wave", "pending": "", "problem": ""}
    after = put("bow")
    assert after["text"] == "wave" and "ValueError: no bow" in after["problem"]
    np.testing.assert_allclose(held.now.values["prompt"], mean_of("wave"), rtol=1e-5)
    assert put("nod") == {"text": "nod", "pending": "", "problem": ""}, "the thread lives, and the trouble is over"


def test_that_a_text_was_cut_is_said_once_for_each_session_and_input(conditioner: Conditioner) -> None:
    said: list[str] = []
    answers = Answers()
    encode = conditioner.encode_for("one", said.append)
    for number, text in enumerate(["wave bow nod slowly twice", "wave wave wave wave wave", "bow"]):
        encode("prompt", text, answers.to(text))
        answers.until(number + 1)
    encode("style", "wave wave wave wave wave", answers.to("style"))
    answers.until(4)
    conditioner.encode_for("two", said.append)("prompt", "wave bow nod slowly twice", answers.to("two"))
    conditioner.close()  # what is said is said after the answer
    assert [line.split(" is longer")[0] for line in said] == ["text prompt", "text style", "text prompt"]
    assert all(str(TOKENS) in line for line in said)


def test_a_console_that_is_gone_stops_nobody(conditioner: Conditioner) -> None:
    def gone(_: str) -> None:
        raise BrokenPipeError

    answers = Answers()
    conditioner.encode_for("one", gone)("prompt", "wave bow nod slowly twice", answers.to("long"))
    conditioner.encode_for("two")("prompt", "nod", answers.to("nod"))
    assert len(answers.until(2)) == 2


def test_closing_ends_the_thread_and_answers_nothing_more(bundle: Bundle) -> None:
    conditioner = Conditioner(bundle)
    gate, answers = Gate(conditioner), Answers()
    encode = conditioner.encode_for("one")
    encode("prompt", "wave", answers.to("wave"))
    gate.until_begun(1)
    encode("prompt", "bow", answers.to("bow"))
    gate.go_on()
    conditioner.close()
    assert not conditioner._thread.is_alive()
    encode("prompt", "nod", answers.to("nod"))
    assert isinstance(answers.got[-1][1], EngineError) and "stops" in str(answers.got[-1][1])
    assert "nod" not in gate.begun


def test_a_bundle_with_a_bad_encoder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="tokenizer"):
        Conditioner(text_bundle(tmp_path, tokenizer=b"{}"))
