"""The feed of the *latest*: poses (faces, bodies, features) by capture time, one ring for each of them and its owner.

A source writes from a thread of its own, the loop reads the newest pose no later than its frame. Where a recording is
played as fast as it goes, the two go in step: the writer stays one pose ahead of the time that the reader asks for, so
what a frame sees does not depend on who is faster.

A pose that cannot be true is not believed: one out of the spec's range, or farther from the last one than its fastest
movement reaches. It counts as not seen, and a body that stays where it jumped to is believed again after
:data:`STALE_S`. A tracker's outlier, a partner in centimetres or a peer's 1e38 so never reaches a network.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError

STALE_S = 0.5
"""Seconds after which a pose no longer counts as seen, and a jump no longer as one."""
_STOP_POLL_S = 0.05
_SHORTEST_S = 1 / 240  # between two poses: times that coincide must not make any step a jump
_LONGEST_S = 0.1  # and a jump that stays where it went must not become a step by waiting


@dataclass(frozen=True)
class PoseSample:
    """One look at a face or a body: ``capture_ns`` on the engine's clock; ``values`` float32, a face (58,) in the order
    of :mod:`engine.channels` or joint positions (J, 3) in metres; ``valid`` False when nothing was found (the values
    then mean nothing)."""

    capture_ns: int
    values: NDArray[np.float32]
    valid: bool
    unsound: bool = False
    """It was not believed (set by the ring)."""


class PoseRing:
    """The newest ``capacity`` poses. Thread-safe. Drop rule: the oldest goes when a new one does not fit
    (``dropped`` counts them; in ordinary running every pose is dropped in the end)."""

    def __init__(self, capacity: int = 64) -> None:
        if capacity < 1:
            raise EngineError(f"pose ring of {capacity}: give a capacity of 1 or more")
        self.dropped = 0
        self._changed = threading.Condition()
        self._poses: deque[PoseSample] = deque(maxlen=capacity)
        self._asked_ns: int | None = None
        self._ended = False
        self._low, self._high, self._speed = -math.inf, math.inf, math.inf
        self._shape: tuple[int, ...] | None = None
        self._believed: PoseSample | None = None
        self._doubt: str | None = None
        self._wake: Callable[[], None] | None = None

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever a pose is put or the last has been; it has to be quick."""
        self._wake = wake

    def bound(self, shape: tuple[int, ...], low: float, high: float, speed: float) -> None:
        """Take poses of this shape, and believe only elements from ``low`` to ``high`` that move at most ``speed`` a
        second. Numbers that are not finite pass: the model itself calls them missing and says so."""
        self._shape, self._low, self._high, self._speed = shape, low, high, speed

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the poses that are taken; () where any is."""
        return self._shape or ()

    @property
    def problem(self) -> str | None:
        """Why the newest pose is not believed; None where it is."""
        return self._doubt

    def put(self, pose: PoseSample) -> None:
        """Add a pose; the oldest is dropped when the ring is full."""
        with self._changed:
            self._add(pose)

    def put_in_turn(self, pose: PoseSample, stop: threading.Event) -> bool:
        """Add a pose once the reader has asked (:meth:`reach`) for a time after the newest. Returns False, without
        adding it, when ``stop`` was set before that."""
        with self._changed:
            while not self._wanted():
                if stop.is_set():
                    return False
                self._changed.wait(_STOP_POLL_S)
            self._add(pose)
        return True

    def newest_before(self, t_ns: int) -> PoseSample | None:
        """The pose captured last at or before ``t_ns``, or None when the ring holds none that old."""
        with self._changed:
            return next((pose for pose in reversed(self._poses) if pose.capture_ns <= t_ns), None)

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
        if self._wake is not None:
            self._wake()

    def over(self, t_ns: int) -> bool:
        """Whether the poses ended before ``t_ns``."""
        with self._changed:
            return self._ended and self._newest_ns() < t_ns

    def _add(self, pose: PoseSample) -> None:
        pose = self._judged(pose)
        self.dropped += len(self._poses) == self._poses.maxlen
        late = pose.capture_ns < self._newest_ns()
        self._poses.append(pose)
        if late:
            self._poses = deque(sorted(self._poses, key=lambda item: item.capture_ns), self._poses.maxlen)
        self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def _judged(self, pose: PoseSample) -> PoseSample:
        if self._shape is not None and pose.values.shape != self._shape:
            raise EngineError(f"a pose of shape {pose.values.shape} where the bundle takes {self._shape}; give that")
        if not pose.valid or self._speed == math.inf:
            return pose
        self._doubt = self._doubtful(pose)
        if self._doubt is not None:
            return dataclasses.replace(pose, valid=False, unsound=True)
        if np.isfinite(pose.values).all():
            self._believed = pose
        return pose

    def _doubtful(self, pose: PoseSample) -> str | None:
        values = pose.values[np.isfinite(pose.values)]
        if values.size and (values.min() < self._low or values.max() > self._high):
            farthest = float(values[np.abs(values).argmax()])
            wide = f"{self._low:g} to {self._high:g}"
            return f"a pose holds {farthest:.4g}, beyond {wide}: is it in another unit?"
        before = self._believed
        if before is None:
            return None
        passed_s = (pose.capture_ns - before.capture_ns) / 1e9
        if abs(passed_s) > STALE_S:
            return None
        moved = np.abs(pose.values - before.values)
        fastest = float(np.nanmax(moved, initial=0.0)) / min(max(abs(passed_s), _SHORTEST_S), _LONGEST_S)
        return f"a pose jumps at {fastest:.3g} a second, {self._speed:g} at most" if fastest > self._speed else None

    def _wanted(self) -> bool:
        return not self._poses or (self._asked_ns is not None and self._newest_ns() < self._asked_ns)

    def _newest_ns(self) -> int:
        return self._poses[-1].capture_ns if self._poses else -(2**63)
