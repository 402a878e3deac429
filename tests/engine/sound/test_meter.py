"""The level meter: numbers that are right, and every trouble told once, in words."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sound.front_end import FrontEnd
from tests.engine.sound.made import RATE, dbfs, hum, noise, voice

CLEAN = voice(12.0)


def notices(sound: NDArray[np.float32]) -> list[str]:
    front = FrontEnd()
    for at in range(0, len(sound), 640):
        front.push(sound[at : at + 640], RATE)
    told = front.meter.told()["notices"]
    assert tuple(told) == front.meter.notices
    return list(told)


def test_the_numbers_are_those_of_the_sound_as_it_comes() -> None:
    front = FrontEnd()
    sound = voice(10.0, -44.0) + np.float32(0.02)
    front.push(sound, RATE)
    told = front.meter.told()
    last = sound[9 * RATE :]
    assert told["level_dbfs"] == pytest.approx(dbfs(last), abs=0.2)
    assert told["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(last).max()), abs=0.2)
    assert told["voice_dbfs"] == pytest.approx(-44.0, abs=2.5)
    assert told["noise_dbfs"] == pytest.approx(-94.0, abs=3.0)
    assert told["gain_db"] == pytest.approx(-26.0 - told["voice_dbfs"], abs=1.0)
    assert told["offset"] == pytest.approx(0.02, abs=0.002)
    assert (told["channels"], told["clipped_s"], told["hum"]) == (1, 0.0, False)


TROUBLES = {
    "too quiet: the voice is at": voice(12.0, -56.0),
    "too quiet: no more than": noise(12 * RATE, -85.0),
    "clipped": np.clip(voice(12.0, -3.0), -1.0, 1.0),
    "only one channel": np.stack([CLEAN, np.zeros_like(CLEAN)], 1),
    "opposite polarity": np.stack([CLEAN, -CLEAN], 1),
    "nothing but hum": hum(12 * RATE, -30.0, 60.0),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_is_told_once(trouble: str) -> None:
    assert [trouble in text for text in notices(TROUBLES[trouble])] == [True]
    twice = np.concatenate([TROUBLES[trouble]] * 2)
    assert [trouble in text for text in notices(twice)] == [True]


@pytest.mark.parametrize(
    "well",
    [
        CLEAN,
        voice(12.0, -44.0),
        np.stack([CLEAN, CLEAN], 1),
        CLEAN + hum(len(CLEAN), -35.0),
        np.zeros(12 * RATE, np.float32),  # muted: the microphone itself says so
        noise(12 * RATE, -50.0),
        np.concatenate([CLEAN, noise(12 * RATE, -60.0)]),
    ],
    ids=["clean", "laptop", "stereo", "hum", "muted", "a room", "somebody who is silent now"],
)
def test_all_is_well(well: NDArray[np.float32]) -> None:
    assert notices(well) == []


def test_a_crackle_now_and_then_is_not_clipped() -> None:
    sound = voice(40.0)
    for at in range(0, len(sound), 2 * RATE):
        sound[at : at + 5] = 1.0
    assert notices(sound) == []


def test_one_peak_at_full_scale_is_not_clipped() -> None:
    sound = CLEAN.copy()
    sound[::4_000] = 1.0
    assert notices(sound) == []
