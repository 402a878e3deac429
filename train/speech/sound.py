"""What is done to speech as sound: resampled, trimmed, levelled, its pitch followed. Needs numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.speech.talk import RATE

REACH = 24  #: samples of the resampler's window to either side
SILENT_DB = -45.0  #: below a phrase's own peak its ends are cut off

Audio = NDArray[np.float64]


def resample(audio: Audio, rate_in: float, rate_out: float) -> Audio:
    """``audio`` at ``rate_out`` by windowed-sinc interpolation; any ratio, so it also shifts pitch."""
    step = rate_in / rate_out
    cut = min(1.0, 1.0 / step) * 0.95  # the lower of the two Nyquists, with room for the window's roll-off
    where = np.arange(int(len(audio) / step)) * step
    base = np.floor(where).astype(int)
    padded = np.pad(audio, REACH)
    out = np.zeros(len(where))
    for tap in range(-REACH + 1, REACH + 1):
        offset = tap - (where - base)
        window = 0.5 + 0.5 * np.cos(np.pi * offset / REACH)
        out += padded[base + tap + REACH] * cut * np.sinc(cut * offset) * window
    return out


def trim(audio: Audio) -> Audio:
    """``audio`` at 16 kHz without its silent ends (relative to its own peak), faded so that nothing clicks."""
    loud = np.flatnonzero(np.abs(audio) > np.abs(audio).max() * 10 ** (SILENT_DB / 20))
    if not len(loud):
        raise EngineError("a phrase came out silent: change its text or how long it takes to say")
    margin, fade = int(0.02 * RATE), int(0.01 * RATE)
    out = audio[max(0, loud[0] - margin) : loud[-1] + margin].copy()
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    out[:fade] *= ramp
    out[-fade:] *= ramp[::-1]
    return out


def level_db(audio: Audio) -> float:
    """Mean level in dBFS of ``audio`` at 16 kHz over the 0.4 s blocks that hold speech (without ear weighting)."""
    block = int(0.4 * RATE)
    power = np.array([np.mean(audio[i : i + block] ** 2) for i in range(0, len(audio) - block + 1, block // 4)])
    power = power[power > 1e-6]
    if not len(power):
        raise EngineError("the sound is silent: there is nothing to level, check where it comes from")
    return float(10 * np.log10(power[power > power.mean() / 10].mean()))


def pitch_track(audio: Audio, highest: float = 330.0) -> NDArray[np.float64]:
    """F0 of ``audio`` at 16 kHz every 10 ms, from 65 Hz to ``highest``, NaN where unvoiced: normalised autocorrelation,
    octave slips removed by a median."""
    size, hop, lag_min, lag_max = int(0.05 * RATE), RATE // 100, int(RATE / highest), RATE // 65
    window = np.hanning(size)
    spread = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)[:size]
    out = np.full(max(0, (len(audio) - size) // hop), np.nan)
    for i in range(len(out)):
        piece = audio[i * hop : i * hop + size]
        if np.sqrt(np.mean(piece**2)) < 0.008:
            continue
        shape = np.fft.irfft(np.abs(np.fft.rfft(piece * window, 2 * size)) ** 2)[:size] / np.maximum(spread, 1e-9)
        shape = shape / shape[0]
        near = shape[lag_min:lag_max]
        rising = np.flatnonzero((near[1:-1] > near[:-2]) & (near[1:-1] >= near[2:]) & (near[1:-1] > 0.9 * near.max()))
        if near.max() > 0.55 and len(rising):
            out[i] = RATE / (lag_min + 1 + rising[0])
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(out, 4, constant_values=np.nan), 9)
    enough = np.isfinite(wide).sum(axis=1) >= 5
    smooth = np.full_like(out, np.nan)
    smooth[enough] = np.nanmedian(wide[enough], axis=1)
    return np.where(np.isfinite(out), smooth, np.nan)
