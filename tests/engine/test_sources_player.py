"""The player's pacing on a fake clock: what is released when, and what a slow tracker misses."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engine.clock import FakeClock
from engine.feeds.latest import PoseRing
from engine.feeds.samples import AudioRing
from engine.sources.player import AudioBlock, FaceItem, Lap, Player
from tests.engine.feeds.made import feeds

RATE, HOP = 16_000, 640
START_NS = 1_000_000_000


class StepClock(FakeClock):
    """A fake clock that records what was waited for."""

    def __init__(self) -> None:
        super().__init__(START_NS)
        self.waits: list[int] = []

    def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
        self.waits.append(moment_ns)
        super().sleep_until(moment_ns, stop)


def run_player(laps: list[Lap], clock: FakeClock, slow_faces: bool = False) -> tuple[AudioRing, PoseRing, Player]:
    audio, face = AudioRing(RATE, HOP, 20), PoseRing(1000)
    player = Player(laps, feeds(face, audio=audio), clock, fast=False, slow_faces=slow_faces)
    player.start()
    while not audio.ended:
        audio.wait(10**6, 0.05)
    player.stop()
    return audio, face, player


def test_real_time_releases_twenty_milliseconds_when_they_have_passed() -> None:
    clock = StepClock()
    seen: list[tuple[int, int]] = []

    def look(at_ns: int) -> Callable[[], np.ndarray]:
        def read() -> np.ndarray:
            seen.append((at_ns, clock.now_ns()))
            return np.zeros(58, np.float32)

        return read

    faces = [FaceItem(at, look(at)) for at in (5_000_000, 40_000_000, 41_000_000)]
    audio, face, player = run_player([Lap([AudioBlock(np.ones(1_000, np.float32))], faces)], clock)
    assert clock.waits == [START_NS + samples * 62_500 for samples in (320, 640, 960, 1_000)]
    # Each face is there before the first piece of sound that ends no sooner.
    assert seen == [
        (5_000_000, START_NS + 20_000_000),
        (40_000_000, START_NS + 40_000_000),
        (41_000_000, START_NS + 60_000_000),
    ]
    assert audio.newest_hop() == 1
    assert face.newest_before(START_NS + 40_000_000).capture_ns == START_NS + 40_000_000  # type: ignore[union-attr]
    assert player.finished


def test_a_piece_ends_with_each_hop_so_that_its_time_is_exact() -> None:
    clock = StepClock()
    audio, face = AudioRing(24_000, 730, 20), PoseRing()
    player = Player(
        [Lap([AudioBlock(np.ones(1_500, np.float32))] * 2, [])], feeds(face, audio=audio), clock, False, False
    )
    player.start()
    while not audio.ended:
        audio.wait(10**6, 0.05)
    player.stop()
    ends = [480, 730, 1210, 1460, 1500, 1980, 2190, 2670, 2920, 3000]
    assert clock.waits == [START_NS + round(end / 24_000 * 1e9) for end in ends]


def test_in_real_time_a_slow_tracker_passes_pictures_over() -> None:
    clock = FakeClock(START_NS)
    tracked: list[int] = []
    release = threading.Event()

    class Paced(FakeClock):
        """Sound waits until the faces are through; time is what the tracker makes it."""

        def now_ns(self) -> int:
            return clock.now_ns()

        def sleep_until(self, moment_ns: int, stop: threading.Event | None = None) -> None:
            if threading.current_thread().name == "faces":
                clock.sleep_until(moment_ns)
            else:
                release.wait(60)

    def look(at_ms: int) -> Callable[[], np.ndarray]:
        def read() -> np.ndarray:
            tracked.append(at_ms)
            clock.advance(90_000_000)  # each picture takes 90 ms
            if at_ms == 360:
                release.set()
            return np.zeros(58, np.float32)

        return read

    faces = [FaceItem(at * 1_000_000, look(at)) for at in range(0, 400, 40)]
    _, _, player = run_player([Lap([AudioBlock(np.ones(6_400, np.float32))], faces)], Paced(), slow_faces=True)
    assert tracked == [0, 80, 160, 240, 360]
    assert player.skipped_faces == 5


@pytest.mark.parametrize("fast", [False, True])
def test_a_lap_of_nothing_ends_the_play_in_words_instead_of_going_round_for_ever(fast: bool) -> None:
    audio = AudioRing(RATE, HOP, 20)
    laps = (Lap([]) for _ in itertools.count())
    player = Player(laps, feeds(audio=audio), FakeClock(START_NS), fast, slow_faces=False)
    player.start()
    assert not audio.wait(0, 30)
    player.stop()
    assert player.finished
    assert "nothing to play" in (player.problem or "")


@pytest.mark.parametrize("grows", [False, True])
def test_what_comes_too_late_of_a_growing_lap_moves_all_that_follows(grows: bool) -> None:
    clock = FakeClock(START_NS)

    def blocks() -> Iterator[AudioBlock]:
        yield AudioBlock(np.ones(640, np.float32))
        clock.advance(2_000_000_000)  # the recorder takes its time
        yield AudioBlock(np.ones(640, np.float32))

    faces = [FaceItem(at * 1_000_000, lambda: np.zeros(58, np.float32)) for at in (30, 75)]
    audio, face, _ = run_player([Lap(blocks(), faces, grows=grows)], clock)
    ends = [audio.read_hop(k).capture_ns - START_NS for k in range(2)]  # type: ignore[union-attr]
    late = 1_980_000_000 if grows else 0  # the second block begins with 20 ms, due when the recorder came
    assert ends == [40_000_000, 80_000_000 + late]
    seen = face.newest_before(START_NS + 10_000_000_000)
    assert seen is not None
    assert seen.capture_ns - START_NS == 75_000_000 + late
