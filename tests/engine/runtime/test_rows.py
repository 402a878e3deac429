"""Rows of one runtime, whatever happens to them, are so many runtimes of one row.

Random sequences of active sets, commits of some of the rows, resets and moves. Between blocks of different sizes values
agree within the parity tolerance; in the same block, to run and not to count is, bit for bit, not to have run at all.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bundle import Bundle
from engine.runtime import Runtime
from engine.spec import AGE, CURSOR
from tests.engine.runtime.made import TOLERANCE, WAYS, Arrays, draw, fill, same

ROWS, BUCKETS = 8, (1, 2, 4)
rows = st.integers(0, ROWS - 1)
some = st.lists(st.booleans(), min_size=ROWS, max_size=ROWS).map(np.array)
acts = st.one_of(
    st.tuples(st.just("step"), some, some),
    st.tuples(st.just("step"), some, st.just(np.ones(ROWS, np.bool_))),
    st.tuples(st.just("dropped"), some, some),
    st.tuples(st.just("reset"), rows, rows),
    st.tuples(st.just("move"), rows, rows),
    st.tuples(st.just("carry over"), rows, rows),
)


@dataclass
class Together:
    """One runtime of many rows, its twin of the same blocks, and for every row a runtime of its own."""

    bundle: Bundle
    way: str
    alone: list[Runtime] = field(init=False)
    first: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        make = WAYS[self.way]
        self.many, self.twin, self.spare = (make(self.bundle, ROWS, BUCKETS) for _ in range(3))
        self.alone = [make(self.bundle) for _ in range(ROWS)]
        self.first = self.many.state_dict()

    def begin(self) -> None:
        for runtime in (self.many, self.twin):
            runtime.load_state(self.first)
        for runtime in self.alone:
            runtime.load_state({name: value[:1] for name, value in self.first.items()})

    def step(self, inputs: Arrays, active: np.ndarray, counts: np.ndarray) -> None:
        """A frame in which ``active`` rows run and those of them count that ``counts`` names."""
        for runtime in (self.many, self.twin):
            fill(runtime, inputs, 0)
        self.many.active[:] = active
        outputs = self.many.run()
        self.many.commit(counts)
        counted = active & counts

        self.twin.active[:] = counted
        theirs = self.twin.run(self.many.blocks)
        self.twin.commit()
        assert same({k: v[counted] for k, v in outputs.items()}, {k: v[counted] for k, v in theirs.items()})

        for row in np.flatnonzero(active):
            single = self.alone[row]
            fill(single, {name: value[:, row : row + 1] for name, value in inputs.items()}, 0)
            wanted = single.run()
            for name, value in wanted.items():
                np.testing.assert_allclose(outputs[name][row], value[0], atol=TOLERANCE, err_msg=name)
            if counted[row]:
                single.commit()

    def check(self) -> None:
        """All rows have the state that they would have alone."""
        state = self.many.state_dict()
        assert same(state, self.twin.state_dict())
        for row, single in enumerate(self.alone):
            for name, value in single.state_dict().items():
                if name in (CURSOR, AGE):
                    assert state[name][row] == value[0], name
                np.testing.assert_allclose(state[name][row], value[0], atol=TOLERANCE, err_msg=name)


@functools.cache
def together(bundle_path: str, way: str) -> Together:
    bundle = Bundle.load(bundle_path)
    return Together(bundle, way)


@pytest.mark.parametrize("way", sorted(WAYS))
@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data())
def test_rows_are_so_many_runtimes(bundle: Bundle, way: str, data: st.DataObject):
    all_of = together(str(bundle.path), way)
    all_of.begin()
    for number, (what, first, second) in enumerate(data.draw(st.lists(acts, min_size=1, max_size=24))):
        if what == "step":
            all_of.step(draw(ROWS, 1, number), first, second)
        elif what == "dropped":
            fill(all_of.many, draw(ROWS, 1, number), 0)
            all_of.many.active[:] = first
            all_of.many.run()
        elif what == "reset":
            for runtime in (all_of.many, all_of.twin):
                runtime.reset(first)
            all_of.alone[first].reset(0)
        elif what == "move":
            for runtime in (all_of.many, all_of.twin):
                runtime.move(first, second)
            all_of.alone[second].load_state(all_of.alone[first].state_dict())
        else:
            all_of.spare.load_state(all_of.many.state_dict())
            all_of.many, all_of.spare = all_of.spare, all_of.many
        all_of.check()
