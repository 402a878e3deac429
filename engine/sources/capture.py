"""Which camera is meant, and how it is opened: by number, by a part of its name, by device path or by the address of a
stream (by OpenCV), or a region of the screen (:mod:`.screen`).

What cannot be a camera is refused in words before OpenCV is asked: it takes a negative number for "any camera" and
breaks down inside, takes the hundreds of a number for a choice of driver, and waits half a minute for an address where
nobody answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import EngineError, clean
from engine.sources.address import is_address, shown
from engine.sources.screen import is_screen, region_of
from engine.sources.screen import opener as screen

HIGHEST = 99
"""The highest number of a camera: in a higher one OpenCV reads the name of a driver."""
ANSWER_MS = 4_000
"""Milliseconds in which the other end of an address has to answer, when it is opened and for every picture."""

NAMES = Path("/sys/class/video4linux")
"""Where Linux tells the names of its cameras; OpenCV knows none, so elsewhere they go by number."""

_NUMBERS_TRIED = 4
_FFMPEG_QUIET = "-8"  # AV_LOG_QUIET
_FORMS = (
    "a number or a part of a name (see `engine devices`), a device path (/dev/video0), an address (rtsp://..., "
    "http://...) or the screen (screen, screen:2, screen:X,Y,WIDTHxHEIGHT)"
)


def camera_device(given: int | str) -> int | str:
    """The number, part of a name, device path, address or region of the screen that ``given`` stands for. Raises
    :class:`EngineError` where it is none, and where there is nothing at the path, or of the name."""
    text = str(given).strip()
    if text.lstrip("+-").isdecimal():
        number = int(text) if len(text) < 10 else -1
        if not 0 <= number <= HIGHEST:
            raise EngineError(f"camera {text[:20]}: cameras have numbers from 0 to {HIGHEST}; see `engine devices`")
        return number
    if is_address(text):
        return text
    if is_screen(text):
        region_of(text)
        return text
    path = Path(text)
    if path.is_char_device():
        return text
    if path.is_file():
        raise EngineError(f"camera {text}: this is a file, not a camera; play it with --source file {text}")
    if path.is_absolute() or "/" in text or "\\" in text:
        raise EngineError(f"camera {text}: there is no such device; give {_FORMS}")
    if text and numbered(text) is not None:
        return text
    there = ", ".join(f"{number} {name}" for number, name in names().items())
    raise EngineError(f"camera {text!r}: {f'there is {there}; ' if there else ''}give {_FORMS}")


def names() -> dict[int, str]:
    """The cameras' names by number, where they are told (Linux). A camera has several devices, of which the first
    gives its pictures: the others are left out."""
    found = {}
    for folder in NAMES.glob("video*"):
        number = folder.name.removeprefix("video")
        with suppress(OSError, ValueError):
            index = folder / "index"
            if number.isdecimal() and (not index.exists() or int(index.read_text("utf-8")) == 0):
                found[int(number)] = clean((folder / "name").read_text("utf-8", errors="replace").strip())
    return dict(sorted(found.items()))


def numbered(name: str) -> int | None:
    """The number of the first camera that has ``name`` in its own, in upper or lower case."""
    return next((number for number, each in names().items() if name.lower() in each.lower()), None)


def camera_name(device: int | str) -> str:
    """How a camera is written in what people read: without the credentials of an address."""
    return shown(device) if isinstance(device, str) and is_address(device) else str(device)


def opener(device: int | str) -> Callable[[], Any]:
    """What opens ``device`` (of :func:`camera_device`) and returns something like a ``cv2.VideoCapture``. Raises
    :class:`EngineError` as :func:`opencv` and :func:`engine.sources.screen.opener` do."""
    return screen(device) if isinstance(device, str) and is_screen(device) else opencv(device)


def opencv(device: int | str) -> Callable[[], Any]:
    """What opens ``device`` (of :func:`camera_device`) and returns a ``cv2.VideoCapture``, opened or not. An address
    has to answer within :data:`ANSWER_MS`. Raises :class:`EngineError` where OpenCV is missing; what is returned raises
    it for a film."""
    try:
        import cv2
    except ImportError as error:
        raise EngineError(f"the camera needs OpenCV ({error}): pip install 'reaction-engine[camera]'") from error

    # Both print what they think of a camera that is away, each time it is asked for; the engine says it in words.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)

    def open_capture() -> Any:
        if isinstance(device, int):
            capture = cv2.VideoCapture(device)
        elif is_address(device):
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, ANSWER_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, ANSWER_MS]
            capture = cv2.VideoCapture(device, cv2.CAP_FFMPEG, limits)
            if device.lower().startswith("http") and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
                capture.release()  # it has an end, and comes as fast as it is read
                name = shown(device)
                raise EngineError(f"camera {name}: this is a film, not a camera; play it with --source file {name}")
            return capture
        elif not Path(device).is_char_device() and "/" not in device:  # its number may be another each time
            number = numbered(device)
            capture = cv2.VideoCapture() if number is None else cv2.VideoCapture(number)
        else:  # FFmpeg would open it as well, and keep old pictures; a link may lead elsewhere each time
            driver = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
            capture = cv2.VideoCapture(str(Path(device).resolve()), driver)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver obeys, no picture waits in it
        return capture

    return open_capture


def cameras() -> list[str]:
    """The cameras that open, one line each: number, name where it is told, and picture size. Raises
    :class:`EngineError` without OpenCV."""
    if sys.platform.startswith("linux"):  # asking for one that is not there is slow, and OpenCV complains aloud
        numbers = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    else:
        numbers = list(range(_NUMBERS_TRIED))
    found, called = [], names()
    for number in numbers:
        capture = opencv(number)()
        if capture.isOpened():
            width, height = (round(capture.get(what)) for what in (_WIDTH, _HEIGHT))
            found.append(" ".join([str(number), *filter(None, [called.get(number)]), f"({width}x{height})"]))
        capture.release()
    if not numbers:
        opencv(0)  # says so where OpenCV is missing
    return found


_WIDTH, _HEIGHT = 3, 4  # OpenCV's numbers of these properties
