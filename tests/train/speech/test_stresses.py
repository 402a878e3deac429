"""Stresses lie on what stands out: the louder, the higher, the longer, the content word; and on real speech where a
person hears them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.speech.align import Aligner
from tests.train.speech.conftest import spoken
from train.speech.recorded import recorded_talk, recordings
from train.speech.stresses import APART_S, find_stresses, is_content, stressed_syllable, syllable_peaks, syllables
from train.speech.talk import RATE, SpokenWord

PLAIN = [("dog", 0.22, 120.0, 0.3)] * 12


def stressed(plan: list[tuple[str, float, float, float]]) -> set[int]:
    pcm, words = spoken(plan)
    return {item.word for item in find_stresses(pcm, words)}


@pytest.mark.parametrize(
    "change",
    [("dog", 0.22, 120.0, 0.8), ("dog", 0.22, 175.0, 0.3), ("dog", 0.36, 120.0, 0.3)],
    ids=["louder", "higher", "longer"],
)
def test_what_stands_out_is_stressed(change: tuple[str, float, float, float]) -> None:
    plan = list(PLAIN)
    plan[3] = plan[8] = change
    assert stressed(plan) >= {3, 8} and len(stressed(plan)) <= 6


def test_of_equal_sound_the_content_word_is_stressed() -> None:
    plan = [(text, 0.22, 120.0, 0.3) for text in ("the", "of", "stone", "to", "and", "is", "bread", "in", "at", "it")]
    assert stressed(plan) == {2, 6}


def test_what_is_said_while_thinking_is_not_stressed() -> None:
    plan = list(PLAIN)
    plan[4], plan[9] = ("um", 0.4, 150.0, 0.9), ("cat", 0.4, 150.0, 0.9)
    assert 9 in stressed(plan) and 4 not in stressed(plan)


def test_the_time_is_the_energy_peak_of_the_word() -> None:
    plan = list(PLAIN)
    plan[5] = ("dog", 0.3, 120.0, 0.9)
    pcm, words = spoken(plan)
    (found,) = (item for item in find_stresses(pcm, words) if item.word == 5)
    assert found.time == pytest.approx((words[5].start + words[5].end) / 2, abs=0.04)
    assert found.strength == 1.0


@pytest.mark.parametrize(("text", "first"), [("country", True), ("design", False)])
def test_of_two_syllables_alike_the_one_that_spelling_expects_is_stressed(text: str, first: bool) -> None:
    pcm, parts = spoken([*PLAIN[:4], ("-", 0.2, 130.0, 0.8), ("-", 0.2, 130.0, 0.8), *PLAIN[:4]])
    word = SpokenWord(text, parts[4].start, parts[5].end)
    (found,) = (item for item in find_stresses(pcm, [*parts[:4], word, *parts[6:]]) if item.word == 4)
    assert (found.time < parts[4].end) == first


def test_pitch_taken_for_its_octave_does_not_count() -> None:
    plan = list(PLAIN)
    plan[3], plan[8] = ("dog", 0.22, 241.0, 0.3), ("dog", 0.22, 165.0, 0.3)
    assert 8 in stressed(plan) and 3 not in stressed(plan)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["dog", "the", "paper", "of", "xq", "ärger", "7"]),
            st.floats(0.05, 0.5),
            st.floats(80, 300),
            st.floats(0.0, 1.0),
        ),
        min_size=1,
        max_size=15,
    ),
    st.sampled_from([0.02, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_stresses_are_in_order_apart_and_within_their_words(plan: list, gain: float) -> None:
    pcm, words = spoken(plan)
    found = find_stresses(pcm * np.float32(gain), words)
    times = [item.time for item in found]
    assert all(second - first >= APART_S - 1e-9 for first, second in pairwise(times))
    for item in found:
        assert 0 <= item.strength <= 1
        assert words[item.word].start - 0.011 <= item.time <= words[item.word].end + 0.011


def test_a_soft_talk_has_the_stresses_of_a_loud_one() -> None:
    plan = [(text, 0.2, 120.0 + 3 * k, 0.2 + 0.05 * (k % 4)) for k, text in enumerate(("dog", "the", "cat", "a") * 3)]
    pcm, words = spoken(plan)
    loud, soft = find_stresses(pcm, words), find_stresses(pcm * np.float32(0.05), words)
    assert loud and [item.word for item in loud] == [item.word for item in soft]


def test_without_words_syllables_of_the_sound_are_stressed() -> None:
    plan = list(PLAIN)
    plan[4] = ("dog", 0.3, 160.0, 0.9)
    pcm, words = spoken(plan)
    found = find_stresses(pcm)
    assert {item.word for item in found} == {-1}
    strongest = max(found, key=lambda item: item.strength)
    assert words[4].start < strongest.time < words[4].end
    assert len(syllable_peaks(pcm)) == len(plan)


def test_silence_and_next_to_nothing_have_none() -> None:
    assert find_stresses(np.zeros(RATE, np.float32)) == ()
    assert find_stresses(np.zeros(0, np.float32)) == ()
    pcm, words = spoken(PLAIN[:2])
    assert find_stresses(pcm, words) == ()


def test_words_of_grammar_and_syllables_by_spelling() -> None:
    assert is_content("Paper,") and is_content("not") and is_content("café")
    assert not any(is_content(text) for text in ("the", "I'm", "we’ll", "Mm-hmm", "uh,", "...", ""))
    assert [syllables(text) for text in ("dog", "paper", "table", "liked", "wanted", "make", "the")] == [
        *(1, 2, 2, 1, 2, 1, 1),
    ]
    words = ("country", "design", "expensive", "presentation", "electricity", "really", "before", "stone")
    assert [stressed_syllable(word) for word in words] == [0, 1, 1, 2, 2, 0, 1, 0]


def test_real_speech_is_stressed_where_it_is_heard(real_data: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx aligns the words: the extra [words]")
    aligner = Aligner()
    jfk, libri = (recorded_talk(item, lambda: aligner) for item in recordings(real_data, "test"))
    said = [jfk.words[item.word].text for item in jfk.stresses]
    assert {"ask", "not", "country"} <= set(said) and not {"and", "can", "for", "what"} & set(said)
    for talk in (jfk, libri):
        spoken_s = sum(word.end - word.start for word in talk.words)
        assert 0.8 < len(talk.stresses) / spoken_s < 1.5
