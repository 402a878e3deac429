"""Words reach a frame when they begin, never sooner, newest last, numbered by the vocabulary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.feeds.words import LONGEST_WORD, MOST_WORDS, UNKNOWN_END_S, Word, WordRing

S = 1_000_000_000
IDS = {"hello": 1, "there": 2, "you": 3}


def ring() -> WordRing:
    return WordRing(lambda text: IDS.get(text, 0))


def test_a_word_is_seen_from_its_beginning_with_its_ages() -> None:
    words = ring()
    words.put(Word("hello", 2 * S, 3 * S))
    assert not words.newest(2 * S - 1, 2).any()
    assert words.newest(2 * S, 2).tolist() == [[0, 0, 0, 0], [1, 0, -1, 1]]
    assert words.newest(5 * S, 2).tolist() == [[0, 0, 0, 0], [1, 3, 2, 1]]


def test_the_newest_come_last_in_whatever_order_they_were_told() -> None:
    words = ring()
    for text, start in (("you", 3), ("hello", 1), ("there", 2)):
        words.put(Word(text, start * S, start * S + S // 2))
    assert words.newest(10 * S, 2)[:, 0].tolist() == [2, 3]
    assert words.newest(10 * S, 5)[:, 0].tolist() == [0, 0, 1, 2, 3]
    assert words.newest(2 * S, 5)[:, 3].tolist() == [0, 0, 0, 1, 1]


def test_an_end_that_is_unknown_or_before_the_start_is_mended() -> None:
    words = ring()
    words.put(Word("hello", S, None))
    assert np.isclose(words.newest(S, 1)[0, 2], -UNKNOWN_END_S)
    words.put(Word("there", 2 * S, S))
    assert words.newest(2 * S, 1)[0].tolist() == [2, 0, 0, 1]


def test_the_ring_is_bounded_and_its_followers_number_words_for_themselves() -> None:
    words, other = ring(), WordRing(lambda text: len(text))
    words.follow(other)
    for index in range(MOST_WORDS + 5):
        words.put(Word("x" * 1000, index, index))
    assert words.dropped == 5
    words.put(Word("you", 0, 0))  # older than all that are kept
    assert words.dropped == 6 and words.newest(MOST_WORDS + 4, 1)[0].tolist() == [0, 0, 0, 1]
    assert words.newest(4, 1)[0, 3] == 0 and words.newest(5, 1)[0, 3] == 1
    assert other.newest(S, 1)[0, 0] == LONGEST_WORD


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10)), max_size=30), st.integers(0, 60), st.integers(1, 6))
def test_no_word_of_the_future_is_ever_seen(spans: list[tuple[int, int]], now: int, count: int) -> None:
    words = ring()
    for start, length in spans:
        words.put(Word("hello", start * S, (start + length) * S))
    rows = words.newest(now * S, count)
    begun = sorted(start for start, _ in spans if start <= now)[-count:]
    assert rows[:, 3].sum() == len(begun)
    assert (rows[:, 1] >= 0).all()
    assert [now - row[1] for row in rows if row[3]] == begun
