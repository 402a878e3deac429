"""A region of the screen as a camera: the partner in a video call, a film in a player, a game.

Written as what it is for :class:`engine.sources.camera.CameraSource`: something with the calls of ``cv2.VideoCapture``.
Pictures are taken by mss, which reads the screen on Windows, macOS and X11 (not under Wayland).
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, reason

RATE = 30.0
"""Pictures a second at most."""
LARGEST = 1 << 15
FORMS = "screen, screen:NUMBER or screen:X,Y,WIDTHxHEIGHT"
_REGION = re.compile(
    r"screen(?::(?:(?P<number>\d{1,2})|(?P<x>-?\d{1,5}),(?P<y>-?\d{1,5}),(?P<w>\d{1,5})x(?P<h>\d{1,5})))?"
)


class Region(NamedTuple):
    """What of the screens is watched: monitor ``number`` from 1 on (the first is the system's main one), or, where
    that is 0, a rectangle in pixels of all of them together."""

    number: int
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


def is_screen(text: str) -> bool:
    """Whether ``text`` means the screen."""
    return text == "screen" or text.startswith("screen:")


def region_of(text: str) -> Region:
    """The region that ``text`` names. Raises :class:`EngineError` where it names none."""
    found = _REGION.fullmatch(text)
    if found is None:
        raise EngineError(f"camera {text[:60]}: give {FORMS}, in pixels")
    if found["x"] is None:
        number = int(found["number"] or 1)
        if number < 1:
            raise EngineError(f"camera {text}: screens have numbers from 1 on")
        return Region(number)
    x, y, width, height = (int(found[name]) for name in "xywh")
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise EngineError(f"camera {text}: give a width and a height of 1 to {LARGEST} pixels")
    return Region(0, x, y, width, height)


def opener(text: str) -> Callable[[], ScreenCapture]:
    """What opens the region that ``text`` names. Raises :class:`EngineError` where mss is missing, where there is no
    screen to be read, or where the region lies outside of it."""
    region, package = region_of(text), _mss()
    with _opened(package) as screens:
        area = _area(screens, region, text)
    return lambda: ScreenCapture(package, area)


class ScreenCapture:
    """``area`` of the screens (mss's ``left``, ``top``, ``width``, ``height``), as a ``cv2.VideoCapture`` would give
    it. mss wants to be used by the thread that opened it, so it is opened by the first :meth:`grab`."""

    def __init__(self, package: Any, area: dict[str, int], rate: float = RATE) -> None:
        self._package, self._area, self._period_s = package, area, 1.0 / rate
        self._screens: Any = None
        self._shot: Any = None
        self._due_s = time.monotonic()

    def isOpened(self) -> bool:
        """A region that was found stays open."""
        return True

    def grab(self) -> bool:
        """Take the next picture when it is due; whether that went well."""
        if self._screens is None:
            self._screens = _opened(self._package)
        wait_s = self._due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self._due_s = max(self._due_s + self._period_s, time.monotonic())
        try:
            self._shot = self._screens.grab(self._area)
        except self._package.ScreenShotError:
            self.release()
            return False
        return True

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """The picture (H, W, 3), blue green red."""
        if self._shot is None:
            return False, None
        seen = np.frombuffer(self._shot.raw, np.uint8).reshape(self._shot.height, self._shot.width, 4)
        return True, np.ascontiguousarray(seen[:, :, :3])

    def release(self) -> None:
        """Let go of the screen."""
        screens, self._screens = self._screens, None
        if screens is not None:
            screens.close()


def _mss() -> Any:
    try:
        return importlib.import_module("mss")
    except ImportError:
        raise EngineError("watching the screen needs mss: pip install 'reaction-engine[screen]'") from None


def _opened(package: Any) -> Any:
    try:
        return package.MSS()
    except Exception as error:  # of whatever kind the system's library has
        raise EngineError(
            f"the screen cannot be read ({reason(error)}); it needs a desktop (X11, Windows or macOS, not Wayland) and "
            "there the permission to record it"
        ) from None


def _area(screens: Any, region: Region, text: str) -> dict[str, int]:
    """What mss calls a region. Its monitor 0 is all screens together."""
    whole, *monitors = screens.monitors
    if region.number:
        if region.number > len(monitors):
            raise EngineError(f"camera {text}: there are {len(monitors)} screens; give 1 to {len(monitors)}")
        return {name: monitors[region.number - 1][name] for name in ("left", "top", "width", "height")}
    right, bottom = whole["left"] + whole["width"], whole["top"] + whole["height"]
    fits = whole["left"] <= region.x and region.x + region.width <= right
    if not (fits and whole["top"] <= region.y and region.y + region.height <= bottom):
        raise EngineError(
            f"camera {text}: lies outside of the screens, which reach from {whole['left']},{whole['top']} to "
            f"{right},{bottom}"
        )
    return {"left": region.x, "top": region.y, "width": region.width, "height": region.height}
