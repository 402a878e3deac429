"""A camera on a fake clock that can be made to misbehave, a tracker for it, and a source whose threads are the test."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.clock import FakeClock
from engine.feeds.latest import PoseRing, PoseSample
from engine.sources.camera import CameraSource
from tests.engine.feeds.made import feeds

SECOND = 1_000_000_000
HANG_S = 10.0
"""For which a driver waits in vain for a picture before it says so."""


class Camera:
    """What is plugged in. ``shows`` may be "face", "room" (nobody there), "dark", "grey", "frozen", "bad" (nothing
    decodes), "silent" (no pictures come) or "unplugged"; ``bad`` says in every how many pictures one is bad."""

    def __init__(self, clock: FakeClock, fps: float) -> None:
        self.clock, self.fps, self.shows, self.bad = clock, fps, "face", 0
        self.opened = self.released = self.grabs = self.decoded = 0
        self.jitter_ns: NDArray[np.int64] = np.zeros(1, np.int64)
        self.last = np.zeros((48, 64, 3), np.uint8)
        self._chance = np.random.default_rng(7)
        self._due_ns = clock.now_ns()

    def open(self) -> Capture:
        self.opened += self.shows != "unplugged"
        return Capture(self)

    def wait(self) -> bool:
        """Until the next picture is there, which only then counts as come."""
        if self.shows == "unplugged":
            return False
        if self.shows == "silent":
            self.clock.advance(round(HANG_S * SECOND))
            return False
        self.grabs += 1
        self._due_ns = max(self._due_ns + round(SECOND / self.fps), self.clock.now_ns())
        self.clock.sleep_until(self._due_ns + int(self.jitter_ns[self.grabs % len(self.jitter_ns)]))
        return True

    def picture(self) -> NDArray[np.uint8] | None:
        """The newest one, (48, 64, 3) BGR, with a sensor's noise."""
        self.decoded += 1
        if self.shows == "bad" or (self.bad and self.grabs % self.bad == 0):
            return None
        if self.shows == "frozen":
            return self.last.copy()
        whole = np.zeros((48, 64, 3))
        if self.shows == "grey":
            return np.full((48, 64, 3), 128, np.uint8)
        if self.shows in ("face", "room"):
            whole[:, 32:] = 120
        if self.shows == "face":
            whole[12:36, 20:44, 2] = 220
        self.last = np.clip(whole + 8 + self._chance.normal(0, 4, whole.shape), 0, 255).astype(np.uint8)
        return self.last


class Capture:
    """One opening of a camera, as ``cv2.VideoCapture`` is one."""

    def __init__(self, camera: Camera) -> None:
        self._camera, self._there = camera, camera.shows != "unplugged"

    def isOpened(self) -> bool:
        return self._there

    def grab(self) -> bool:
        return self._there and self._camera.wait()

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        picture = self._camera.picture()
        return picture is not None, picture

    def release(self) -> None:
        self._camera.released += self._there
        self._there = False


class RedTracker:
    """A tracker whose faces are red; it remembers when it looked."""

    def __init__(self) -> None:
        self.looked_ns: list[int] = []

    def track(self, rgb: NDArray[np.uint8], time_ns: int) -> NDArray[np.float32] | None:
        self.looked_ns.append(time_ns)
        return np.full(58, 0.5, np.float32) if rgb[24, 32, 0] > 150 else None

    def close(self) -> None:
        pass


class Rig:
    """A source that watches a pretended camera, driven by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fps: float = 30.0, rate: float | None = None) -> None:
        self.clock = FakeClock()
        self.camera, self.tracker, self.faces = Camera(self.clock, fps), RedTracker(), PoseRing(4000)
        self.source = CameraSource(0, self.tracker, rate, open_capture=self.camera.open)
        monkeypatch.setattr(CameraSource, "_repeat", lambda source, turn: None)
        self.source.start(feeds(self.faces), self.clock)
        self.turns = 0

    def run(self, seconds: float) -> list[str | None]:
        """What the source says at each turn, of both its threads, for so long."""
        said = []
        end_ns = self.clock.now_ns() + round(seconds * SECOND)
        while self.clock.now_ns() < end_ns:
            self.turns += 1
            self.source._grab()
            if self.source._slot.waiting:  # it would wait for one in real time
                self.source._track()
            said.append(self.source.problem)
        return said

    def age_s(self) -> float:
        """Of the newest face that was seen."""
        return (self.clock.now_ns() - self.newest().capture_ns) / SECOND

    def newest(self) -> PoseSample:
        face = self.faces.newest_before(self.clock.now_ns())
        assert face is not None
        return face


def kinds(said: Iterable[str | None]) -> list[str | None]:
    """What is said, each once in a row, by its first two words."""
    short = [None if text is None else " ".join(text.split()[:2]).rstrip(":") for text in said]
    return [text for index, text in enumerate(short) if index == 0 or text != short[index - 1]]
