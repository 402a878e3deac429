"""The rings: positions, times, drop rules, what a stalled microphone does, and all of it under threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.feeds.samples import BACKLOG_HOPS, AudioRing

RATE, HOP = 16_000, 640
MS = 1_000_000


def ramp(first: int, count: int) -> np.ndarray:
    return np.arange(first, first + count, dtype=np.float32)


def ns(samples: int) -> int:
    return samples * 62_500


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 2000), min_size=1, max_size=25))
def test_hops_hold_the_samples_in_order_whatever_the_blocks(blocks: list[int]) -> None:
    ring = AudioRing(RATE, HOP, 10)
    position = 0
    for count in blocks:
        ring.write(ramp(position, count), 5_000 * MS + ns(position + count))
        position += count
    assert ring.newest_hop() == position // HOP - 1
    for k in range(position // HOP):
        hop = ring.read_hop(k)
        assert hop is not None
        assert hop.valid
        np.testing.assert_array_equal(hop.samples, ramp(k * HOP, HOP))
        if position <= ring.capacity:
            assert hop.capture_ns == 5_000 * MS + ns((k + 1) * HOP)
    assert ring.read_hop(position // HOP) is None
    assert not ring.hop_ready(position // HOP)


def test_a_hop_with_any_filler_is_invalid() -> None:
    ring = AudioRing(RATE, HOP, 1)
    ring.write(ramp(0, HOP + 10), ns(HOP + 10))
    ring.write(np.zeros(20, np.float32), ns(HOP + 30), valid=False)
    ring.write(ramp(0, 3 * HOP), ns(4 * HOP + 30))
    assert [ring.read_hop(k).valid for k in range(3)] == [True, False, True]  # type: ignore[union-attr]


def test_capture_time_is_interpolated_between_blocks_of_a_drifting_device() -> None:
    ring = AudioRing(RATE, HOP, 1)
    ring.write(ramp(0, 1000), 1_000_000_000)
    ring.write(ramp(1000, 1000), 1_000_000_000 + 63_000_000)  # 63 us a sample instead of 62.5
    hop = ring.read_hop(1)
    assert hop is not None
    assert hop.capture_ns == 1_000_000_000 + 280 * 63_000


def test_capture_time_never_goes_back() -> None:
    ring = AudioRing(RATE, HOP, 2)
    for k in range(20):
        ring.write(ramp(0, HOP), ns((k + 1) * HOP) - (k % 3) * 60 * MS)
    times = [ring.read_hop(k).capture_ns for k in range(20)]  # type: ignore[union-attr]
    assert times == sorted(times)


def test_overwritten_samples_are_counted_and_read_as_invalid_silence() -> None:
    ring = AudioRing(RATE, HOP, 0.5)
    hops = ring.capacity // HOP
    ring.write(np.ones(ring.capacity, np.float32), ns(ring.capacity))
    ring.consumed(1)
    ring.write(np.full(5 * HOP, 2, np.float32), ns(ring.capacity + 5 * HOP))
    assert ring.overruns == 3 * HOP  # five hops overwritten, of which two had been consumed
    lost, kept = ring.read_hop(4), ring.read_hop(5)
    assert lost is not None
    assert kept is not None
    assert not lost.valid
    assert not lost.samples.any()
    assert kept.valid
    np.testing.assert_array_equal(kept.samples, 1)
    np.testing.assert_array_equal(ring.read_hop(hops + 4).samples, 2)  # type: ignore[union-attr]


def test_a_block_longer_than_the_ring_keeps_its_end() -> None:
    ring = AudioRing(RATE, HOP, 0.4)
    total = 3 * ring.capacity
    ring.write(ramp(0, total), ns(total))
    last = total // HOP - 1
    np.testing.assert_array_equal(ring.read_hop(last).samples, ramp(last * HOP, HOP))  # type: ignore[union-attr]
    assert ring.overruns == total - ring.capacity


def test_after_a_stall_fresh_samples_are_heard_at_once() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.write(ramp(0, 10 * HOP), ns(10 * HOP))
    ring.skip_to(84)  # the loop went on without the microphone for 74 frames, nearly three seconds
    first = 85 * HOP
    for part in range(4):
        ring.write(np.full(320, 7, np.float32), ns(first + (part + 1) * 320))
    gap, fresh = ring.read_hop(84), ring.read_hop(85)
    assert gap is not None
    assert fresh is not None
    assert not gap.valid
    assert fresh.valid
    np.testing.assert_array_equal(fresh.samples, 7)
    assert fresh.capture_ns == ns(86 * HOP)
    assert ring.late_samples == 0


def test_a_delayed_burst_of_old_samples_is_passed_over_and_counted() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.write(ramp(0, 10 * HOP), ns(10 * HOP))
    ring.skip_to(18)
    ring.write(ramp(10 * HOP, 10 * HOP), ns(20 * HOP))  # all of it, late
    assert ring.late_samples == 8 * HOP
    assert ring.newest_hop() == 19
    np.testing.assert_array_equal(ring.read_hop(18).samples, ramp(18 * HOP, HOP))  # type: ignore[union-attr]


def test_samples_lost_earlier_do_not_leave_the_microphone_behind_for_good() -> None:
    """A device that loses 30 ms now and then falls behind a loop that keeps to the clock, until the loop skips."""
    ring = AudioRing(RATE, HOP, 2)
    now = 0
    for _ in range(20):
        now += HOP + 480
        ring.write(np.ones(HOP, np.float32), ns(now))
    assert ring.newest_hop() == 19
    done = now // HOP
    ring.skip_to(done, ns(done * HOP))
    for _ in range(4):
        now += HOP
        ring.write(np.full(HOP, 5, np.float32), ns(now))
    heard = [ring.read_hop(k).samples.mean() for k in range(done + 1, done + 3)]  # type: ignore[union-attr]
    assert heard == [5, 5]


def test_without_a_timetable_losses_during_a_stall_do_not_add_up() -> None:
    ring = AudioRing(RATE, HOP, 2)
    now = 10 * HOP
    ring.write(ramp(0, now), ns(now))
    for _ in range(40):
        now += HOP + 240  # 15 ms lost each time: too little to count as a gap by itself
        ring.skip_to(now // HOP + 1)
        ring.write(np.ones(HOP, np.float32), ns(now))
    assert ring.newest_hop() >= (now - HOP // 2) // HOP - 1


def test_jitter_of_capture_times_opens_no_gap() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.write(ramp(0, 10 * HOP), ns(10 * HOP))
    ring.skip_to(11)
    ring.write(ramp(10 * HOP, 2 * HOP), ns(12 * HOP) + 15 * MS)
    np.testing.assert_array_equal(ring.read_hop(11).samples, ramp(11 * HOP, HOP))  # type: ignore[union-attr]
    assert ring.newest_hop() == 11


def test_samples_lost_without_a_skip_leave_no_hole() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.write(ramp(0, HOP), ns(HOP))
    ring.write(ramp(0, HOP), ns(4 * HOP))
    assert ring.newest_hop() == 1
    assert ring.read_hop(1).capture_ns == ns(4 * HOP)  # type: ignore[union-attr]


def test_a_microphone_that_starts_late_is_heard_from_where_the_loop_is() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.skip_to(30)
    ring.write(np.ones(HOP, np.float32), ns(777))
    assert ring.read_hop(29).valid is False  # type: ignore[union-attr]
    assert ring.read_hop(30).valid is True  # type: ignore[union-attr]
    assert ring.read_hop(30).capture_ns == ns(777)  # type: ignore[union-attr]


def test_a_clock_that_leaps_does_not_fill_more_than_the_ring() -> None:
    ring = AudioRing(RATE, HOP, 2)
    ring.write(ramp(0, HOP), ns(HOP))
    ring.skip_to(2)
    ring.write(ramp(0, HOP), ns(HOP) + 3600 * 1000 * MS)
    assert ring.newest_hop() <= 3 + ring.capacity // HOP
    assert ring.read_hop(ring.newest_hop()).valid  # type: ignore[union-attr]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 900), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_microphone_is_never_deaf_whatever_it_loses(events: list[tuple[int, int, int]]) -> None:
    """Losses, stalls and skips in any order: samples captured now land where the loop is, not before it."""
    ring = AudioRing(RATE, HOP, 2)
    now = 0
    for lost_ms, count, patience in events:
        now += lost_ms * 16 + count
        done = max(0, now // HOP - patience)  # the loop's timetable: hop k begins at k * 40 ms
        behind = ring.newest_hop() < done - 1
        ring.skip_to(done, ns(done * HOP))
        ring.write(np.ones(count, np.float32), ns(now))
        if behind:
            assert ring.newest_hop() >= (now - HOP // 2) // HOP - 1
        assert ring.hop_ready(done - 1) or done == 0 or now - done * HOP < HOP // 2


def test_the_end_completes_a_hop_begun() -> None:
    ring = AudioRing(RATE, HOP, 1)
    ring.write(np.ones(HOP + 1, np.float32), ns(HOP + 1))
    ring.end()
    assert ring.ended
    last = ring.read_hop(1)
    assert last is not None
    assert last.valid
    assert last.samples.sum() == 1
    assert last.capture_ns == ns(2 * HOP)
    assert not ring.write(np.ones(1, np.float32), ns(3 * HOP))
    ring.end()
    assert ring.newest_hop() == 1
    assert not ring.wait(2, 60)  # returns at once: nothing will come


def test_wait_wakes_up_when_the_hop_is_there() -> None:
    ring = AudioRing(RATE, HOP, 1)
    woken: list[bool] = []
    waiter = threading.Thread(target=lambda: woken.append(ring.wait(0, 60)))
    waiter.start()
    ring.write(np.ones(HOP, np.float32), ns(HOP))
    waiter.join(60)
    assert woken == [True]
    assert not ring.wait(1, 0)


def test_a_fast_writer_is_held_back_and_loses_nothing() -> None:
    ring = AudioRing(RATE, HOP, 0.5)
    total = 200 * HOP
    written: list[bool] = []
    worker = threading.Thread(target=lambda: written.append(ring.write(ramp(0, total), ns(total), block=True)))
    worker.start()
    for k in range(200):
        assert ring.wait(k, 60)
        assert ring.newest_hop() <= k + BACKLOG_HOPS
        np.testing.assert_array_equal(ring.read_hop(k).samples, ramp(k * HOP, HOP))  # type: ignore[union-attr]
        ring.consumed(k)
    worker.join(60)
    assert written == [True]
    assert ring.overruns == 0


def test_a_held_back_writer_gives_up_when_told_to() -> None:
    ring = AudioRing(RATE, HOP, 0.5)
    stop = threading.Event()
    written: list[bool] = []
    worker = threading.Thread(
        target=lambda: written.append(ring.write(ramp(0, 100 * HOP), ns(100 * HOP), block=True, stop=stop))
    )
    worker.start()
    assert ring.wait(BACKLOG_HOPS - 1, 60)
    stop.set()
    worker.join(60)
    assert written == [False]
    assert ring.newest_hop() == BACKLOG_HOPS - 1


def test_an_impossible_ring_is_refused() -> None:
    for rate, hop, capacity_s in ((0, 640, 1), (16_000, 0, 1), (16_000, 640, 0)):
        with pytest.raises(EngineError, match="have to be positive"):
            AudioRing(rate, hop, capacity_s)
