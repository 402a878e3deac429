"""Poses by capture time, and a writer and a reader that go in step where nothing else keeps the time."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from engine.errors import EngineError
from engine.feeds.latest import PoseRing, PoseSample


def pose(at: int, value: float = 0.0, valid: bool = True) -> PoseSample:
    return PoseSample(at, np.full(58, value, np.float32), valid)


def test_poses_are_found_by_time_and_the_oldest_dropped() -> None:
    ring = PoseRing(3)
    assert ring.newest_before(10**18) is None
    for at in (10, 20, 30, 40):
        ring.put(pose(at, at))
    assert ring.dropped == 1
    assert ring.newest_before(19) is None  # 10 was dropped
    assert ring.newest_before(20).values[0] == 20  # type: ignore[union-attr]
    assert ring.newest_before(39).capture_ns == 30  # type: ignore[union-attr]
    assert ring.newest_before(1000).capture_ns == 40  # type: ignore[union-attr]
    with pytest.raises(EngineError, match="capacity of 1 or more"):
        PoseRing(0)


def test_the_ring_survives_a_writer_and_a_reader() -> None:
    ring = PoseRing(8)
    failures: list[str] = []
    done = threading.Event()

    def read() -> None:
        newest = -1
        while not done.is_set():
            found = ring.newest_before(10**9)
            if found is not None:
                if found.capture_ns < newest or found.values[0] != found.capture_ns:
                    failures.append(f"{newest} then {found.capture_ns} with {found.values[0]}")
                newest = found.capture_ns

    reader = threading.Thread(target=read)
    reader.start()
    for at in range(3000):
        ring.put(pose(at, at))
    done.set()
    reader.join(60)
    assert failures == []
    assert ring.dropped == 3000 - 8


@pytest.mark.parametrize("apart", [3, 10, 25])
def test_in_turn_what_is_seen_does_not_depend_on_who_is_faster(apart: int) -> None:
    ring, stop, left = PoseRing(4), threading.Event(), []

    def write() -> None:
        for at in range(apart, 1000, apart):
            left.append(ring.put_in_turn(pose(at, at), stop))
        ring.end()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    for at in range(10, 1200, 10):
        assert ring.reach(at, 60)
        newest = ring.newest_before(at)
        seen.append(newest.capture_ns if newest is not None else 0)
        if at < 900:
            assert len(left) <= at // apart + 2  # never more than one pose ahead of what was asked for
    writer.join(60)
    last = 999 // apart * apart
    assert seen == [min(at // apart * apart, last) for at in range(10, 1200, 10)]
    assert all(left)
    assert ring.over(1000) and not ring.over(last)


def test_a_writer_in_turn_leaves_when_it_is_told_to() -> None:
    ring, stop, put = PoseRing(), threading.Event(), []
    writer = threading.Thread(target=lambda: put.extend(ring.put_in_turn(pose(at), stop) for at in (1, 2)))
    writer.start()
    assert ring.reach(1, 60)
    assert not ring.reach(3, 0.0) or len(put) == 2
    stop.set()
    writer.join(60)
    assert not writer.is_alive()
    late = PoseRing()
    late.put(pose(5))
    assert not late.put_in_turn(pose(6), stop)
    assert late.newest_before(10).capture_ns == 5  # type: ignore[union-attr]


def test_a_ring_that_ended_is_known_to_its_end() -> None:
    ring = PoseRing()
    assert not ring.reach(10, 0.0)
    assert not ring.over(10)
    ring.end()
    assert ring.reach(10, 0.0)
    assert ring.over(10)
