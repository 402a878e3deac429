"""Where the numbers of a runtime lie, and how the rows of a run that count become its state.

A run writes new small state and new rows of rings beside the old; :meth:`Store.write` makes those of the rows that
count the old ones. :class:`HostStore` is the store of a step that runs on the processor,
:class:`engine.runtime.device.DeviceStore` that of one which runs on a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.runtime.arrays import BufferPlace, Exchange, HostArrays, pooled
from engine.runtime.protocol import Array
from engine.spec import StreamSpec

Indices = NDArray[np.intp]


class Store(Protocol):
    """The memory of so many rows, used by one thread. All indices of rows are sorted and differ."""

    device: str
    exchange: Exchange
    """What the host writes before a run and reads after it."""

    def places(self) -> tuple[dict[str, BufferPlace], dict[str, BufferPlace]]:
        """Where the graph reads and where it writes, by its names."""
        ...

    def give(self) -> None:
        """Before a run: let it read what the host wrote."""
        ...

    def take(self) -> None:
        """After a run: let the host read what it gave."""
        ...

    def write(self, rows: Indices, cursor: NDArray[np.int64]) -> None:
        """Make what the last run wrote for these rows their state; of a ring at ``cursor % window`` (cursor (rows,) of
        all rows)."""
        ...

    def renew(self, rows: Indices) -> None:
        """Set the small state of these rows to what it is at first."""
        ...

    def move(self, source: int, target: int) -> None:
        """Copy all state of a row to another row."""
        ...

    def state(self) -> dict[str, Array]:
        """Copies of all state, name -> ``(rows, *shape)``."""
        ...

    def load(self, state: Mapping[str, Array]) -> None:
        """Replace all state."""
        ...

    def new(self) -> dict[str, Array]:
        """What the last run wrote: small state whole, of each ring its new row."""
        ...


class HostStore:
    """A :class:`Store` in the host's memory, which the graph reads and writes where it lies."""

    device = "cpu"

    def __init__(self, spec: StreamSpec, rows: int) -> None:
        self.exchange = Exchange(spec, rows)
        self._spec, self._rows = spec, rows
        self._small, self._rings = pooled(spec, "small"), pooled(spec, "ring")
        pools = [*self._small, *self._rings]
        # Small state is the first of both stretches and alike in them, so where every row counts one copy is enough.
        self._old = HostArrays(pool.form(rows) for pool in pools)
        self._new = HostArrays(pool.form(rows, new=True) for pool in pools)
        self._small_bytes = self._new.offsets[len(self._small)] if self._rings else len(self._new.memory)
        pairs = list(zip(self._old.arrays, self._new.arrays, strict=True))
        self._small_pairs, self._ring_pairs = pairs[: len(self._small)], pairs[len(self._small) :]
        self._whole = self._old.memory[: self._small_bytes], self._new.memory[: self._small_bytes]
        # Of a single row, without its axis: plain slices cost a fifth of indices.
        self._alone = [(ring[:, 0], row[:, 0], ring.shape[2]) for ring, row in self._ring_pairs]
        for pool, old in zip(pools, self._old.arrays, strict=True):
            old[...] = pool.initial(spec)

    def places(self) -> tuple[dict[str, BufferPlace], dict[str, BufferPlace]]:
        """See :class:`Store`."""
        reads, writes = self.exchange.places(self.exchange.given.address, self.exchange.got.address)
        for index, pool in enumerate([*self._small, *self._rings]):
            reads |= pool.places(self._old.address + self._old.offsets[index], self._rows)
            writes |= pool.places(self._new.address + self._new.offsets[index], self._rows, new=True)
        return reads, writes

    def give(self) -> None:
        """Nothing: the graph reads the host's own arrays."""

    def take(self) -> None:
        """Nothing: the graph wrote the host's own arrays."""

    def write(self, rows: Indices, cursor: NDArray[np.int64]) -> None:
        """See :class:`Store`."""
        # Neighbours as a slice, which is copied in one go; others have to be picked.
        first, last = int(rows[0]), int(rows[-1])
        taken: slice | Indices = slice(first, last + 1) if last - first + 1 == len(rows) else rows
        if len(rows) == self._rows:
            old_bytes, new_bytes = self._whole
            old_bytes[...] = new_bytes
        else:
            for old, new in self._small_pairs:
                old[:, taken] = new[:, taken]
        if self._rows == 1:
            at = int(cursor[0])
            for alone, row, window in self._alone:
                alone[:, at % window] = row
            return
        for ring, new in self._ring_pairs:
            ring[:, rows, cursor[rows] % ring.shape[2]] = new[:, taken]

    def renew(self, rows: Indices) -> None:
        """See :class:`Store`."""
        for pool, (old, _) in zip(self._small, self._small_pairs, strict=True):
            old[:, rows] = pool.initial(self._spec)

    def move(self, source: int, target: int) -> None:
        """See :class:`Store`."""
        for old in self._old.arrays:
            old[:, target] = old[:, source]

    def state(self) -> dict[str, Array]:
        """See :class:`Store`."""
        return {name: value.copy() for name, value in self._named(self._old).items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """See :class:`Store`."""
        for name, value in self._named(self._old).items():
            value[...] = state[name]

    def new(self) -> dict[str, Array]:
        """See :class:`Store`."""
        return self._named(self._new)

    def _named(self, there: HostArrays) -> dict[str, Array]:
        pools = zip([*self._small, *self._rings], there.arrays, strict=True)
        return {name: value for pool, values in pools for name, value in zip(pool.names, values, strict=True)}
