"""Labels of gestures: phases that may follow each other, kinds by hand, clocks as the model has them, words known."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gesture.config import BODY, RATE
from models.gesture.plan import FOLLOWS, HOLD, PREPARATION, REST, RETRACTION, STROKE, advanced, unpacked
from models.gesture.words import vocabulary
from train.gesture.labels import PACE_M, SHAPE, accents, clocks, fit_kinds, nod_starts, phases, shapes_of, silences
from train.gesture.words import known_words, word_table

torch.set_num_threads(1)


def gesture(hands: int, prep: float, stroke: float, apex: float, retract: float, rest: float) -> list[float]:
    return [hands, 0, prep, stroke, apex, retract, rest, 1.0]


def test_phases_of_a_gesture_stand_where_it_says() -> None:
    made = phases(np.array([gesture(0, 1.0, 1.4, 1.6, 2.0, 2.4)], np.float32), np.array([7]), 45)
    wanted = [REST] * 15 + [PREPARATION] * 6 + [STROKE] * 3 + [HOLD] * 6 + [RETRACTION] * 6 + [REST] * 9
    assert made[:, 0].tolist() == wanted
    assert made[15:36, 1].tolist() == [7] * 21


times = st.floats(-1.0, 9.0)


@given(st.lists(st.tuples(st.integers(0, 2), times, times, times, times, times), max_size=6))
@settings(max_examples=60, deadline=None)
def test_phases_are_possible_whatever_the_events(events: list[tuple]) -> None:
    rows = np.array([gesture(hand, *sorted(rest)) for hand, *rest in events], np.float32).reshape(-1, 8)
    made = phases(rows, np.arange(len(rows)), 120)[:, 0].tolist()
    assert made[0] in FOLLOWS[REST]
    assert all(after in FOLLOWS[before] for before, after in itertools.pairwise(made))


def test_a_gesture_in_one_frame_still_has_a_stroke() -> None:
    made = phases(np.array([gesture(0, 1.0, 1.01, 1.02, 1.02, 1.03)], np.float32), np.array([1]), 30)[:, 0].tolist()
    assert PREPARATION in made and STROKE in made and made[-1] == REST


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_clocks_are_the_model_s_own(ids: list[tuple[int, int, int]]) -> None:
    told = clocks(np.array(ids, np.int64))
    clock = unpacked(torch.zeros(1, 4))
    for row, drawn in zip(told, ids, strict=True):
        clock = advanced(clock, torch.tensor([drawn]))
        np.testing.assert_allclose(row, clock.packed()[0].numpy(), atol=1e-4)


def test_kinds_keep_to_their_hand() -> None:
    rng = np.random.default_rng(0)
    shapes = np.concatenate([rng.normal(0, 0.01, (20, SHAPE)) + k for k in range(3)])
    hands = np.array([0] * 20 + [1] * 20 + [2] * 20)
    kinds = fit_kinds(shapes, hands, 6, 0)
    assert len(kinds.centres) == 6 and set(kinds.hands) == {0, 1, 2}
    assert (kinds.hands[kinds.of(shapes, hands)] == hands).all()
    assert (kinds.hands[kinds.of(shapes, (hands + 1) % 3)] == (hands + 1) % 3).all()
    assert len(fit_kinds(shapes[:2], hands[:2], 6, 0).centres) == 6
    assert len(kinds.of(np.zeros((0, SHAPE)), np.zeros(0, int))) == 0


def test_shapes_are_where_the_hands_are_and_how_long_a_stroke_takes() -> None:
    joints = np.zeros((60, 27, 3), np.float32)
    joints[:, BODY.index("neck"), 1] = 1.5
    joints[:, BODY.index("rHand"), 0] = np.arange(60)
    rows = np.array([gesture(0, 0.5, 1.0, 2.0, 2.5, 3.0), gesture(1, 0.5, 1.0, 2.0, 2.5, 3.0)], np.float32)
    made = shapes_of(rows, joints)
    assert made[0, :9].tolist() == [15.0, -1.5, 0.0, 22.0, -1.5, 0.0, 30.0, -1.5, 0.0] and not made[0, 9:-1].any()
    assert not made[1, :9].any() and made[1, 10] == -1.5
    assert made[:, -1] == pytest.approx(PACE_M)


def test_stresses_are_told_as_they_fall_and_a_little_before() -> None:
    told = accents(np.array([[1.0, 0.9, 0], [2.04, 0.3, 1]], np.float32), 60)
    assert told[15:17, 0].tolist() == pytest.approx([0.9, 0.9]) and told[17, 0] == 0
    assert told[12:15, 1].tolist() == pytest.approx([0.9] * 3) and told[15, 1] == 0
    assert not accents(np.zeros((0, 3), np.float32), 4).any()


def test_silence_is_told_once_it_has_been_heard() -> None:
    told = silences(np.array([[0.4, 1.0], [1.1, 1.6]]), 45)
    assert told[:6].all() and not told[6:27].any() and told[27:].all()
    assert silences(np.zeros((0, 2)), 5).all()


def test_nods_begin_in_their_frame() -> None:
    rows = np.array([[0.5, 0.6, 0.7, 1.0], [99.0, 99.1, 99.2, 1.0]], np.float32)
    assert np.flatnonzero(nod_starts(rows, 30)).tolist() == [7]
    assert not nod_starts(np.zeros((0, 4), np.float32), 5).any()


def test_words_are_known_from_when_they_come() -> None:
    ids, spans = np.array([3, 9]), np.array([[0.1, 0.3], [0.5, 0.9]])
    on_time = known_words(ids, spans, spans[:, 0].copy(), 0, 15, 2)
    assert on_time[0, :, 3].tolist() == [0.0, 0.0], "frame 0 ends before the first word begins"
    assert on_time[1, 1].tolist() == pytest.approx([3, 2 / RATE - 0.1, 2 / RATE - 0.3, 1])
    assert on_time[14, :, 0].tolist() == [3, 9]
    late = known_words(ids, spans, np.array([0.1, 0.95]), 0, 15, 2)
    assert late[13, :, 0].tolist() == [0, 3] and late[14, :, 0].tolist() == [3, 9]
    assert not known_words(ids, spans, np.full(2, math.inf), 0, 15, 2).any()
    shifted = known_words(ids, spans, spans[:, 0].copy(), 5, 10, 2)
    np.testing.assert_array_equal(shifted, on_time[5:])


def test_known_words_are_those_of_the_engine_s_feed() -> None:
    from engine.feeds.words import Word, WordRing

    rng = np.random.default_rng(4)
    start = np.sort(rng.uniform(0, 4, 12))
    spans = np.stack([start, start + rng.uniform(0.05, 0.5, 12)], 1)
    rows = known_words(np.arange(12), spans, spans[:, 0].copy(), 0, 60, 3)
    ring = WordRing(int)
    for number, (begun, ended) in enumerate(spans):
        ring.put(Word(str(number), round(begun * 1e9), round(ended * 1e9)))
    for frame in range(60):
        np.testing.assert_allclose(rows[frame], ring.newest(round((frame + 1) / RATE * 1e9), 3), atol=1e-5)


def test_rare_and_long_words_are_told_apart_without_any_vectors(tmp_path: Path) -> None:
    table = word_table(None, 8)
    words = vocabulary()
    the, rare = words.index("the"), len(words) - 1
    assert table[the, -3] < table[rare, -3] and table[0, -1] == 0 and table[the, -1] == 1
    assert not table[:, :-3].any() and table.isfinite().all()
    assert torch.equal(word_table(tmp_path, 8), table), "a folder without vectors adds nothing"
