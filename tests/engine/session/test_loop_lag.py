"""Late sound and slow steps on a fake clock: frames are late or skipped, and lag never grows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.session.timetable import BACKLOG, LONGEST_DELAY_S
from engine.wire import Flag
from tests.engine.session.scene import MS, PERIOD, START, Scene, flags

NONE = Flag(0)


def test_a_burst_of_late_samples_is_passed_over_and_lag_does_not_grow() -> None:
    scene = Scene()
    for hop in range(30):
        scene.hear(hop, arrives_after=(10 - hop) * PERIOD if 5 <= hop < 10 else 0)
    frames = scene.run(30)
    heard = {frame.seq: frame.values[0] for frame in frames if Flag.SILENT not in frame.flags}
    assert all(seq == value for seq, value in heard.items())
    assert {5, 6, 7}.isdisjoint(heard)
    assert set(range(10, 30)) <= set(heard)
    assert scene.audio.late_samples >= 3 * scene.audio.hop
    assert frames[-1].publish_ns - frames[-1].capture_ns == 0
    assert scene.loop.stats.missed == 0


@pytest.mark.parametrize("begins_at", [0, 20])
@pytest.mark.parametrize("latency_ms", [30, 60, 150, 400])
def test_a_slow_microphone_is_waited_for_instead_of_being_deaf_for_ever(latency_ms: int, begins_at: int) -> None:
    scene = Scene()
    for hop in range(100):
        scene.hear(hop, arrives_after=latency_ms * MS if hop >= begins_at else 2 * MS)
    frames = scene.run(100)
    assert all(frame.values[0] in (frame.seq, -1.0) for frame in frames)
    assert flags(frames)[-50:] == [NONE] * 50
    assert frames[-1].publish_ns - frames[-1].capture_ns == latency_ms * MS
    assert scene.loop.stats.missed == 0


def test_sound_later_than_the_longest_delay_is_given_up_and_lag_stays_bounded() -> None:
    scene = Scene()
    for hop in range(200):
        scene.hear(hop, arrives_after=round(1.5e9 * LONGEST_DELAY_S))
    frames = scene.run(150)
    assert all(Flag.SILENT in frame.flags for frame in frames)
    assert max(frame.publish_ns - frame.capture_ns for frame in frames) <= LONGEST_DELAY_S * 1e9 + 2 * PERIOD


def test_a_backlog_is_skipped_counted_and_never_published() -> None:
    scene = Scene()
    for hop in range(30):
        scene.hear(hop)
    scene.puppet.script[5] = lambda _: scene.clock.advance(10 * PERIOD + PERIOD // 2)
    frames = scene.run(30)
    assert [frame.seq for frame in frames] == [*range(6), *range(15, 30)]
    assert flags(frames)[4:8] == [NONE, Flag.LATE, Flag.SKIPPED, NONE]
    assert (scene.loop.stats.missed, scene.loop.stats.longest_miss, scene.loop.stats.late) == (9, 9, 1)
    assert [frame.values[0] for frame in frames] == [frame.seq for frame in frames]


def test_a_short_delay_is_caught_up_without_a_skip() -> None:
    scene = Scene()
    for hop in range(12):
        scene.hear(hop)
    scene.puppet.script[3] = lambda _: scene.clock.advance(round((BACKLOG - 0.5) * PERIOD))
    frames = scene.run(12)
    assert [frame.seq for frame in frames] == list(range(12))
    assert flags(frames) == [Flag.FIRST, NONE, NONE, *[Flag.LATE] * 3, *[NONE] * 6]


def test_frames_asked_for_are_not_exceeded_by_a_skip() -> None:
    scene = Scene()
    for hop in range(30):
        scene.hear(hop)
    scene.puppet.script[8] = lambda _: scene.clock.advance(10 * PERIOD)
    assert [frame.seq for frame in scene.run(10)] == list(range(9))


@pytest.mark.parametrize("audio", [True, False])
def test_a_step_that_is_always_too_slow_never_falls_further_behind(audio: bool) -> None:
    scene = Scene(gives=("audio", "face") if audio else ("face",))
    for hop in range(400 * audio):
        scene.hear(hop)
    scene.puppet.script = dict.fromkeys(range(200), lambda _: scene.clock.advance(3 * PERIOD // 2))
    frames = scene.run(300)
    assert max(frame.publish_ns - frame.capture_ns for frame in frames) <= (BACKLOG + 3) * PERIOD
    assert scene.loop.stats.missed + len(frames) == 300
    assert scene.loop.stats.missed > 50
    gaps = np.diff([frame.seq for frame in frames]) > 1
    assert [Flag.SKIPPED in frame.flags for frame in frames[1:]] == gaps.tolist()


def test_only_the_frame_that_took_too_long_is_late() -> None:
    scene = Scene()
    for hop in range(8):
        scene.hear(hop)
    scene.puppet.script[4] = lambda _: scene.clock.advance(PERIOD + 1)
    assert flags(scene.run(8))[3:6] == [NONE, Flag.LATE, NONE]
    assert scene.frames[4].step_us == PERIOD // 1000


def test_a_machine_that_slept_does_not_rush_through_what_it_missed() -> None:
    scene = Scene(gives=("face",))
    scene.puppet.script[3] = lambda _: scene.clock.advance(100 * PERIOD)
    frames = scene.run(110)
    assert [frame.seq for frame in frames] == [*range(4), *range(103, 110)]
    assert flags(frames, Flag.NO_FACE | Flag.SILENT)[3:6] == [Flag.LATE, Flag.SKIPPED, NONE]
    assert scene.loop.stats.missed == 99
    assert frames[-1].due_ns == START + 110 * PERIOD


LATENCIES = st.lists(st.one_of(st.integers(0, 30), st.integers(0, 400), st.none()), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(LATENCIES, st.dictionaries(st.integers(0, 40), st.integers(1, 300), max_size=5))
def test_whatever_comes_late_or_takes_long_order_and_lag_hold(
    latencies: list[int | None], slow: dict[int, int]
) -> None:
    scene = Scene()
    arrived = START
    for hop in range(200):
        latency = latencies[hop] if hop < len(latencies) else 5
        if latency is not None:  # a device hands over in order
            arrived = max(arrived, START + (hop + 1) * PERIOD + latency * MS)
            scene.hear(hop, arrives_after=arrived - START - (hop + 1) * PERIOD)
    for run, taken in slow.items():
        scene.puppet.script[run] = lambda _, taken=taken: scene.clock.advance(taken * MS)  # type: ignore[misc]
    frames = scene.run(150)
    assert all(frame.capture_ns <= frame.due_ns <= frame.publish_ns for frame in frames)
    heard = [frame for frame in frames if Flag.SILENT not in frame.flags]
    assert all(abs(START + (frame.values[0] + 1) * PERIOD - frame.capture_ns) <= PERIOD / 2 for frame in heard)
    for before, after in itertools.pairwise(frames):
        assert before.seq < after.seq
        assert before.publish_ns <= after.publish_ns
        assert (after.seq > before.seq + 1) == (Flag.SKIPPED in after.flags)
    assert scene.loop.stats.frames + scene.loop.stats.missed == 150
    assert max(frame.publish_ns - frame.capture_ns for frame in frames) <= 1100 * MS
    assert flags(frames)[-30:] == [NONE] * 30  # all trouble was over long before
    assert [frame.publish_ns - frame.capture_ns for frame in frames[-30:]] == [5 * MS] * 30
