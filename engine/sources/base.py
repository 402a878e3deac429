"""What the loop knows of a source, what a source knows of a tracker, and the shared notice of a missing face."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.clock import Clock
from engine.feeds.feeds import Feeds, Key
from engine.feeds.latest import PoseRing, PoseSample

SEEN_AND_HEARD: tuple[Key, ...] = (("audio", "partner"), ("face", "partner"))
"""What a recording of a person gives."""
NO_FACE_AFTER_S = 1.0
"""Seconds without a face before a source calls it a problem: shorter losses are turned heads and hands."""


class Source(Protocol):
    """Something that fills feeds from threads of its own, between :meth:`start` and :meth:`stop`.

    ``gives`` is what it brings, and whose: with ("audio", "partner") it writes the partner's ring, which then is the
    session's clock (a film without sound writes invalid silence there), with ("face", "partner") it puts poses. Numbers
    of a tracker or a file are passed on as they are, non-finite ones too: the model flags them.
    """

    name: str
    gives: Collection[Key]

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin. Raises :class:`engine.errors.EngineError` when the device or file cannot be used at all."""
        ...

    def stop(self) -> None:
        """End the threads and release device, file and tracker. Safe to call twice or before :meth:`start`."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing more will come (a file is over); never true of a live device."""
        ...

    @property
    def problem(self) -> str | None:
        """The present trouble in words, where the source goes on in spite of it; None when all is well."""
        ...

    def describe(self) -> dict[str, Any]:
        """Plain values about the source for logs and the control socket."""
        ...


class FaceTracker(Protocol):
    """A picture in, 58 numbers out; remembers earlier pictures. A source closes the tracker it was given."""

    def track(self, rgb: NDArray[np.uint8], time_ns: int) -> NDArray[np.float32] | None:
        """The (58,) face in a picture (H, W, 3) uint8 RGB taken at ``time_ns``, or None where there is no face."""
        ...

    def close(self) -> None:
        """Release the model."""
        ...


class FaceFeed:
    """Puts faces into a ring and remembers since when there has been none."""

    def __init__(self, face: PoseRing | None) -> None:
        self._face = face
        self._first_miss_ns: int | None = None
        self._last_ns = 0

    def put(self, capture_ns: int, values: NDArray[np.float32] | None, in_turn: threading.Event | None = None) -> None:
        """Pass on the (58,) ``values`` captured at ``capture_ns``; None means that the picture held no face. With
        ``in_turn`` only once the reader has come so far, or not at all when that is set before."""
        self._last_ns = capture_ns
        if values is not None:
            self._first_miss_ns = None
        elif self._first_miss_ns is None:
            self._first_miss_ns = capture_ns
        filled = np.zeros(len(FACE_NAMES), np.float32) if values is None else np.asarray(values, np.float32)
        pose = PoseSample(capture_ns, filled, values is not None)
        if self._face is None:  # the bundle looks at no face
            return
        if in_turn is None:
            self._face.put(pose)
        else:
            self._face.put_in_turn(pose, in_turn)

    @property
    def problem(self) -> str | None:
        """``no face since 3.2 s`` after more than ``NO_FACE_AFTER_S`` without one, else None."""
        first = self._first_miss_ns
        missing_s = 0.0 if first is None else (self._last_ns - first) / 1e9
        return f"no face since {missing_s:.1f} s" if missing_s > NO_FACE_AFTER_S else None


def joined(*problems: str | None) -> str | None:
    """The problems there are, in one line; None when there is none."""
    return "; ".join(problem for problem in problems if problem) or None
