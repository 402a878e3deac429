"""The resampler: the same output for any blocks, no aliases, no shift in time, and a short delay."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(count).astype(np.float32)


def tone(hz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def whole(samples: np.ndarray, in_rate: int, out_rate: int) -> np.ndarray:
    resampler = StreamingResampler(in_rate, out_rate)
    return np.concatenate([resampler.push(samples), resampler.flush()])


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(2 * np.mean(np.square(samples, dtype=np.float64))) + 1e-12))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(RATES),
    st.sampled_from([16_000, 24_000, 48_000]),
    st.lists(st.integers(0, 900), min_size=1, max_size=12),
)
def test_any_chunking_gives_the_same_bits(in_rate: int, out_rate: int, blocks: list[int]) -> None:
    samples = noise(sum(blocks))
    resampler = StreamingResampler(in_rate, out_rate)
    edges = np.cumsum([0, *blocks])
    parts = [resampler.push(samples[a:b]) for a, b in itertools.pairwise(edges)]
    chunked = np.concatenate([*parts, resampler.flush()])
    np.testing.assert_array_equal(chunked, whole(samples, in_rate, out_rate))
    assert len(chunked) == -(-len(samples) * out_rate // in_rate)


@pytest.mark.parametrize("in_rate", RATES)
def test_the_wait_for_an_output_is_under_four_milliseconds(in_rate: int) -> None:
    resampler = StreamingResampler(in_rate, 16_000)
    lags = []
    for sample in noise(in_rate // 10):
        resampler.push(np.array([sample], np.float32))
        lags.append(resampler.lag_s)
    period_s = 1 / min(in_rate, 16_000)
    assert max(lags) <= resampler.delay_s + period_s
    assert max(lags) >= resampler.delay_s - period_s
    assert resampler.delay_s < 0.004
    assert (resampler.delay_s == 0) == (in_rate == 16_000)


@pytest.mark.parametrize("in_rate", [24_000, 32_000, 44_100, 48_000])
def test_speech_passes_and_what_would_fold_back_is_stopped(in_rate: int) -> None:
    for hz in (100, 1_000, 3_000, 7_200):
        assert abs(level_db(whole(tone(hz, in_rate), in_rate, 16_000)[1000:-1000])) < 0.05
    for hz in (8_200, 9_000, 11_500):
        assert level_db(whole(tone(hz, in_rate), in_rate, 16_000)[1000:-1000]) < -75


@pytest.mark.parametrize("in_rate", RATES)
@pytest.mark.parametrize("out_rate", [16_000, 24_000])
def test_nothing_shifts_in_time(in_rate: int, out_rate: int) -> None:
    out = whole(tone(700, in_rate), in_rate, out_rate)
    np.testing.assert_allclose(out[500:-500], tone(700, out_rate)[500 : len(out) - 500], atol=1e-3)


def test_upsampling_makes_no_images() -> None:
    out = whole(tone(3_000, 8_000), 8_000, 16_000)[1000:-1000]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    hz = np.fft.rfftfreq(len(out), 1 / 16_000)
    assert spectrum[hz > 4_200].max() < 1e-4 * spectrum.max()


def test_it_agrees_with_another_resampler() -> None:
    soxr = pytest.importorskip("soxr", reason="soxr is not installed to compare with")
    samples = whole(noise(48_000), 48_000, 12_000)  # band-limited, so that edges of the filters do not matter
    samples = whole(samples, 12_000, 48_000)
    ours, theirs = whole(samples, 48_000, 16_000), soxr.resample(samples, 48_000, 16_000, quality="VHQ")
    count = min(len(ours), len(theirs))
    difference = (ours[:count] - theirs[:count])[500:-500]
    assert np.sqrt(np.mean(difference**2)) < 2e-3 * np.std(ours)


def test_equal_rates_pass_untouched() -> None:
    samples = noise(777)
    resampler = StreamingResampler(16_000, 16_000)
    np.testing.assert_array_equal(resampler.push(samples), samples)
    assert len(resampler.flush()) == 0
    assert resampler.lag_s == 0


def test_flush_leaves_it_as_new() -> None:
    resampler = StreamingResampler(44_100, 16_000)
    first = np.concatenate([resampler.push(noise(5_000)), resampler.flush()])
    np.testing.assert_array_equal(np.concatenate([resampler.push(noise(5_000)), resampler.flush()]), first)


def test_non_finite_samples_pass_on_and_are_gone_after_the_filter() -> None:
    samples = noise(4_800)
    samples[1_000] = np.nan
    out = whole(samples, 48_000, 16_000)
    bad = np.flatnonzero(~np.isfinite(out))
    assert len(bad)
    assert 1_000 / 3 - 60 < bad.min() <= bad.max() < 1_000 / 3 + 60


@pytest.mark.parametrize("rate", [0, 3_999, -16_000, 16_000.5, 10**7])
def test_an_impossible_rate_is_refused(rate: int) -> None:
    with pytest.raises(EngineError, match="whole number from 4000"):
        StreamingResampler(rate, 16_000)
