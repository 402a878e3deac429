"""Several sessions in one loop: each gets its own, what one does wrong stays its own, joining and leaving rebuild
nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.session.slot import FAILURES, GIVE_UP
from engine.wire import Flag
from tests.engine.session.scene import MS, PERIOD, START, Scene, flags
from tests.engine.session.stage import Stage

NONE = Flag(0)


def own(stage: Stage, number: int, hops: range) -> None:
    """The session got its own hops, every one, and its own state."""
    assert stage.heard(number) == [100 * number + hop for hop in hops]
    assert {frame.session for frame in stage.frames[number]} == {number}
    assert [frame.values[1] for frame in stage.frames[number]] == list(range(1, len(hops) + 1))


def test_sessions_that_are_due_together_run_together_and_each_gets_its_own() -> None:
    stage = Stage(window_ns=1)
    for number in (1, 2, 3):
        stage.join(number)
    stage.run()
    for number in (1, 2, 3):
        own(stage, number, range(20))
        assert flags(stage.frames[number]) == [Flag.FIRST] + [NONE] * 19
    assert stage.runtime.runs.count([0, 1, 2]) >= 15


def test_noise_is_by_the_sessions_seed_whatever_row_it_has() -> None:
    alone, pair = Stage(), Stage()
    drawn: dict[str, list[Any]] = {"alone": [], "pair": []}
    alone.runtime.happens = lambda _, rows, __: drawn["alone"].append(alone.runtime.inputs["noise"][0].copy())
    pair.runtime.happens = lambda _, rows, __: (
        drawn["pair"].append(pair.runtime.inputs["noise"][1].copy()) if 1 in rows else None
    )
    alone.join(2)
    alone.run()
    pair.join(1)
    pair.join(2)
    pair.run()
    # session 1 is over a frame earlier, and session 2 has moved to its row for the last
    assert len(drawn["pair"]) == 19 and np.array_equal(drawn["alone"][:19], drawn["pair"])


@pytest.mark.parametrize(("window_ms", "together"), [(0, False), (4, True)])
def test_a_gathering_window_joins_sessions_whose_sound_cards_do_not_agree(window_ms: int, together: bool) -> None:
    stage = Stage(window_ns=window_ms * MS)
    stage.join(1)
    stage.join(2, offset_ns=3 * MS)
    stage.run()
    own(stage, 1, range(20))
    own(stage, 2, range(20))
    assert ([0, 1] in stage.runtime.runs) == together
    waited = [frame.publish_ns - frame.capture_ns for frame in stage.frames[1]]
    assert max(waited) == (4 * MS if together else 0)
    assert not any(frame.flags & Flag.LATE for number in (1, 2) for frame in stage.frames[number])


def test_one_who_leaves_frees_a_row_which_the_last_takes_with_its_state() -> None:
    stage = Stage()
    slots = [stage.join(number) for number in (1, 2, 3)]
    stage.clock.at(START + 10 * PERIOD + 1, lambda: stage.loop.leave(slots[0]))
    stage.run()
    assert len(stage.frames[1]) == 10
    own(stage, 2, range(20))
    own(stage, 3, range(20))
    assert stage.runtime.moves == [(2, 0)]
    assert (slots[1].row, slots[2].row) == (1, 0)


def test_rows_come_into_the_order_in_which_their_sessions_are_due_and_nobody_notices() -> None:
    stage = Stage(window_ns=MS)
    offsets = {1: 30, 2: 10, 3: 36, 4: 0, 5: 20}
    slots = {number: stage.join(number, hops=range(60), offset_ns=ms * MS) for number, ms in offsets.items()}
    rows: dict[int, int] = {}
    stage.clock.at(START + 50 * PERIOD, lambda: rows.update({number: slot.row for number, slot in slots.items()}))
    stage.run()
    for number in offsets:
        own(stage, number, range(60))
    assert sorted(rows, key=rows.__getitem__) == sorted(offsets, key=offsets.__getitem__)
    assert len(stage.runtime.moves) > 6


def test_the_window_grows_with_the_sessions_but_not_beyond_its_bound() -> None:
    waits = {}
    for count in (2, 16, 40):
        stage = Stage(window_ns=4 * MS, rows=48)
        for number in range(1, count):
            stage.join(number, hops=range(3))
        stage.join(count, hops=range(3), offset_ns=15 * MS)  # the one who is never in time for the others
        stage.run()
        waits[count] = max(frame.publish_ns - frame.capture_ns for frame in stage.frames[1])
    assert waits == {2: 4 * MS, 16: 8 * MS, 40: 12 * MS}


def test_one_who_joins_later_takes_a_new_row_and_starts_anew() -> None:
    stage = Stage()
    stage.join(1)
    late = stage.slot(2, hops=range(8, 20), frames=12)
    stage.clock.at(START + 8 * PERIOD + 1, lambda: stage.loop.join(late))
    stage.run()
    own(stage, 1, range(20))
    own(stage, 2, range(8, 20))
    assert stage.frames[2][0].flags & Flag.FIRST


def test_a_row_that_is_not_finite_is_held_alone(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    for number in (1, 2, 3):
        stage.join(number)

    def spoil(_: int, rows: list[int], outputs: dict[str, Any]) -> None:
        if 1 in rows and outputs["pose"][1, 0] % 100 in (5, 6):
            outputs["pose"][1] = np.nan

    stage.runtime.happens = spoil
    stage.run()
    own(stage, 1, range(20))
    own(stage, 3, range(20))
    assert [Flag.HELD in frame.flags for frame in stage.frames[2]] == [hop in (5, 6) for hop in range(20)]
    # what was not committed does not count: the state goes on where it was
    assert [frame.values[1] for frame in stage.frames[2]] == [*range(1, 6), 5, 5, *range(6, 19)]
    assert {getattr(record, "session", None) for record in caplog.records} == {2}


def test_a_step_that_throws_for_one_row_is_run_row_by_row() -> None:
    stage = Stage()
    for number in (1, 2, 3):
        stage.join(number)

    def fail(_: int, rows: list[int], outputs: dict[str, Any]) -> None:
        if 2 in rows and stage.runtime.inputs["voice"][2, 0] == 307:
            raise RuntimeError("row 2 breaks the kernel")

    stage.runtime.happens = fail
    stage.run()
    own(stage, 1, range(20))
    own(stage, 2, range(20))
    assert [Flag.HELD in frame.flags for frame in stage.frames[3]] == [hop == 7 for hop in range(20)]
    assert "row 2 breaks" in stage.slots[3].stats.last_error and not stage.slots[1].stats.last_error


def test_what_cannot_be_gathered_or_published_ends_that_session_and_no_other() -> None:
    stage = Stage()
    for number in (1, 2):
        stage.join(number)
    stage.clock.at(START + 5 * PERIOD + 1, lambda: setattr(stage.slots[2], "_publish", lambda _: 1 / 0))
    stage.run()
    own(stage, 1, range(20))
    assert len(stage.frames[2]) == 5
    assert stage.left == [2, 1] and "published" in str(stage.slots[2].ended)


def test_failures_that_are_not_in_a_row_reset_nothing() -> None:
    scene = Scene()
    for hop in range(40):
        scene.hear(hop)

    def fail(_: object) -> None:
        raise RuntimeError("now and then")

    # two of every three fail, many more than FAILURES in all, never FAILURES in a row
    scene.puppet.script = {run: fail for run in range(40) if run % 3}
    frames = scene.run(40)
    assert sum(Flag.HELD in frame.flags for frame in frames) > 4 * FAILURES
    assert not scene.puppet.resets
    assert [frame.flags & Flag.FIRST for frame in frames[1:]] == [NONE] * 39
    assert not scene.loop.failing


def test_a_model_that_never_recovers_says_so_at_once_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    for hop in range(GIVE_UP + 10):
        scene.hear(hop)

    def fail(_: object) -> None:
        raise RuntimeError("never")

    scene.puppet.script = dict.fromkeys(range(GIVE_UP + 10), fail)
    frames = scene.run()
    assert len(frames) == GIVE_UP
    assert all(Flag.HELD in frame.flags for frame in frames)
    assert caplog.messages == ["the model's step fails, the last pose is held: RuntimeError: never"]
    assert scene.loop.failing and "never" in str(scene.loop.ended)
    assert len(scene.puppet.resets) == GIVE_UP // FAILURES - 1


def test_the_delay_of_a_microphone_is_learnt_slowly_and_frames_are_due_by_it() -> None:
    scene = Scene()
    for hop in range(6):
        scene.hear(hop, arrives_after=(10 if hop == 0 else 20) * MS)
    frames = scene.run(6)
    expected, delay = [], 0.0
    for hop in range(6):
        arrived = (10 if hop == 0 else 20) * MS
        delay += (arrived - delay) * (0.1 if delay else 1.0)
        expected.append(min(round(delay), arrived))
    assert [frame.due_ns - frame.capture_ns for frame in frames] == expected


def test_a_paused_session_makes_no_frames_and_goes_on_with_those_of_now() -> None:
    stage = Stage()
    one = stage.join(1)
    stage.join(2)
    stage.clock.at(START + 5 * PERIOD + 1, lambda: one.pause(True))
    stage.clock.at(START + 12 * PERIOD + 1, lambda: one.pause(False))
    stage.run()
    own(stage, 2, range(20))
    heard = stage.heard(1)
    assert heard[:5] == [100.0 + hop for hop in range(5)]
    assert heard[-1] == 119.0 and 5 <= 20 - len(heard) <= 9
    assert Flag.SKIPPED in stage.frames[1][5].flags
    assert one.stats.missed <= 4  # the frames of the pause are not missed
    assert all(value == 100 + frame.seq for value, frame in zip(heard, stage.frames[1], strict=True))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 25), st.integers(1, 25), st.integers(0, 39)), min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_whoever_joins_and_leaves_when_gets_its_own_frames(visits: list[tuple[int, int, int]], window_ms: int) -> None:
    stage = Stage(window_ns=window_ms * MS)
    for number, (begins, length, offset_ms) in enumerate(visits, start=1):
        hops = range(begins, begins + length)
        slot = stage.slot(number, hops=hops, offset_ns=offset_ms * MS)
        stage.clock.at(START + begins * PERIOD + 1, lambda slot=slot: stage.loop.join(slot))  # type: ignore[misc]
    last = START + 60 * PERIOD
    stage.clock.at(last, stage.stop.set)
    stage.loop.run(stage.stop)
    for number, (begins, length, _) in enumerate(visits, start=1):
        own(stage, number, range(begins, begins + length))
        assert not any(frame.flags & (Flag.HELD | Flag.SILENT) for frame in stage.frames[number])
    assert sorted(stage.left) == list(range(1, len(visits) + 1))
    assert stage.loop.slots == 0
