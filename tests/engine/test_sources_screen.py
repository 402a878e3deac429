"""A region of the screen as a camera: what names one, and a real screen where Xvfb gives one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.sources.camera import CameraSource
from engine.sources.capture import camera_device
from engine.sources.screen import Region, ScreenCapture, is_screen, opener, region_of
from tests.engine.feeds.made import feeds

WIDTH, HEIGHT = 640, 480


def test_what_names_a_region() -> None:
    assert region_of("screen") == Region(1) and region_of("screen:2") == Region(2)
    assert region_of("screen:-20,10,640x480") == Region(0, -20, 10, 640, 480)
    assert is_screen("screen:nonsense") and not is_screen("screens") and camera_device("screen:3") == "screen:3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("screen:", "give screen, screen:NUMBER"),
        ("screen:0", "from 1 on"),
        ("screen:1,2", "give screen, screen:NUMBER"),
        ("screen:1,2,0x10", "a width and a height of 1 to"),
        ("screen:1,2,10x99999", "a width and a height of 1 to"),
        ("screen:left", "give screen, screen:NUMBER"),
    ],
)
def test_what_names_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        camera_device(text)


def test_without_the_package_or_a_screen_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform.startswith("linux"):
        monkeypatch.setenv("DISPLAY", ":987")
        with pytest.raises(EngineError, match="the screen cannot be read"):
            opener("screen")
    monkeypatch.setitem(sys.modules, "mss", None)
    with pytest.raises(EngineError, match=r"pip install 'reaction-engine\[screen\]'"):
        opener("screen")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A screen of this test's own, the left half of it painted by :func:`paint`."""
    if shutil.which("Xvfb") is None or shutil.which("xsetroot") is None:
        pytest.skip("Xvfb and xsetroot are not installed (Debian: xvfb, x11-xserver-utils)")
    read, write = os.pipe()
    line = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(line, pass_fds=(write,), stderr=subprocess.DEVNULL)
    try:
        os.close(write)
        with os.fdopen(read) as told:
            monkeypatch.setenv("DISPLAY", f":{told.readline().strip()}")
        yield
    finally:
        server.terminate()
        server.wait(10)


def paint(colour: str) -> None:
    subprocess.run(["xsetroot", "-solid", colour], check=True, timeout=20)


def seen(capture: ScreenCapture) -> np.ndarray:
    assert capture.isOpened() and capture.grab()
    good, picture = capture.retrieve()
    assert good and picture is not None
    return picture


def test_pictures_are_what_the_screen_shows(screen: None) -> None:
    paint("#ff8000")
    capture = opener("screen")()
    picture = seen(capture)
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture[100, 100].tolist() == [0, 128, 255], "blue, green, red"
    paint("#0000ff")
    assert seen(capture)[100, 100].tolist() == [255, 0, 0]
    capture.release()
    assert seen(capture).shape == (HEIGHT, WIDTH, 3), "it is opened again"
    capture.release()
    part = opener("screen:600,10,40x30")()
    assert seen(part).shape == (30, 40, 3)
    part.release()
    for text, why in (
        ("screen:601,10,40x30", "lies outside of the screens, which reach from 0,0 to 640,480"),
        ("screen:0,-1,40x30", "lies outside"),
        ("screen:2", "there are 1 screens"),
    ):
        with pytest.raises(EngineError, match=why):
            opener(text)


class Watcher:
    """A tracker that sees no face and notes what it is shown."""

    def __init__(self) -> None:
        self.shown: list[list[int]] = []

    def track(self, rgb: np.ndarray, time_ns: int) -> None:
        self.shown.append(rgb[5, 5].tolist())

    def close(self) -> None:
        pass


def test_a_camera_source_watches_it(screen: None) -> None:
    paint("#102030")
    tracker, clock = Watcher(), MonotonicClock()
    source = CameraSource("screen:0,0,64x48", tracker, 25.0)
    source.start(feeds(), clock)
    try:
        for number in range(200):
            paint(f"#{16 + number % 8:02x}2030")
            if len(tracker.shown) >= 10:
                break
            clock.sleep_until(clock.now_ns() + 20_000_000)
        assert len(tracker.shown) >= 10 and all(row[1:] == [0x20, 0x30] for row in tracker.shown)
        assert len({row[0] for row in tracker.shown}) > 2 and source.describe()["size"] == (64, 48)
        assert source.describe()["device"] == "screen:0,0,64x48"
    finally:
        source.stop()
