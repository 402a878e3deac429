"""Texts that follow a prompt: read in it, swapped in with it between two frames, and let go of by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError, SpecError
from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.held import Held
from engine.text.fields import read_fields
from engine.wire import Flag
from tests.engine.holding import SPEC
from tests.engine.text.made import WIDTH

WALK, WAVE = "a person walks and raises the left arm happily", "a person waves the left arm sadly"


def vector(name: str, text: str) -> Any:
    """A vector that tells input and text apart from all others."""
    return np.random.default_rng(list(f"{name} {text}".encode())).standard_normal(WIDTH).astype(np.float32)


class Encoder:
    """Keeps what it is asked for until the test lets it answer."""

    def __init__(self, at_once: bool = False) -> None:
        self.asked: list[tuple[str, str, Callable[[Any], None]]] = []
        self.at_once = at_once

    def __call__(self, name: str, text: str, done: Callable[[Any], None]) -> None:
        self.asked.append((name, text, done))
        if self.at_once:
            self.answer(name)

    def answer(self, *names: str, fails: tuple[str, ...] = ()) -> None:
        """Answer for these inputs, or for all, oldest first."""
        for entry in [one for one in self.asked if not names or one[0] in names]:
            self.asked.remove(entry)
            name, text, done = entry
            done(EngineError(f"{name} fails") if name in fails else vector(name, text))


class Stage:
    """Held values that are gathered into a row."""

    def __init__(self, at_once: bool = False) -> None:
        self.encoder = Encoder(at_once)
        self.held = Held(SPEC, {}, self.encoder)
        self.inputs: dict[str, Any] = {item.name: np.full((1, *item.shape), 9.0, np.float32) for item in SPEC.inputs}
        self._gather = Gather(SPEC, Feeds.of(SPEC, 0, self.held), 0)
        self._frame = 0

    def frame(self) -> Flag:
        self._frame += 1
        return self._gather.fill(self.inputs, 0, self._frame, None, 0)

    def shows(self, **texts: str) -> None:
        """The next frame sees the vectors of these texts, of none zeros, and is told which there are."""
        self.frame()
        for name, text in texts.items():
            wanted = vector(name, text) if text else np.zeros(WIDTH)
            np.testing.assert_array_equal(self.inputs[name][0], wanted, err_msg=name)
        for name, validity in (("prompt", "prompted"), ("left_arm", "armed")):
            assert self.inputs[validity][0] == bool(texts[name])
        assert {name: self.held.texts()[name]["text"] for name in texts} == texts


def read(text: str) -> dict[str, str]:
    """A prompt and what follows from it."""
    fields = read_fields(text)
    return {"prompt": text, "left_arm": fields["left_arm"], "mood": fields["mood"]}


NOTHING = {"prompt": "", "left_arm": "", "mood": ""}


def test_the_examples_say_something_of_each_field() -> None:
    assert all(read(WALK).values()) and all(read(WAVE).values()) and read(WALK)["mood"] != read(WAVE)["mood"]


@pytest.mark.parametrize("order", [("prompt", "left_arm", "mood"), ("mood", "left_arm", "prompt")])
def test_a_prompt_and_its_fields_are_swapped_in_together(order: tuple[str, ...]) -> None:
    stage = Stage()
    stage.shows(**NOTHING)
    stage.held.set({"prompt": WALK})
    assert sorted(one[:2] for one in stage.encoder.asked) == sorted(read(WALK).items())
    for name in order[:-1]:
        stage.encoder.answer(name)
        assert stage.frame() == Flag.PENDING
        stage.shows(**NOTHING)
    assert stage.held.texts()["mood"]["pending"] == read(WALK)["mood"]
    stage.encoder.answer(order[-1])
    assert stage.frame() == Flag(0)
    stage.shows(**read(WALK))
    stage.held.set({"prompt": WAVE})
    stage.encoder.answer(*order[:2])
    stage.shows(**read(WALK))
    stage.encoder.answer()
    stage.shows(**read(WAVE))


@pytest.mark.parametrize("none", ["none", " None ", None, "auto"])
def test_a_prompt_is_let_go_of_with_its_fields(none: str | None) -> None:
    stage = Stage(at_once=True)
    stage.held.set({"prompt": WALK})
    stage.shows(**read(WALK))
    stage.held.set({"prompt": none})
    stage.shows(**NOTHING)
    assert not stage.held.now.pending


def test_a_field_that_is_not_read_is_not_encoded() -> None:
    stage = Stage()
    stage.held.set({"prompt": "somersault"})
    assert [one[0] for one in stage.encoder.asked] == ["prompt"]
    stage.encoder.answer()
    stage.shows(prompt="somersault", left_arm="", mood="")


def test_a_field_set_by_hand_stays_until_it_follows_again() -> None:
    stage = Stage(at_once=True)
    stage.held.set({"mood": "proudly"})
    stage.held.set({"prompt": WALK})
    stage.shows(**read(WALK) | {"mood": "proudly"})
    assert [stage.held.texts()[name].get("follows") for name in ("prompt", "left_arm", "mood")] == [None, "prompt", ""]
    stage.held.set({"left_arm": "none"})
    stage.held.set({"prompt": WAVE})
    stage.shows(prompt=WAVE, left_arm="", mood="proudly")
    stage.held.set({"mood": "auto"})
    stage.shows(**read(WAVE) | {"left_arm": ""})
    stage.held.set({"left_arm": None, "prompt": WALK})
    stage.shows(**read(WALK))
    assert stage.held.texts()["left_arm"]["follows"] == "prompt"


def test_a_field_set_with_its_prompt_belongs_to_it() -> None:
    stage = Stage()
    stage.held.set({"prompt": WALK, "mood": "proudly"})
    stage.encoder.answer("mood", "left_arm")
    stage.shows(**NOTHING)
    stage.encoder.answer()
    stage.shows(**read(WALK) | {"mood": "proudly"})
    stage.held.set({"prompt": WAVE})
    stage.encoder.answer()
    stage.shows(**read(WAVE))


def test_a_field_that_follows_again_while_its_prompt_waits_comes_with_it() -> None:
    stage = Stage(at_once=True)
    stage.held.set({"mood": "proudly"})
    stage.encoder.at_once = False
    stage.held.set({"prompt": WALK})
    stage.held.set({"mood": "auto"})
    stage.encoder.answer("mood", "left_arm")
    stage.shows(**NOTHING | {"mood": "proudly"})
    stage.encoder.answer("prompt")
    stage.shows(**read(WALK))


def test_of_two_prompts_the_later_counts_whatever_comes_first() -> None:
    stage = Stage()
    stage.held.set({"prompt": WALK})
    first, stage.encoder.asked = stage.encoder.asked, []
    stage.held.set({"prompt": WAVE})
    stage.encoder.answer()
    stage.encoder.asked = first
    stage.encoder.answer()
    stage.shows(**read(WAVE))
    assert not stage.held.now.pending


def test_a_field_by_hand_while_a_prompt_waits_holds_it_up_no_longer() -> None:
    stage = Stage()
    stage.held.set({"prompt": WALK})
    stage.encoder.answer("prompt", "left_arm")
    stage.held.set({"mood": "none"})
    stage.shows(**read(WALK) | {"mood": ""})


def test_a_prompt_that_cannot_be_encoded_brings_no_field() -> None:
    stage = Stage(at_once=True)
    stage.held.set({"prompt": WALK})
    stage.encoder.at_once = False
    stage.held.set({"prompt": WAVE})
    stage.encoder.answer(fails=("prompt",))
    stage.shows(**read(WALK))
    assert stage.held.texts()["prompt"] == {"text": WALK, "pending": "", "problem": "prompt fails"}


def test_a_field_that_cannot_be_encoded_is_left_out_and_told() -> None:
    stage = Stage(at_once=True)
    stage.held.set({"prompt": WALK})
    stage.encoder.at_once = False
    stage.held.set({"prompt": WAVE})
    stage.encoder.answer(fails=("mood",))
    stage.shows(**read(WAVE) | {"mood": ""})
    assert stage.held.texts()["mood"]["problem"] == "mood fails"
    stage.held.set({"prompt": WALK})
    stage.encoder.answer()
    stage.shows(**read(WALK))
    assert stage.held.texts()["mood"]["problem"] == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 characters: give words"),
        ("   ", "3 characters: give words"),
        ("\x00\x1b\x7f", "3 characters, none of which can be shown: give words"),
        ("\ud800\ue000", "none of which can be shown"),
        ("x" * 1001, "1001 characters: give words, 1000 characters at most, or 'none' for no text"),
        (3, "a int"),
        (["walk"], "a list"),
    ],
)
@pytest.mark.parametrize("name", ["prompt", "mood"])
def test_a_text_that_is_none_is_named_and_changes_nothing(name: str, text: Any, reason: str) -> None:
    stage = Stage()
    before = stage.held.now
    with pytest.raises(SpecError, match=f"text {name} is .*{reason}"):
        stage.held.set({"gain": 2.0, name: text})
    assert stage.held.now is before and not stage.encoder.asked


@pytest.mark.parametrize(
    "text", ["\N{WAVING HAND SIGN}\N{VICTORY HAND}", "走って、手を振る", "иди вперёд", "é\u0301" * 500, "a\nb\tc"]
)
def test_strange_texts_are_carried_on(text: str) -> None:
    stage = Stage(at_once=True)
    stage.held.set({"prompt": text})
    stage.shows(**read(text))


def test_of_two_who_set_at_once_the_later_also_asks_the_encoder_later() -> None:
    """It answers the newest text of an input alone, which therefore has to be the one that is meant."""
    newest: dict[str, tuple[str, Callable[[Any], None]]] = {}
    later = threading.Thread(target=lambda: held.set({"prompt": "second"}))

    def encode(name: str, text: str, done: Callable[[Any], None]) -> None:
        if text == "first":
            later.start()
            later.join(0.1)  # it has to wait, however long this takes
        newest[name] = text, done

    held = Held(SPEC, {}, encode)
    held.set({"prompt": "first"})
    later.join()
    text, done = newest["prompt"]
    done(vector("prompt", text))
    assert not held.now.pending and held.texts()["prompt"]["text"] == text == "second"


TEXTS = st.sampled_from([WALK, WAVE, "somersault", "none", "auto"])
CHANGES = st.dictionaries(st.sampled_from(["prompt", "left_arm", "mood"]), TEXTS, min_size=1)
STEPS = st.lists(st.one_of(CHANGES, st.integers(0, 5)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_is_set_and_answered_the_last_counts_and_no_frame_mixes_prompts(steps: list[Any]) -> None:
    stage, prompt, own, touched = Stage(), "", dict[str, tuple[str, bool]](), set[str]()
    for step in steps:
        if isinstance(step, dict):
            stage.held.set(step)
            said = {name: "" if text in ("none", "auto") else text for name, text in step.items()}
            if "prompt" in step:
                prompt = said["prompt"]
                own = {name: entry for name, entry in own.items() if not entry[1]}
            for name in step.keys() - {"prompt"}:
                touched.add(name)
                own.pop(name, None)
                if step[name] != "auto":
                    own[name] = said[name], "prompt" in step
        elif stage.encoder.asked:
            stage.encoder.answer(stage.encoder.asked[step % len(stage.encoder.asked)][0])
        now = {name: entry["text"] for name, entry in stage.held.texts().items()}
        stage.shows(**now)
        assert all(now[name] == read(now["prompt"])[name] for name in now.keys() - touched)
    stage.encoder.answer()
    assert not stage.held.now.pending
    stage.shows(**read(prompt) | {name: text for name, (text, _) in own.items()})
