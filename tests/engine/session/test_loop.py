"""The loop's policy on a fake clock: what is published when sound is lost or a step broken, and what ends a session."""

from __future__ import annotations

import numpy as np

from engine.session.slot import FAILURES
from engine.streams import streams
from engine.wire import PARTNER_STREAM, Flag, layout_hash
from tests.engine.session.scene import MS, PERIOD, SPEC, START, Scene, flags

NONE = Flag(0)


def test_on_time_every_frame_is_published_once_with_its_own_sound_and_times_in_order() -> None:
    scene = Scene()
    for hop in range(10):
        scene.hear(hop, arrives_after=3 * MS)
    frames = scene.run(10)
    assert [frame.seq for frame in frames] == list(range(10))
    assert [frame.values[0] for frame in frames] == list(range(10))
    assert flags(frames) == [Flag.FIRST] + [NONE] * 9
    assert {(frame.session, frame.stream) for frame in frames} == {(7, 0)}
    for frame in frames:
        assert frame.capture_ns == START + (frame.seq + 1) * PERIOD
        assert frame.capture_ns + 3 * MS == frame.due_ns == frame.publish_ns
    assert (scene.loop.stats.frames, scene.loop.stats.missed, scene.loop.stats.late) == (10, 0, 0)
    assert scene.loop.stats.stages["capture_to_publish"].max_ns == 3 * MS


def test_lost_sound_is_flagged_and_what_follows_is_heard_where_it_belongs() -> None:
    scene = Scene()
    for hop in [*range(5), *range(12, 20)]:
        scene.hear(hop)
    frames = scene.run(20)
    assert [frame.seq for frame in frames] == list(range(20))
    # the last of them is still waited for when sound returns: it is known to be a gap then, and no different
    assert flags(frames)[5:12] == [Flag.SILENT | Flag.DEGRADED] * 7
    assert flags(frames)[12:] == [NONE] * 8
    assert [frame.values[0] for frame in frames[:5] + frames[12:]] == [*range(5), *range(12, 20)]
    assert {frame.values[0] for frame in frames[5:12]} == {-1.0}  # the spec's fill
    assert np.diff([frame.capture_ns for frame in frames]).tolist() == [PERIOD] * 19
    assert frames[-1].publish_ns - frames[-1].capture_ns == 0
    assert scene.loop.stats.silent == 7


def test_a_failing_step_repeats_the_last_pose_and_is_reset_after_some_failures() -> None:
    scene = Scene()
    for hop in range(20):
        scene.hear(hop)

    def fail(_: object) -> None:
        raise RuntimeError("no\nluck")

    scene.puppet.script = dict.fromkeys(range(3, 3 + FAILURES), fail)
    frames = scene.run(20)
    end = 3 + FAILURES
    assert flags(frames)[3:end] == [Flag.HELD] * FAILURES
    assert all(np.array_equal(frame.values, frames[2].values) for frame in frames[3:end])
    assert flags(frames)[end] == Flag.FIRST
    assert [frame.values[1] for frame in frames[end:]] == list(range(1, 21 - end))
    assert scene.puppet.resets == [end]
    assert scene.loop.stats.held == FAILURES
    assert scene.loop.stats.last_error == "RuntimeError: no luck"


def test_fewer_failures_leave_the_state_as_it_was() -> None:
    scene = Scene()
    for hop in range(10):
        scene.hear(hop)
    scene.puppet.script[4] = lambda outputs: outputs["pose"].fill(np.nan)
    scene.puppet.script[5] = lambda outputs: outputs["pose"].fill(np.inf)
    frames = scene.run(10)
    assert [frame.values[1] for frame in frames] == [1, 2, 3, 4, 4, 4, 5, 6, 7, 8]
    assert flags(frames)[3:7] == [NONE, Flag.HELD, Flag.HELD, NONE]
    assert "non-finite pose" in scene.loop.stats.last_error
    assert not scene.puppet.resets


def test_a_commit_that_fails_is_a_failed_step_and_a_failing_first_frame_is_neutral() -> None:
    scene = Scene()
    for hop in range(4):
        scene.hear(hop)
    right = scene.puppet.commit
    scene.puppet.commit = lambda rows: right(rows) if scene.puppet.runs > 1 else 1 / 0  # type: ignore[method-assign,assignment]
    frames = scene.run(4)
    assert flags(frames) == [Flag.FIRST | Flag.HELD, NONE, NONE, NONE]
    assert frames[0].values.tolist() == [0.0, 0.0]


def test_a_source_in_trouble_degrades_frames_as_long_as_it_lasts() -> None:
    scene = Scene()
    for hop in range(9):
        scene.hear(hop)
    scene.clock.at(START + 3 * PERIOD + 1, lambda: setattr(scene.source, "problem", "no face since 2 s"))
    scene.clock.at(START + 6 * PERIOD + 1, lambda: setattr(scene.source, "problem", None))
    assert flags(scene.run(9)) == [Flag.FIRST, NONE, NONE, *[Flag.DEGRADED] * 3, NONE, NONE, NONE]


def test_a_model_that_says_bad_input_is_believed_and_does_not_count_as_failing() -> None:
    scene = Scene()
    for hop in range(3):
        scene.hear(hop)
    scene.puppet.script[1] = lambda outputs: outputs["bad_input"].fill(1.0)
    assert flags(scene.run(3)) == [Flag.FIRST, Flag.BAD_INPUT, NONE]
    assert (scene.loop.stats.bad_input, scene.loop.stats.held) == (1, 0)


def test_without_a_microphone_the_clock_makes_frames_due() -> None:
    scene = Scene(gives=("face",))
    scene.see(START + PERIOD, 0.25, 0.75)
    frames = scene.run(25)
    assert [frame.due_ns for frame in frames] == [START + (k + 1) * PERIOD for k in range(25)]
    assert [frame.publish_ns for frame in frames] == [frame.due_ns for frame in frames]
    # seen for half a second, then too old to count
    assert [Flag.NO_FACE in frame.flags for frame in frames] == [False] * 13 + [True] * 12
    assert all(Flag.SILENT in frame.flags and Flag.DEGRADED not in frame.flags for frame in frames)


def test_reset_and_stop_from_outside() -> None:
    scene = Scene()
    for hop in range(20):
        scene.hear(hop)
    scene.clock.at(START + 5 * PERIOD + 1, scene.loop.reset)
    scene.clock.at(START + 12 * PERIOD + 1, scene.stop.set)
    frames = scene.run()
    assert [frame.seq for frame in frames] == list(range(12))
    assert [frame.seq for frame in frames if Flag.FIRST in frame.flags] == [0, 5]
    assert frames[5].values[1] == 1


def test_the_end_of_the_sound_ends_the_session_after_its_last_hop() -> None:
    scene = Scene()
    for hop in range(6):
        scene.hear(hop)
    scene.clock.at(START + 6 * PERIOD + 1, lambda: scene.audio.write(np.ones(5, np.float32), START + 6 * PERIOD + 5))
    scene.clock.at(START + 6 * PERIOD + 2, scene.audio.end)
    assert [frame.seq for frame in scene.run()] == list(range(7))  # the last, begun, is heard to its end


def test_sources_that_are_over_end_a_session_without_sound() -> None:
    scene = Scene(gives=("face",))
    scene.clock.at(START + 4 * PERIOD + 1, lambda: setattr(scene.source, "finished", True))
    assert len(scene.run()) == 4


def test_fast_never_skips_and_is_never_late() -> None:
    scene = Scene(realtime=False)
    for hop in range(50):
        scene.audio.write(np.full(scene.audio.hop, hop, np.float32), START + (hop + 1) * PERIOD)
    scene.audio.end()
    scene.puppet.script[5] = lambda _: scene.clock.advance(1000 * PERIOD)
    frames = scene.run()
    assert [(frame.seq, frame.values[0]) for frame in frames] == [(k, k) for k in range(50)]
    assert flags(frames) == [Flag.FIRST] + [NONE] * 49
    assert scene.loop.stats.stages["step"].count == 50
    assert scene.loop.stats.stages["capture_to_publish"].count == 0  # a file's times are not the clock's


def test_fast_without_sound_follows_the_faces() -> None:
    scene = Scene(gives=("face",), realtime=False)
    for hop in range(12):
        scene.see(START + (hop + 1) * PERIOD, hop, 0.0)
    scene.face.end()
    frames = scene.run()
    assert [frame.capture_ns for frame in frames] == [START + (hop + 1) * PERIOD for hop in range(12)]
    assert flags(frames, Flag(0)) == [Flag.SILENT | Flag.FIRST] + [Flag.SILENT] * 11
    assert scene.clock.now_ns() == START  # nobody waited for a clock


def test_fast_without_a_source_runs_for_as_many_frames_as_asked() -> None:
    scene = Scene(gives=(), realtime=False)
    frames = scene.run(500)
    assert [frame.seq for frame in frames] == list(range(500))
    assert frames[-1].capture_ns == START + 500 * PERIOD
    assert scene.clock.now_ns() == START


def test_monitor_streams_echo_what_the_model_was_given() -> None:
    scene = Scene(monitor=True)
    for hop in range(4):
        scene.hear(hop)
        scene.see(START + (hop + 1) * PERIOD, hop, -hop)
    frames = scene.run(4)
    by = {number: [frame for frame in frames if frame.stream == number] for number in {f.stream for f in frames}}
    assert sorted(by) == [0, PARTNER_STREAM, PARTNER_STREAM + 1]
    assert all([frame.seq for frame in each] == [0, 1, 2, 3] for each in by.values())
    assert [frame.values.tolist() for frame in by[PARTNER_STREAM]] == [[k] * 40 for k in range(4)]
    assert [frame.values.tolist() for frame in by[PARTNER_STREAM + 1]] == [[k, -k] for k in range(4)]
    described = {stream.number: stream.describe() for stream in scene.loop.streams}
    assert all(len(each[0].values) == len(described[number]["names"]) for number, each in by.items())
    assert all(each[0].layout == described[number]["layout"] for number, each in by.items())


def test_streams_leave_out_what_is_told_by_a_flag() -> None:
    made = streams(SPEC, monitor=False)
    assert [(stream.number, stream.name, stream.kind) for stream in made] == [(0, "pose", "output")]
    assert made[0].layout == layout_hash(("heard", "count"), ("", ""))
