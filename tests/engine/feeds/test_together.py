"""One beginning for all that is played: whoever is ready first waits, and nobody waits for one who is not coming."""

from __future__ import annotations

import threading
import time

import pytest

from engine.clock import FakeClock
from engine.feeds import together
from engine.feeds.together import Together


class Player:
    """One who is ready when it is told to be, and then asks when to begin."""

    def __init__(self, whole: Together, clock: FakeClock) -> None:
        self.began: int | None = None
        self.stop = threading.Event()
        whole.expect()
        self._thread = threading.Thread(target=self._run, args=(whole, clock), daemon=True)

    def _run(self, whole: Together, clock: FakeClock) -> None:
        self.began = whole.begin(clock, self.stop)

    def ready(self) -> None:
        self._thread.start()

    def waits(self) -> bool:
        """Whether it waits, and goes on waiting."""
        time.sleep(0.02)
        return self._thread.is_alive() and self.began is None

    def begins(self) -> int:
        """When it begins."""
        self._thread.join(30)
        assert self.began is not None
        return self.began


def test_two_begin_at_one_moment_however_long_one_takes() -> None:
    clock, whole = FakeClock(100), Together()
    first, second = Player(whole, clock), Player(whole, clock)
    first.ready()
    assert first.waits()
    clock.advance(7_000)
    second.ready()
    assert first.begins() == second.begins() == 7_100


def test_one_alone_begins_at_once() -> None:
    clock, whole = FakeClock(100), Together()
    alone = Player(whole, clock)
    clock.advance(5)
    alone.ready()
    assert alone.begins() == 105


def test_whoever_makes_the_players_is_waited_for_too() -> None:
    clock, whole = FakeClock(100), Together()
    whole.expect()
    first = Player(whole, clock)
    first.ready()
    assert first.waits()
    second = Player(whole, clock)
    whole.leave(clock)
    assert first.waits()
    second.ready()
    assert first.begins() == second.begins()


def test_one_who_fails_is_not_waited_for() -> None:
    clock, whole = FakeClock(100), Together()
    first, _ = Player(whole, clock), Player(whole, clock)
    first.ready()
    assert first.waits()
    clock.advance(50)
    whole.leave(clock)
    assert first.begins() == 150


def test_one_who_is_stopped_waits_no_longer() -> None:
    clock, whole = FakeClock(100), Together()
    first, _ = Player(whole, clock), Player(whole, clock)
    first.ready()
    assert first.waits()
    first.stop.set()
    assert first.begins() == 100


def test_patience_has_an_end_and_who_comes_after_it_begins_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE_S", 0.1)
    clock, whole = FakeClock(100), Together()
    first, late = Player(whole, clock), Player(whole, clock)
    first.ready()
    assert first.begins() == 100
    clock.advance(900)
    late.ready()
    assert late.begins() == 1000
