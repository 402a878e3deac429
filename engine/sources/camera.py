"""The camera: grabs every picture, tracks the newest as often as it is wanted, and comes back when the camera does.

Two threads. One only grabs, so that no driver queue can fill and age. It leaves those that are due (:mod:`.pace`) in a
single slot (:mod:`.picture_slot`), the other tracks what it finds there.

What goes wrong: a bad picture is counted and passed over, a run of them makes the camera be opened again; a picture
that is the one before bit for bit is not tracked, so its face grows old as it should; pictures that come but show
nothing are named (:mod:`.picture_checks`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, Key
from engine.sources.address import is_address
from engine.sources.base import FaceFeed, FaceTracker, joined
from engine.sources.capture import camera_device, camera_name, opener
from engine.sources.pace import Frequency
from engine.sources.picture_checks import PictureChecks
from engine.sources.picture_slot import PictureSlot
from engine.sources.retry import Retry

STALL_S = 1.0
"""Seconds without a picture after which the camera counts as stalled."""
BAD_RUN, BAD_RUN_S = 5, 1.0
"""Bad pictures in a row, and seconds without a good one, after which the camera is opened again."""
GONE_S = 3.0
"""Seconds without a good picture after which a single bad one is enough: some drivers take that long to fail."""

_BAD_FIRST_S, _BAD_LAST_S = 0.005, 0.1  # waits after bad pictures, doubled each time: a dead driver fails at once
_POLL_S = 0.05
_JOIN_S = 10.0


class CameraSource:
    """Watches ``device`` (a number, a device path, the address of a stream, or the screen) and tracks one face.

    The capture time of a face is the moment its picture was grabbed. The picture must not be mirrored. ``rate``: as
    many pictures a second are tracked at most, None for all. ``open_capture`` is for tests: it returns something like
    ``cv2.VideoCapture``. The camera is opened at once, and released by :meth:`stop`. Raises
    :class:`engine.errors.EngineError` when ``device`` is none, OpenCV is missing or the camera does not open; later
    trouble is a ``problem``. The tracker is closed by :meth:`stop` only.
    """

    gives: Collection[Key] = (("face", "partner"),)

    def __init__(
        self,
        device: int | str,
        tracker: FaceTracker,
        rate: float | None = None,
        open_capture: Callable[[], Any] | None = None,
    ) -> None:
        known = camera_device(device)
        self._device = camera_name(known) if isinstance(known, str) else known
        self._open_capture = open_capture or opener(known)
        self._tracker = tracker
        self._rate = rate
        self._slot, self._checks = PictureSlot[tuple[int, NDArray[np.uint8]]](rate), PictureChecks()
        self._came, self._tracked = Frequency(), Frequency()
        self.name = f"camera {self._device}"
        self.bad_pictures = 0
        self._capture: Any = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._feed: FaceFeed | None = None
        self._size: tuple[int, int] | None = None
        self._last_ns = self._opened_ns = 0
        self._bad_run = 0
        self._retry = Retry()
        self._failure: str | None = None
        if not self._open():
            remedy = "is it plugged in, permitted and free? Choose another, see `engine devices`"
            if isinstance(known, str) and is_address(known):
                remedy = "is the address right, and does the camera answer there?"
            raise EngineError(f"camera {self._device} does not open; {remedy}")

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to watch."""
        self._clock, self._feed = clock, FaceFeed(feeds.latest.get(("face", "partner")))
        self._last_ns = self._opened_ns = clock.now_ns()
        self._threads = [
            threading.Thread(target=self._repeat, args=(turn,), name=name, daemon=True)
            for turn, name in ((self._grab, "camera"), (self._track, "tracker"))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, release the camera, close the tracker."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_S)
        # A driver may hold a thread for ever; what it uses is then left to the end of the process.
        if not any(thread.is_alive() for thread in self._threads):
            self._release()
            self._tracker.close()

    @property
    def skipped_pictures(self) -> int:
        """Pictures to track that were passed over for newer ones."""
        return self._slot.skipped

    @property
    def finished(self) -> bool:
        """A camera is never over."""
        return False

    @property
    def problem(self) -> str | None:
        """``camera stalled ...``, frozen, dark, plain, no face, or a failure of the tracker; None when all is well."""
        if self._feed is None:
            return None
        blind_s = (self._clock.now_ns() - self._last_ns) / 1e9
        if blind_s > STALL_S:
            return joined(f"camera stalled: no picture for {blind_s:.1f} s", self._failure)
        frozen, no_face = self._checks.frozen, self._feed.problem
        empty = self._checks.empty if frozen or no_face else None
        return joined(self._failure, empty or frozen or no_face)

    def describe(self) -> dict[str, Any]:
        """Device, picture size (width, height) once known, pictures a second that come and that are tracked, and how
        many of those to track were passed over for newer ones, bad, or the one before again."""
        now_ns = 0 if self._feed is None else self._clock.now_ns()
        return {
            "source": "camera",
            "device": self._device,
            "size": self._size,
            "pictures_per_s": round(self._came.per_s(now_ns), 1),
            "tracked_per_s": round(self._tracked.per_s(now_ns), 1),
            "tracked_per_s_at_most": self._rate,
            "skipped_pictures": self.skipped_pictures,
            "bad_pictures": self.bad_pictures,
            "repeated_pictures": self._checks.repeated,
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
            self._clock.sleep_until(self._retry.due_ns, self._stop)
            if self._stop.is_set():
                return
            try:
                self._open()
            finally:
                if self._capture is None:
                    self._retry.failed(self._clock.now_ns())
            self._opened_ns, self._bad_run = self._clock.now_ns(), 0
            return
        grabbed = self._capture.grab()
        now_ns = self._clock.now_ns()  # before decoding, which takes its time
        if not grabbed:
            self._bad(now_ns)
            return
        self._came.count(now_ns)
        if not self._slot.wants(now_ns):
            if self._bad_run == 0:
                self._last_ns = now_ns
            return
        retrieved, bgr = self._capture.retrieve()
        if not retrieved or not _is_picture(bgr):
            self._bad(now_ns)
            return
        self._last_ns, self._bad_run = now_ns, 0
        self._retry.worked()
        self._size = (bgr.shape[1], bgr.shape[0])
        if self._checks.look(bgr, now_ns):
            self._slot.put((now_ns, bgr), now_ns)

    def _bad(self, now_ns: int) -> None:
        """One bad picture: pass over it, or give the camera up for now if it was the last of a run."""
        self.bad_pictures += 1
        self._bad_run += 1
        blind_s = (now_ns - max(self._last_ns, self._opened_ns)) / 1e9
        if blind_s >= GONE_S or (blind_s >= BAD_RUN_S and self._bad_run >= BAD_RUN):
            self._release()
            self._retry.failed(self._clock.now_ns())
            return
        wait_s = min(_BAD_FIRST_S * 2 ** min(self._bad_run - 1, 10), _BAD_LAST_S)
        self._clock.sleep_until(now_ns + round(wait_s * 1e9), self._stop)

    def _track(self) -> None:
        """The picture in the slot, if one comes soon, through the tracker."""
        picture = self._slot.take(_POLL_S)
        if picture is None or self._feed is None or self._stop.is_set():
            return
        taken_ns, bgr = picture
        self._feed.put(taken_ns, self._tracker.track(np.ascontiguousarray(bgr[:, :, ::-1]), taken_ns))
        self._tracked.count(self._clock.now_ns())
        self._failure = None


def _is_picture(bgr: Any) -> bool:
    """Whether a capture gave (H, W, 3) uint8 with something in it; some give nothing, and say that it went well."""
    return (
        isinstance(bgr, np.ndarray) and bgr.ndim == 3 and bgr.shape[2] == 3 and bgr.dtype == np.uint8 and bgr.size > 0
    )
