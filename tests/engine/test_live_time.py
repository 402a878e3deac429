"""When what a network brings is due: evenly, after a stall later, and never ever further behind."""

from __future__ import annotations

import threading

from engine.sources.inbox import MOST_S, Inbox, Item
from engine.sources.live_time import BEHIND_S, KEPT_S, LATE_S, START_S, LiveTime

S = 1_000_000_000
START = round(START_S * S)


def test_pieces_keep_their_distances_however_unevenly_they_come() -> None:
    time = LiveTime(always=True)
    assert time.due_ns(0) is None
    due = [time.came(k * S // 50, 100 * S + k * S // 50 + (0, S // 20)[k % 2]) for k in range(1, 20)]
    assert due == [due[0] + k * S // 50 for k in range(19)]
    assert due[0] == 100 * S + S // 50 + S // 20 + START  # the first waits, so that later ones have time to come
    assert time.due_ns(5 * S) == due[0] - S // 50 + 5 * S  # pictures keep to it as well


def test_a_stall_moves_all_that_follows_and_a_small_delay_nothing() -> None:
    time = LiveTime(always=True)
    first = time.came(S, 100 * S)
    assert time.came(2 * S, first + S + round(0.9 * LATE_S * S)) == first + S
    assert time.came(3 * S, first + 5 * S) == first + 5 * S
    assert time.came(4 * S, first + 5 * S) == first + 6 * S


def test_what_waits_too_long_is_passed_over_down_to_a_little() -> None:
    time = LiveTime(always=True)
    first = time.came(S, 100 * S)
    assert time.skip_ns(round(BEHIND_S * S)) == 0
    skipped = time.skip_ns(3 * S)
    assert skipped == 3 * S - round(KEPT_S * S)
    assert time.came(S + skipped, first) == first
    assert time.skipped_ns == skipped


def test_of_a_file_that_comes_faster_than_it_plays_only_stalls_are_made_up_for() -> None:
    time = LiveTime(always=False)
    first = time.came(S, 100 * S)
    assert time.skip_ns(10 * S) == 0
    time.came(2 * S, first + 3 * S)  # two seconds late
    assert time.skip_ns(10 * S) == 2 * S
    assert time.skip_ns(10 * S) == 0


def test_another_opening_has_a_time_of_its_own() -> None:
    time = LiveTime(always=True)
    time.came(50 * S, 100 * S)
    time.begin()
    assert time.due_ns(S) is None
    assert time.came(0, 200 * S) == 200 * S + START


def test_the_sender_of_the_leading_stream_waits_and_the_other_drops_its_oldest() -> None:
    stop, leading = threading.Event(), Inbox(leading=True)
    for k in range(round(MOST_S) + 2):
        leading.put(Item(k * S, k), stop)
    stop.set()
    leading.put(Item(60 * S, 60), stop)  # would wait for ever
    taken = leading.take()
    assert taken is not None and taken.what == 0
    assert leading.waiting_ns(taken.end_ns) == 60 * S
    other = Inbox(leading=False)
    for k in range(1_500):
        other.put(Item(k * S, k), threading.Event())
    assert other.next_ns() == 500 * S
