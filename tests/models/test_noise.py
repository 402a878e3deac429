"""Noise depends on seed and frame alone, and is uniform."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.noise import uniform, uniforms

seeds, frames = st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(seeds, st.lists(frames, min_size=2, max_size=6, unique=True), st.integers(1, 9))
def test_order_does_not_matter(seed: int, wanted: list[int], count: int):
    forwards = {frame: uniform(seed, frame, count) for frame in wanted}
    backwards = {frame: uniform(seed, frame, count) for frame in reversed(wanted)}
    for frame in wanted:
        assert np.array_equal(forwards[frame], backwards[frame])
    assert len({values.tobytes() for values in forwards.values()}) == len(wanted)


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(seeds, st.integers(0, 10**9), st.integers(1, 6), st.integers(1, 5))
def test_a_block_holds_the_same_rows(seed: int, first: int, length: int, count: int):
    block = uniforms(seed, first, length, count)
    assert block.shape == (length, count)
    assert block.dtype == np.float32
    for row in range(length):
        assert np.array_equal(block[row], uniform(seed, first + row, count))


def test_more_numbers_begin_with_the_fewer():
    assert np.array_equal(uniform(3, 7, 20)[:8], uniform(3, 7, 8))


def test_numbers_are_uniform_and_frames_unrelated():
    values = uniforms(12, 10**8, 4000, 5)
    assert values.min() >= 0.0
    assert values.max() < 1.0
    counts, _ = np.histogram(values, 20, (0.0, 1.0))
    expected = values.size / 20
    assert np.sum((counts - expected) ** 2) / expected < 43.8, "19 degrees of freedom, one in 1000"
    correlation = np.corrcoef(values[:-1].ravel(), values[1:].ravel())[0, 1]
    assert abs(correlation) < 0.025
    assert not np.array_equal(uniform(1, 5, 4), uniform(2, 5, 4))
