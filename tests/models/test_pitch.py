"""Pitch of signals whose pitch is known, silence and noise that have none, and of real speech where it lies at hand."""

from __future__ import annotations

import math
import os
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from models.contract import initial_state
from models.layers import Pitch

RATE, HOP, SUBFRAMES = 16_000, 640, 4
SETTLED = 12
"""Sub-frames until every window lies inside the signal."""


def track(samples: torch.Tensor, rate: int = RATE) -> tuple[torch.Tensor, torch.Tensor]:
    """f0 and periodicity per 10 ms of a mono signal."""
    hop = rate // 25
    layer = Pitch(rate, hop, SUBFRAMES)
    hops = samples[: len(samples) // hop * hop].reshape(1, -1, hop)
    with torch.inference_mode():
        (f0, periodicity), _ = layer(hops, initial_state(layer.state_specs(), 1))
    assert bool(torch.isfinite(f0).all() and torch.isfinite(periodicity).all())
    assert float(periodicity.min()) >= 0.0
    assert float(periodicity.max()) <= 1.0
    return f0.flatten(), periodicity.flatten()


def harmonics(hertz: torch.Tensor, amplitudes: list[float], rate: int = RATE) -> torch.Tensor:
    """A sum of harmonics along a course of f0, one value a sample; phases fixed and unequal."""
    phase = 2 * math.pi * torch.cumsum(hertz.double(), 0) / rate
    return sum(a * torch.sin(k * phase + k * k) for k, a in enumerate(amplitudes, 1)).float()


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
@pytest.mark.parametrize("hertz", [63.0, 80.0, 110.0, 150.0, 220.0, 310.0, 395.0])
@pytest.mark.parametrize(
    "amplitudes", [[0.3], [0.2, 0.1, 0.07, 0.05], [0.02, 0.2, 0.1, 0.15]], ids=["sine", "voice", "weak_first"]
)
def test_steady_tones(rate: int, hertz: float, amplitudes: list[float]):
    f0, periodicity = track(harmonics(torch.full((rate,), hertz), amplitudes, rate), rate)
    torch.testing.assert_close(f0[SETTLED:], torch.full_like(f0[SETTLED:], hertz), rtol=0.01, atol=0)
    assert float(periodicity[SETTLED:].min()) > 0.9


@pytest.mark.parametrize("offset", [0.0, 0.3], ids=["plain", "on_dc"])
def test_sweep_is_followed_twenty_milliseconds_later(offset: float):
    course = torch.linspace(80.0, 380.0, 4 * RATE)
    f0, _ = track(harmonics(course, [0.2, 0.05]) + offset)
    there = course[torch.arange(1, len(f0) + 1) * 160 - 1 - 320]
    torch.testing.assert_close(f0[20:], there[20:], rtol=0.02, atol=0)


def test_clipping_leaves_pitch_alone():
    f0, _ = track((4 * harmonics(torch.full((RATE,), 150.0), [0.5])).clamp(-1, 1))
    torch.testing.assert_close(f0[SETTLED:], torch.full_like(f0[SETTLED:], 150.0), rtol=0.005, atol=0)


@pytest.mark.parametrize("level", [0.0, 0.5, -1.0])
def test_silence_and_constant_offset_are_unvoiced(level: float):
    f0, periodicity = track(torch.full((RATE,), level))
    assert float(f0[SETTLED:].max()) == 0.0
    assert float(periodicity[SETTLED:].max()) < 0.1


def test_white_noise_is_unvoiced_and_a_tone_in_it_is_found():
    noise = 0.1 * torch.randn(8 * RATE, generator=torch.Generator().manual_seed(5))
    f0, _ = track(noise)
    assert float((f0 > 0).float().mean()) < 0.01
    f0, _ = track(noise + harmonics(torch.full((8 * RATE,), 180.0), [0.2, 0.1]))
    found = (f0[SETTLED:] / 180.0 - 1).abs() < 0.05
    assert float(found.float().mean()) > 0.95


def test_hiss_far_below_speech_shows_no_periodicity():
    buzz = harmonics(torch.full((RATE,), 120.0), [1.0, 0.5])
    assert float(track(1e-4 * buzz)[1].max()) < 0.5
    assert float(track(1e-2 * buzz)[1][SETTLED:].min()) > 0.9


def clips() -> Path:
    """The folder of speech clips: DATA_DIR if set, else the one beside the checkout."""
    here = Path(os.environ.get("DATA_DIR", Path(__file__).parents[3] / "shared" / "data"))
    return here / "speech_clips"


def test_real_speech_agrees_with_whole_clip_autocorrelation():
    path = clips() / "arctic_slt_a0009.wav"
    if not path.exists():
        pytest.skip(f"{path.name} is not among the data here")
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(-1), np.int16).astype(np.float32) / 32768
    f0, _ = track(torch.from_numpy(samples))
    assert 175 < float(f0[f0 > 0].median()) < 205
    assert 0.4 < float((f0 > 0).float().mean()) < 0.85
    lags = np.arange(40, 259)
    deviations = []
    for index in range(4, len(f0)):
        # Centred frames, Hann window and its own autocorrelation divided out (Boersma 1993).
        start = (index + 1) * 160 - 320 - 320
        piece = samples[start : start + 640]
        piece = (piece - piece.mean()) * np.hanning(640)
        spectrum, window = (np.abs(np.fft.rfft(x, 2048)) ** 2 for x in (piece, np.hanning(640)))
        own, taper = np.fft.irfft(spectrum), np.fft.irfft(window)
        strength = own[lags] / (own[0] + 1e-3) / (taper[lags] / taper[0])
        best = int(strength.argmax())
        if strength[best] > 0.85 and f0[index] > 0:
            deviations.append(math.log2(float(f0[index]) * lags[best] / RATE))
    assert len(deviations) > 50
    assert float(np.median(np.abs(deviations))) < 0.02
    assert float(np.mean(np.abs(deviations) > 0.3)) < 0.1
