"""Audio layers against what the signal was made of, and against plain whole-signal computations."""

from __future__ import annotations

import math

import pytest
import torch

from models.contract import initial_state
from models.layers import MFCC, Energy, Layer, LogMel

RATE, HOP = 16_000, 640


def run(layer: Layer, samples: torch.Tensor):
    """The layer's result over whole hops of a mono signal, one row."""
    hops = samples[: len(samples) // HOP * HOP].reshape(1, -1, HOP)
    return layer(hops, initial_state(layer.state_specs(), 1))[0]


def tone(hertz: float, amplitude: float = 0.5, seconds: float = 1.0) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * hertz / RATE * torch.arange(int(RATE * seconds)))


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        (tone(400.0, 1.0), 10 * math.log10(0.5)),
        (tone(400.0, 0.1), 10 * math.log10(0.005)),
        (torch.full((RATE,), 0.5), 20 * math.log10(0.5)),
        (torch.ones(RATE), 0.0),
        (torch.zeros(RATE), -100.0),
        (torch.full((RATE,), 1e-9), -100.0),
    ],
)
def test_energy_is_level_against_full_scale(samples: torch.Tensor, level: float):
    levels = run(Energy(HOP, 4), samples)
    assert levels.shape == (1, 25, 4)
    torch.testing.assert_close(levels, torch.full_like(levels, level), atol=2e-3, rtol=0)


def test_energy_tells_subframes_apart():
    samples = torch.zeros(HOP)
    samples[320:480] = 0.1
    assert run(Energy(HOP, 4), samples).flatten().tolist() == pytest.approx([-100.0, -100.0, -20.0, -100.0])


def test_subframes_must_divide_the_hop():
    with pytest.raises(ValueError, match="640 samples does not divide into 7"):
        Energy(HOP, 7)


def test_log_mel_equals_a_whole_signal_short_time_transform():
    samples = 0.1 * torch.randn(RATE, generator=torch.Generator().manual_seed(1)) + tone(700.0)
    layer = LogMel(RATE, HOP, bands=30, subframes=4)
    padded = torch.cat([torch.zeros(400 - 160), samples])
    hann = torch.hann_window(400, periodic=True)
    # torch.stft centres a short window in its frame; frames cut by hand and padded on the right keep the start.
    frames = torch.nn.functional.pad(padded.unfold(0, 400, 160) * hann, (0, 112))
    power = (torch.fft.rfft(frames).abs() * 2 / hann.sum()).square()
    wanted = (power @ layer.filters).clamp_min(1e-10).log()
    torch.testing.assert_close(run(layer, samples).reshape(-1, 30), wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("hertz", [150.0, 440.0, 1000.0, 3000.0, 6000.0])
def test_log_mel_peaks_at_the_tone(hertz: float):
    layer = LogMel(RATE, HOP, bands=40)
    peak = int(run(layer, tone(hertz))[0, 5, 0].argmax())
    bins = torch.arange(layer.filters.shape[0]) * RATE / (2 * (layer.filters.shape[0] - 1))
    held = bins[layer.filters[:, peak] > 0]
    assert held.min() - 20 <= hertz <= held.max() + 20


def test_log_mel_of_a_full_scale_tone_is_near_zero_and_of_silence_at_the_floor():
    layer = LogMel(RATE, HOP, bands=40)
    assert float(run(layer, tone(1000.0, 1.0))[0, 5:].amax()) == pytest.approx(0.0, abs=1.0)
    quiet = run(layer, torch.zeros(RATE))
    torch.testing.assert_close(quiet, torch.full_like(quiet, math.log(1e-10)))


def test_bands_narrower_than_a_bin_are_refused():
    with pytest.raises(ValueError, match="take fewer bands"):
        LogMel(RATE, HOP, bands=200, subframes=4)


def test_mfcc_is_the_orthonormal_cosine_transform_of_log_mel():
    samples = 0.1 * torch.randn(RATE, generator=torch.Generator().manual_seed(2))
    mel, cepstrum = run(LogMel(RATE, HOP, 20), samples), run(MFCC(RATE, HOP, 20, 20), samples)
    torch.testing.assert_close(cepstrum.square().sum(-1), mel.square().sum(-1), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(cepstrum[..., 0], mel.sum(-1) / math.sqrt(20), rtol=1e-4, atol=1e-3)
    ripple = torch.cos(math.pi / 20 * (torch.arange(20) + 0.5) * 3)
    torch.testing.assert_close(cepstrum[..., 3], (mel * ripple).sum(-1) * math.sqrt(2 / 20), rtol=1e-3, atol=1e-3)


def test_gain_moves_only_the_first_cepstral_coefficient():
    samples = 0.1 * torch.randn(RATE, generator=torch.Generator().manual_seed(3))
    loud, quiet = (run(MFCC(RATE, HOP, 13, 24), gain * samples) for gain in (1.0, 0.1))
    torch.testing.assert_close(loud[:, 1:, :, 1:], quiet[:, 1:, :, 1:], atol=1e-3, rtol=1e-3)
    assert float((loud - quiet)[:, 1:, :, 0].min()) > 10.0
