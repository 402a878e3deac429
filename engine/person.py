"""Which of several people in a picture is followed, and that it stays the same one.

A face is known again by its place: a face that is nearer to where the followed one was than to where any other was, and
no farther from it than a face is large. A second person who enters changes nothing. When the followed one is not found
and only others are, nobody is reported for :data:`GONE_NS`; then the choice is made again, and the log says so.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import EngineError

PERSONS = ("largest", "left", "right", "middle")
"""Whom one can ask for. Left, right and middle are of the picture, which is not mirrored: the face at its left edge is
that of whoever sits at the camera's left, as seen from behind the camera. The largest is followed until another is
clearly larger, those by place until they go."""
GONE_NS = 1_000_000_000
"""For so long others are not taken for a person who is not found: hands and turned heads hide faces for a moment."""
FORGET_NS = 3_000_000_000
"""After so long without any face it may be someone else, or another chair."""
SETTLE_NS = 1_000_000_000
"""For so long a choice by place is made anew with each picture: in a camera's first ones not every face is found."""

_LARGER = 1.3  # another face has to be this much larger to take over

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Box:
    """A face's place in the picture: centre and size (the diagonal), as parts of the picture's height."""

    x: float
    y: float
    size: float

    def distance(self, other: Box) -> float:
        """Between the centres."""
        return math.hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True)
class Pick:
    """The face to take, by its index, and whether it is the person of before."""

    index: int
    same: bool


@dataclass(frozen=True)
class _Other:
    box: Box
    seen_ns: int


class Person:
    """Follows one of the faces found in pictures given in order of time. ``which`` is one of :data:`PERSONS`; raises
    :class:`EngineError` for another word."""

    def __init__(self, which: str = "largest") -> None:
        if which not in PERSONS:
            raise EngineError(f"person {which!r}: give {', '.join(PERSONS[:-1])} or {PERSONS[-1]}")
        self.which = which
        self._box: Box | None = None
        self._others: list[_Other] = []
        self._seen_ns = self._chosen_ns = 0

    def pick(self, boxes: Sequence[Box], middle: float, now_ns: int) -> Pick | None:
        """Which of ``boxes`` to take at ``now_ns``, or None where the followed one is not among them. ``middle``: x of
        the picture's middle, as a part of its height."""
        if not boxes:
            return None
        if self._box is not None and now_ns - self._seen_ns > FORGET_NS:
            self._box, self._others = None, []
        pick = self._choice(boxes, middle, now_ns)
        if pick is not None:
            self._box, self._seen_ns = boxes[pick.index], now_ns
        others = [box for index, box in enumerate(boxes) if pick is None or index != pick.index]
        hidden = [
            other
            for other in self._others
            if now_ns - other.seen_ns < GONE_NS and all(box.distance(other.box) > box.size for box in boxes)
        ]
        self._others = hidden + [_Other(box, now_ns) for box in others]
        return pick

    def _choice(self, boxes: Sequence[Box], middle: float, now_ns: int) -> Pick | None:
        wanted = max(range(len(boxes)), key=self._order(boxes, middle))
        last = self._box
        if last is None:
            self._chosen_ns = now_ns
            return Pick(wanted, False)
        if self.which != "largest" and now_ns - self._chosen_ns < SETTLE_NS:
            return Pick(wanted, boxes[wanted].distance(last) <= last.size)
        free = [index for index, box in enumerate(boxes) if not self._is_other(box, last)]
        if free:
            nearest = min(free, key=lambda index: boxes[index].distance(last))
            if self.which == "largest" and boxes[wanted].size > _LARGER * boxes[nearest].size:
                log.info("a face clearly larger than the one followed is followed now")
                return Pick(wanted, False)
            return Pick(nearest, boxes[nearest].distance(last) <= last.size)
        if now_ns - self._seen_ns < GONE_NS:
            return None
        self._chosen_ns = now_ns
        how = "it" if len(boxes) == 1 else f"the {self.which} of them"
        log.info("the person followed has left the picture; faces in it: %d, following %s", len(boxes), how)
        return Pick(wanted, False)

    def _order(self, boxes: Sequence[Box], middle: float) -> Callable[[int], float]:
        orders: dict[str, Callable[[int], float]] = {
            "largest": lambda index: boxes[index].size,
            "left": lambda index: -boxes[index].x,
            "right": lambda index: boxes[index].x,
            "middle": lambda index: -abs(boxes[index].x - middle),
        }
        return orders[self.which]

    def _is_other(self, box: Box, last: Box) -> bool:
        """Whether a face is rather one of the others, by where they were, than the one followed."""
        near = [other.box.distance(box) for other in self._others if other.box.distance(box) <= other.box.size]
        return bool(near) and min(near) < box.distance(last)
