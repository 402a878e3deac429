"""The one driver over arrays: it gives what running frame by frame gives, and refuses arrays that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.runtime import drive, open_runtime, steps
from engine.spec import AGE, CURSOR, SpecError
from tests.engine.runtime.made import FRAMES, ROWS, Open, advance, draw, same


def test_it_gives_what_frame_by_frame_gives(bundle: Bundle, opened: Open):
    runtime, twin, inputs = opened(bundle, ROWS), opened(bundle, ROWS), draw()
    outputs = drive(runtime, inputs)
    for frame in range(FRAMES):
        assert same({name: value[frame] for name, value in outputs.items()}, advance(twin, inputs, frame))
    assert outputs["pose"].shape == (FRAMES, ROWS, 4) and outputs["count"].dtype == np.int64
    assert same(runtime.state_dict(), twin.state_dict())


def test_it_goes_on_from_the_present_state_and_keeps_what_it_is_asked_for(bundle: Bundle):
    inputs, whole = draw(), open_runtime(bundle, rows=ROWS)
    wanted = drive(whole, inputs)
    parts = open_runtime(bundle, rows=ROWS)
    drive(parts, inputs, 7, keep=())
    rest = drive(parts, {name: value[7:] for name, value in inputs.items()}, keep=["pose"])
    assert list(rest) == ["pose"]
    assert np.array_equal(rest["pose"], wanted["pose"][7:])


def test_what_is_not_given_stays_as_it_is(bundle: Bundle):
    runtime = open_runtime(bundle)
    runtime.inputs["gain"][...] = 0.0
    assert not drive(runtime, {"face": draw(1)["face"]})["pose"].any()
    assert not drive(runtime, {}, 3)["pose"].any()


def test_a_function_fills_frame_by_frame(bundle: Bundle):
    runtime, twin, inputs = open_runtime(bundle, rows=ROWS), open_runtime(bundle, rows=ROWS), draw()
    asked: list[int] = []

    def fill(frame: int) -> None:
        asked.append(frame)
        for name, value in inputs.items():
            runtime.inputs[name][...] = value[frame]
        if frame == 5:
            runtime.reset(slice(None))

    given = drive(runtime, fill, FRAMES)
    assert asked == list(range(FRAMES))
    assert runtime.state_dict()[AGE].tolist() == [FRAMES - 5] * ROWS
    wanted = drive(twin, inputs, 5)
    twin.reset(slice(None))
    rest = drive(twin, {name: value[5:] for name, value in inputs.items()})
    assert same(given, {name: np.concatenate([wanted[name], rest[name]]) for name in wanted})


def test_a_frame_is_seen_before_it_counts(bundle: Bundle):
    runtime, inputs = open_runtime(bundle, rows=ROWS), draw()
    for frame, outputs in enumerate(steps(runtime, inputs)):
        assert runtime.state_dict()[CURSOR].tolist() == [frame] * ROWS
        assert set(outputs) == {"pose", "count", "bad_input"} and set(runtime.updates()) == set(runtime.spec.state)
    assert runtime.state_dict()[CURSOR].tolist() == [FRAMES] * ROWS


def test_it_tells_how_long_each_frame_took(bundle: Bundle):
    seconds: list[float] = []
    drive(open_runtime(bundle, rows=ROWS), draw(), seconds=seconds)
    assert len(seconds) == FRAMES and min(seconds) > 0.0


def wrong() -> dict[str, tuple[dict[str, Any], str]]:
    good = draw()
    face, gain = good["face"], good["gain"]
    return {
        "fewer rows": ({"inputs": {"face": face[:, :2]}}, r"input face has shape \(20, 2, 58\).* \(frames, 3, 58\)"),
        "no rows": ({"inputs": {"gain": gain[:, 0]}}, r"input gain has shape \(20,\)"),
        "a number": ({"inputs": {"gain": np.array(1.0)}}, r"input gain has shape \(\)"),
        "rows that would spread": ({"inputs": {"face": face[:, :1]}}, r"input face has shape \(20, 1, 58\)"),
        "another width": ({"inputs": {"face": face[..., :57]}}, "input face has shape"),
        "texts": ({"inputs": {"gain": np.full((4, 3), "1")}}, "input gain is <U1, this model takes float32"),
        "other lengths": ({"inputs": {"face": face, "gain": gain[1:]}}, r"inputs of \[19, 20\] frames"),
        "too many frames": ({"inputs": good, "frames": 21}, "21 frames asked for, the inputs hold 20"),
        "nothing": ({"inputs": {}}, "give frames"),
        "a function alone": ({"inputs": lambda _: None}, "give frames"),
        "an unknown input": ({"inputs": {"look": face}}, "no input 'look'"),
        "an unknown output": ({"inputs": good, "keep": ["nose"]}, "no output 'nose'"),
    }


@pytest.mark.parametrize("case", wrong())
def test_what_does_not_fit_is_refused_before_a_frame_runs(bundle: Bundle, case: str):
    arguments, reason = wrong()[case]
    runtime = open_runtime(bundle, rows=ROWS)
    with pytest.raises((EngineError, SpecError), match=reason):
        drive(runtime, **arguments)
    assert runtime.state_dict()[CURSOR].tolist() == [0] * ROWS
