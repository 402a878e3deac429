"""Music by code: a band that always plays, for rooms in which somebody speaks or nobody does.

It has what makes a listener take music for a voice: tones of a steady pitch, a tune with vibrato in the range of
voices, syllables' rhythm in the drums, pauses between phrases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from train.speech.rooms import Sound, at_level

SCALE = (0, 2, 4, 5, 7, 9, 11)
SONGS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 0, 4), (1, 4, 0, 5))
"""Chords as steps of the scale, one a bar."""
SHARES = (0.9, 0.9, 0.8, 0.85)
"""How often chords, bass, drums and tune play."""
Array = NDArray[np.float64]


def band(count: int, rate: int, level: float, seed: int = 0) -> Sound:
    """Chords, bass, drums and a tune with vibrato, (count,) at ``level`` dBFS. ``seed`` draws the key, the speed, the
    chords, who plays when, and the tune; every eight bars one of them may rest."""
    rng = np.random.default_rng(seed)
    beat, key = 60.0 / rng.uniform(84, 132), int(rng.integers(-5, 6))
    song = SONGS[int(rng.integers(len(SONGS)))]
    out = np.zeros(count + 8 * rate)
    drums = _drums(rate, rng)
    step = int(rng.integers(3, 9))
    for bar in range(int(count / rate / (4 * beat)) + 1):
        if bar % 8 == 0:
            plays = dict(zip(("chords", "bass", "drums", "tune"), rng.uniform(size=4) < SHARES, strict=True))
            plays["chords"] |= not any(plays.values())
        root, start = song[bar % 4], bar * 4 * beat
        if plays["chords"]:
            for third in (0, 2, 4):
                hertz = _hertz(root + third, key, 0)
                for detune in (0.997, 1.003):
                    _put(out, rate, start, _tone(hertz * detune, 4 * beat, rate, 8, 1.3) * 0.12)
        if plays["bass"]:
            for half in range(8):
                if half % 2 == 0 or rng.uniform() < 0.4:
                    _put(out, rate, start + half * beat / 2, _tone(_hertz(root, key, -2), beat / 2, rate, 6, 1.0) * 0.3)
        if plays["drums"]:
            for half in range(8):
                kinds = ["hat"] + (["kick"] if half in (0, 4) else ["snare"] if half in (2, 6) else [])
                for kind in kinds:
                    _put(out, rate, start + half * beat / 2, drums[kind] * rng.uniform(0.8, 1.2))
        at = 0.0
        while plays["tune"] and at < 4:
            length = float(rng.choice([0.5, 1.0, 1.5, 2.0], p=[0.35, 0.4, 0.1, 0.15]))
            if rng.uniform() < 0.85:  # else a rest
                step = int(np.clip(step + rng.choice([-2, -1, -1, 0, 1, 1, 2, 4]), 0, 13))
                tone = _tone(_hertz(step, key, 0), length * beat * 0.95, rate, 10, 1.1, vibrato=5.5)
                _put(out, rate, start + at * beat, tone * 0.35)
            at += length
    return at_level(out[:count].astype(np.float32), level)


def _hertz(step: int, key: int, octave: int) -> float:
    """A step of the major scale on middle C moved by ``key`` semitones."""
    return float(261.63 * 2 ** (octave + step // 7 + (SCALE[step % 7] + key) / 12))


def _tone(hertz: float, seconds: float, rate: int, partials: int, fall: float, vibrato: float = 0.0) -> Array:
    """A tone of ``partials`` overtones that fall as 1/k^``fall``, struck and let go."""
    time = np.arange(round((seconds + 0.1) * rate)) / rate
    depth = 0.012 * np.clip(time / 0.25 - 0.4, 0, 1) if vibrato else 0.0
    phase = 2 * np.pi * np.cumsum(hertz * (1 + depth * np.sin(2 * np.pi * vibrato * time))) / rate
    wave = sum(np.sin(k * phase) / k**fall for k in range(1, partials + 1) if k * hertz < 0.45 * rate)
    return np.asarray(wave) * np.clip(time / 0.015, 0, 1) * np.clip((seconds + 0.1 - time) / 0.1, 0, 1)


def _drums(rate: int, rng: np.random.Generator) -> dict[str, Array]:
    time = np.arange(round(0.25 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * time + 6.0 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.08)
    hiss = rng.normal(0, 1, len(time))
    high = sosfilt(butter(2, 5000.0, "highpass", fs=rate, output="sos"), hiss)
    snare = (hiss * 0.5 + np.sin(2 * np.pi * 190 * time)) * np.exp(-time / 0.06)
    return {"kick": kick * 0.9, "snare": snare * 0.5, "hat": high * np.exp(-time / 0.02) * 0.25}


def _put(out: Array, rate: int, at_s: float, sound: Array) -> None:
    start = round(at_s * rate)
    end = min(start + len(sound), len(out))
    out[start:end] += sound[: end - start]
