"""The camera on a pretended capture: newest picture first, times, unplugging and coming back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from engine.clock import FakeClock
from engine.errors import EngineError
from engine.feeds.latest import PoseRing
from engine.sources.camera import CameraSource
from tests.engine.feeds.made import feeds

MS = 1_000_000


class Capture:
    """A camera whose pictures are blue with the number of the picture; decoding takes 5 ms."""

    def __init__(self, clock: FakeClock, pictures: int, opened: bool = True) -> None:
        self.released = False
        self._clock, self._left, self._opened, self._count = clock, pictures, opened, 0

    def isOpened(self) -> bool:
        return self._opened

    def grab(self) -> bool:
        if self.released or self._left == 0:
            return False
        self._left -= 1
        self._count += 1
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        self._clock.advance(5 * MS)
        picture = np.zeros((4, 6, 3), np.uint8)
        picture[:, ::2, 1] = 200  # something to be seen
        picture[..., 0] = self._count % 256  # OpenCV's order: blue first
        return True, picture

    def release(self) -> None:
        self.released = True


class Blue:
    """A tracker that reports the blue of an RGB picture; 0 is nobody."""

    def __init__(self) -> None:
        self.closed = 0
        self.fail = False

    def track(self, rgb: np.ndarray, time_ns: int) -> np.ndarray | None:
        if self.fail:
            raise RuntimeError("model fell over")
        assert rgb.flags["C_CONTIGUOUS"]
        assert not rgb[..., 0].any()
        return np.full(58, rgb[0, 0, 2], np.float32) if rgb[0, 0, 2] < 100 else None

    def close(self) -> None:
        self.closed += 1


class Rig:
    """A camera whose threads are the test itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pictures: int, *later: Callable[[FakeClock], Capture]) -> None:
        self.clock, self.tracker, self.faces = FakeClock(), Blue(), PoseRing(200)
        self.captures = [Capture(self.clock, pictures)]
        self._later = list(later)
        self._first = True
        self.camera = CameraSource(0, self.tracker, open_capture=self._open)
        monkeypatch.setattr(CameraSource, "_repeat", lambda camera, turn: None)
        self.camera.start(feeds(self.faces), self.clock)

    def _open(self) -> Capture:
        if self._first:
            self._first = False
            return self.captures[0]
        make = self._later.pop(0) if self._later else (lambda clock: Capture(clock, 0, opened=False))
        self.captures.append(make(self.clock))
        return self.captures[-1]

    def newest(self) -> tuple[float, int, bool]:
        face = self.faces.newest_before(self.clock.now_ns())
        assert face is not None
        return float(face.values[0]), face.capture_ns, face.valid


def test_the_newest_picture_is_tracked_with_the_time_of_its_grab(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 10)
    for _ in range(3):
        rig.clock.advance(33 * MS)
        grabbed_ns = rig.clock.now_ns()
        rig.camera._grab()
    rig.camera._track()
    assert rig.newest() == (3, grabbed_ns, True)
    assert rig.camera.skipped_pictures == 2
    assert rig.camera.describe()["size"] == (6, 4)
    assert rig.camera.problem is None
    before = rig.faces.dropped
    rig.camera._track()  # nothing new
    assert rig.faces.dropped == before
    rig.camera.stop()
    assert rig.captures[0].released
    assert rig.tracker.closed == 1


def test_an_unplugged_camera_is_named_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = [lambda clock: Capture(clock, 0, opened=False)] * 5
    rig = Rig(monkeypatch, 1, *absent, lambda clock: Capture(clock, 5))
    rig.camera._grab()
    rig.camera._track()
    while not rig.captures[0].released:  # the fake clock sleeps after each failure
        rig.camera._grab()
    tries = []
    for _ in range(6):
        rig.camera._grab()  # until the next attempt
        tries.append(rig.clock.now_ns())
    np.testing.assert_allclose(np.diff(tries) / 1e9, [1, 2, 4, 8, 8])
    assert (rig.camera.problem or "").startswith("camera stalled: no picture for 24.6 s")
    assert all(capture.released for capture in rig.captures[:-1])
    rig.camera._grab()
    rig.camera._track()
    assert rig.camera.problem is None
    assert rig.newest()[0] == 1
    rig.camera.stop()


def test_nobody_in_the_picture_is_put_as_such_and_becomes_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, 200)
    for _ in range(150):
        rig.clock.advance(33 * MS)
        rig.camera._grab()
        rig.camera._track()
    value, _, valid = rig.newest()
    assert (value, valid) == (0, False)
    assert (rig.camera.problem or "").startswith("no face since 1.9 s")


def test_a_failing_tracker_is_reported_and_does_not_stop_the_camera() -> None:
    clock, tracker = FakeClock(), Blue()
    tracker.fail = True
    endless = Capture(clock, 10**9)
    camera, faces, before = CameraSource(0, tracker, open_capture=lambda: endless), PoseRing(), threading.active_count()
    camera.start(feeds(faces), clock)
    waiting = threading.Event()
    for _ in range(1200):
        if "model fell over" in (camera.problem or ""):
            break
        waiting.wait(0.05)
    assert "model fell over" in (camera.problem or "")
    camera.stop()
    camera.stop()
    assert threading.active_count() == before
    assert endless.released


def test_a_camera_that_does_not_open_is_refused() -> None:
    tracker = Blue()
    absent = Capture(FakeClock(), 0, opened=False)
    with pytest.raises(EngineError, match="camera 3 does not open"):
        CameraSource("3", tracker, open_capture=lambda: absent)
    assert absent.released
    assert tracker.closed == 0
