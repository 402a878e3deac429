"""AMI's turns become phrases that can be spoken: clean words, real durations and pauses, waits shortened, asides left
out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.speech import ami
from train.speech.turns import LEAST_WORDS, LONGEST_PAUSE_S, LONGEST_WORDS, Phrase, clean, gathered, phrases, turns

ANN = ami.Person("ES2002a", "A")


def word(start: float, end: float, text: str, kind: str = "word") -> ami.Word:
    return ami.Word(ANN, start, end, kind, text)


def test_phrases_end_at_pauses_and_keep_punctuation_in_the_text_alone() -> None:
    said = phrases(
        [
            *(word(1.0, 1.2, "so"), word(1.2, 1.2, ",", "punc"), word(1.2, 1.6, "T_V_s"), word(1.6, 1.6, ".", "punc")),
            *(word(1.6, 2.0, "", "gap"), word(2.0, 2.5, "laugh", "vocal"), word(3.0, 3.3, "no"), word(3.3, 3.6, "no")),
        ]
    )
    assert [(item.text, item.words) for item in said] == [
        ("So, TVs.", ("so", "TVs")),
        ("No, no,", ("no", "no")),
    ]
    assert said[0].seconds == pytest.approx(0.6) and said[0].pause == pytest.approx(1.4)
    assert said[1].pause == pytest.approx(LONGEST_PAUSE_S)


def test_a_drawn_out_word_is_a_word_and_a_hesitation() -> None:
    said = phrases([word(0.0, 3.0, "the"), word(3.0, 3.4, "screen")])
    assert [item.words for item in said] == [("the",), ("screen",)]
    assert said[0].seconds < 0.7 and said[0].pause > 2.3


@pytest.mark.parametrize(
    ("text", "plain"),
    [("L_C_D_", "LCD"), ("it's", "it's"), ("infra-red", "infra-red"), ("f", ""), ("a", "a"), ("_", ""), ("..", "")],
)
def test_words_are_cleaned(text: str, plain: str) -> None:
    assert clean(text) == plain


def long_turn(count: int, pause: float) -> list[Phrase]:
    words = ("the", "red", "remote", "control", "works", "as", "well", "as", "the", "black")
    return [Phrase("The red remote control works as well as the black.", words, 2.4, pause)] * count


def test_waits_become_short_and_talks_have_their_length() -> None:
    talks = list(gathered(ANN, long_turn(200, 60.0)))
    assert len(talks) > 5 and [talk.number for talk in talks] == list(range(len(talks)))
    for talk in talks:
        seconds = sum(item.seconds + item.pause for item in talk.phrases)
        assert 45 <= seconds <= 90
        assert all(1.0 <= item.pause <= LONGEST_PAUSE_S for item in talk.phrases)
    assert talks[0].name == "ES2002a-A-00"
    assert list(gathered(ANN, long_turn(200, 60.0))) == talks


def test_a_listeners_word_in_anothers_turn_is_left_out_and_slow_talks_too() -> None:
    aside = Phrase("Mm-hmm.", ("Mm-hmm",), 0.4, 20.0)
    first, last = long_turn(1, 0.4)[0], long_turn(1, 20.0)[0]
    talks = list(gathered(ANN, [first, first, last, aside] * 40))
    assert talks and not any("Mm-hmm" in item.words for talk in talks for item in talk.phrases)
    slow = [Phrase("Well,", ("well",), 0.5, 2.0)] * 100
    assert list(gathered(ANN, slow)) == []


@given(
    st.lists(
        st.tuples(
            st.floats(0, 4000), st.floats(0, 3), st.text(max_size=12), st.sampled_from(["word", "punc", "vocal", "gap"])
        ),
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_words_phrases_are_fit_to_be_spoken(rows: list[tuple[float, float, str, str]]) -> None:
    for item in phrases(word(start, start + length, text, kind) for start, length, text, kind in rows):
        assert item.words and len(item.words) <= LONGEST_WORDS and item.text[-1] in ".,?!"
        assert all(any(sign.isalnum() for sign in plain) for plain in item.words)
        assert item.seconds > 0 and item.pause >= 0


def test_turns_are_of_the_people_of_the_split(corpus: Callable[..., Path]) -> None:
    rows = []
    for meeting in ("ES2002a", "ES2009a", "ES2013a"):
        for speaker in "AB":
            clock = 0.0
            for index in range(400):
                rows.append(f"{meeting},{speaker},{clock:.2f},{clock + 0.3:.2f},word,paper")
                clock += 0.3 if index % 6 else 0.9
    data = corpus(words=rows)
    for split, meeting in (("train", "ES2002a"), ("test", "ES2009a"), ("dev", "ES2013a")):
        found = list(turns(data, split))
        assert {talk.person for talk in found} == {ami.Person(meeting, letter) for letter in "AB"}
        rate = [len(item.words) / (item.seconds + item.pause) for talk in found for item in talk.phrases]
        assert np.mean(rate) > LEAST_WORDS
