"""A small set in PATS' layout, for the tests of what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from train.gesture.pats.audio import log_mel_400, silence
from train.gesture.pats.pose import normalised
from train.gesture.pats.writer import PatsWriter
from train.speech.talk import SpokenWord

WORDS = (SpokenWord("so", 0.10, 0.31), SpokenWord("naïve", 0.31, 0.90), SpokenWord("日本", 1.50, 2.0))
FRAMES = 45


def poses(seed: int, frames: int = FRAMES) -> NDArray[np.float64]:
    """``pose/data`` (frames, 104) of somebody whose joints wander."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 40, 104) + np.cumsum(rng.normal(0, 3, (frames, 104)), 0)
    rows[:, 1], rows[:, 53] = -80.0 + rows[:, 1] / 40, 5.0
    return rows


def arrays(seed: int, frames: int = FRAMES) -> dict[str, NDArray[Any]]:
    """What an interval holds."""
    data = poses(seed, frames)
    pcm = np.random.default_rng(seed).normal(0, 3000, frames * 16000 // 15).astype(np.int16)
    return {
        "pose/data": data,
        "pose/normalize": normalised(data).astype(np.float32),
        "pose/confidence": np.full((frames, 52), 0.5, np.float32),
        "audio/log_mel_400": log_mel_400(pcm / 32768),
        "audio/silence": silence(pcm / 32768, frames),
        "audio/pcm": pcm,
        "text/tokens": np.arange(frames) // 15 + 1000,
    }


def small_set(folder: Path, frames: int = FRAMES) -> Path:
    """Two speakers, five intervals: a and b to train on, c to check, d and e to test."""
    writer = PatsWriter(folder, {"seed": 7})
    for seed, (name, speaker, split) in enumerate(
        (("a", "ann", "train"), ("b", "bob", "train"), ("c", "ann", "dev"), ("d", "bob", "test"), ("e", "ann", "test"))
    ):
        writer.add(name, speaker, split, f"talk{seed}", arrays(seed, frames), WORDS)
    writer.finish()
    return folder


def file_of(folder: Path, name: str) -> Path:
    """The file of an interval."""
    return next(folder.glob(f"processed/*/{name}.h5"))


def put(folder: Path, name: str, key: str, values: Any, **options: Any) -> None:
    """Puts other values at a key of an interval; None takes the key away."""
    with h5py.File(file_of(folder, name), "r+") as file:
        if key in file:
            del file[key]
        if values is not None:
            file.create_dataset(key, data=values, **options)
