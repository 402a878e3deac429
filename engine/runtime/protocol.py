"""What the engine needs of a runtime: rows of a step that run together and count one by one.

A row is a session's place: its inputs, its state. Rows are run in *blocks* of fixed sizes, since a step costs its batch
and not the rows that are active in it; which blocks a tick needs is found by :func:`cover`. Nothing of a run counts
before :meth:`Runtime.commit`, which takes rows: one whose answer is not finite, or came too late, is undone by leaving
it out, and its neighbours go on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.spec import AGE, CURSOR, SpecError, StreamSpec

Array = NDArray[Any]
ACTIVE = "active"
BATCH = "batch"
"""Name of the batch dimension in an exported graph. It is fixed when a session is made: measured, a graph with a free
batch then runs as fast as one exported for that size (100 us against 105 us unfixed on a 4-layer step)."""
BUCKETS = (1, 4, 16)
"""Sizes of blocks for many sessions."""
_ROW_COST = 1 / 8
"""What a further row of a block costs, as a share of the first: reaction 1/8, rules 1/30 (measured); one number for
all bundles, so that which blocks are run depends on nothing that is measured while it runs."""


class RuntimeRefusal(EngineError):
    """A step cannot be run as asked; the message names what was asked, what there is and the remedy."""


class Block(NamedTuple):
    """Rows ``start`` to ``start + size`` that run as one batch; ``start`` is a multiple of ``size``."""

    start: int
    size: int


class Runtime(Protocol):
    """A step with ``rows`` rows of state.

    Fill ``inputs`` (name -> ``(rows, *shape)``, in place) and ``active`` (bool ``(rows,)``), then :meth:`run`, then
    :meth:`commit`. ``inputs`` start at each input's ``missing`` value, ``active`` all True. Used by one thread.
    """

    spec: StreamSpec
    rows: int
    where: str
    inputs: dict[str, Array]
    active: NDArray[np.bool_]
    blocks: list[Block]
    """What the last run ran."""

    def run(self, blocks: Sequence[Block] | None = None) -> dict[str, Array]:
        """Outputs of one frame, name -> ``(rows, *shape)``: views that the next run overwrites, of use in active rows
        alone. ``blocks``: what to run, by default those that :func:`cover` finds for the active rows."""
        ...

    def commit(self, rows: NDArray[np.bool_] | None = None) -> None:
        """Make the last run count for those of its active rows that ``rows`` (bool ``(rows,)``) names, or for all."""
        ...

    def reset(self, rows: int | slice | NDArray[Any]) -> None:
        """Make rows new: small state initial, age 0; a run that was not committed is dropped."""
        ...

    def move(self, source: int, target: int) -> None:
        """Copy a row's state to another row."""
        ...

    def updates(self) -> dict[str, Array]:
        """What committing the last run will change: small state whole, of each ring its new row; as views."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """Copies of all state, name -> ``(rows, *shape)``, and of ``cursor`` and ``age`` ``(rows,)``."""
        ...

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take over what :meth:`state_dict` gave, here or of another runtime of this bundle with as many rows."""
        ...

    def warm_up(self, runs: int = 3) -> None:
        """Run every size of block and leave the state as it was: first runs allocate, slowly."""
        ...


def check_rows(bundle: str, rows: int, threads: int, buckets: Sequence[int]) -> tuple[int, ...]:
    """The sizes of blocks, smallest first. Raises :class:`RuntimeRefusal` where they do not fit ``rows``."""
    sizes = tuple(sorted(set(buckets)))
    if rows < 1 or threads < 1 or not sizes or sizes[0] < 1:
        raise RuntimeRefusal(f"{bundle}: rows {rows}, threads {threads}, blocks {sizes}: all must be at least 1")
    if rows % sizes[-1] or any(large % small for small, large in itertools.pairwise(sizes)):
        raise RuntimeRefusal(
            f"{bundle}: {rows} rows in blocks of {sizes}: each size, and the rows, have to be multiples of the size "
            "below"
        )
    return sizes


def cover(active: NDArray[np.bool_], sizes: Sequence[int]) -> list[Block]:
    """The cheapest blocks that hold all active rows, in order of rows: a large block where enough of its rows are
    active, smaller ones where few are. ``sizes`` are as :func:`check_rows` gives them. Depends on nothing but its
    arguments."""
    flags: list[bool] = active.tolist()  # plain numbers: a call of numpy for each block would cost ten times as much
    least = sizes[0]
    best: list[tuple[float, list[Block]]] = [
        (_cost(least), [Block(start, least)]) if any(flags[start : start + least]) else (0.0, [])
        for start in range(0, len(flags), least)
    ]
    for small, size in itertools.pairwise(sizes):
        parts, count = best, size // small
        best = []
        for first in range(0, len(parts), count):
            own = parts[first : first + count]
            split = sum(cost for cost, _ in own)
            if split < _cost(size):
                best.append((split, [block for _, blocks in own for block in blocks]))
            else:
                best.append((_cost(size), [Block(first * small, size)]))
    return [block for _, blocks in best for block in blocks]


def _cost(size: int) -> float:
    """Of a block, by :data:`_ROW_COST`."""
    return 1.0 + _ROW_COST * (size - 1)


def graph_signature(
    spec: StreamSpec,
) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, tuple[str, tuple[int, ...]]]]:
    """Inputs and outputs of a step's graph in order, name -> (dtype, shape without the batch axis). Raises
    :class:`~engine.spec.SpecError` where a spec's own name is one that the graph needs."""
    inputs = {item.name: (item.dtype, (1, *item.shape)) for item in spec.inputs}
    outputs = {item.name: (item.dtype, (1, *item.shape)) for item in spec.outputs}
    for name, item in spec.state.items():
        inputs[f"state.{name}"] = (item.dtype, item.shape)
        if item.kind == "small":
            outputs[f"next.{name}"] = (item.dtype, item.shape)
        else:
            outputs[f"row.{name}"] = (item.dtype, item.shape[1:])
    clock: dict[str, tuple[str, tuple[int, ...]]] = {CURSOR: ("int64", ()), AGE: ("int64", ()), ACTIVE: ("bool", ())}
    taken = [name for name in (*inputs, *outputs) if [*inputs, *outputs, *clock].count(name) > 1]
    if taken:
        raise SpecError(f"{spec.name}: {sorted(set(taken))} is a name that the graph uses itself; name it otherwise")
    return {**inputs, **clock}, outputs
