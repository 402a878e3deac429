"""Everything a viewer has received: a store for each run of an engine, as one that begins anew may be another. A face
and then a body are two films, and so are two runs of one bundle: each begins from the start and remembers nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from clients.python.announced import Announced, Received

from .store import FrameStore

log = logging.getLogger(__name__)
LONGEST_GAP_S = 600.0
"""Frames missed in one run for longer than this are a gap between two parts, not a still picture in one."""


class Part(NamedTuple):
    """One run that has frames: its store, where it goes, and the seconds in which nothing came before it (0 for the
    first)."""

    store: FrameStore
    path: Path
    after_s: float

    def words(self) -> str:
        """Whose it is."""
        return f"session {self.store.engine.session}, bundle {self.store.engine.bundle}"


class Recording:
    """Begins with the announcement that was asked for, or raises ValueError where it has nothing to draw; of one that
    comes later the frames are then counted in ``undrawn``. ``keep`` bounds the moments, and leaves only the last run;
    None keeps all. ``stream`` is the one output that is drawn. ``restarts`` counts how often an engine began anew,
    ``received`` the frames that lead."""

    def __init__(self, engine: Announced, keep: int | None = None, stream: str | None = None) -> None:
        self.stores = [FrameStore(engine, keep, stream)]
        self.restarts = self.received = self.undrawn = 0
        self._keep, self._stream, self._run, self._engine = keep, stream, 0, engine
        self._missed = 0
        self._drawn = True

    @property
    def store(self) -> FrameStore:
        """That of the present run."""
        return self.stores[-1]

    @property
    def missed(self) -> int:
        """Frames that were sent and never came, within runs."""
        return self._missed + sum(store.missed for store in self.stores)

    def add(self, frame: Received) -> bool:
        """Take in one frame of any stream; whether it made a moment."""
        if frame.run != self._run or (
            frame.engine is not self._engine and frame.engine.lasting() != self._engine.lasting()
        ):
            self.restarts += frame.run - self._run
            self._run = frame.run
            self._begin(frame.engine)
        if not self._drawn:
            self.undrawn += 1
            return False
        store, last = self.store, self.store.last
        if frame.stream == store.lead and last is not None and self._is_apart(frame.seq - last.frame.seq):
            self._begin(frame.engine)
            store = self.store
        if frame.engine is not self._engine:
            store.learn(frame.engine)
        self._engine = frame.engine
        store.add(frame, frame.received_ns)
        leads = frame.stream == store.lead
        self.received += leads
        return leads

    def parts(self, path: Path) -> Iterator[Part]:
        """The runs that have frames, the first for ``path``, those after it for ``NAME-2``, ``NAME-3`` and so on: names
        that nobody has yet, as nobody asked for them."""
        before: FrameStore | None = None
        given: set[Path] = set()
        for store in self.stores:
            if store.last is None:
                continue
            if before is None or before.last is None:
                yield Part(store, path, 0.0)
            else:
                names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
                free = next(name for name in names if name not in given and not name.exists())
                given.add(free)
                began = next(iter(store.moments.values())).received_ns
                yield Part(store, free, (began - before.last.received_ns) / 1e9)
            before = store

    def _is_apart(self, frames: int) -> bool:
        return frames > LONGEST_GAP_S * self.store.rate

    def _begin(self, engine: Announced) -> None:
        self._engine = engine
        try:
            new = FrameStore(engine, self._keep, self._stream)
        except ValueError as error:
            self._drawn = False
            log.warning("session %d, bundle %s is not drawn: %s", engine.session, engine.bundle, error)
            return
        self._drawn = True
        if self._keep is not None or self.store.last is None:
            self._missed += self.stores.pop().missed
        self.stores.append(new)
