"""The recursive filters beside those of scipy, and what they let through."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sound.filters import OFFSET_HZ, RUMBLE_HZ, Section, VoiceFilter, high_pass, notches

signal = pytest.importorskip("scipy.signal", reason="scipy is not installed")
RATES = (8_000, 16_000, 44_100, 48_000, 96_000)


def rows(sections: list[Section]) -> NDArray[np.float64]:
    return np.array([[s.b0, s.b1, s.b2, 1.0, s.a1, s.a2] for s in sections])


@pytest.mark.parametrize("rate", RATES)
def test_sound_is_filtered_as_by_scipy(rate: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (rate, 2))
    first = rows(high_pass(rate, OFFSET_HZ, 2))
    both = np.concatenate([first, rows(high_pass(rate, RUMBLE_HZ, 4)), rows(notches(rate))])
    passed, clear = VoiceFilter(rate, 2).push(sound)
    np.testing.assert_allclose(passed, signal.sosfilt(first, sound, axis=0), atol=1e-11)
    np.testing.assert_allclose(clear, signal.sosfilt(both, sound, axis=0), atol=1e-10)


@pytest.mark.parametrize(("hertz", "order"), [(OFFSET_HZ, 2), (RUMBLE_HZ, 4)])
@pytest.mark.parametrize("rate", RATES)
def test_the_high_passes_are_butterworths(rate: int, hertz: float, order: int) -> None:
    _, ours = signal.sosfreqz(rows(high_pass(rate, hertz, order)), np.geomspace(1, 300, 50), fs=rate)
    _, theirs = signal.sosfreqz(
        signal.butter(order, hertz, "highpass", fs=rate, output="sos"), np.geomspace(1, 300, 50), fs=rate
    )
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-6)


@pytest.mark.parametrize("rate", RATES)
def test_hum_and_its_overtones_go_and_a_voice_stays(rate: int) -> None:
    def decibels(hertz: list[float]) -> NDArray[np.float64]:
        _, response = signal.sosfreqz(rows(notches(rate)), hertz, fs=rate)
        return np.asarray(20 * np.log10(np.abs(response) + 1e-12))

    assert (decibels([50.0, 60.0, 100.0, 120.0, 150.0, 180.0, 300.0]) < -60).all()
    assert (decibels([49.9, 50.1, 59.9, 60.1]) < -13).all()
    assert (decibels([85.0, 110.0, 135.0, 210.0, 330.0, 1000.0]) > -0.3).all()
