"""Sound that is lost and comes back, on a fake clock on which a step takes time: such frames go out on time, say that
they heard nothing, and are late only where the engine itself was slow."""

from __future__ import annotations

import numpy as np
import pytest

from engine.wire import Flag, Frame
from tests.engine.session.scene import MS, PERIOD, Scene, flags

NONE, UNHEARD = Flag(0), Flag.SILENT | Flag.DEGRADED
STEP_MS = 5


class Timed(Scene):
    """A scene whose every step takes :data:`STEP_MS`, or what ``taken`` (ms by run) says."""

    def __init__(self, taken: dict[int, int] | None = None) -> None:
        super().__init__()
        for run in range(400):
            ms = (taken or {}).get(run, STEP_MS)
            self.puppet.script[run] = lambda _, ms=ms: self.clock.advance(ms * MS)  # type: ignore[misc]


def gaps_ms(frames: list[Frame]) -> set[float]:
    return {round(float(gap) / MS, 3) for gap in np.diff([frame.publish_ns for frame in frames])}


@pytest.mark.parametrize("arrival_ms", [0, 2, 20])
@pytest.mark.parametrize("gone", [range(0), range(5, 8), range(30, 80), range(200)])
def test_while_a_microphone_is_gone_frames_go_out_on_time(arrival_ms: int, gone: range) -> None:
    scene = Timed()
    for hop in set(range(200)) - set(gone):
        scene.hear(hop, arrives_after=arrival_ms * MS)
    frames = scene.run(200)
    assert [frame.seq for frame in frames] == list(range(200))
    assert not any(frame.flags & Flag.LATE for frame in frames) and scene.loop.stats.late == 0
    found = flags(frames, Flag.NO_FACE | Flag.FIRST)
    assert [flag == UNHEARD for flag in found] == [hop in gone for hop in range(200)]
    assert all(flag in (NONE, UNHEARD) for flag in found)
    lost = frames[gone.start : gone.stop - 1]  # what the last waits for is the sound that comes back
    assert gaps_ms(lost) <= {40.0}
    assert all(0 <= frame.publish_ns - frame.due_ns <= STEP_MS * MS for frame in lost)
    assert np.diff([frame.capture_ns for frame in frames]).tolist() == [PERIOD] * 199


def test_the_engines_own_slowness_in_a_loss_is_late() -> None:
    scene = Timed({10: 45, 25: 45})
    for hop in (*range(5), *range(20, 40)):
        scene.hear(hop)
    late = [frame.seq for frame in scene.run(40) if Flag.LATE in frame.flags]
    assert late == [10, 25]


@pytest.mark.parametrize("now_ms", [1, 39, 41, 150])
def test_a_microphone_that_comes_back_slower_is_not_the_engines_lateness(now_ms: int) -> None:
    """As another device does, or the same by another way: after a loss its delay is another."""
    scene = Timed()
    for hop in (*range(20), *range(40, 120)):
        scene.hear(hop, arrives_after=(2 if hop < 20 else now_ms) * MS)
    frames = scene.run(120)
    assert scene.loop.stats.late == 0
    assert flags(frames)[-60:] == [NONE] * 60
    assert frames[-1].publish_ns - frames[-1].capture_ns == (now_ms + STEP_MS) * MS


def test_frames_without_sound_do_not_spoil_what_is_counted_of_delays() -> None:
    scene = Timed()
    for hop in (*range(20), *range(100, 120)):
        scene.hear(hop, arrives_after=2 * MS)
    scene.run(120)
    stages = scene.loop.stats.stages
    assert stages["capture_to_publish"].count == stages["capture_to_due"].count == 40
    # the first that is heard again waits for the last lost one to be made
    assert stages["capture_to_publish"].max_ns == (2 + 2 * STEP_MS) * MS
    assert stages["step"].count == stages["due_to_start"].count == 120
    assert stages["due_to_start"].max_ns <= STEP_MS * MS


def test_silence_that_a_film_writes_is_no_loss() -> None:
    scene = Timed()
    for hop in range(30):
        scene.hear(hop, arrives_after=2 * MS, valid=False)
    frames = scene.run(30)
    assert flags(frames, Flag.NO_FACE | Flag.FIRST) == [Flag.SILENT] * 30
    assert scene.loop.stats.stages["capture_to_publish"].count == 30
