"""The sounds of rooms: levels, distances, bands, decay and pitch are those asked for, and a seed is a sound."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.rooms import music
from engine.sources.demo import PARTNER
from engine.sources.media import MediaFile
from train.simulate.cues import semitones
from train.speech import band
from train.speech import rooms as sounds
from train.speech.rooms import Sound, dbfs

RATE, COUNT = 16_000, 8 * 16_000

MADE: dict[str, Callable[[int], Sound]] = {
    "white": lambda seed: sounds.white(COUNT, -31.0, seed),
    "pink": lambda seed: sounds.pink(COUNT, RATE, -31.0, seed),
    "fan": lambda seed: sounds.fan(COUNT, RATE, -31.0, seed),
    "clicks": lambda seed: sounds.clicks(COUNT, RATE, -31.0, seed),
    "babble": lambda seed: sounds.babble([voice()], COUNT, RATE, -31.0, seed),
    "band": lambda seed: band.band(COUNT, RATE, -31.0, seed),
}


def voice() -> Sound:
    """The built-in partner's first seconds, (COUNT,)."""
    blocks = [block.samples for block in MediaFile(PARTNER / "speech.flac").audio(RATE)]
    return np.concatenate(blocks)[:COUNT]


def shares(sound: Sound, *edges: float) -> list[float]:
    """Shares of the power between successive ``edges`` in Hz."""
    power = np.abs(np.fft.rfft(sound.astype(float))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return [
        float(power[(hertz >= low) & (hertz < high)].sum() / power.sum()) for low, high in itertools.pairwise(edges)
    ]


def loudness(sound: Sound) -> NDArray[np.float64]:
    """Level in dB of each 20 ms."""
    blocks = sound[: len(sound) // 320 * 320].astype(float).reshape(-1, 320)
    return np.asarray(10 * np.log10(np.mean(blocks**2, 1) + 1e-9))


@pytest.mark.parametrize("name", MADE)
def test_level_length_and_seed(name: str) -> None:
    sound = MADE[name](0)
    assert sound.shape == (COUNT,) and sound.dtype == np.float32
    assert dbfs(sound) == pytest.approx(-31.0, abs=0.01)
    assert np.array_equal(sound, MADE[name](0)) and not np.allclose(sound, MADE[name](1))


def test_speech_is_at_its_level_with_pauses_between() -> None:
    clip = voice()[RATE : 3 * RATE]
    said = sounds.speech([clip * 0.1, clip * 0.5], RATE, COUNT)
    period = 2 * RATE + round(sounds.PAUSE_S * RATE)
    assert len(said) == COUNT
    for start in (0, period):
        assert dbfs(said[start : start + 2 * RATE]) == pytest.approx(-26.0, abs=0.01)
    assert not said[2 * RATE : period].any()


@pytest.mark.parametrize("snr", [10.0, 0.0, -5.0])
def test_what_is_beside_a_voice_is_as_far_below_it_as_asked(snr: float) -> None:
    said = sounds.at_level(voice(), -26.0)
    other = sounds.beside(said, sounds.white(COUNT, -3.0), snr) - said
    assert dbfs(said) - dbfs(other.astype(np.float32)) == pytest.approx(snr, abs=0.05)


def test_spectra_of_noises() -> None:
    octaves = shares(sounds.pink(COUNT, RATE, -30.0), 200, 400, 800, 1600, 3200)
    assert max(octaves) / min(octaves) < 1.2, "as much in every octave"
    quarters = shares(sounds.white(COUNT, -30.0), 0, 2000, 4000, 6000, 8001)
    assert max(quarters) / min(quarters) < 1.1, "as much in every hertz"
    low, high = shares(sounds.fan(COUNT, RATE, -30.0), 0, 1000, 8001)
    assert low > 0.8 > 10 * high, "a fan is low"
    blades = shares(sounds.fan(COUNT, RATE, -30.0), 112, 122, 132)
    assert blades[0] > 3 * blades[1], "and its blades are heard"
    (rattle,) = shares(sounds.clicks(COUNT, RATE, -30.0), 1500, 5500)
    assert rattle > 0.9
    hums = shares(sounds.hum(COUNT, RATE, 50.0, -30.0), 49, 51, 99, 101)
    assert hums[0] > 0.6 and hums[1] == pytest.approx(0, abs=1e-3) and hums[2] > 0.1


def test_keys_are_struck_in_bouts() -> None:
    level = loudness(sounds.clicks(4 * COUNT, RATE, -30.0))
    struck = level > -50.0
    assert 0.15 < struck.mean() < 0.8
    gaps = np.diff(np.flatnonzero(struck)) * 0.02
    assert gaps.max() > 0.5, "and rests between"


def test_a_telephone_passes_its_band_alone() -> None:
    wide = sounds.white(COUNT, -26.0)
    below, inside, above = shares(sounds.phone(wide, RATE), 0, 200, 3600, 8001)
    assert below < 0.01 and above < 0.01 and inside > 0.98
    passed = shares(sounds.phone(wide, RATE), 500, 1500, 2500)
    assert passed[0] == pytest.approx(passed[1], rel=0.15), "evenly"
    assert dbfs(sounds.phone(wide, RATE)) == pytest.approx(-26.0, abs=0.01)
    said = voice()
    assert len(sounds.phone(said, RATE)) == len(said)
    assert np.corrcoef(loudness(said), loudness(sounds.phone(said, RATE)))[0, 1] > 0.9, "and delays nothing"


@pytest.mark.parametrize("t60", [0.4, 0.9])
def test_an_echo_falls_by_60_db_in_its_time(t60: float) -> None:
    click = np.zeros(COUNT, np.float32)
    click[100] = 1.0
    heard = sounds.echoing(click, RATE, t60)
    assert int(np.argmax(np.abs(heard))) == 100, "the direct sound comes in its time"
    level = loudness(heard[101:])
    tail = level[2 : int(t60 * 40)]
    fall = -np.polyfit(np.arange(len(tail)) * 0.02, tail, 1)[0]
    assert 60 / fall == pytest.approx(t60, rel=0.1)
    direct, after = float(heard[100] ** 2), float(np.sum(heard[101:].astype(float) ** 2))
    assert 10 * np.log10(direct / after) == pytest.approx(0.0, abs=0.1)
    assert dbfs(heard) == pytest.approx(dbfs(click), abs=0.01)


def test_a_whisper_is_the_voice_without_its_pitch() -> None:
    said = voice()
    whisper = sounds.whispered(said, RATE, -40.0)
    assert dbfs(whisper) == pytest.approx(-40.0, abs=0.01) and len(whisper) == len(said)
    voiced, left = (float(np.isfinite(semitones(sounds.at_level(sound, -26.0))).mean()) for sound in (said, whisper))
    assert voiced > 0.3 and left < 0.03
    assert np.corrcoef(loudness(said), loudness(whisper))[0, 1] > 0.8, "its syllables are where they were"
    vowels = np.isfinite(semitones(said))[::2]
    there = loudness(whisper)[: len(vowels)][vowels[: len(loudness(whisper))]]
    assert np.median(there) > -50.0, "and its vowels are heard"
    assert not sounds.whispered(np.zeros(RATE, np.float32), RATE)[RATE // 2 :].any(), "silence is not whispered"


def test_shouting_is_cut_off() -> None:
    said = voice()
    loud = sounds.shouted(said)
    assert np.abs(loud).max() == 1.0 and 0.001 < np.mean(np.abs(loud) == 1.0) < 0.2
    gain = 10 ** (12 / 20) / np.abs(said).max()
    whole = np.abs(loud) < 1.0
    assert np.allclose(loud[whole], said[whole] * gain, atol=1e-5)


def test_a_band_has_pitch_bass_and_drums() -> None:
    song = band.band(2 * COUNT, RATE, -26.0, 1)
    assert np.isfinite(semitones(song)).mean() > 0.5, "it is taken for a voice by its pitch"
    bass, middle, hats = shares(song, 30, 150, 1200, 8001)
    assert bass > 0.05 and middle > 0.2 and hats > 0.005


def test_recordings_are_those_named_and_are_played_over_again() -> None:
    path = PARTNER / "speech.flac"
    assert music.recordings([str(path)]) == [path]
    long = 50 * RATE
    played = music.played(path, RATE, long, -20.0)
    assert len(played) == long and dbfs(played) == pytest.approx(-20.0, abs=0.01)
    whole = sum(len(block.samples) for block in MediaFile(path).audio(RATE))
    assert np.array_equal(played[whole : whole + RATE], played[:RATE])
