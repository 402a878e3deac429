"""The store of a step that runs on a card: state lives there, and only what a frame brings and gives crosses the bus.

The host keeps its own arrays of inputs and outputs (:class:`~engine.runtime.arrays.Exchange`); each run sends the
inputs over in one piece and fetches the outputs in one. Small state, rings, what a run writes beside them and what they
are at first stay on the card; committing a row, resetting and moving one are copies within it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.runtime.arrays import BufferPlace, Bytes, Exchange, laid_out, pooled
from engine.runtime.protocol import Array
from engine.runtime.store import Indices
from engine.spec import StreamSpec


class Memory(Protocol):
    """The memory of a device, by address. What is asked for happens in that order, but nothing needs to have happened
    before :meth:`synchronize` or a :meth:`download`."""

    device: str
    """As ONNX Runtime names it when an address is bound."""

    def alloc(self, size: int) -> int:
        """The address of ``size`` bytes, all zero, which are freed with this object."""
        ...

    def upload(self, target: int, source: Bytes) -> None:
        """Copy bytes of the host to the device; the host may change them at once."""
        ...

    def download(self, target: Bytes, source: int) -> None:
        """Copy bytes of the device to the host, and wait for them."""
        ...

    def copy(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, height: int) -> None:
        """Copy ``height`` pieces of ``width`` bytes within the device, which begin a pitch apart."""
        ...

    def synchronize(self) -> None:
        """Wait until all of it has happened."""
        ...


class _Stretch(NamedTuple):
    """A pool on the device: where it begins, bytes of a row and of an array (all rows), how many arrays."""

    address: int
    row: int
    array: int
    arrays: int


class DeviceStore:
    """A :class:`~engine.runtime.store.Store` in a ``memory``."""

    def __init__(self, spec: StreamSpec, rows: int, memory: Memory) -> None:
        self.device = memory.device
        self.exchange = Exchange(spec, rows)
        self._memory, self._rows = memory, rows
        self._given = memory.alloc(len(self.exchange.given.memory))
        self._got = memory.alloc(len(self.exchange.got.memory))
        self._small, self._rings = pooled(spec, "small"), pooled(spec, "ring")
        self._pools = [*self._small, *self._rings]
        self._old, self._old_address, _ = self._reserve(rows)
        self._new, self._new_address, self._small_size = self._reserve(rows, new=True)
        self._first, _, _ = self._reserve(1)
        for pool, first in zip(self._pools, self._first, strict=True):
            memory.upload(first.address, _bytes(pool.initial(spec)))
        for row in range(rows):
            self._put(self._old, row, self._first, 0)

    def places(self) -> tuple[dict[str, BufferPlace], dict[str, BufferPlace]]:
        """See :class:`~engine.runtime.store.Store`."""
        reads, writes = self.exchange.places(self._given, self._got)
        for pool, old, new in zip(self._pools, self._old, self._new, strict=True):
            reads |= pool.places(old.address, self._rows)
            writes |= pool.places(new.address, self._rows, new=True)
        return reads, writes

    def give(self) -> None:
        """Send all inputs, and wait: ONNX Runtime runs on a stream of its own, which waits for nobody else's."""
        self._memory.upload(self._given, self.exchange.given.memory)
        self._memory.synchronize()

    def take(self) -> None:
        """Fetch all outputs, when the run is over."""
        self._memory.synchronize()
        self._memory.download(self.exchange.got.memory, self._got)

    def write(self, rows: Indices, cursor: NDArray[np.int64]) -> None:
        """See :class:`~engine.runtime.store.Store`. One copy for all small state where every row counts, else one for
        each pool and stretch of rows; one for each pool of rings and row, as every row has a cursor of its own."""
        small, rings = len(self._small), slice(len(self._small), None)
        if len(rows) == self._rows and small:
            size = self._small_size
            self._memory.copy(self._old_address, size, self._new_address, size, size, 1)
        else:
            for first, count in _runs(rows):
                self._put(self._old[:small], first, self._new[:small], first, count)
        for pool, ring, new in zip(self._rings, self._old[rings], self._new[rings], strict=True):
            window = pool.shape[0]
            for row in rows.tolist():
                slot = row * ring.row + int(cursor[row] % window) * new.row
                source = new.address + row * new.row
                self._memory.copy(ring.address + slot, ring.array, source, new.array, new.row, ring.arrays)

    def renew(self, rows: Indices) -> None:
        """See :class:`~engine.runtime.store.Store`."""
        small = len(self._small)
        for row in rows.tolist():
            self._put(self._old[:small], row, self._first[:small], 0)

    def move(self, source: int, target: int) -> None:
        """See :class:`~engine.runtime.store.Store`."""
        if source != target:
            self._put(self._old, target, self._old, source)

    def state(self) -> dict[str, Array]:
        """See :class:`~engine.runtime.store.Store`."""
        return self._fetched(self._old)

    def load(self, state: Mapping[str, Array]) -> None:
        """See :class:`~engine.runtime.store.Store`."""
        for pool, stretch in zip(self._pools, self._old, strict=True):
            for index, name in enumerate(pool.names):
                values = np.ascontiguousarray(state[name], pool.dtype)
                self._memory.upload(stretch.address + index * stretch.array, _bytes(values))

    def new(self) -> dict[str, Array]:
        """See :class:`~engine.runtime.store.Store`."""
        return self._fetched(self._new, new=True)

    def _reserve(self, rows: int, new: bool = False) -> tuple[list[_Stretch], int, int]:
        """Memory for all pools: where each lies, where the first begins, and the bytes of those of small state."""
        forms = [pool.form(rows, new) for pool in self._pools]
        offsets, size = laid_out(forms)
        address = self._memory.alloc(size)
        stretches = [
            _Stretch(address + at, form.size // form.shape[0] // rows, form.size // form.shape[0], form.shape[0])
            for at, form in zip(offsets, forms, strict=True)
        ]
        return stretches, address, offsets[len(self._small)] if self._rings else size

    def _put(self, into: list[_Stretch], target: int, out_of: list[_Stretch], source: int, count: int = 1) -> None:
        """Copy ``count`` rows from row ``source`` on of all arrays to ``target`` on."""
        for one, other in zip(into, out_of, strict=True):
            places = one.address + target * one.row, one.array, other.address + source * other.row, other.array
            self._memory.copy(*places, count * one.row, one.arrays)

    def _fetched(self, stretches: list[_Stretch], new: bool = False) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for pool, stretch in zip(self._pools, stretches, strict=True):
            values = np.empty(*pool.form(self._rows, new))
            self._memory.download(_bytes(values), stretch.address)
            found |= dict(zip(pool.names, values, strict=True))
        return found


def _bytes(values: Array) -> Bytes:
    """The memory of a contiguous array."""
    return values.reshape(-1).view(np.uint8)


def _runs(rows: Indices) -> Iterator[tuple[int, int]]:
    """Stretches of neighbouring rows, (first, count), of sorted indices."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for part in np.split(rows, breaks):
        yield int(part[0]), len(part)
