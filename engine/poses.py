"""The bounded buffer between whatever sees a face or a body and the loop: poses by capture time, one for each role.

A source writes from a thread of its own, the loop reads the newest pose no later than its frame. Where a recording is
played as fast as it goes, the two go in step: the writer stays one pose ahead of the time that the reader asks for, so
what a frame sees does not depend on who is faster.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

_STOP_POLL_S = 0.05


@dataclass(frozen=True)
class Pose:
    """One look at a face or a body: ``capture_ns`` on the engine's clock; ``values`` float32, a face (58,) in the order
    of :mod:`engine.channels` or joint positions (J, 3) in metres; ``valid`` False when nothing was found (the values
    then mean nothing)."""

    capture_ns: int
    values: NDArray[np.float32]
    valid: bool


class PoseRing:
    """The newest ``capacity`` poses. Thread-safe. Drop rule: the oldest goes when a new one does not fit
    (``dropped`` counts them; in ordinary running every pose is dropped in the end)."""

    def __init__(self, capacity: int = 64) -> None:
        if capacity < 1:
            raise EngineError(f"pose ring of {capacity}: give a capacity of 1 or more")
        self.dropped = 0
        self._changed = threading.Condition()
        self._poses: deque[Pose] = deque(maxlen=capacity)
        self._asked_ns: int | None = None
        self._ended = False

    def put(self, pose: Pose) -> None:
        """Add a pose; the oldest is dropped when the ring is full."""
        with self._changed:
            self._add(pose)

    def put_in_turn(self, pose: Pose, stop: threading.Event) -> bool:
        """Add a pose once the reader has asked (:meth:`reach`) for a time after the newest. Returns False, without
        adding it, when ``stop`` was set before that."""
        with self._changed:
            while not self._wanted():
                if stop.is_set():
                    return False
                self._changed.wait(_STOP_POLL_S)
            self._add(pose)
        return True

    def newest_before(self, t_ns: int) -> Pose | None:
        """The pose captured last at or before ``t_ns``, or None when the ring holds none that old."""
        with self._changed:
            known = [pose for pose in self._poses if pose.capture_ns <= t_ns]
        return max(known, key=lambda pose: pose.capture_ns, default=None)

    def reach(self, t_ns: int, timeout_s: float) -> bool:
        """Ask for all poses up to ``t_ns`` and wait, ``timeout_s`` seconds of real time at most. Returns whether they
        are known: a pose of that time or later is there, or no more will come."""
        with self._changed:
            self._asked_ns = t_ns if self._asked_ns is None else max(self._asked_ns, t_ns)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._ended or self._newest_ns() >= t_ns, timeout_s)

    def end(self) -> None:
        """No more will be put."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def over(self, t_ns: int) -> bool:
        """Whether the poses ended before ``t_ns``."""
        with self._changed:
            return self._ended and self._newest_ns() < t_ns

    def _add(self, pose: Pose) -> None:
        self.dropped += len(self._poses) == self._poses.maxlen
        self._poses.append(pose)
        self._changed.notify_all()

    def _wanted(self) -> bool:
        return not self._poses or (self._asked_ns is not None and self._newest_ns() < self._asked_ns)

    def _newest_ns(self) -> int:
        return self._poses[-1].capture_ns if self._poses else -(2**63)
