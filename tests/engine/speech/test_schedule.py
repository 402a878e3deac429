"""What is sent ahead reaches the feeds when its time comes: sound sample by sample, words and flags with it."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.speech import schedule as module
from engine.speech.messages import LONGEST_MESSAGE, SpeechSound, decode
from engine.speech.schedule import EARLY_S, FLAG_LASTS_S, LONGEST_STALL_S, MOST_AHEAD_S, MOST_WAITING, SpeechSchedule
from tests.engine.speech.made import RATE, START, own_side
from tests.engine.speech.stage import Stage, ns, ramp, word


def test_silence_is_played_where_nothing_was_sent_with_the_times_of_the_clock() -> None:
    stage = Stage()
    stage.until(0.5)
    assert len(stage.played) == 0.5 * RATE and not stage.played.any()
    assert stage.ends == pytest.approx([0.01 * (step + 1) for step in range(50)])


@settings(max_examples=40)
@given(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=8), st.integers(1, 2000))
def test_sound_sent_at_once_is_played_in_its_time_and_never_before(steps: list[float], size: int) -> None:
    stage = Stage()
    stage.until(0.1)
    sent = ramp(0.8)
    for first in range(0, len(sent), size):
        stage.sound(sent[first : first + size])
    assert stage.schedule.ahead_s() == pytest.approx(0.8)
    for step in steps:
        stage.until(stage.now_s + step, step)
        wanted = np.concatenate([np.zeros(round(0.1 * RATE)), sent, np.zeros(10 * RATE)])
        assert len(stage.played) == (ns(stage.now_s) - START) * RATE // 1_000_000_000
        np.testing.assert_array_equal(stage.played, wanted[: len(stage.played)].astype(np.float32))


def test_sound_follows_what_came_before_or_waits_for_its_moment() -> None:
    stage = Stage()
    stage.sound(np.full(RATE // 10, 0.25))
    stage.sound(np.full(RATE // 10, 0.5), at_s=0.05)  # that is taken: after what came before
    stage.sound(np.full(RATE // 10, 0.75), at_s=0.5)
    stage.until(1.0)
    played = stage.played.reshape(10, -1)
    assert [set(part.tolist()) for part in played] == [{0.25}, {0.5}, {0}, {0}, {0}, {0.75}, {0}, {0}, {0}, {0}]


def test_words_come_when_they_begin_and_count_from_their_utterance() -> None:
    stage = Stage()
    stage.until(1.0)
    stage.sound(ramp(2.0), begins=True)
    stage.tell(words=[word(0.5, 0.7, "b"), word(0.25, 0.4, "a"), word(1.75, 2.0, "c")])
    stage.until(1.25 - EARLY_S - 0.01)
    assert not stage.said()
    stage.until(1.26)
    assert stage.said() == [("a", 1.25, 1.4)]
    stage.sound(ramp(1.0), begins=True)  # the next utterance: it comes after this one
    stage.tell(words=[word(0.5, 0.6, "d")], speaking=False, at=0.75)
    stage.until(5.0)
    assert stage.said()[1:] == [("b", 1.5, 1.7), ("c", 2.75, 3.0), ("d", 3.5, 3.6)]
    assert stage.flags == [(False, 3.75)]


def test_words_without_sound_count_from_when_they_are_said_to_begin() -> None:
    stage = Stage()
    stage.until(0.5)
    stage.tell(words=[word(0.25, 0.5, "a")])
    stage.until(0.9)
    stage.tell(begin=True, at_ns=ns(1.5), words=[word(0.0, 0.25, "b")])
    stage.tell(words=[word(0.25, 0.5, "c")])
    stage.until(3.0)
    assert stage.said() == [("a", 0.75, 1.0), ("b", 1.5, 1.75), ("c", 1.75, 2.0)]


def test_sound_waits_for_an_utterance_that_was_told_for_later() -> None:
    stage = Stage()
    stage.tell(begin=True, at_ns=ns(0.5), words=[word(0.1, 0.2)])
    stage.sound(np.full(RATE // 10, 0.5))
    stage.until(1.0)
    assert np.flatnonzero(stage.played)[0] == 0.5 * RATE
    assert stage.said() == [("hi", 0.6, 0.7)]


def test_a_synthesiser_slower_than_time_delays_its_words_with_its_sound() -> None:
    stage = Stage()
    stage.sound(ramp(0.2), begins=True)
    stage.tell(words=[word(0.1, 0.15, "a"), word(0.9, 1.0, "b")], speaking=True, at=0.0)
    stage.tell(speaking=False, at=1.0)
    stage.until(0.7)
    stage.sound(ramp(1.0))  # it goes on half a second late
    stage.until(3.0)
    assert stage.said() == [("a", 0.1, 0.15), ("b", 1.4, 1.5)]
    assert stage.flags == [(True, 0.0), (False, 1.5)]
    assert not stage.played[round(0.2 * RATE) : round(0.7 * RATE)].any()
    np.testing.assert_allclose(stage.played[round(0.7 * RATE) : round(1.7 * RATE)], ramp(1.0), rtol=1e-6)


def test_a_flag_without_a_time_counts_at_once_and_wins() -> None:
    stage = Stage()
    stage.sound(ramp(1.0), begins=True)
    stage.until(0.5)
    stage.tell(speaking=True)
    stage.until(0.6)
    stage.tell(speaking=None)
    stage.tell(speaking=False)  # the last that is said of one moment
    stage.until(0.7)
    stage.tell(speaking=True, at=0.9)
    stage.tell(speaking=False, at=0.9)
    stage.until(1.0)
    assert stage.flags == [(True, 0.5), (None, 0.6), (False, 0.6), (True, 0.9), (False, 0.9)]
    assert stage.feeds.speaking["self"].value(ns(0.55)) == 1.0
    assert stage.feeds.speaking["self"].value(ns(0.65)) == 0.0


def test_interrupted_it_forgets_all_that_was_not_played() -> None:
    stage = Stage()
    stage.sound(ramp(5.0), begins=True)
    stage.tell(words=[word(0.2, 0.3, "a"), word(2.0, 2.5, "b")], speaking=True, at=0.0)
    stage.tell(speaking=False, at=5.0)
    stage.until(1.0)
    stage.tell(clear=True)
    assert stage.schedule.ahead_s() == 0.0
    stage.tell(words=[word(0.5, 0.6, "c")])
    stage.sound(np.full(RATE // 10, 0.5))
    stage.until(4.0)
    assert stage.said() == [("a", 0.2, 0.3), ("c", 1.5, 1.6)]
    assert stage.flags == [(True, 0.0), (None, 1.0)]
    assert stage.played[RATE] == 0.5 and not stage.played[round(1.1 * RATE) :].any()


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_sound_of_another_rate_is_made_fit_without_a_seam(rate: int) -> None:
    def tone(length: float, at: int) -> np.ndarray:
        return np.sin(2 * np.pi * 440 * np.arange(round(length * at)) / at) * 0.5

    stage = Stage()
    sent = tone(1.0, rate)
    for first in range(0, len(sent), 999):
        stage.sound(sent[first : first + 999], rate, begins=first == 0)
    stage.sound(np.zeros(RATE), begins=True)  # what the filter still held of the tone is played before this
    stage.until(2.5)
    np.testing.assert_allclose(stage.played[100 : RATE - 200], tone(1.0, RATE)[100:-200], atol=0.01)
    assert np.abs(stage.played[RATE - 30 : RATE]).max() > 0.1
    assert not stage.played[RATE + 100 :].any()


def test_what_the_filter_held_of_an_utterance_long_over_is_not_heard_with_the_next() -> None:
    stage = Stage()
    stage.sound(np.full(4_800, 0.5), 48_000, begins=True)
    stage.until(1.0)
    stage.sound(np.zeros(4_800), 48_000, begins=True)
    stage.until(2.0)
    assert stage.played[: RATE // 10 - 60].all() and not stage.played[RATE // 2 :].any()


def test_the_longest_message_costs_little_more_than_its_own_size() -> None:
    stage = Stage()
    samples = np.zeros(LONGEST_MESSAGE // 2, np.float32)
    tracemalloc.start()
    stage.sound(samples, 48_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stage.schedule.ahead_s() == pytest.approx(len(samples) / 48_000, abs=0.01)
    assert peak < LONGEST_MESSAGE


def test_sound_goes_on_while_a_long_message_is_made_fit() -> None:
    stage = Stage()
    stage.sound(np.full(RATE, 0.25), begins=True)
    stage.until(0.5)
    times = iter(range(ns(0.5), ns(5.0), 3_000_000))  # three milliseconds for each part
    stage.schedule.sound(SpeechSound(np.full(5 * 48_000, 0.5, np.float32), 48_000), lambda: next(times))
    stage.now_s = (next(times) - START) / 1e9
    assert stage.now_s > 1.1, "it took longer than there was sound to play"
    assert max(np.diff(stage.ends)) < 0.02
    stage.until(8.0)
    assert (stage.played[: 6 * RATE - 60] > 0.2).all() and not stage.played[round(6.1 * RATE) :].any()


def test_too_much_is_refused_whole_and_said() -> None:
    stage = Stage()
    stage.sound(ramp(MOST_AHEAD_S - 1.0), begins=True)
    with pytest.raises(EngineError, match=r"61\.0 s ahead"):
        stage.sound(ramp(2.0), begins=True)
    with pytest.raises(EngineError, match="ahead of now"):
        stage.sound(ramp(0.5), at_s=MOST_AHEAD_S + 5)
    with pytest.raises(EngineError, match="ahead of now"):
        stage.tell(begin=True, at_ns=ns(MOST_AHEAD_S + 5))
    stage.sound(ramp(1.0))
    stage.tell(words=[word(1.0, 1.1)] * 1000)
    stage.tell(words=[word(2.0, 2.1)] * 1000)
    stage.tell(words=[word(3.0, 3.1)] * 1000)
    stage.tell(words=[word(4.0, 4.1)] * 1000)
    with pytest.raises(EngineError, match=f"4000 words and flags wait, {MOST_WAITING}"):
        stage.tell(words=[word(5.0, 5.1)] * 97, begin=True)
    stage.tell(words=[word(5.0, 5.1)] * 95)
    stage.tell(clear=True, words=[word(0.5, 0.6)] * 1000)  # what is forgotten does not count
    stage.until(2.0)
    assert len(stage.said()) == 1000


def test_utterances_that_wait_are_bounded_and_the_oldest_loses_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UTTERANCES", 3)
    stage = Stage()
    for number in range(5):
        stage.sound(ramp(0.1), begins=True)
        stage.tell(words=[word(0.08, 0.09, f"w{number}")])
    stage.until(2.0)
    assert [text for text, _, _ in stage.said()] == ["w2", "w3", "w4"]


def test_after_a_stall_what_was_due_is_dropped_and_the_rest_comes_in_its_time() -> None:
    stage = Stage()
    stage.sound(ramp(20.0), begins=True)
    stage.until(1.0)
    stage.now_s = 10.0
    stage.schedule.release(ns(10.0))
    assert stage.ends[-1] == 10.0 and len(stage.blocks[-1]) == LONGEST_STALL_S * RATE
    np.testing.assert_array_equal(stage.blocks[-1], ramp(20.0)[9 * RATE : 10 * RATE].astype(np.float32))
    stage.now_s = 200.0  # a computer that slept
    stage.sound(np.full(RATE, 0.5))
    stage.until(260.0, 0.1)
    late = np.concatenate(stage.blocks[-600:])
    assert np.count_nonzero(late) == RATE and set(late.tolist()) == {0.0, 0.5}


def test_a_flag_of_a_program_that_fell_silent_no_longer_counts() -> None:
    stage = Stage()
    stage.sound(ramp(5.0), begins=True)
    stage.tell(speaking=True)
    stage.until(5.0 + FLAG_LASTS_S - 1.0, 0.5)
    assert stage.flags == [(True, 0.0)]
    stage.until(5.0 + FLAG_LASTS_S + 1.0, 0.5)
    assert [flag for flag, _ in stage.flags] == [True, None]
    stage.tell(speaking=False)
    stage.until(stage.now_s + 2 * FLAG_LASTS_S, 0.5)
    assert [flag for flag, _ in stage.flags] == [True, None, False]


def test_a_session_that_wants_only_some_of_it_gets_that() -> None:
    feeds = own_side()
    del feeds.words["self"], feeds.speaking["self"]
    schedule = SpeechSchedule(feeds, START)
    schedule.sound(SpeechSound(ramp(0.1).astype(np.float32), RATE, True), lambda: START)
    told = decode(json.dumps({"words": [word(0.0, 0.1)], "speaking": True}).encode())
    assert not isinstance(told, SpeechSound)
    schedule.told(told, START)
    schedule.release(ns(0.1))
    assert feeds.samples["self"].newest_hop() == 1
