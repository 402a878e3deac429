"""Spans: as long in frames as they were asked for, whatever else is set meanwhile, and over by themselves."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.held import Held
from engine.feeds.running import Running
from engine.phrases import nothing, read
from engine.spec import StreamSpec
from tests.engine.holding import HOLD, SPEC

FREE = [-1.0] * 4


class Stage:
    """What the frames of one session see of ``hold``."""

    def __init__(self, spec: StreamSpec = SPEC) -> None:
        self.held = Held(spec)
        self._gather = Gather(spec, Feeds.of(spec, 0, self.held), 0)
        self._inputs: dict[str, Any] = {item.name: np.zeros((1, *item.shape), np.float32) for item in spec.inputs}

    def frame(self, number: int) -> list[float]:
        self._gather.fill(self._inputs, 0, number, None, 0)
        found: list[float] = self._inputs["hold"][0].tolist()
        return found

    def set(self, **values: Any) -> str:
        self.held.set(values)
        return self.held.choices()["hold"]


def test_a_span_lasts_its_frames_and_the_rest_stays() -> None:
    stage = Stage()
    assert [stage.frame(number) for number in range(3)] == [FREE] * 3
    assert stage.set(hold="left elbow straight; hands apart for 0.4 s") == "left elbow straight; hands apart for 0.4 s"
    assert [stage.frame(number) for number in range(3, 13)] == [[0, 1, -1, -1]] * 8 + [[0, -1, -1, -1]] * 2
    assert stage.held.choices() == {"hold": "left elbow straight"}
    assert not stage.held.now.ends


def test_what_else_is_set_does_not_begin_it_anew() -> None:
    stage = Stage()
    stage.set(hold="hands apart for 0.4 s")
    stage.frame(0)
    stage.set(gain=2.0)
    assert [stage.frame(number)[1] for number in range(1, 10)] == [1.0] * 7 + [-1.0] * 2
    stage.set(hold="hands apart for 0.4 s")
    assert [stage.frame(number)[1] for number in range(10, 20)] == [1.0] * 8 + [-1.0] * 2


def test_setting_replaces_what_was_held_and_none_lets_go() -> None:
    stage = Stage()
    stage.set(hold="left elbow straight for 0.4 s; hands apart")
    assert stage.frame(0) == [0, 1, -1, -1]
    stage.set(hold="left hand above head")
    assert [stage.frame(number) for number in range(1, 12)] == [[-1, -1, 1, -1]] * 11
    assert stage.set(hold="none") == "none"
    assert stage.frame(12) == FREE
    stage.set(hold=[0, -1, -1, 1])
    assert stage.frame(13) == [0, -1, -1, 1]
    stage.held.let_go()
    assert stage.frame(14) == FREE and stage.held.choices() == {"hold": "none"}


def test_frames_that_were_skipped_count() -> None:
    stage = Stage()
    stage.set(hold="hands apart for 0.4 s")
    assert [stage.frame(number)[1] for number in (100, 107, 108)] == [1.0, 1.0, -1.0]
    stage.set(hold="hands apart for 0.4 s")
    assert [stage.frame(number)[1] for number in (109, 500)] == [1.0, -1.0]


def test_spans_of_two_sessions_are_their_own() -> None:
    one, two = Stage(), Stage()
    one.set(hold="hands apart for 0.2 s")
    two.set(hold="hands apart for 0.6 s")
    seen = [(one.frame(number)[1], two.frame(number)[1]) for number in range(13)]
    assert seen == [(1, 1)] * 4 + [(-1, 1)] * 8 + [(-1, -1)]


@given(st.floats(0.001, 100.0), st.sampled_from([12.5, 20.0, 25.0, 50.0]), st.integers(1, 8), st.integers(0, 100))
def test_a_span_is_whole_quanta_no_shorter_than_asked_and_less_than_one_longer(
    seconds: float, rate: float, quantum: int, began: int
) -> None:
    spec = dataclasses.replace(SPEC, rate=rate, quantum=quantum)
    running = Running(spec, HOLD, read(HOLD, f"hands apart for {seconds:.6f} s"))
    length = 0
    while not running.at(began + length):
        length += 1
    assert length % quantum == 0
    assert seconds * rate - 1e-3 <= length < max(seconds * rate, 1e-3) + quantum
    assert running.now == nothing(HOLD) and not running.ends


@pytest.mark.parametrize("seconds", [1.1, 0.3, 0.7, 2.2])
def test_a_number_of_seconds_that_is_whole_frames_is_no_frame_more(seconds: float) -> None:
    spec = dataclasses.replace(SPEC, rate=50.0, quantum=1)
    running = Running(spec, HOLD, read(HOLD, f"hands apart for {seconds} s"))
    ends = next(frame for frame in range(1000) if running.at(frame))
    assert ends == round(seconds * 50)
