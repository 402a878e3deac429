"""Controls and texts that stay: all or nothing, words of their own for each kind, texts swapped when their vector is
there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import EngineError, SpecError
from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.held import LONGEST_TEXT, Held
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import Flag

SPEC = StreamSpec(
    "holder",
    25.0,
    (
        InputSpec("gain", "control", (), 0.0, 2.0, 1.0),
        InputSpec("look", "control", (2,), -1.0, 1.0, 0.25),
        InputSpec("mood", "control", (), 0.0, 1.0, 0.0, names=("calm", "wild")),
        InputSpec("talks", "control", (), 0.0, 1.0, of="self", follows="speaking"),
        InputSpec("prompt", "text", (3,), validity="prompted"),
        InputSpec("prompted", "validity"),
    ),
    (OutputSpec("pose", (1,)),),
)


class Encoder:
    """Keeps what it is asked for until the test lets it answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Callable[[Any], None]]] = []

    def __call__(self, name: str, text: str, done: Callable[[Any], None]) -> None:
        self.asked.append((name, text, done))

    def answer(self, index: int, value: Any) -> None:
        self.asked[index][2](np.full(3, value, np.float32) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gain", "3", ["out of range", "0 to 2"]),
        ("gain", "loud", ["out of range", "loud"]),
        ("look", "0.5", ["vector", "2 numbers", "-1 to 1"]),
        ("look", "0.5,7", ["vector", "2 numbers"]),
        ("look", [0.1, 0.2, 0.3], ["vector", "2 numbers"]),
        ("mood", "angry", ["no choice", "calm, wild"]),
        ("mood", "0.5", ["no choice"]),
        ("prompt", "", ["words"]),
        ("prompt", 3.0, ["float", "words"]),
        ("prompt", "a" * (LONGEST_TEXT + 1), ["1001", "1000"]),
        ("foo", 1, ["no control 'foo'", "gain", "prompt"]),
    ],
)
def test_what_cannot_be_is_refused_in_words_of_its_kind_and_changes_nothing(
    name: str, value: Any, words: list[str]
) -> None:
    encoder = Encoder()
    held = Held(SPEC, {}, encoder)
    before = held.now
    with pytest.raises(SpecError) as error:
        held.set({"gain": 0.5, name: value} if name != "gain" else {"look": [0, 0], name: value})
    assert all(word in str(error.value) for word in words), str(error.value)
    assert held.now is before and not encoder.asked


def test_a_vector_is_given_as_a_list_or_with_commas() -> None:
    held = Held(SPEC)
    assert held.set({"look": "0.5,-1"})["look"] == (0.5, -1.0)
    assert held.set({"look": [0, 0.125], "mood": "wild"})["look"] == (0.0, 0.125)
    assert held.choices() == {"mood": "wild"}


def test_a_text_without_an_encoder_is_refused() -> None:
    with pytest.raises(SpecError, match="encoder"):
        Held(SPEC).set({"prompt": "wave"})


def fill(feeds: Feeds, gather: Gather, inputs: dict[str, Any]) -> Flag:
    return gather.fill(inputs, 0, 0, None, 0)


def test_the_vector_before_stays_in_force_until_the_new_one_is_there_and_the_frame_says_so() -> None:
    encoder = Encoder()
    feeds = Feeds.of(SPEC, 0, Held(SPEC, {}, encoder))
    gather = Gather(SPEC, feeds, 0)
    inputs = {item.name: np.full((1, *item.shape), 9.0, np.float32) for item in SPEC.inputs}
    assert fill(feeds, gather, inputs) == Flag(0)
    assert inputs["prompt"][0].tolist() == [0, 0, 0] and inputs["prompted"][0] == 0
    feeds.held.set({"prompt": "wave"})
    assert fill(feeds, gather, inputs) == Flag.PENDING
    assert inputs["prompt"][0].tolist() == [0, 0, 0]
    assert feeds.held.texts()["prompt"] == {"text": "", "pending": "wave", "problem": ""}
    encoder.answer(0, 1.0)
    assert fill(feeds, gather, inputs) == Flag(0)
    assert inputs["prompt"][0].tolist() == [1, 1, 1] and inputs["prompted"][0] == 1
    feeds.held.set({"prompt": "bow"})
    assert fill(feeds, gather, inputs) == Flag.PENDING
    assert inputs["prompt"][0].tolist() == [1, 1, 1]


def test_the_last_text_wins_whatever_comes_first() -> None:
    encoder = Encoder()
    held = Held(SPEC, {}, encoder)
    held.set({"prompt": "wave"})
    held.set({"prompt": "bow"})
    encoder.answer(1, 2.0)
    encoder.answer(0, 1.0)
    assert np.asarray(held.now.values["prompt"]).tolist() == [2, 2, 2]
    assert held.texts()["prompt"]["text"] == "bow" and not held.now.pending


def test_an_encoder_that_fails_leaves_the_text_before_and_is_told() -> None:
    encoder = Encoder()
    held = Held(SPEC, {}, encoder)
    held.set({"prompt": "wave"})
    encoder.answer(0, 1.0)
    held.set({"prompt": "bow"})
    encoder.answer(1, EngineError("the encoder gave NaN"))
    assert held.texts()["prompt"] == {"text": "wave", "pending": "", "problem": "the encoder gave NaN"}
    assert np.asarray(held.now.values["prompt"]).tolist() == [1, 1, 1] and not held.now.pending


def test_a_control_follows_speaking_until_it_is_set_by_hand_and_again_when_let_go() -> None:
    feeds = Feeds.of(SPEC, 0)
    gather = Gather(SPEC, feeds, 0)
    inputs = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}

    def talks() -> float:
        fill(feeds, gather, inputs)
        return float(inputs["talks"][0])

    assert talks() == 0.0
    feeds.speaking["self"].say(True, 0)
    assert talks() == 1.0
    feeds.held.set({"talks": 0.25})
    assert talks() == 0.25
    feeds.held.set({"talks": "auto"})
    assert talks() == 1.0
