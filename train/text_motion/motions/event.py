"""An event: what happens in some frames of a motion, on which side, how much and how."""

from __future__ import annotations

from typing import NamedTuple

SIDES = ("left", "right")


class Event(NamedTuple):
    """Frames ``start`` to ``stop``, what happens (``kind``), on which side (left, right, both, or none), how much
    (``size``: metres, degrees or times, as the kind has it) and how (``manner``, words of the kind)."""

    start: int
    stop: int
    kind: str
    side: str = ""
    size: float = 0.0
    manner: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.stop - self.start


def within(inner: Event, outer: Event) -> bool:
    """Whether an event lies inside another, give or take two frames."""
    return outer.start - 2 <= inner.start and inner.stop <= outer.stop + 2


def where(ahead: float, left: float) -> str:
    """A direction in words."""
    if abs(ahead) >= abs(left):
        return "forward" if ahead > 0 else "backward"
    return "left" if left > 0 else "right"
