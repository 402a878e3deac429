"""A session in real time beside a recorded partner gives the same again: which frame sees which pose hangs on times
alone, not on which thread was first."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.session.host import Host
from engine.session.live import Opening
from engine.sources.body import BodySource
from engine.wire import Flag, Frame
from tests.engine.dancer import STICK, dancer_bundle, take

FRAMES = 25


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return dancer_bundle(tmp_path_factory.mktemp("dancer"))


def seen(dancer: Bundle, path: Path) -> dict[int, tuple[Flag, bytes]]:
    """Of each frame of a session what it saw of its partner: the flags and the values of the stream that tells."""
    source = BodySource(path, STICK)
    got: dict[int, tuple[Flag, bytes]] = {}
    enough = threading.Event()

    def keep(frame: Frame) -> None:
        if frame.stream == 2:
            got[frame.seq] = frame.flags, frame.values.tobytes()
            if frame.seq >= FRAMES:
                enough.set()

    host = Host([dancer], MonotonicClock())
    host.start()
    try:
        host.open(Opening((dancer.name,), given=frozenset(source.gives)), keep, [source])
        assert enough.wait(60)
    finally:
        host.stop()
    return got


def test_a_dance_with_a_take_in_real_time_sees_the_same_pose_in_the_same_frame(dancer: Bundle, tmp_path: Path) -> None:
    path = take(tmp_path / "walk.bvh")
    first, again = seen(dancer, path), seen(dancer, path)
    busy = Flag.LATE | Flag.SKIPPED  # of a machine that was busy, and said so
    both = [k for k in first if k in again and not (first[k][0] | again[k][0]) & busy]
    assert len(both) >= FRAMES // 2
    assert [first[k] for k in both] == [again[k] for k in both]
    assert len({first[k][1] for k in both}) > 5  # it moves
    assert not any(Flag.DEGRADED in first[k][0] for k in both[2:])
    assert np.isfinite(np.frombuffer(first[both[-1]][1], np.float32)).all()
