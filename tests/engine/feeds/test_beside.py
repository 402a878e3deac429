"""A second voice beside the one that is the clock: by time, with drift, late, with pauses, in another bundle's rate."""

from __future__ import annotations

import numpy as np
import pytest

from engine.feeds.feeds import Feeds
from engine.feeds.gather import Gather
from engine.feeds.samples import AudioRing
from engine.spec import InputSpec, OutputSpec, StreamSpec

RATE, HOP, PERIOD = 1000, 40, 40_000_000
SPEC = StreamSpec(
    "two",
    25.0,
    (
        InputSpec("theirs", "audio", (HOP,), validity="theirs_there", of="partner"),
        InputSpec("theirs_there", "validity"),
        InputSpec("own", "audio", (HOP,), validity="own_there", of="self"),
        InputSpec("own_there", "validity"),
    ),
    (OutputSpec("pose", (1,)),),
    sample_rate=RATE,
)


class Pair:
    """Feeds with two voices whose samples are their own capture times (ms); frames are gathered as time goes on."""

    def __init__(self, given: bool = True) -> None:
        self.feeds = Feeds.of(SPEC, 0)
        promised = {("audio", "partner"), ("audio", "self")} if given else {("audio", "partner")}
        self.gather = Gather(SPEC, self.feeds, 0, promised)
        self.inputs = {item.name: np.zeros((1, *item.shape), np.float32) for item in SPEC.inputs}

    def frame(self, number: int) -> np.ndarray:
        """What frame ``number`` is given of the own voice."""
        end = (number + 1) * PERIOD
        ring = self.feeds.samples["partner"]
        ring.write(np.full(HOP, number, np.float32), end)
        self.gather.fill(self.inputs, 0, number, ring.read_hop(number), end)
        assert (self.inputs["theirs"][0] == number).all()
        return self.inputs["own"][0].copy()

    def speak(self, first_ms: float, count: int, rate_error: float = 0.0) -> None:
        """``count`` samples of the own voice, captured from ``first_ms`` on, a millisecond apart but for the error."""
        times = first_ms + np.arange(count) * (1 + rate_error)
        self.feeds.samples["self"].write(times.astype(np.float32), round((times[-1] + 1) * 1e6))


def test_the_second_voice_is_read_at_the_frames_own_time() -> None:
    pair = Pair()
    pair.speak(0, 20)
    for number in range(50):
        pair.speak(20 + 40 * number, 40)  # half a hop out of step
        assert pair.frame(number).tolist() == list(range(40 * number, 40 * number + 40))
        assert pair.inputs["own_there"][0] == 1.0


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_card_that_drifts_costs_a_small_step_now_and_then_and_no_more(ppm: int) -> None:
    pair, error = Pair(), ppm * 1e-6
    at, strays, steps, before = 0.0, [], 0, 0.0
    for number in range(5000):
        while at < 40 * (number + 1) + 20:
            pair.speak(at, 20, error)
            at += 20 * (1 + error)
        heard = pair.frame(number)
        steps += int(number > 5 and abs(heard[0] - before - 1) > 1.5)
        before = float(heard[-1])
        strays.append(heard[-1] + 1 - 40 * (number + 1))
    assert max(map(abs, strays[5:])) <= 35  # within the slack of three quarters of a hop
    assert 1 <= steps <= 5  # 60 ms of drift in 200 s


def test_sound_that_comes_late_is_read_late_and_then_without_gaps() -> None:
    pair, late = Pair(), 2  # frames
    gaps = []
    for number in range(100):
        if number >= late:
            pair.speak(40 * (number - late), 40)
        heard = pair.frame(number)
        gaps.append(not pair.inputs["own_there"][0] or heard[-1] == 0)
        if number > 40:
            assert heard[-1] - heard[0] == 39
            assert 40 * (number + 1) - heard[-1] <= 40 * late + 40
    assert not any(gaps[40:])


def test_a_pause_is_silence_and_teaches_no_delay() -> None:
    pair = Pair()
    for number in range(60):
        speaks = number % 20 < 10
        if speaks:
            pair.speak(40 * number, 40)
        heard = pair.frame(number)
        assert pair.inputs["own_there"][0] == 1.0  # its source is there: it is known to be silent
        if speaks and number % 20 > 0:
            assert heard.tolist() == list(range(40 * number, 40 * number + 40))
        if not speaks:
            assert not heard.any()


def test_without_a_source_the_own_voice_is_not_there() -> None:
    pair = Pair(given=False)
    pair.frame(0)
    assert pair.inputs["own_there"][0] == 0.0


def test_bundles_at_rates_of_their_own_hear_one_voice() -> None:
    first, second = AudioRing(16_000, 640, 1.0), AudioRing(8_000, 400, 1.0)
    first.follow(second)
    time = np.arange(16_000) / 16_000
    tone = (0.5 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    for start in range(0, 16_000, 500):
        first.write(tone[start : start + 500], round((start + 500) * 1e9 / 16_000))
    first.end()
    hop = second.read_hop(10)
    assert hop is not None and hop.capture_ns == pytest.approx(11 * 50_000_000, abs=2_000_000)
    expected = 0.5 * np.sin(2 * np.pi * 300 * (np.arange(400) + 4000) / 8_000)
    assert np.abs(hop.samples - expected).max() < 0.02
    assert second.ended


def test_sound_that_was_late_for_a_while_is_read_in_time_again() -> None:
    pair, strays, told = Pair(), [], 0
    for number in range(600):
        newest = number - 2 if 10 <= number < 30 else number  # for a second it comes 80 ms late
        while told <= newest:
            pair.speak(40 * told, 40)
            told += 1
        heard = pair.frame(number)
        strays.append(40 * (number + 1) - heard[-1] - 1)
    assert strays[9] == 0 and 60 <= max(strays[32:200]) <= 90 and strays[-1] <= 10
    assert sum(stray > 90 for stray in strays) <= 14  # frames without sound, while it was learnt


def test_a_slower_card_steps_back_before_a_frame_is_without_sound() -> None:
    pair, at, before, steps = Pair(), 0.0, 0.0, 0
    for number in range(3000):
        while at < 40 * (number + 1):
            pair.speak(at, 20, 200e-6)
            at += 20 * (1 + 200e-6)
        heard = pair.frame(number)
        if number > 5:
            assert heard.any() and np.abs(np.diff(heard) - 1).max() < 0.01
            steps += abs(heard[0] - before - 1) > 1.5
        before = float(heard[-1])
    assert 1 <= steps <= 5  # 24 ms of drift in two minutes


def test_sound_that_is_late_once_is_read_in_time_from_then_on() -> None:
    pair = Pair()
    for number in range(60):
        if number not in (20, 50):
            for missing in range(number - (number - 1 in (20, 50)), number + 1):
                pair.speak(40 * missing, 40)
        heard = pair.frame(number)
        if number in (20, 50):
            assert not heard.any()
        else:
            assert heard.tolist() == list(range(40 * number, 40 * number + 40))
