"""A made person in audio2photoreal's layout, to try the programs on: two voices that take turns, a face and lips that
follow the loudness of channel 0, a body that moves smoothly and more while it speaks.

It says nothing of people: voices are harmonics and bursts of noise, codes and poses are mixtures of slow noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.conversation.a2p.layout import CODES, FPS, HOP, POSE, RATE, VERTICES, Array
from train.conversation.a2p.writer import SceneArrays, Writer

PITCHES = (115.0, 190.0)
"""Hz, of the own voice and the partner's."""
LEVEL, HISS = 0.1, 3e-4
TURN_S = (1.0, 3.0)
GAP_S = 0.15
SYLLABLES = 4.5
"""A second."""
MISSING = 0.02
"""Share of frames without a face code."""


def make(folder: Path, scenes: int, seconds: float, seed: int) -> Path:
    """Write a set of ``scenes`` scenes of ``seconds`` each. Raises :class:`EngineError`."""
    if scenes < 1 or not seconds * FPS >= 1 or seconds > 3600:
        raise EngineError(f"{scenes} scenes of {seconds:g} s: give 1 or more, of a frame to an hour each")
    writer = Writer(folder)
    person = np.random.default_rng([seed, 0])
    mixes = {
        "face": person.normal(0, 1, (4, CODES)).astype(np.float32),
        "pose": person.normal(0, 0.2, (6, POSE)).astype(np.float32),
    }
    for number in range(scenes):
        rng = np.random.default_rng([seed, 1, number])
        writer.add(f"scene{number + 1:02d}", scene(int(seconds * FPS), mixes, rng))
    return writer.finish()


def scene(frames: int, mixes: dict[str, Array], rng: np.random.Generator) -> SceneArrays:
    """One scene; ``mixes`` hold how loudness and slow noise become codes (4, 256) and poses (6, 104)."""
    audio = voices(frames, rng)
    loud = loudness(audio[:, 0])
    slow = [smooth(rng.normal(0, 1, frames), width) for width in (15, 15, 45, 45)]
    face = np.stack([loud, smooth(loud, 9), slow[0], slow[1]], 1) @ mixes["face"]
    talking = smooth(loud, 31)
    sway = [smooth(rng.normal(0, 1, frames), 45) for _ in range(2)]
    pose = np.stack([talking, talking * slow[2], talking * slow[3], sway[0], sway[1], loud], 1) @ mixes["pose"]
    missing = np.flatnonzero(rng.random(frames) < MISSING)
    face[missing] = 0.0
    return SceneArrays(audio, pose.astype(np.float32), face.astype(np.float32), missing, mouth(loud))


def voices(frames: int, rng: np.random.Generator) -> Array:
    """Two voices (frames * 1600, 2) that take turns of some seconds, with a soft hiss in both."""
    count = frames * HOP
    time = np.arange(count) / RATE
    audio = rng.normal(0, HISS, (count, 2))
    at, who = 0.0, int(rng.integers(2))
    while at < count / RATE:
        length = rng.uniform(*TURN_S)
        first, last = int(at * RATE), min(int((at + length) * RATE), count)
        here = time[first:last]
        pitch = PITCHES[who] * (1.0 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * here + rng.uniform(0, 6)))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 9))
        syllable = np.sin(np.pi * SYLLABLES * (here - here[:1])) ** 2
        burst = rng.normal(0, 1, len(here)) * np.roll(syllable, RATE // 10) ** 8
        audio[first:last, who] += LEVEL * syllable * (tone + 0.5 * burst)
        at, who = at + length + GAP_S, 1 - who
    return np.clip(audio, -1, 1).astype(np.float32)


def loudness(voice: Array) -> Array:
    """Root of the mean square (T,) of the frames of a voice (T * 1600,), against a voice's usual level."""
    return np.asarray(np.sqrt((voice.reshape(-1, HOP).astype(np.float64) ** 2).mean(1)) / LEVEL, np.float32)


def smooth(values: NDArray[np.floating[Any]], width: int) -> Array:
    """A row (T,) under a Hann window of ``width`` frames, of the same spread for white noise."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.asarray(np.convolve(padded, window / np.linalg.norm(window), "valid"), np.float32)


def mouth(loud: Array) -> Array:
    """Lips (T, 338, 3), m: two rings that part by up to 2 cm as the voice is loud."""
    angle = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    ring = np.stack([0.025 * np.cos(angle), 0.008 * np.sin(angle), 0.004 * np.cos(2 * angle)], 1)
    opening = np.zeros((VERTICES, 3))
    opening[:, 1] = 0.01 * np.sign(np.sin(angle))
    return np.asarray(ring + np.clip(loud, 0, 2)[:, None, None] * opening / 2, np.float32)
