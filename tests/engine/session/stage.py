"""Several sessions on one fake clock: a step with rows that count what was committed in each, and voices that tell them
apart."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.feeds.feeds import Feeds
from engine.runtime.protocol import Block, cover
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.wire import Frame
from tests.engine.session.scene import PERIOD, SPEC, START, Timeline

SIZES = (1, 4)


class Rows:
    """A step of several rows whose pose is (mean of the hop, frames committed in this row since it was new).
    ``happens`` is called in every run with its number, the active rows and the outputs."""

    where = "rows"

    def __init__(self, rows: int = 8) -> None:
        self.spec, self.rows = SPEC, rows
        self.inputs: dict[str, Any] = {item.name: np.zeros((rows, *item.shape), np.float32) for item in SPEC.inputs}
        self.outputs: dict[str, Any] = {item.name: np.zeros((rows, *item.shape), np.float32) for item in SPEC.outputs}
        self.active = np.ones(rows, np.bool_)
        self.blocks: list[Block] = []
        self.counts = np.zeros(rows, np.int64)
        self.runs: list[list[int]] = []
        self.moves: list[tuple[int, int]] = []
        self.resets: list[int] = []
        self.happens: Callable[[int, list[int], dict[str, Any]], object] = lambda *_: None

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, Any]:
        self.blocks = cover(self.active, SIZES)
        rows = [int(row) for row in np.flatnonzero(self.active)]
        self.runs.append(rows)
        for row in rows:
            self.outputs["pose"][row] = self.inputs["voice"][row].mean(), self.counts[row] + 1
            self.outputs["bad_input"][row] = 0.0
        self.happens(len(self.runs) - 1, rows, self.outputs)
        return self.outputs

    def commit(self, rows: Any = None) -> None:
        self.counts += self.active & rows

    def reset(self, row: int) -> None:
        self.resets.append(row)
        self.counts[row] = 0

    def move(self, source: int, target: int) -> None:
        self.moves.append((source, target))
        self.counts[target] = self.counts[source]


class Stage:
    """A loop over :class:`Rows`; session number n says n * 100 + k in hop k, so every frame tells whose it is."""

    def __init__(self, window_ns: int = 0, rows: int = 8) -> None:
        self.clock, self.runtime, self.stop = Timeline(), Rows(rows), threading.Event()
        self.loop = Loop(self.runtime, self.clock, window_ns=window_ns)  # type: ignore[arg-type]
        self.frames: dict[int, list[Frame]] = {}
        self.slots: dict[int, Slot] = {}
        self.left: list[int] = []
        self.loop.left(lambda slot: self.left.append(slot.session))

    def slot(self, number: int, hops: Sequence[int] = range(20), offset_ns: int = 0, frames: int | None = None) -> Slot:
        """A session whose hops are captured ``offset_ns`` after the frame times of the stage."""
        feeds = Feeds.of(SPEC, START)
        got: list[Frame] = []
        self.frames[number] = got

        def keep(frame: Frame) -> None:
            got.append(dataclasses.replace(frame, values=frame.values.copy()))

        slot = Slot(
            *(SPEC, feeds, keep, self.clock),
            session=number,
            seed=number,
            given={("audio", "partner")},
            frames=len(hops) if frames is None else frames,
        )
        self.slots[number] = slot
        ring = feeds.samples["partner"]
        for hop in hops:
            captured = START + (hop + 1) * PERIOD + offset_ns
            samples = np.full(ring.hop, 100 * number + hop, np.float32)
            self.clock.at(captured, lambda samples=samples, at=captured: ring.write(samples, at))  # type: ignore[misc]
        return slot

    def join(self, number: int, **options: Any) -> Slot:
        """A slot that is served from the start."""
        slot = self.slot(number, **options)
        self.loop.join(slot)
        return slot

    def run(self) -> dict[int, list[Frame]]:
        """Until every slot is over; frames by session."""
        self.loop.run(self.stop, until_empty=True)
        return self.frames

    def heard(self, number: int) -> list[float]:
        """What a session's frames say they heard."""
        return [float(frame.values[0]) for frame in self.frames[number]]
