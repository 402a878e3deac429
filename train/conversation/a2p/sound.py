"""A recording of one's own as a scene without a body, to sample for (the published demo has a microphone for it).

Any wav file of 4 to 384 kHz, of any length: one channel is the own voice, and the partner's is then a soft noise, as in
the demo; of two the second is the partner's.

Mended here: the demo divides a recording by its largest sample, ``max(y)``; a voice whose troughs are deeper than its
peaks leaves -1..1. Here it is the largest size of a sample.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from train.conversation.a2p.layout import CODES, HOP, POSE, RATE, Array, Scene
from train.conversation.a2p.wav import Wav, read_wav

NOISE = 1e-3
"""Deviation of what stands for a silent partner."""


def recorded(path: Path) -> Scene:
    """The scene of a wav file; its poses are zeros and all its codes missing. Raises :class:`EngineError`."""
    wav = read_wav(path)
    if wav.channels not in (1, 2):
        raise EngineError(f"{path}: has {wav.channels} channels; give the own voice, or it and the partner's")
    found = np.stack([at_rate(channel, wav.rate) for channel in wav.samples().T], 1)
    frames = len(found) // HOP
    if not frames:
        raise EngineError(f"{path}: is shorter than a frame; give a longer recording")
    if not np.isfinite(found).all():
        raise EngineError(f"{path}: holds samples that are no numbers; record it again")
    audio = loudest_one(found[: frames * HOP])
    if audio.shape[1] == 1:
        hiss = np.random.default_rng(0).normal(0.0, NOISE, audio.shape).astype(np.float32)
        audio = np.concatenate([audio, hiss], 1)
    pose, face = np.zeros((frames, POSE), np.float32), np.zeros((frames, CODES), np.float32)
    return Scene(path.stem, frames, Wav(path, RATE, audio), pose, face, np.ones(frames, bool))


def loudest_one(audio: Array) -> Array:
    """Audio (n, channels) whose largest sample has size 1; silence stays."""
    return np.asarray(audio / max(float(np.abs(audio).max(initial=0.0)), 1e-9), np.float32)


def at_rate(channel: Array, rate: int) -> Array:
    """A channel (n,) at 48 kHz. Raises :class:`EngineError` for a rate out of bounds."""
    resampler = StreamingResampler(rate, RATE)
    blocks = np.array_split(np.ascontiguousarray(channel), max(1, len(channel) // (10 * rate)))
    return np.concatenate([*(resampler.push(block) for block in blocks), resampler.flush()])
