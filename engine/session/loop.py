"""The frame loop: which slots are due, gather, step, judge each row, commit the rows that count, settle. One thread.

All sessions of a bundle share one loop and the rows of one runtime. A tick serves every slot that is due; where there
are several sessions it first waits a little (the gathering window) for others, since a step costs its block and not its
rows. One session is the same code with one row, and without a window.

The window grows with the sessions, up to :data:`WIDEST` times: a step that is run between pauses costs some
milliseconds whatever its rows, so for many sessions fewer and fuller steps are what keeps them all in time.

Joining and leaving happen between ticks and rebuild nothing. Rows stay packed from 0 on: when a slot leaves, the last
one moves into its row. And rows are kept in the order in which their slots are due, by a swap now and then, so that
those of one tick lie side by side and few blocks hold them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.runtime.protocol import Array, Block, Runtime
from engine.session.slot import Slot
from engine.session.timetable import ASK_AGAIN_S, Due, Later, Over
from engine.session.work import Work

WIDEST, FEW = 3.0, 8
"""How often the gathering window at most, and up to how many sessions it is as it was asked for."""
PHASES_NS = 2_000_000
"""Rows are swapped where their slots are due in the wrong order by more than this: the rest is jitter."""


class Wake:
    """Lets any thread wake the loop; many calls before it looks are one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> None:
        if not self._event.is_set():
            self._event.set()

    def clear(self) -> None:
        """From now on a call counts."""
        self._event.clear()

    def wait(self, seconds: float) -> bool:
        """Whether it was called, after ``seconds`` of real time at most."""
        return self._event.wait(seconds)


class Loop:
    """Serves slots of one ``runtime``. ``window_ns``: for how long a due frame waits for others. Not in ``realtime``
    nothing is waited for by the clock."""

    def __init__(self, runtime: Runtime, clock: Clock, realtime: bool = True, window_ns: int = 0) -> None:
        self.runtime, self.work = runtime, Work()
        self._clock, self._realtime, self._window_ns = clock, realtime, window_ns
        self._slots: list[Slot] = []  # slot k has row k
        self._orders: deque[Callable[[], None]] = deque()
        self._wake = Wake()
        self._leave: Callable[[Slot], None] = lambda _: None
        self._next_pair = 0

    @property
    def slots(self) -> int:
        """Sessions served at the moment."""
        return len(self._slots)

    def left(self, call: Callable[[Slot], None]) -> None:
        """Call this, in the loop's thread, with every slot that is over by itself (:attr:`Slot.ended` says why)."""
        self._leave = call

    def join(self, slot: Slot) -> None:
        """Serve a slot from the next tick on; from any thread. There has to be a free row."""
        _wake_by(slot.feeds, self._wake)
        self._order(lambda: self._join(slot))

    def leave(self, slot: Slot) -> threading.Event:
        """Serve a slot no more; from any thread. The event is set when the loop has let go of it."""
        gone = threading.Event()

        def part() -> None:
            self._part(slot)
            gone.set()

        self._order(part)
        return gone

    def wake(self) -> None:
        """Look again now; from any thread."""
        self._wake()

    def run(self, stop: threading.Event, until_empty: bool = False) -> None:
        """Serve until ``stop`` is set (wake the loop then), or no slot is left where ``until_empty``."""
        while not stop.is_set():
            self._wake.clear()
            self._obey()
            if until_empty and not self._slots:
                return
            due, ask_ns = self._look(self._slots)
            if not due:
                self._wait(ask_ns, stop)
                continue
            if self._window_ns and len(due) < len(self._slots):
                wide = min(max(len(self._slots) / FEW, 1.0), WIDEST)
                # From when the first of them was due: those that waited for the tick before have waited already.
                self._clock.sleep_until(min(slot.due_ns for slot in due) + round(wide * self._window_ns), stop)
                served = set(map(id, due))
                due += self._look([slot for slot in self._slots if id(slot) not in served])[0]
            if not stop.is_set():
                self._tick(due)
            if self._window_ns:
                self._arrange()
        self._obey()

    def _look(self, slots: Sequence[Slot]) -> tuple[list[Slot], int]:
        """Slots that are due, and when to ask the others again."""
        now_ns = self._clock.now_ns()
        due, ask_ns = [], now_ns + round(ASK_AGAIN_S * 1e9)
        for slot in list(slots):
            found = slot.look(now_ns)
            if isinstance(found, Due):
                due.append(slot)
            elif isinstance(found, Later):
                ask_ns = min(ask_ns, found.ask_ns)
            elif isinstance(found, Over):
                self._finish(slot, "its sources are over")
        return due, ask_ns

    def _wait(self, ask_ns: int, stop: threading.Event) -> None:
        if not self._realtime:
            self._wake.wait(ASK_AGAIN_S)
            return
        self._clock.wait_until(ask_ns, lambda seconds: stop.is_set() or self._wake.wait(seconds))

    def _tick(self, due: Sequence[Slot]) -> None:
        runtime, begun = self.runtime, self._clock.now_ns()
        runtime.active[:] = False
        ready = []
        for slot in due:
            try:
                if slot.gather(runtime.inputs):
                    runtime.reset(slot.row)
            except Exception as error:  # what one session was given must not end the others
                slot.broken(f"its inputs cannot be gathered: {_words(error)}")
                continue
            runtime.active[slot.row] = True
            ready.append(slot)
        if ready:
            self._run(ready, begun)
        for slot in due:
            if slot.ended is not None:
                self._finish(slot, slot.ended)

    def _run(self, due: Sequence[Slot], begun: int) -> None:
        """Step the rows that were gathered, and settle each."""
        clock, runtime = self._clock, self.runtime
        gathered = clock.now_ns()
        outputs, good, trouble = self._step(due)
        stepped = clock.now_ns()
        blocks = {row: block for block in runtime.blocks for row in range(block.start, block.start + block.size)}
        for slot in due:
            row = slot.row
            counts = outputs if good[row] else None
            block = blocks.get(row, Block(row, 1))
            try:
                offset_ns = slot.settle(runtime.inputs, counts, trouble.get(row, ""), stepped - gathered, block)
                if offset_ns is not None:
                    self.work.av_offsets.add(offset_ns / 1e9)
            except Exception as error:  # as above
                slot.broken(f"its frame cannot be published: {_words(error)}")
        self.work.tick(len(due), runtime.blocks, begun, gathered, stepped, clock.now_ns())

    def _step(self, due: Sequence[Slot]) -> tuple[dict[str, Array], NDArray[np.bool_], dict[int, str]]:
        """Run and commit: outputs, which rows (bool (rows,)) count, and what was wrong with the others."""
        try:
            outputs, good, trouble = self._judged()
        except Exception as error:  # whatever the runtime throws, the avatars must not freeze the engine
            if len(due) > 1:
                return self._one_by_one(due)
            return {}, np.zeros(self.runtime.rows, np.bool_), {due[0].row: _words(error)}
        return outputs, good, trouble

    def _one_by_one(self, due: Sequence[Slot]) -> tuple[dict[str, Array], NDArray[np.bool_], dict[int, str]]:
        """A step that failed with several rows, row after row: what one of them did must not hold the others."""
        runtime = self.runtime
        outputs: dict[str, Array] = {}
        good, troubles = np.zeros(runtime.rows, np.bool_), {}
        for slot in due:
            runtime.active[:] = False
            runtime.active[slot.row] = True
            try:
                alone, fine, trouble = self._judged()
            except Exception as error:  # as above
                troubles[slot.row] = _words(error)
                continue
            outputs = outputs or {name: np.zeros_like(value) for name, value in alone.items()}
            for name, value in alone.items():
                outputs[name][slot.row] = value[slot.row]
            good |= fine
            troubles |= trouble
        return outputs, good, troubles

    def _judged(self) -> tuple[dict[str, Array], NDArray[np.bool_], dict[int, str]]:
        runtime = self.runtime
        outputs = runtime.run()
        good = runtime.active.copy()
        trouble: dict[int, str] = {}
        rows = np.flatnonzero(good)
        for name, value in outputs.items():
            finite = np.isfinite(value[rows].reshape(len(rows), -1)).all(1)
            for row in rows[~finite]:
                trouble[int(row)] = f"EngineError: the step gave a non-finite {name}"
                good[row] = False
        runtime.commit(good)
        return outputs, good, trouble

    def _finish(self, slot: Slot, why: str) -> None:
        slot.ended = slot.ended or why
        self._part(slot)
        self._leave(slot)

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._wake()

    def _obey(self) -> None:
        while self._orders:
            self._orders.popleft()()

    def _join(self, slot: Slot) -> None:
        row = len(self._slots)
        if row >= self.runtime.rows:
            raise EngineError(f"{self.runtime.rows} rows are taken; the host has to refuse before")
        slot.row = row
        self.runtime.reset(row)
        self._slots.append(slot)

    def _arrange(self) -> None:
        """Swap one pair of neighbours that are due in the wrong order, if there is one nearby."""
        slots, spare = self._slots, len(self._slots)
        if not 3 <= spare < self.runtime.rows:
            return
        for _ in range(FEW):
            first = self._next_pair % (spare - 1)
            self._next_pair = first + 1
            one, other = slots[first], slots[first + 1]
            if one.phase_ns - other.phase_ns > PHASES_NS:
                for source, target in ((first, spare), (first + 1, first), (spare, first + 1)):
                    self.runtime.move(source, target)
                slots[first], slots[first + 1] = other, one
                one.row, other.row = first + 1, first
                return

    def _part(self, slot: Slot) -> None:
        """Free a slot's row; the last one moves into it."""
        if slot not in self._slots:
            return
        last = self._slots.pop()
        if last is not slot:
            self.runtime.move(last.row, slot.row)
            self._slots[slot.row] = last
            last.row = slot.row


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _wake_by(feeds: Feeds, wake: Callable[[], None]) -> None:
    for ring in feeds.samples.values():
        ring.wakes(wake)
    for poses in feeds.latest.values():
        poses.wakes(wake)
