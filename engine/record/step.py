"""What a slot tells of every step, for whoever records it. StepRecord lives here; the recorder imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from engine.runtime.protocol import Block
from engine.wire import Flag, Frame


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of one row. ``given``: flags known before the step ran; ``flags``: those published. ``reset``: the row
    was made new before it; ``committed``: it counted. ``row`` ran as part of ``block``. ``inputs`` (*shape) by name and
    ``frames``, one a stream, are views: copy what is kept."""

    seq: int
    capture_ns: int
    due_ns: int
    given: Flag
    flags: Flag
    reset: bool
    committed: bool
    row: int
    block: Block
    inputs: Mapping[str, NDArray[Any]]
    frames: Sequence[Frame]


class Recorded(Protocol):
    """Something that is told of every step."""

    def step(self, record: StepRecord) -> None:
        """Take note, without waiting."""
        ...
