"""Sounds of rooms, made by code, for measures and for training: noises, a telephone, an echo, a whisper. The same seed,
the same sound.

All are (n,) float32 from -1 to 1 at ``rate`` Hz. A level is power in dB below that of a full square wave (dBFS, as the
front end counts it). What is made of a voice keeps its length and its place in time, so that its events stay where they
are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

Sound = NDArray[np.float32]
VOICE_DBFS, PAUSE_S = -26.0, 0.8
PHONE_HZ, PHONE_RATE, MU = (300.0, 3400.0), 8000, 255.0
"""Band, sample rate and companding of a telephone line (ITU-T G.711, G.712)."""
WHISPER_FRAME_S, WHISPER_STEP_S, WHISPER_ORDER = 0.032, 0.008, 18
EMPHASIS, WIDER, WHISPER_FROM_HZ = 0.9, 0.97, 250.0
"""How much of the fall of a voiced spectrum a whisper lacks; what each pole of the envelope is drawn to the middle by,
so that none stands for an overtone; and where a whisper's spectrum begins."""


def dbfs(sound: Sound) -> float:
    """Power of ``sound`` (n,)."""
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def at_level(sound: Sound, level: float) -> Sound:
    """``sound`` (n,) with its power at ``level`` dBFS."""
    return (sound * 10 ** ((level - dbfs(sound)) / 20)).astype(np.float32)


def speech(clips: Sequence[Sound], rate: int, count: int, level: float = VOICE_DBFS) -> Sound:
    """People speaking, (count,): every clip at ``level``, pauses between them, over again where they do not last."""
    pause = np.zeros(round(PAUSE_S * rate), np.float32)
    return np.resize(np.concatenate([piece for clip in clips for piece in (at_level(clip, level), pause)]), count)


def beside(voice: Sound, other: Sound, snr_db: float, level: float = VOICE_DBFS) -> Sound:
    """``voice`` (n,), at ``level`` where it speaks, and ``other`` (n,) ``snr_db`` below that."""
    return (voice + at_level(other, level - snr_db)).astype(np.float32)


def white(count: int, level: float, seed: int = 0) -> Sound:
    """Noise that has as much power in every hertz."""
    return at_level(np.random.default_rng(seed).normal(0, 1, count).astype(np.float32), level)


def pink(count: int, rate: int, level: float, seed: int = 0) -> Sound:
    """Noise that has as much power in every octave, from 20 Hz on."""
    hertz = np.fft.rfftfreq(count, 1 / rate)
    shape = np.where(hertz >= 20.0, 1 / np.sqrt(np.maximum(hertz, 20.0)), 0.0)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 1, count)) * shape
    return at_level(np.fft.irfft(spectrum, count).astype(np.float32), level)


def hum(count: int, rate: int, hertz: float, level: float) -> Sound:
    """The mains and their overtones."""
    time = np.arange(count) / rate
    waves = sum(np.sin(2 * np.pi * hertz * k * time + k) / k for k in (1, 2, 3, 4, 5))
    return at_level(np.asarray(waves, np.float32), level)


def fan(count: int, rate: int, level: float, seed: int = 0) -> Sound:
    """A fan: air below about 600 Hz, and blades that pass 117 times a second, no two turns quite alike."""
    rng = np.random.default_rng(seed)
    air = sosfilt(butter(1, 600.0, fs=rate, output="sos"), pink(count, rate, -20.0, seed).astype(float))
    speed = 117.0 * (1 + 0.004 * np.sin(2 * np.pi * 0.13 * np.arange(count) / rate + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(speed) / rate
    blades = np.sin(phase) + 0.5 * np.sin(2 * phase + 1) + 0.2 * np.sin(3 * phase + 2)
    return at_level((air / air.std() + 0.5 * blades).astype(np.float32), level)


def clicks(count: int, rate: int, level: float, seed: int = 0) -> Sound:
    """Somebody types: seven keys a second in bouts of some seconds, each key down and up again, 5 ms of a 2 to 5 kHz
    rattle each."""
    rng = np.random.default_rng(seed)
    out = np.zeros(count + rate)
    fade = np.exp(-np.arange(round(0.03 * rate)) / (0.005 * rate))
    keys = []
    for _ in range(24):
        low = rng.uniform(1800, 3000)
        sos = butter(2, (low, low * 1.6), "bandpass", fs=rate, output="sos")
        keys.append(sosfilt(sos, rng.normal(0, 1, len(fade)) * fade))
    time = 0.0
    while time < count / rate:
        ends = min(time + rng.uniform(2.0, 8.0), count / rate)
        while time < ends:
            key = keys[int(rng.integers(len(keys)))]
            for at, size in ((time, 1.0), (time + rng.uniform(0.06, 0.11), 0.5)):
                start = round(at * rate)
                out[start : start + len(key)] += key * size * rng.uniform(0.6, 1.4)
            time += max(0.07, rng.normal(0.14, 0.04))
        time = ends + rng.uniform(0.5, 4.0)
    return at_level(out[:count].astype(np.float32), level)


def babble(clips: Sequence[Sound], count: int, rate: int, level: float, seed: int = 0, people: int = 6) -> Sound:
    """Several people at once, equally loud, each with all ``clips`` from another place on: a café."""
    rng = np.random.default_rng(seed)
    everything = speech(clips, rate, sum(len(clip) + round(PAUSE_S * rate) for clip in clips))
    out = np.zeros(count)
    for _ in range(people):
        out += np.resize(np.roll(everything, -int(rng.integers(len(everything)))), count)
    return at_level(out.astype(np.float32), level)


def phone(sound: Sound, rate: int) -> Sound:
    """Through a telephone line: 300 to 3400 Hz, 8 kHz, 8 bits of mu-law; the level is what it was."""
    narrow = resample_poly(sound.astype(float), PHONE_RATE, rate)
    narrow = np.clip(sosfilt(butter(4, PHONE_HZ, "bandpass", fs=PHONE_RATE, output="sos"), narrow), -1, 1)
    coded = np.round(127.5 * (np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) - 0.5) + 0.5
    heard = np.sign(coded) * np.expm1(np.abs(coded) / 127.5 * np.log1p(MU)) / MU
    out = resample_poly(heard, rate, PHONE_RATE)[: len(sound)]
    return at_level(np.pad(out, (0, len(sound) - len(out))).astype(np.float32), dbfs(sound))


def echoing(sound: Sound, rate: int, t60_s: float, seed: int = 0, direct_db: float = 0.0) -> Sound:
    """In a bare room: the sound is followed by noise that falls by 60 dB in ``t60_s``, the direct sound ``direct_db``
    louder than all of it; the level is what it was."""
    time = np.arange(round(t60_s * rate)) / rate
    tail = np.random.default_rng(seed).normal(0, 1, len(time)) * 10 ** (-3 * time / t60_s)
    tail[: round(0.003 * rate)] = 0.0  # the way to the first wall
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return at_level(fftconvolve(sound.astype(float), tail)[: len(sound)].astype(np.float32), dbfs(sound))


def shouted(sound: Sound, over_db: float = 12.0) -> Sound:
    """Too loud for the sound card: ``over_db`` above full scale at its peaks, which are cut off."""
    loud = sound * np.float32(10 ** (over_db / 20) / (np.abs(sound).max() + 1e-9))
    cut: Sound = np.clip(loud, -1.0, 1.0).astype(np.float32)
    return cut


def whispered(sound: Sound, rate: int, level: float = VOICE_DBFS, seed: int = 0) -> Sound:
    """A voice as a whisper, at ``level``: in each 32 ms the vocal tract's envelope is found (linear prediction) and
    noise is sent through it in place of the folds' pulses, as loud as these were. As measured of whispers, the spectrum
    falls less than a voice's and has little at its bottom (Jovicic & Saric 2008, J. Voice 22)."""
    size, step = round(WHISPER_FRAME_S * rate), round(WHISPER_STEP_S * rate)
    rng, window = np.random.default_rng(seed), np.sqrt(np.hanning(size + 1)[:-1])
    heard = lfilter([1.0, -EMPHASIS], [1.0], np.pad(sound.astype(float), (size, 2 * size)))
    out = np.zeros(len(heard))
    widen = WIDER ** np.arange(1, WHISPER_ORDER + 1)
    for start in range(0, len(heard) - size, step):
        frame = heard[start : start + size] * window
        power = np.correlate(frame, frame, "full")[size - 1 : size + WHISPER_ORDER]
        if power[0] < size * 1e-12:
            continue
        taps = solve_toeplitz(power[:-1] * np.r_[1 + 1e-4, np.ones(WHISPER_ORDER - 1)], power[1:])
        said = lfilter([1.0], np.r_[1.0, -taps * widen], rng.normal(0, 1, size) * window)
        out[start : start + size] += said * window * np.sqrt(power[0] / (np.sum(said**2) + 1e-30))
    out = sosfilt(butter(2, WHISPER_FROM_HZ, "highpass", fs=rate, output="sos"), out)
    return at_level(out[size : size + len(sound)].astype(np.float32), level)
