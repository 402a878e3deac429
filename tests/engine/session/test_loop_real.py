"""The loop with the real rules bundle: bad numbers in, replay of a file, controls that matter."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.channels import FACE_NAMES
from engine.clock import FakeClock
from engine.feeds.feeds import Feeds
from engine.feeds.held import Held
from engine.feeds.latest import PoseSample
from engine.runtime import Runtime, open_runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.sources.demo import DemoSource
from engine.stats import Stats
from engine.wire import Flag, Frame, encode
from tests.engine.session.scene import PERIOD, START, Scene


@cache
def step() -> Runtime:
    return open_runtime(Bundle.load("rules"))


@pytest.fixture(autouse=True)
def new_state() -> None:
    step().reset(slice(None))


def voice(hop: int) -> np.ndarray:
    """A hop of a buzz that rises and falls."""
    t = (np.arange(640) + 640 * hop) / 16_000
    return (0.3 * np.sin(2 * np.pi * t) * np.sign(np.sin(2 * np.pi * 140 * t))).astype(np.float32)


def bad_scene(face: np.ndarray, samples: np.ndarray) -> list[Frame]:
    """Frames of a session in which hop 10 is ``samples`` and its face ``face``."""
    scene = Scene(step=step())
    for hop in range(20):
        captured = START + (hop + 1) * PERIOD
        scene.face.put(PoseSample(captured, face if hop == 10 else np.zeros(58, np.float32), True))
        piece = samples if hop == 10 else voice(hop)
        scene.clock.at(captured, lambda piece=piece, captured=captured: scene.audio.write(piece, captured))  # type: ignore[misc]
    return [frame for frame in scene.run(20) if frame.stream == 0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["face", "voice"])
def test_a_bad_number_is_flagged_on_its_frame_and_reaches_no_pose(where: str, wrong: float) -> None:
    face, samples = np.zeros(58, np.float32), voice(10)
    (face if where == "face" else samples)[17] = wrong
    frames = bad_scene(face, samples)
    assert [frame.seq for frame in frames if Flag.BAD_INPUT in frame.flags] == [10]
    assert not any(Flag.HELD in frame.flags for frame in frames)
    assert all(np.isfinite(frame.values).all() for frame in frames)


@pytest.mark.parametrize("wild", [1e30, -1e30])
def test_a_wild_number_stays_within_the_spec(wild: float) -> None:
    frames = bad_scene(np.full(58, wild, np.float32), np.full(640, wild, np.float32))
    low, high = step().spec.outputs[0].low, step().spec.outputs[0].high
    assert all(((frame.values >= low) & (frame.values <= high)).all() for frame in frames)
    assert not any(Flag.HELD in frame.flags for frame in frames)


def play(seed: int, frames: int = 150, **controls: float) -> tuple[list[Frame], Stats]:
    """The demo partner as fast as it goes."""
    source, clock = DemoSource(fast=True), FakeClock()
    spec = step().spec
    step().reset(slice(None))
    feeds = Feeds.of(spec, clock.now_ns(), Held(spec, controls))
    got: list[Frame] = []

    def keep(frame: Frame) -> None:
        got.append(Frame(**{**{name: getattr(frame, name) for name in Frame.__slots__}, "values": frame.values.copy()}))

    slot = Slot(
        *(spec, feeds, keep, clock), seed=seed, realtime=False, given=source.gives, sources=[source], frames=frames
    )
    loop = Loop(step(), clock, realtime=False)
    loop.join(slot)
    source.start(feeds, clock)
    try:
        loop.run(threading.Event(), until_empty=True)
    finally:
        source.stop()
    return got, slot.stats


def test_the_same_file_and_seed_give_the_same_bytes() -> None:
    (first, stats), (second, _) = play(5), play(5)
    assert [encode(frame) for frame in first] == [encode(frame) for frame in second]
    streams = {frame.stream for frame in first}
    assert len(first) == 150 * len(streams)
    assert stats.silent == stats.no_face == stats.missed == stats.late == stats.held == 0


def test_another_seed_or_control_gives_another_listener() -> None:
    def face(got: tuple[list[Frame], Stats]) -> np.ndarray:
        return np.array([frame.values for frame in got[0] if frame.stream == 0])

    plain = face(play(5))
    assert plain.shape == (150, len(FACE_NAMES))
    assert not np.array_equal(plain, face(play(6)))
    assert np.abs(face(play(5, expressiveness=0.0))).sum() < 0.9 * np.abs(plain).sum()


def test_a_minute_of_nobody_stays_finite() -> None:
    scene = Scene(gives=("face",), step=step())
    frames = scene.run(1500)
    assert all(np.isfinite(frame.values).all() for frame in frames)
    assert scene.loop.stats.frames == 1500
    assert scene.loop.stats.held == 0
