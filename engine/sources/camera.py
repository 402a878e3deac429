"""The camera: grabs every picture, tracks the newest, and comes back when the camera does.

Two threads. One only grabs, so that no driver queue can fill and age; it leaves each picture in a single slot, where
the next one overwrites it (drop rule: latest wins, ``skipped_pictures`` counts). The other tracks what it finds there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.sources.base import FaceFeed, FaceTracker, joined

STALL_S = 1.0
"""Seconds without a picture after which the camera counts as stalled."""
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 8.0
"""Waits between attempts to open it again; each is twice the one before."""

_NUMBERS_TRIED = 4
_WIDTH, _HEIGHT = 3, 4  # OpenCV's numbers of these properties
_POLL_S = 0.05
_JOIN_S = 10.0


class CameraSource:
    """Watches ``device`` (an index, a device path or a stream address that OpenCV takes) and tracks one face.

    The capture time of a face is the moment its picture was grabbed. The picture must not be mirrored. ``open_capture``
    is for tests: it returns something like ``cv2.VideoCapture``. The camera is opened at once, and released by
    :meth:`stop`. Raises :class:`engine.errors.EngineError` when OpenCV is missing or the camera does not open; later
    trouble is a ``problem``. The tracker is closed by :meth:`stop` only.
    """

    gives: Collection[Key] = (("face", "partner"),)

    def __init__(self, device: int | str, tracker: FaceTracker, open_capture: Callable[[], Any] | None = None) -> None:
        self._device = int(device) if isinstance(device, str) and device.isdigit() else device
        self._open_capture = open_capture or _opencv(self._device)
        self._tracker = tracker
        self.name = f"camera {self._device}"
        self.skipped_pictures = 0
        self._capture: Any = None
        self._slot: tuple[int, NDArray[np.uint8]] | None = None
        self._filled = threading.Condition()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._feed: FaceFeed | None = None
        self._size: tuple[int, int] | None = None
        self._last_ns = self._retry_ns = 0
        self._retry_s = RETRY_FIRST_S
        self._failure: str | None = None
        if not self._open():
            raise EngineError(
                f"camera {self._device} does not open; is it plugged in, permitted and free? Choose another number"
            )

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to watch."""
        self._clock, self._feed = clock, FaceFeed(feeds.latest.get(("face", "partner")))
        self._last_ns = clock.now_ns()
        self._threads = [
            threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for turn, name in ((self._grab, "camera"), (self._track, "tracker"))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, release the camera, close the tracker."""
        self._stop.set()
        with self._filled:
            self._filled.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_S)
        # A driver may hold a thread for ever; what it uses is then left to the end of the process.
        if not any(thread.is_alive() for thread in self._threads):
            self._release()
            self._tracker.close()

    @property
    def finished(self) -> bool:
        """A camera is never over."""
        return False

    @property
    def problem(self) -> str | None:
        """``camera stalled ...``, no face, or a failure of the tracker; None when all is well."""
        if self._feed is None:
            return None
        blind_s = (self._clock.now_ns() - self._last_ns) / 1e9
        stalled = f"camera stalled: no picture for {blind_s:.1f} s" if blind_s > STALL_S else None
        return joined(stalled, self._failure, None if stalled else self._feed.problem)

    def describe(self) -> dict[str, Any]:
        """Device, picture size (width, height) once known, and pictures passed over."""
        return {
            "source": "camera",
            "device": self._device,
            "size": self._size,
            "skipped_pictures": self.skipped_pictures,
        }

    def _open(self) -> bool:
        capture = self._open_capture()
        if not capture.isOpened():
            capture.release()
            return False
        self._capture = capture
        return True

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _repeat(self, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                turn()
                continue
            except EngineError as error:
                self._failure = str(error)
            except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
                self._failure = f"camera: {type(error).__name__}: {error}"
            self._stop.wait(_POLL_S)

    def _grab(self) -> None:
        """One picture into the slot, or one attempt to get the camera back."""
        if self._capture is None:
            self._clock.sleep_until(self._retry_ns, self._stop)
            if self._stop.is_set() or self._open():
                return
            self._wait_more()
            return
        grabbed = self._capture.grab()
        now_ns = self._clock.now_ns()  # before decoding, which takes its time
        retrieved, bgr = self._capture.retrieve() if grabbed else (False, None)
        if not retrieved or bgr is None:
            self._release()
            self._wait_more()
            return
        self._last_ns, self._retry_s = now_ns, RETRY_FIRST_S
        self._size = (bgr.shape[1], bgr.shape[0])
        with self._filled:
            self.skipped_pictures += self._slot is not None
            self._slot = (now_ns, bgr)
            self._filled.notify_all()

    def _track(self) -> None:
        """The picture in the slot, if one comes soon, through the tracker."""
        with self._filled:
            self._filled.wait_for(lambda: self._slot is not None or self._stop.is_set(), _POLL_S)
            picture, self._slot = self._slot, None
        if picture is None or self._feed is None or self._stop.is_set():
            return
        taken_ns, bgr = picture
        self._feed.put(taken_ns, self._tracker.track(np.ascontiguousarray(bgr[:, :, ::-1]), taken_ns))
        self._failure = None

    def _wait_more(self) -> None:
        self._retry_ns = self._clock.now_ns() + round(self._retry_s * 1e9)
        self._retry_s = min(self._retry_s * 2, RETRY_LAST_S)


def cameras() -> list[str]:
    """The cameras that open, one line each: number and picture size. Raises :class:`EngineError` without OpenCV."""
    if sys.platform.startswith("linux"):  # asking for one that is not there is slow, and OpenCV complains aloud
        numbers = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    else:
        numbers = list(range(_NUMBERS_TRIED))
    found = []
    for number in numbers:
        capture = _opencv(number)()
        if capture.isOpened():
            width, height = (round(capture.get(what)) for what in (_WIDTH, _HEIGHT))
            found.append(f"{number} ({width}x{height})")
        capture.release()
    if not numbers:
        _opencv(0)  # says so where OpenCV is missing
    return found


def _opencv(device: int | str) -> Callable[[], Any]:
    try:
        import cv2
    except ImportError as error:
        raise EngineError(f"the camera needs OpenCV ({error}): pip install 'reaction-engine[camera]'") from error

    def open_capture() -> Any:
        capture = cv2.VideoCapture(device)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver obeys, no picture waits in it
        return capture

    return open_capture
