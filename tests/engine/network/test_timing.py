"""A client's clock on the engine's: within the error that its delays allow, steadily, and bounded whatever it says."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.network.timing import CORRECTION, LONGEST_AGO_S, SETTLE_S, ClientClock

MS, S = 1_000_000, 1_000_000_000
START = 5 * S


class Client:
    """A client whose clock began elsewhere and drifts, behind a network with delays (ms) of its own there and back."""

    def __init__(self, ppm: float, offset_s: float, there: float, back: float, jitter: float, seed: int = 0) -> None:
        self.rate, self.offset_ns = 1.0 + ppm * 1e-6, round(offset_s * S)
        self.there, self.back, self.jitter = there, back, jitter
        self.random = random.Random(seed)
        self.clock = ClientClock(START)
        self.errors: list[tuple[float, float]] = []

    def at(self, ns: int) -> int:
        """What the client's clock says at a moment of the engine's."""
        return round((ns - START) * self.rate) + self.offset_ns

    def delay(self, least: float) -> int:
        return round((least + self.random.expovariate(1.0) * self.jitter) * MS)

    def exchange(self, ns: int) -> int:
        """Ask and be answered; returns when the answer arrived."""
        asked = self.clock.ask(ns)
        there = ns + self.delay(self.back)  # the question travels to the client
        now = there + self.delay(self.there)
        assert self.clock.answered(asked, self.at(there), now)
        return now

    def sends(self, captured_ns: int) -> int:
        """Something captured then arrives; its mapped time."""
        now = captured_ns + self.delay(self.there)
        mapped = self.clock.to_engine(self.at(captured_ns), now)
        self.errors.append(((now - START) / S, (mapped - captured_ns) / MS))
        return mapped

    def live(self, seconds: float, answers: bool = True) -> None:
        """Hops of 40 ms and a question a second, the first ones sooner."""
        asks = [START + round(second * S) for second in (0.0, 0.1, 0.2, 0.3, *range(1, round(seconds) + 1))]
        for hop in range(round(seconds * 25)):
            now = START + hop * 40 * MS
            while answers and asks and asks[0] <= now:
                self.exchange(asks.pop(0))
            self.sends(now)

    def worst(self, after_s: float) -> float:
        """The largest error in ms from that time on."""
        return max(abs(error) for at, error in self.errors if at >= after_s)


DELAYS = st.floats(0.1, 60.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(-200, 200), st.floats(-1e9, 1e9), DELAYS, DELAYS, st.floats(0.0, 10.0), st.integers(0, 999))
def test_offset_and_drift_are_known_within_what_the_delays_allow(
    ppm: float, offset_s: float, there: float, back: float, jitter: float, seed: int
) -> None:
    client = Client(ppm, offset_s, there, back, jitter, seed)
    client.live(60.0)
    # what the two ways differ by cannot be told apart from an offset; the rest is jitter of the quickest exchanges
    allowed = abs(there - back) / 2 + 1.5 * jitter + 0.5
    assert client.worst(30.0) <= allowed
    assert client.worst(5.0) <= allowed + 200e-6 * 20e3  # before a drift can be told
    told = client.clock.describe()
    assert abs(told["drift_ppm"] + ppm) <= 20 + 60 * jitter
    assert abs(told["offset_s"] + (client.at(START + 60 * S) - START - 60 * S) / S) < 0.1


@settings(max_examples=30, deadline=None)
@given(st.floats(-200, 200), st.floats(0.1, 60.0), st.floats(0.0, 5.0), st.integers(0, 99))
def test_a_client_that_answers_nothing_is_mapped_by_arrival(ppm: float, there: float, jitter: float, seed: int) -> None:
    client = Client(ppm, 0.0, there, 0.0, jitter, seed)
    client.live(60.0, answers=False)
    # late by the shortest way, and by what drifts away in the segments before a drift is known
    assert all(-4.0 <= error - there <= 4.0 + jitter for at, error in client.errors if at > 5.0)
    assert all(-1.0 - jitter <= error - there <= 1.0 + jitter for at, error in client.errors if at > 40.0)
    assert client.clock.exchanges == 0


def test_a_line_that_is_mostly_congested_is_known_by_its_good_moments() -> None:
    client = Client(80.0, 123.0, 5.0, 5.0, 0.2)
    chance = random.Random(4)
    for second in range(60):
        good = second % 16 == 0
        client.back = 5.0 if good else 5.0 + chance.uniform(100, 300)  # the way there stays quick
        client.exchange(START + second * S)
    end = START + 60 * S
    assert abs(client.sends(end) - end) < 2 * MS


def test_a_good_exchange_counts_more_than_newer_ones_that_are_worse() -> None:
    client = Client(0.0, 123.0, 5.0, 5.0, 0.0)
    client.exchange(START)
    client.back = 20.0
    for second in (4, 8, 12):
        client.exchange(START + second * S)
        assert abs(client.sends(START + second * S + S) - (START + second * S + S)) < MS


def test_a_clock_runs_on_by_its_drift_while_nothing_answers() -> None:
    client = Client(200.0, 0.0, 5.0, 5.0, 0.1)
    client.live(60.0)
    for second in range(60, 120):
        client.sends(START + second * S)
    assert client.worst(60.0) < 1.0  # 12 ms, if it were held still


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 2000), st.integers(-250, 250), st.integers(0, 1500), st.booleans(), st.booleans()),
        min_size=5,
        max_size=60,
    ),
    st.integers(0, 99),
)
def test_mapped_times_never_run_backwards_and_are_corrected_slowly(
    steps: list[tuple[int, int, int, bool, bool]], seed: int
) -> None:
    client = Client(150.0, -40.0, 10.0, 10.0, 30.0, seed)
    client.live(2.0)
    clock, now, before, captured = client.clock, START + 3 * S, 0, START + 2 * S
    at_ns, used = clock._used_at, clock._used
    for passed, wobble, lag, asks, words in steps:
        now += passed * MS
        if asks:  # a client whose answers stagger by up to a quarter of a second
            clock.answered(clock.ask(now - 2 * MS), client.at(now - MS) + wobble * MS, now)
        if words:
            clock.to_engine(client.at(now + 20 * S), now, ahead_s=60.0)
        captured = max(captured + MS, now - lag * MS)
        mapped = clock.to_engine(client.at(captured), now)
        if clock.stepped:
            break
        assert mapped >= before
        assert used is not None and clock._used is not None
        assert abs(clock._used - used) <= CORRECTION * (clock._used_at - at_ns) + 1e-9
        before, at_ns, used = mapped, clock._used_at, clock._used


def test_now_and_then_a_strange_answer_is_none_of_a_clock_that_was_set() -> None:
    client = Client(0.0, 0.0, 5.0, 5.0, 0.0)
    client.live(10.0)
    for second in range(10, 40):
        now = START + second * S
        strange = 10 * S if second % 3 else 0  # two in a row, never three
        client.clock.answered(client.clock.ask(now), client.at(now + 5 * MS) + strange, now + 10 * MS)
        assert abs(client.sends(now + 20 * MS) - (now + 20 * MS)) < MS
    assert client.clock.stepped == 0


LIES: dict[str, Callable[[int, random.Random], int]] = {
    "future": lambda now, _: now + 3600 * S,
    "constant": lambda now, _: 42,
    "jumping": lambda now, chance: now + chance.randint(-(10**12), 10**12),
    "huge": lambda now, chance: chance.choice([2**63 - 1, -(2**63), 0]),
    "backwards": lambda now, _: -now,
}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(LIES)), st.booleans(), st.integers(0, 99))
def test_whatever_a_client_says_its_times_lie_in_the_last_two_seconds(kind: str, answers: bool, seed: int) -> None:
    chance, clock, now = random.Random(seed), ClientClock(START), START
    for _ in range(200):
        now += chance.randint(1, 400) * MS
        if answers:
            clock.answered(clock.ask(now), LIES[kind](now, chance), now + 10 * MS)
            now += 10 * MS
        mapped = clock.to_engine(LIES[kind](now, chance), now)
        assert now - round(LONGEST_AGO_S * S) <= mapped <= now
    if kind == "jumping" or (kind in ("constant", "huge") and not answers):
        assert clock.clamped


def test_a_clock_that_is_set_is_followed_after_three_answers() -> None:
    client = Client(0.0, 0.0, 5.0, 5.0, 0.1)
    client.live(30.0)
    client.offset_ns += 3600 * S
    now = START + 30 * S
    for second in range(3):
        mapped = client.sends(now + second * S)
        assert mapped == now + second * S + round(client.delay(5.0) * 0) or mapped <= now + second * S + 6 * MS
        client.exchange(now + second * S + 500 * MS)
    assert abs(client.sends(now + 4 * S) - (now + 4 * S)) < MS
    assert client.clock.stepped == 1 and client.clock.clamped >= 3


def test_an_answer_to_what_was_not_asked_counts_for_nothing() -> None:
    clock = ClientClock(START)
    asked = clock.ask(START)
    assert not clock.answered(asked + 1, 7, START + MS)
    assert clock.answered(asked, 7, START + MS)
    assert not clock.answered(asked, 7, START + MS)
    assert clock.exchanges == 1


@pytest.mark.parametrize("answers", [True, False])
def test_words_of_the_future_keep_their_times_and_say_nothing_of_the_clock(answers: bool) -> None:
    client = Client(0.0, 77.0, 0.5, 5.0, 0.0)
    client.live(3.0, answers)
    now = START + 3 * S
    ahead = client.clock.to_engine(client.at(now + 20 * S), now, ahead_s=60.0)
    assert abs(ahead - (now + 20 * S)) < 3 * MS
    assert client.clock.to_engine(client.at(now + 100 * S), now, ahead_s=60.0) == now + 60 * S
    assert abs(client.sends(now + 40 * MS) - (now + 40 * MS)) < 3 * MS


def test_it_settles_within_a_second_of_the_first_message() -> None:
    client = Client(0.0, 1e6, 50.0, 50.0, 0.0)
    client.live(10.0)
    assert client.worst(SETTLE_S) < 0.1
