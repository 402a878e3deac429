"""A BVH take as dance partner: its joints, frame by frame, at the take's own rate."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from engine.body.bvh import BvhError, read_body
from engine.body.motion import rest_frames
from engine.body.skeleton import Skeleton
from engine.clock import Clock
from engine.feeds.feeds import Feeds, Key
from engine.feeds.latest import PoseSample

log = logging.getLogger(__name__)
AHEAD_S = 0.1
"""Seconds by which a pose is known before its time."""
FEWEST = 3
"""Frames of a take: one or two poses are no movement."""
_JOIN_S = 10.0


class BodySource:
    """Plays the BVH file ``path`` onto ``skeleton``; frame i of the take is captured at the end of its share of time,
    so a model of another rate sees the newest one no later than its own frame.

    ``fast``: as fast as the loop asks for it, the same result each time; otherwise in real time. ``loop``: start again
    at the end, for ever; otherwise the take ends the session. ``unit``, ``up``: as for
    :func:`~engine.body.bvh.read_body`, whose notes are logged once. A rest pose before the movement is left out
    (:func:`~engine.body.motion.rest_frames`); damaged frames hold the pose before them and are not valid. Raises
    :class:`engine.errors.EngineError` when the file does not read, has other joints or hardly any frames.
    """

    gives: Collection[Key] = (("body", "partner"),)

    def __init__(
        self,
        path: Path | str,
        skeleton: Skeleton,
        fast: bool = False,
        loop: bool = False,
        unit: float | str | None = None,
        up: str | None = None,
    ) -> None:
        self._path = Path(path)
        found = read_body(self._path, skeleton, unit=unit, up=up)
        first, frames = rest_frames(found.motion), len(found.motion)
        if frames - first < FEWEST:
            many = "1 frame is" if frames == 1 else f"{frames} frames are"
            raise BvhError(f"{path}: {many} no movement; give a take of at least {FEWEST}")
        self._motion, self._sound = found.motion.cut(first, frames), found.sound[first:]
        self._unit = found.unit
        self._fast, self._loop = fast, loop
        self._stop, self._finished = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.name = f"body {self._path.name}"
        for note in found.notes:
            log.info("%s: %s", self.name, note, extra={"path": str(self._path)})

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to play on a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(feeds, clock), name="body", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop playing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    @property
    def finished(self) -> bool:
        """Whether the take is over."""
        return self._finished.is_set()

    @property
    def problem(self) -> str | None:
        """None: a take that reads at all plays to its end."""
        return None

    def describe(self) -> dict[str, Any]:
        """Path, rate (frames a second), length in seconds, unit in metres, damaged frames, and how it is played."""
        return {
            "source": "body",
            "path": str(self._path),
            "rate": self._motion.rate,
            "seconds": len(self._motion) / self._motion.rate,
            "unit": self._unit,
            "damaged": int((~self._sound).sum()),
            "fast": self._fast,
            "loop": self._loop,
        }

    def _run(self, feeds: Feeds, clock: Clock) -> None:
        try:
            self._play(feeds, clock)
        finally:
            feeds.latest["body", "partner"].end()
            self._finished.set()

    def _play(self, feeds: Feeds, clock: Clock) -> None:
        ring, start_ns = feeds.latest["body", "partner"], feeds.start_ns
        frames, rate = len(self._motion), self._motion.rate
        for number in itertools.count() if self._loop else range(frames):
            frame = number % frames
            when = start_ns + round((number + 1) * 1e9 / rate)
            pose = PoseSample(when, self._motion.positions[frame], bool(self._sound[frame]))
            if self._fast:
                ring.put_in_turn(pose, self._stop)
            else:
                # A little ahead of its time, which the reader goes by: which frame sees it must not hang on who is
                # first.
                clock.sleep_until(pose.capture_ns - round(AHEAD_S * 1e9), self._stop)
                ring.put(pose)
            if self._stop.is_set():
                return
        if not self._fast:  # the last pose lasts as long as the others
            clock.sleep_until(start_ns + round((frames + 1) * 1e9 / rate), self._stop)
