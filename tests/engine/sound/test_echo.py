"""The avatar's own voice in its partner's sound: found in rooms and where both are one, held back unless somebody
speaks over it, and never found in two voices."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sound.echo import LONGEST_LAG_S, Echo
from engine.sound.resample import StreamingResampler
from engine.sources.demo import PARTNER
from engine.sources.media import MediaFile
from tests.engine.sound.made import noise
from train.speech.made import made_talk

RATE, HOP, LEARNT_S = 16_000, 640, 3.0
Array = NDArray[np.float32]


@cache
def recorded() -> Array:
    """40 s of a person."""
    return np.concatenate([block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)])


@cache
def made(number: int) -> Array:
    """A minute of a made voice."""
    return made_talk("train", number, 1).pcm


def room(
    voice: Array, lag_s: float = 0.12, db: float = -12.0, reverberation_s: float = 0.3, direct_db: float = 3.0
) -> Array:
    """The voice as a microphone hears it from a loudspeaker: late, softer, with a room's tail ``direct_db`` below the
    direct sound."""
    count = round(reverberation_s * RATE)
    tail = np.random.default_rng(1).normal(size=count) * 10 ** (-3 * np.arange(count) / count)
    tail *= np.sqrt(10 ** (-direct_db / 10) / np.sum(tail**2))
    path = np.concatenate([np.zeros(round(lag_s * RATE)), [1.0], tail])
    path *= 10 ** (db / 20) / np.sqrt(np.sum(path**2))
    size = 1 << (len(voice) + len(path)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(voice, size) * np.fft.rfft(path, size))[: len(voice)].astype(np.float32)
    return heard + noise(len(voice), -75.0)


class Heard(NamedTuple):
    """What came of two voices: the one who listened, what it passed on, and after which hop (s) it first found an
    echo."""

    echo: Echo
    passed: Array
    found_s: float | None


def hear(own: Array, partner: Array, holds: bool = True, rate: int = RATE, hop: int = HOP) -> Heard:
    echo, passed, found = Echo(rate, holds), [], None
    for at in range(0, min(len(own), len(partner)) - hop + 1, hop):
        out = echo.heard(own[at : at + hop], partner[at : at + hop])
        assert out is not None
        passed.append(out)
        found = (at + hop) / rate if found is None and echo.found else found
    return Heard(echo, np.concatenate(passed), found)


def energy(sound: Array) -> float:
    """Of what comes when all is learnt."""
    return float(np.sum(np.square(sound[round(LEARNT_S * RATE) :], dtype=np.float64)))


ROOMS = {
    "room": ({}, 0.03),
    "hall": ({"reverberation_s": 0.6, "direct_db": -3.0}, 0.15),
    "far away": ({"lag_s": 0.45}, 0.05),
    "loud and at once": ({"lag_s": 0.0, "db": 0.0}, 0.04),
}


@pytest.mark.parametrize("name", ROOMS)
def test_an_echo_is_found_measured_and_held_back(name: str) -> None:
    how, leaks = ROOMS[name]
    echo = room(recorded(), **how)
    heard = hear(recorded(), echo)
    assert heard.found_s is not None and heard.found_s < LEARNT_S
    told = heard.echo.told()
    assert told["echo_ms"] == pytest.approx(1e3 * how.get("lag_s", 0.12), abs=2)
    assert told["echo_db"] == pytest.approx(how.get("db", -12.0), abs=1.5)
    assert energy(heard.passed) < leaks * energy(echo)
    assert 30.0 < told["echo_held_s"] < 40.0


def test_what_is_held_back_is_left_at_the_floor_and_not_at_nothing() -> None:
    echo = room(recorded())
    heard = hear(recorded(), echo)
    quiet = np.sqrt(np.square(heard.passed[5 * RATE :]).reshape(-1, HOP).mean(1))
    loud = np.sqrt(np.square(echo[5 * RATE :]).reshape(-1, HOP).mean(1))[: len(quiet)]
    floor = 10 ** (-75 / 20)
    assert 0.5 * floor < np.median(quiet) < 4 * floor < np.median(loud) / 5


def test_it_is_said_once_with_level_lag_and_remedy() -> None:
    heard = hear(recorded(), room(recorded()), holds=False)
    (words,) = heard.echo.notices
    assert "-12 dB and 120 ms later" in words and "headphones" in words and "--echo gate" in words
    (same,) = hear(recorded(), recorded()).echo.notices
    assert "0 ms later" in same and "given the same sound" in same and "held back" in same


def test_where_it_is_only_said_the_sound_is_left_as_it_is() -> None:
    echo = room(recorded())
    heard = hear(recorded(), echo, holds=False)
    np.testing.assert_array_equal(heard.passed, echo[: len(heard.passed)])
    assert heard.echo.told()["echo_held_s"] == 0.0 and heard.echo.found


@pytest.mark.parametrize(("softer_db", "passes"), [(0.0, 0.95), (-6.0, 0.9), (-12.0, 0.75)])
def test_a_partner_who_speaks_over_it_comes_through(softer_db: float, passes: float) -> None:
    own = recorded()
    partner = np.float32(10 ** (softer_db / 20)) * made(0)[: len(own)]
    both = room(own) + partner
    heard = hear(own, both)
    count = len(heard.passed)
    share = np.clip(heard.passed / np.where(np.abs(both[:count]) < 1e-9, 1.0, both[:count]), 0.0, 1.0)
    assert energy(share * partner[:count]) > passes * energy(partner[:count])
    assert heard.echo.found and heard.echo.told()["echo_ms"] == pytest.approx(120, abs=2)
    assert heard.echo.told()["echo_held_s"] > 3.0, "between the partner's words it is held back"


PAIRS = {
    "recorded and made": lambda: (recorded(), made(0)[: len(recorded())]),
    "two made voices, a minute": lambda: (made(0), made(1)),
    "one person twice": lambda: (recorded()[: 20 * RATE], recorded()[-20 * RATE :]),
    "hum in both": lambda: tuple(
        voice[: 30 * RATE] + np.float32(0.01) * np.sin(2 * np.pi * 200 * np.arange(30 * RATE, dtype=np.float32) / RATE)
        for voice in (recorded(), made(0))
    ),
    "silence": lambda: (recorded()[: 20 * RATE], np.zeros(20 * RATE, np.float32)),
    "an own voice that says nothing": lambda: (np.zeros(20 * RATE, np.float32), recorded()[: 20 * RATE]),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_voices_are_no_echo_and_pass_untouched(pair: str) -> None:
    own, partner = PAIRS[pair]()
    heard = hear(own.astype(np.float32), partner.astype(np.float32))
    assert heard.found_s is None and not heard.echo.notices
    assert heard.echo.told() == {"echo_db": None, "echo_ms": None, "echo_held_s": 0.0}
    np.testing.assert_array_equal(heard.passed, partner[: len(heard.passed)].astype(np.float32))


def test_without_an_own_voice_nothing_is_done_and_without_a_partner_nothing_is_passed_on() -> None:
    echo = Echo(RATE, True)
    hop = recorded()[:HOP]
    assert echo.heard(None, None) is None
    assert echo.heard(None, hop) is hop
    assert echo.heard(hop, None) is None
    assert not echo.found


def test_an_echo_that_is_gone_is_held_back_no_more() -> None:
    own = np.concatenate([recorded(), recorded()])
    partner = np.concatenate([room(recorded()), made(0)[: len(recorded())]])
    heard = hear(own, partner)
    count = len(recorded())
    assert heard.echo.notices and not heard.echo.found and heard.echo.told()["echo_ms"] is None
    np.testing.assert_array_equal(heard.passed[count + 15 * RATE :], partner[count + 15 * RATE : len(heard.passed)])


@pytest.mark.parametrize(("rate", "hop"), [(8_000, 320), (12_000, 800), (44_100, 1_764), (48_000, 1_600)])
def test_it_is_the_same_at_every_rate(rate: int, hop: int) -> None:
    own, partner = (StreamingResampler(RATE, rate).push(sound[: 12 * RATE]) for sound in (recorded(), room(recorded())))
    heard = hear(own, partner, rate=rate, hop=hop)
    told = heard.echo.told()
    assert told["echo_ms"] == pytest.approx(120, abs=2) and told["echo_db"] == pytest.approx(-12.0, abs=2.0)
    assert told["echo_held_s"] > 7.0


def test_the_blocks_do_not_matter_nor_does_what_is_no_number() -> None:
    own, partner = recorded()[: 8 * RATE].copy(), room(recorded())[: 8 * RATE]
    partner[RATE] = own[RATE + 7] = np.nan
    told = [hear(own, partner, hop=hop).echo.told() for hop in (320, 640, 4_000)]
    assert [each["echo_ms"] for each in told] == [pytest.approx(120, abs=2)] * 3
    passed = hear(own, partner).passed
    assert np.isnan(passed[RATE]) and np.isfinite(np.delete(passed, RATE)).all()


def test_a_longer_lag_than_is_looked_for_is_none() -> None:
    heard = hear(recorded(), room(recorded(), lag_s=LONGEST_LAG_S + 0.2, reverberation_s=0.05, direct_db=20.0))
    assert not heard.echo.found and not heard.echo.notices


def test_it_is_causal() -> None:
    own, partner = recorded()[: 10 * RATE], room(recorded())[: 10 * RATE]
    changed = partner.copy()
    changed[6 * RATE :] = made(0)[6 * RATE : 10 * RATE]
    one, other = hear(own, partner).passed, hear(own, changed).passed
    np.testing.assert_array_equal(one[: 6 * RATE // HOP * HOP], other[: 6 * RATE // HOP * HOP])
    assert not np.array_equal(one, other)
