"""Which blocks a tick runs: all that is needed, nothing that is not, and no cheaper choice exists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.protocol import BUCKETS, Block, RuntimeRefusal, check_rows, cover

FURTHER = 1 / 8
"""What a further row of a block costs, as a share of the first."""


def cost(blocks: list[Block]) -> float:
    return sum(1.0 + FURTHER * (size - 1) for _, size in blocks)


@pytest.mark.parametrize(("rows", "sizes"), [(8, (1, 2, 4)), (8, (2, 4)), (4, (4,)), (12, (1, 4)), (6, (1, 3, 6))])
def test_no_choice_of_blocks_is_cheaper(rows: int, sizes: tuple[int, ...]):
    """Against every set of blocks that there is, for every set of active rows."""
    there = [Block(start, size) for size in sizes for start in range(0, rows, size)]
    held, prices = np.zeros(1, np.int64), np.zeros(1)
    for block in there:
        held = np.concatenate([held, held | ((1 << block.size) - 1) << block.start])
        prices = np.concatenate([prices, prices + cost([block])])
    for active in range(1 << rows):
        least = prices[active & ~held == 0].min()
        flags = np.array([bool(active >> row & 1) for row in range(rows)])
        assert cost(cover(flags, sizes)) == pytest.approx(least)


@given(st.data())
def test_all_active_rows_are_held_once_and_no_block_is_idle(data: st.DataObject):
    sizes = data.draw(st.sampled_from([(1,), (4,), (16,), (1, 4), (2, 6, 12), BUCKETS]))
    rows = sizes[-1] * data.draw(st.integers(1, 4))
    active = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    blocks = cover(active, sizes)
    held = np.zeros(rows, np.int64)
    for start, size in blocks:
        assert size in sizes and start % size == 0 and start + size <= rows
        assert active[start : start + size].any()
        held[start : start + size] += 1
    assert held.max(initial=0) <= 1 and held[active].all()
    assert blocks == sorted(blocks)
    assert blocks == cover(active, sizes)
    for size in sizes:
        needed = [Block(start, size) for start in range(0, rows, size) if active[start : start + size].any()]
        assert cost(blocks) <= cost(needed) + 1e-9


def test_a_few_rows_are_run_alone_and_many_together():
    def of(*rows: int) -> list[Block]:
        active = np.zeros(16, np.bool_)
        active[list(rows)] = True
        return cover(active, BUCKETS)

    assert of() == []
    assert of(5) == [Block(5, 1)]
    assert of(0, 1) == [Block(0, 4)]
    assert of(0, 9) == [Block(0, 1), Block(9, 1)]
    assert of(*range(16)) == [Block(0, 16)]
    assert of(0, 1, 2, 15) == [Block(0, 4), Block(15, 1)]


@pytest.mark.parametrize(
    ("rows", "threads", "sizes", "reason"),
    [
        (0, 1, (1,), "rows 0"),
        (1, 0, (1,), "threads 0"),
        (4, 1, (), r"blocks \(\)"),
        (4, 1, (0, 4), r"blocks \(0, 4\)"),
        (6, 1, (4,), "6 rows in blocks of"),
        (12, 1, (1, 4, 6), "multiples of the size below"),
    ],
)
def test_rows_and_blocks_that_do_not_fit_are_refused(rows: int, threads: int, sizes: tuple[int, ...], reason: str):
    with pytest.raises(RuntimeRefusal, match=reason):
        check_rows("tiny", rows, threads, sizes)


def test_sizes_come_in_order_and_once():
    assert check_rows("tiny", 32, 1, (16, 1, 4, 4)) == (1, 4, 16)
