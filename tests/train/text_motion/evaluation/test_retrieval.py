"""R-precision of perfect, permuted and empty embeddings; deals without a text or take twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.text_motion.evaluation.retrieval import deal, retrieve, shares

RNG = np.random.default_rng(0)


def precision(motions: np.ndarray, texts: np.ndarray, batches: np.ndarray) -> list[float]:
    found = retrieve(motions, texts, batches)
    return list(found.hits.sum(0) / found.dealt.sum())


def test_perfect_embeddings_find_everything_and_permuted_ones_next_to_nothing() -> None:
    points = RNG.standard_normal((64, 16))
    batches = deal([str(n) for n in range(64)], [str(n) for n in range(64)], 0)
    assert precision(points, points, batches) == [1.0, 1.0, 1.0]
    # The text of each is another's: none is right, whatever the batch, unless the other is not in it.
    whole = np.arange(64)[None]
    assert precision(points, np.roll(points, 1, 0), whole)[0] == 0.0
    assert retrieve(points, points + 3.0, batches).distance == pytest.approx(np.full(64, 12.0))


def test_the_rank_is_counted() -> None:
    texts = np.array([[0.0], [1.0], [2.0], [10.0]])
    motions = np.array([[0.9], [1.0], [9.0], [9.0]])  # ranks 2, 1, 2, 1
    assert shares(motions, texts).tolist() == [[0, 1, 1], [1, 1, 1], [0, 1, 1], [1, 1, 1]]


def test_embeddings_that_say_nothing_find_what_chance_finds() -> None:
    batches = deal([str(n) for n in range(32)], [str(n) for n in range(32)], 0)
    nothing = np.zeros((32, 4))
    assert precision(nothing, nothing, batches) == pytest.approx([1 / 32, 2 / 32, 3 / 32])
    noise = precision(RNG.standard_normal((3200, 4)), RNG.standard_normal((3200, 4)), np.arange(3200).reshape(-1, 32))
    assert noise == pytest.approx([1 / 32, 2 / 32, 3 / 32], abs=0.02)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=0, max_size=60), st.integers(2, 8))
def test_no_batch_has_a_text_or_a_take_twice(items: list[tuple[int, int]], batch: int) -> None:
    texts, groups = [f"text {text}" for text, _ in items], [f"take {group}" for _, group in items]
    for dealt in deal(texts, groups, 3, batch, deals=3):
        assert len(dealt) == batch
        assert len({texts[n] for n in dealt}) == len({groups[n] for n in dealt}) == batch


def test_all_items_are_dealt_where_all_differ() -> None:
    dealt = deal([str(n) for n in range(16)], [str(n) for n in range(16)], 0, 4, deals=2)
    assert sorted(dealt[:4].ravel()) == sorted(dealt[4:].ravel()) == list(range(16))
    assert dealt[:4].tolist() != dealt[4:].tolist()
    assert not len(deal(["same"] * 16, [str(n) for n in range(16)], 0, 4))
