"""Pictures that somebody sends, as JPEG: tracked here, where one cannot or will not do that oneself.

Whoever receives them only leaves the newest in a slot (:mod:`.picture_slot`); a thread of the source decodes and tracks
it. The faces go into the session's feed as a camera's do. A picture is forgotten when its face is known: none is kept,
logged or recorded.

A tracker knows one person (where the head rests, whom it follows), so each session that sends pictures has one of its
own, from its first picture until none has come for :data:`IDLE_S`. There are so many and no more (:class:`Trackers`):
who gets none is told, and goes on without a face.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any

from engine.clock import Clock
from engine.errors import EngineError, reason
from engine.feeds.feeds import Feeds, Key
from engine.sources.base import FaceFeed, FaceTracker, joined
from engine.sources.jpeg import JpegError, JpegReader
from engine.sources.pace import Frequency
from engine.sources.picture_checks import PictureChecks
from engine.sources.picture_slot import PictureSlot
from engine.tracker import MediaPipeTracker

PICTURES: Key = ("pictures", "partner")
"""What a session is given that gives pictures; its models are given the face in them."""
FACE: Key = ("face", "partner")
IDLE_S = 10.0
"""Seconds without a picture after which a session's tracker is free for another one."""
_RECENT_S = 1.0
_POLL_S, _JOIN_S = 0.1, 10.0


class Trackers:
    """Room for ``most`` trackers at a time. One is made at once, which shows that it can be, and so that its packages
    are not loaded while somebody waits for a frame. Raises :class:`EngineError` where it cannot. Thread-safe."""

    def __init__(self, most: int, make: Callable[[], FaceTracker] = MediaPipeTracker) -> None:
        self.most, self.used = most, 0
        self._make, self._lock = make, threading.Lock()
        make().close()

    def take(self) -> FaceTracker | None:
        """A new tracker, to be closed by :meth:`free`; None where all are in use. Takes a part of a second."""
        with self._lock:
            if self.used >= self.most:
                return None
            self.used += 1
        try:
            return self._make()
        except BaseException:
            with self._lock:
                self.used -= 1
            raise

    def free(self, tracker: FaceTracker) -> None:
        """Close a tracker; another may be made in its place."""
        tracker.close()
        with self._lock:
            self.used -= 1


class PicturesSource:
    """The pictures of one session. ``rate``: as many a second are tracked at most, None for all. ``count`` is told what
    became of each picture: ``pictures`` (tracked), ``pictures_skipped`` (a newer one came first, or it was the same
    again), ``pictures_bad``, ``pictures_unseen`` (there was no tracker for it)."""

    name = "pictures that are sent"
    gives: Collection[Key] = (FACE,)

    def __init__(self, trackers: Trackers, rate: float | None, count: Callable[[str, int], None]) -> None:
        self.bad, self.why_bad = 0, ""
        """Pictures that were none, and what was wrong with the last of them."""
        self._trackers, self._count = trackers, count
        self._slot, self._checks = PictureSlot[tuple[int, bytes]](rate), PictureChecks()
        self._tracked = Frequency()
        self._reader: JpegReader | None = None
        self._tracker: FaceTracker | None = None
        self._feed: FaceFeed | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._last_ns: int | None = None
        self._failure: str | None = None
        self._said: dict[str, str] = {}

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Pictures may come."""
        self._clock, self._feed = clock, FaceFeed(feeds.latest.get(FACE))
        feeds.notes.append(lambda: list(self._said.values()))

    def stop(self) -> None:
        """End the thread, close the tracker."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(_JOIN_S)

    def put(self, jpeg: bytes | None, taken_ns: int, now_ns: int) -> None:
        """A picture taken at ``taken_ns``, which came at ``now_ns``; None: nothing was seen. Quick, and never raises:
        whether it is a picture is found out elsewhere."""
        if jpeg is None:
            if self._feed is not None:
                self._feed.put(taken_ns, None)
            return
        self._last_ns = now_ns
        if not self._slot.wants(now_ns):
            self._count("pictures_skipped", 1)
            return
        before = self._slot.skipped
        self._slot.put((taken_ns, jpeg), now_ns)
        if self._slot.skipped > before:
            self._count("pictures_skipped", 1)
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="sent pictures", daemon=True)
                self._thread.start()

    @property
    def finished(self) -> bool:
        """More may always come."""
        return False

    @property
    def problem(self) -> str | None:
        """Why pictures that come give no face; None while they do, or none come."""
        last = self._last_ns
        if last is None or self._feed is None or self._clock.now_ns() - last > _RECENT_S * 1e9:
            return None
        frozen, no_face = self._checks.frozen, self._feed.problem
        empty = self._checks.empty if frozen or no_face else None
        return joined(self._failure, empty or frozen or no_face)

    def describe(self) -> dict[str, Any]:
        """How many pictures a second are tracked, and how many were not."""
        now_ns = 0 if self._feed is None else self._clock.now_ns()
        return {
            "source": "pictures",
            "tracked_per_s": round(self._tracked.per_s(now_ns), 1),
            "skipped_pictures": self._slot.skipped,
            "bad_pictures": self.bad,
            "repeated_pictures": self._checks.repeated,
        }

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._turn()
                except EngineError as error:
                    self._fails("tracker", str(error))
                except Exception as error:  # a thread has no caller, and the session's client has to hear of it
                    self._fails("tracker", f"the face tracker fails: {type(error).__name__}: {reason(error)}")
        finally:
            self._let_go()

    def _turn(self) -> None:
        """The picture in the slot, if one comes soon, through the tracker."""
        found = self._slot.take(_POLL_S)
        assert self._feed is not None
        if found is None:
            if self._last_ns is not None and self._clock.now_ns() - self._last_ns > IDLE_S * 1e9:
                self._let_go()
            return
        taken_ns, jpeg = found
        self._reader = self._reader or JpegReader()
        try:
            rgb = self._reader.read(jpeg)
        except JpegError as error:
            self.why_bad = str(error)
            self.bad += 1
            self._count("pictures_bad", 1)
            return
        if self._tracker is None:
            self._tracker = self._trackers.take()
        if self._tracker is None:
            self._count("pictures_unseen", 1)
            all_used = (
                f"all {self._trackers.most} face trackers are in use; it goes on without a face until one is free"
            )
            self._fails("room", all_used)
            return
        if self._checks.look(rgb, taken_ns):  # it does not matter to them which colour is which
            self._feed.put(taken_ns, self._tracker.track(rgb, taken_ns))
            self._count("pictures", 1)
            self._tracked.count(self._clock.now_ns())
        else:
            self._count("pictures_skipped", 1)
        self._failure = None
        for kind, text in (("frozen", self._checks.frozen), ("empty", self._checks.empty)):
            if text is not None and (kind == "frozen" or self._feed.problem):
                self._said.setdefault(kind, f"your pictures: {text}")

    def _fails(self, kind: str, why: str) -> None:
        """Of each kind the first is told the client, who may be sending for hours."""
        self._failure = f"pictures are not looked at: {why}"
        self._said.setdefault(kind, self._failure)
        self._stop.wait(_POLL_S)

    def _let_go(self) -> None:
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            self._trackers.free(tracker)
