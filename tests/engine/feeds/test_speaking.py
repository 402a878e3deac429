"""Whether somebody speaks: by flag, words and level, as of a moment, however the sound is cut and late one asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import engine
from engine.feeds.speaking import (
    FLOOR_S,
    HANGOVER_S,
    MOST_FLAGS,
    MOST_SPANS,
    ONSET_WINDOWS,
    WINDOW_S,
    Speaking,
)
from engine.feeds.words import UNKNOWN_END_S, Word
from engine.sources.media import MediaFile

RATE = 16_000
START = 5_000_000_000
SPEECH = Path(engine.__file__).parent / "data" / "partner" / "speech.flac"


def ns(seconds: float) -> int:
    return START + round(seconds * 1e9)


def hiss(seconds: float, level_db: float, seed: int = 1) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (noise * 10 ** (level_db / 20)).astype(np.float32)


def track(sound: NDArray[np.float32], block: int = 640, after: float = 0.0) -> NDArray[np.float32]:
    """Answers every 10 ms, each asked right after the sound up to it, and for ``after`` seconds without more."""
    speaking = Speaking()
    answers = []
    for first in range(0, len(sound), block):
        part = sound[first : first + block]
        end_s = (first + len(part)) / RATE
        speaking.hear(part, ns(end_s))
        answers += [speaking.value(ns(end_s - left / 100)) for left in range(len(part) // 160 - 1, -1, -1)]
    answers += [speaking.value(ns(len(sound) / RATE + step / 100)) for step in range(1, round(after * 100) + 1)]
    return np.array(answers, np.float32)


def test_silence_and_a_quiet_hiss_are_not_speech() -> None:
    assert not track(np.zeros(3 * RATE, np.float32)).any()
    assert not track(hiss(6, -62)).any()
    # however silent it was before
    assert not track(np.concatenate([np.zeros(3 * RATE, np.float32), hiss(1, -58)])).any()


def test_a_loud_steady_hiss_is_speech_for_as_long_as_the_floor_needs_and_no_longer() -> None:
    found = track(np.concatenate([np.zeros(RATE, np.float32), hiss(6, -30)]))
    assert not found[:100].any()
    last = np.flatnonzero(found)[-1] / 100
    assert 1.5 < last <= 1.0 + FLOOR_S + HANGOVER_S + 0.1


def test_speech_is_found_soon_after_it_begins_and_let_go_soon_after_it_ends() -> None:
    burst = hiss(0.5, -25)
    quiet = hiss(1.0, -70, 2)
    found = track(np.concatenate([quiet, burst, quiet]))
    spoken = np.flatnonzero(found) / 100
    assert spoken[0] == pytest.approx(1.0 + ONSET_WINDOWS * WINDOW_S, abs=0.021)
    assert spoken[-1] == pytest.approx(1.5 + HANGOVER_S, abs=0.03)
    assert found[round(spoken[0] * 100) : round(spoken[-1] * 100)].all()


def test_a_click_is_not_speech() -> None:
    sound = hiss(2.0, -75)
    sound[RATE : RATE + 400] = 0.9
    assert not track(sound).any()


def test_it_ends_by_itself_where_no_more_sound_comes() -> None:
    found = track(np.concatenate([np.zeros(RATE, np.float32), hiss(0.3, -20)]), after=1.0)
    assert found[129] == 1.0
    assert found[130 : 130 + round(HANGOVER_S * 100) - 2].all() and not found[132 + round(HANGOVER_S * 100) :].any()


def test_the_built_in_partner_speaks_in_phrases() -> None:
    sound = np.concatenate([block.samples for block in MediaFile(SPEECH).audio(RATE)])
    found = track(sound)
    windows = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    loud = 10 * np.log10((windows.astype(np.float64) ** 2).mean(1) + 1e-12) > -40
    share = loud.mean()
    assert 0.3 < share < 0.7
    assert (found[: len(loud)][loud]).mean() > 0.95, "of the loud windows nearly all are speech"
    # nothing is, further from a loud window than the hang-over
    near = np.convolve(loud, np.ones(40), "full")[: len(loud)] > 0
    assert (found[: len(loud)][~near]).mean() < 0.05
    assert 10 < (np.diff(found) > 0).sum() < 40


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12), st.floats(0, 0.2))
def test_the_answers_do_not_depend_on_the_blocks_nor_on_when_one_asks(blocks: list[int], start: float) -> None:
    sound = np.concatenate([np.zeros(round(start * RATE), np.float32), hiss(0.2, -20), hiss(0.3, -70), hiss(0.2, -25)])
    whole, cut = Speaking(), Speaking()
    whole.hear(sound, ns(len(sound) / RATE))
    at, asked = 0, []
    for block in [*blocks, len(sound)]:
        part = sound[at : at + block]
        at += len(part)
        cut.hear(part, ns(at / RATE))
        asked.append((ns(at / RATE), cut.value(ns(at / RATE))))
    times = [ns(step / 200) for step in range(300)]
    assert [whole.value(t) for t in times] == [cut.value(t) for t in times]
    assert [(t, cut.value(t)) for t, _ in asked] == asked, "what is heard later changes no answer"


def test_a_word_is_speech_from_its_start_to_a_hang_over_after_its_end_and_never_before() -> None:
    speaking = Speaking()
    speaking.word(Word("later", ns(1.0), ns(1.4)))
    assert [speaking.value(ns(t)) for t in (0.5, 0.999, 1.0, 1.4, 1.59, 1.601)] == [0, 0, 1, 1, 1, 0]
    speaking.word(Word("unknown", ns(3.0)))
    assert speaking.value(ns(3.0 + UNKNOWN_END_S + HANGOVER_S - 0.01)) == 1.0
    assert speaking.value(ns(3.0 + UNKNOWN_END_S + HANGOVER_S + 0.01)) == 0.0
    speaking.word(Word("backwards", ns(5.0), ns(4.0)))
    assert (speaking.value(ns(4.5)), speaking.value(ns(5.1)), speaking.value(ns(5.3))) == (0, 1, 0)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=40))
def test_words_in_any_order_are_speech_where_one_of_them_is(words: list[tuple[int, int]]) -> None:
    speaking = Speaking()
    for start, length in words:
        speaking.word(Word("w", ns(start / 10), ns((start + length) / 10)))
    for t in range(480):
        said = any(start <= t and t / 10 < (start + length) / 10 + HANGOVER_S - 1e-9 for start, length in words)
        assert speaking.value(ns(t / 10)) == said


def test_a_flag_wins_over_words_and_sound_in_its_time_until_it_is_let_go() -> None:
    speaking = Speaking()
    speaking.word(Word("hello", ns(0.0), ns(9.0)))
    speaking.say(True, ns(20.0))
    speaking.say(False, ns(1.0))  # in any order
    speaking.say(None, ns(30.0))
    speaking.say(False, ns(20.0))  # the last that is said of one moment counts
    assert [speaking.value(ns(t)) for t in (0.5, 1.0, 2.0, 20.0, 31.0)] == [1, 0, 0, 0, 0]
    speaking.say(True, ns(30.5))
    assert [speaking.value(ns(t)) for t in (30.2, 30.5, 40.0)] == [0, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([True, False, None])), max_size=30))
def test_of_flags_in_any_order_the_latest_by_its_time_counts(flags: list[tuple[int, bool | None]]) -> None:
    speaking = Speaking()
    for at, flag in flags:
        speaking.say(flag, ns(at))
    for t in range(35):
        before = [(at, place, flag) for place, (at, flag) in enumerate(flags) if at <= t]
        assert speaking.value(ns(t)) == bool(max(before, key=lambda item: item[:2])[2] if before else False)


def test_what_is_remembered_is_bounded_and_the_earliest_goes() -> None:
    speaking = Speaking()
    for index in range(MOST_SPANS + 10):
        speaking.word(Word("w", ns(index), ns(index + 0.1)))
    assert speaking.value(ns(9.0)) == 0.0 and speaking.value(ns(10.0)) == 1.0
    assert speaking.value(ns(MOST_SPANS + 9.0)) == 1.0
    for index in range(MOST_FLAGS + 10):
        speaking.say(index % 2 == 0, ns(index))
    assert speaking.value(ns(8.5)) == 0.0, "flags before the oldest that is kept are forgotten"
    assert speaking.value(ns(10.5)) == 1.0 and speaking.value(ns(MOST_FLAGS + 9.5)) == 0.0


def test_broken_numbers_are_silence() -> None:
    speaking = Speaking()
    speaking.hear(np.full(RATE, np.nan, np.float32), ns(1.0))
    speaking.hear(np.full(RATE, np.inf, np.float32), ns(2.0))
    assert not any(speaking.value(ns(step / 100)) for step in range(250))
    speaking.hear(hiss(0.2, -20), ns(2.2))
    assert speaking.value(ns(2.2)) == 1.0


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_the_rate_of_the_sound_counts(rate: int) -> None:
    speaking = Speaking()
    speaking.rate = rate
    speaking.hear(np.zeros(rate, np.float32), ns(1.0))
    speaking.hear(np.full(rate // 10, 0.1, np.float32), ns(1.1))
    onset = next(t for t in range(100, 120) if speaking.value(ns(t / 100)))
    assert onset == 100 + ONSET_WINDOWS
