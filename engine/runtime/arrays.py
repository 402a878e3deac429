"""How the arrays of a step lie in memory: which there are, where each begins, and which lie side by side.

All rows of an array follow each other, so a block of rows is a stretch of it, and blocks of every size are bound to the
same memory: a row never moves because another size of block is run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.runtime.protocol import ACTIVE, Array, graph_signature
from engine.spec import AGE, CURSOR, StreamSpec

LINE = 64
"""Bytes of a cache line: arrays begin on one, where ONNX Runtime's kernels read them fastest."""
Bytes = NDArray[np.uint8]


class Form(NamedTuple):
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class BufferPlace(NamedTuple):
    """Where an array lies: the address of its first row, and the bytes of a row."""

    address: int
    row: int


class Pool(NamedTuple):
    """State of one kind, type and shape (of a row): the arrays of ``names`` lie side by side, each with all its rows,
    so that one copy serves them all. Measured for 8 rings, 7 us a frame against 40."""

    names: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ring: bool

    def form(self, rows: int, new: bool = False) -> Form:
        """(names, rows, *shape); ``new``: what a run writes of it, which is one row of each ring."""
        return Form((len(self.names), rows, *(self.shape[1:] if new and self.ring else self.shape)), self.dtype)

    def places(self, address: int, rows: int, new: bool = False) -> dict[str, BufferPlace]:
        """Where its arrays lie if it begins at ``address``, by the graph's names."""
        prefix = ("row." if self.ring else "next.") if new else "state."
        row = self.form(1, new).size // len(self.names)
        return {
            f"{prefix}{name}": BufferPlace(address + index * rows * row, row) for index, name in enumerate(self.names)
        }

    def initial(self, spec: StreamSpec) -> Array:
        """One row of it as it is at first, (names, 1, *shape)."""
        whole = np.empty(*self.form(1))
        for values, name in zip(whole, self.names, strict=True):
            values[...] = spec.state[name].initial
        return whole


def pooled(spec: StreamSpec, kind: str) -> list[Pool]:
    """The state of a ``kind`` ("small", "ring") in pools."""
    alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name, item in spec.state.items():
        if item.kind == kind:
            alike.setdefault((item.dtype, item.shape), []).append(name)
    return [Pool(tuple(names), np.dtype(dtype), shape, kind == "ring") for (dtype, shape), names in alike.items()]


class HostArrays:
    """Arrays of the host in one stretch of ``memory``, all zero at first; ``offsets`` says where in it each begins."""

    def __init__(self, forms: Iterable[Form]) -> None:
        wanted = list(forms)
        self.offsets, size = laid_out(wanted)
        raw = np.zeros(size + LINE, np.uint8)
        start = -raw.ctypes.data % LINE
        self.memory: Bytes = raw[start : start + size]
        self.address: int = self.memory.ctypes.data
        self.arrays: list[Array] = [
            self.memory[at : at + form.size].view(form.dtype).reshape(form.shape)
            for at, form in zip(self.offsets, wanted, strict=True)
        ]


def laid_out(forms: Sequence[Form]) -> tuple[list[int], int]:
    """Where arrays begin that follow each other, each on a line of its own, and the bytes of all."""
    offsets, at = [], 0
    for form in forms:
        offsets.append(at)
        at += -(-form.size // LINE) * LINE
    return offsets, at


class Exchange:
    """The host's arrays of all that a graph is given beside state, and of its outputs, by the graph's names: ``inputs``
    and ``outputs`` (rows, 1, *shape); of ``cursor``, ``age`` and ``active`` (rows,)."""

    def __init__(self, spec: StreamSpec, rows: int) -> None:
        own = {*(item.name for item in spec.inputs), CURSOR, AGE, ACTIVE}
        signature = graph_signature(spec)
        inputs = {name: what for name, what in signature[0].items() if name in own}
        outputs = {item.name: signature[1][item.name] for item in spec.outputs}
        self.given, self.got = (
            HostArrays(Form((rows, *shape), np.dtype(dtype)) for dtype, shape in wanted.values())
            for wanted in (inputs, outputs)
        )
        self.inputs = dict(zip(inputs, self.given.arrays, strict=True))
        self.outputs = dict(zip(outputs, self.got.arrays, strict=True))

    def places(self, given: int, got: int) -> tuple[dict[str, BufferPlace], dict[str, BufferPlace]]:
        """Where inputs and outputs lie in memory like this that begins at these addresses."""
        found = []
        for values, there, address in ((self.inputs, self.given, given), (self.outputs, self.got, got)):
            offsets = zip(values.items(), there.offsets, strict=True)
            found.append({name: BufferPlace(address + at, value[0].nbytes) for (name, value), at in offsets})
        return found[0], found[1]
