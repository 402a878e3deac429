"""A take as partner: each frame of it in its time, at its own rate, once or for ever; and files that cannot be used."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.bvh import read_body
from engine.body.motion import Motion, rest_frames
from engine.body.write import write_bvh
from engine.clock import FakeClock, MonotonicClock
from engine.errors import EngineError
from engine.feeds.latest import PoseRing
from engine.sources.body import BodySource
from tests.engine.dancer import RATE, STICK, take, walk
from tests.engine.feeds.made import feeds
from tests.engine.said import said

START = 1_000_000_000


def seen(source: BodySource, frames: int, rate: float = RATE) -> tuple[list[float], bool]:
    """The x of the hip that each frame of a fast session sees (a centimetre a frame of the take), and whether the take
    was over after them."""
    ring = PoseRing()
    source.start(feeds(body=ring, start_ns=START), FakeClock(START))
    found = []
    try:
        for frame in range(frames):
            due = START + round((frame + 1) * 1e9 / rate)
            assert ring.reach(due, 60)
            pose = ring.newest_before(due)
            found.append(float(pose.values[0, 0]) if pose is not None and pose.valid else np.nan)
        over = START + round((frames + 1) * 1e9 / rate)
        return found, ring.reach(over, 60) and ring.over(over)
    finally:
        source.stop()


def test_each_frame_of_the_take_is_seen_in_its_own_frame(tmp_path: Path) -> None:
    found, over = seen(BodySource(take(tmp_path / "a.bvh"), STICK, fast=True), 60)
    assert np.allclose(found, 0.01 * np.arange(60), atol=1e-5)
    assert over


@pytest.mark.parametrize("rate", [15.0, 60.0, 120.0, 24.0])
def test_a_take_of_another_rate_keeps_its_own_time(tmp_path: Path, rate: float) -> None:
    found, _ = seen(BodySource(take(tmp_path / "a.bvh", round(2 * rate), rate), STICK, fast=True), 60)
    passed = np.floor((np.arange(60) + 1) * rate / RATE + 1e-6)  # frames of the take that ended by then
    assert np.allclose(found[1:], 0.01 * (passed[1:] - 1), atol=1e-5)
    assert np.isnan(found[0]) == (rate < RATE)


def test_looped_it_starts_again(tmp_path: Path) -> None:
    found, over = seen(BodySource(take(tmp_path / "a.bvh", 20), STICK, fast=True, loop=True), 65)
    assert np.allclose(found, 0.01 * (np.arange(65) % 20), atol=1e-5)
    assert not over


def test_in_real_time_the_clock_decides_and_the_last_pose_has_its_time(tmp_path: Path) -> None:
    clock, ring = FakeClock(START), PoseRing(100)
    source = BodySource(take(tmp_path / "a.bvh", 30), STICK)
    source.start(feeds(body=ring, start_ns=START), clock)
    assert ring.reach(10**18, 60)
    source.stop()
    assert source.finished and source.problem is None
    assert clock.now_ns() == START + round(31 * 1e9 / RATE)
    for frame in (0, 12, 29):
        pose = ring.newest_before(START + round((frame + 1) * 1e9 / RATE))
        assert pose is not None and pose.values[0, 0] == pytest.approx(0.01 * frame, abs=1e-5)


def test_stopped_it_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    for fast in (False, True):
        source = BodySource(take(tmp_path / "a.bvh", 3000), STICK, fast=fast)
        source.stop()  # before start: nothing to do
        source.start(feeds(body=PoseRing()), MonotonicClock())
        source.stop()
        source.stop()
        assert source.finished
    assert threading.active_count() == before


def test_a_rest_pose_before_the_movement_is_left_out(tmp_path: Path) -> None:
    motion = walk(60)
    far = motion.positions[:1] - np.float32([3.0, 0.0, 0.0])
    jumping = Motion(STICK, RATE, np.concatenate([far, motion.positions]))
    write_bvh(jumping, tmp_path / "a.bvh")
    assert rest_frames(read_body(tmp_path / "a.bvh", STICK).motion) == 1
    assert rest_frames(motion) == 0
    found, _ = seen(BodySource(tmp_path / "a.bvh", STICK, fast=True), 5)
    assert np.allclose(found, 0.01 * np.arange(5), atol=1e-5)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text.bvh").write_text("this is no take\n")
    other = Motion(
        skeleton=type(STICK)("twig", ("hip", "top"), (-1, 0), ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))),
        rate=RATE,
        positions=np.tile(np.float32([[0, 0, 0], [0, 1, 0]]), (3, 1, 1)),
    )
    write_bvh(other, tmp_path / "twig.bvh")
    for name, words in (
        ("nothing.bvh", "no such file"),
        ("text.bvh", "does not read as BVH"),
        ("twig.bvh", "has no joint chest, head, lHand, rHand, which skeleton 'stick' needs"),
    ):
        with pytest.raises(EngineError, match=words):
            BodySource(tmp_path / name, STICK)


def test_what_a_file_was_taken_for_is_said_once_and_can_be_told(tmp_path: Path) -> None:
    path = take(tmp_path / "a.bvh")
    with said() as told:
        plain = BodySource(path, STICK, fast=True)
    assert told == [] and plain.describe()["unit"] == 0.01 and plain.describe()["damaged"] == 0
    inches = tmp_path / "b.bvh"
    in_inches = replace(STICK, rest=tuple((x / 2.54, y / 2.54, z / 2.54) for x, y, z in STICK.rest))
    motion = walk(60)
    write_bvh(Motion(in_inches, RATE, motion.positions / np.float32(2.54), motion.rotations), inches)
    with said() as told:
        found, _ = seen(BodySource(inches, STICK, fast=True), 60)
    assert np.allclose(found, 0.01 * np.arange(60), atol=1e-5)
    assert len(told) == 1 and told[0].startswith("body b.bvh: unit found: inches")
    with said() as told:
        found, _ = seen(BodySource(inches, STICK, fast=True, unit="in", up="y"), 60)
    assert np.allclose(found, 0.01 * np.arange(60), atol=1e-5) and told == []
    half, _ = seen(BodySource(inches, STICK, fast=True, unit=0.0127), 60)
    assert np.allclose(half, 0.005 * np.arange(60), atol=1e-5)


def test_a_damaged_frame_holds_the_pose_and_is_not_valid(tmp_path: Path) -> None:
    path = take(tmp_path / "a.bvh", 20)
    lines = path.read_text().split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("Frame Time")) + 1
    lines[first + 7] = " ".join(["nan", *lines[first + 7].split()[1:]])
    path.write_text("\n".join(lines))
    source, ring = BodySource(path, STICK, fast=True), PoseRing(100)
    assert source.describe()["damaged"] == 1
    source.start(feeds(body=ring, start_ns=START), FakeClock(START))
    assert ring.reach(10**18, 60)
    source.stop()
    poses = [ring.newest_before(START + round((frame + 1) * 1e9 / RATE)) for frame in range(20)]
    assert [pose is not None and pose.valid for pose in poses] == [frame != 7 for frame in range(20)]
    assert poses[7] is not None and np.allclose(poses[7].values[0], [0.06, 1.0, 0.0], atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_pose_or_two_are_no_partner(tmp_path: Path, frames: int) -> None:
    path = take(tmp_path / "a.bvh", frames)
    assert len(read_body(path, STICK).motion) == frames
    with pytest.raises(EngineError, match=f"{frames} frames? (is|are) no movement; give a take of at least 3"):
        BodySource(path, STICK)
    BodySource(take(tmp_path / "a.bvh", 3), STICK)
