"""Voices that need no recording: syllables with pauses, at a stated level, and what rooms and cables do to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def voice(seconds: float, dbfs: float = -26.0, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """Something like speech, (n,): a pulse train of wandering pitch in syllables and words, its active level at
    ``dbfs``, over a room that is 50 dB softer."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 130 + 25 * np.sin(2 * np.pi * 0.37 * time + seed) + 8 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = sum(np.cos(k * phase + k * k) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 2.1 * time), 0, 1) ** 0.5
    words = (time % 3.0) < 2.2
    said = np.asarray(wave) * syllables * words
    active = np.abs(said) > 0.05 * np.abs(said).max()
    said *= 10 ** (dbfs / 20) / np.sqrt(np.mean(said[active] ** 2))
    return (said + rng.normal(0, 10 ** ((dbfs - 50) / 20), len(time))).astype(np.float32)


def hum(count: int, dbfs: float, hertz: float = 50.0, rate: int = RATE) -> NDArray[np.float32]:
    """Hum of the mains with overtones, (count,)."""
    time = np.arange(count) / rate
    wave = sum(np.sin(2 * np.pi * hertz * k * time + k) / k for k in range(1, 5))
    return (np.asarray(wave) * 10 ** (dbfs / 20) / np.sqrt(np.mean(np.asarray(wave) ** 2))).astype(np.float32)


def noise(count: int, dbfs: float, seed: int = 9) -> NDArray[np.float32]:
    """Steady hiss, (count,)."""
    return np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20), count).astype(np.float32)


def dbfs(sound: NDArray[np.float32]) -> float:
    """Power of a sound (n,)."""
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-10))
