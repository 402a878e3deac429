"""A small set in PATS' layout whose gestures follow from sound and words, so that a model can learn them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.gesture.pats.layout import JOINTS
from train.gesture.pats.writer import PatsWriter
from train.speech.talk import SpokenWord

RATE = 15
SPOKEN = ("up", "down", "the", "big")
SPEAKERS = ("ann", "bob")


def words_of(seconds: float, rng: np.random.Generator) -> tuple[SpokenWord, ...]:
    """Words of .2 to .5 s, with pauses now and then."""
    found, time = [], 0.3
    while time < seconds - 0.6:
        length = float(rng.uniform(0.2, 0.5))
        found.append(SpokenWord(str(rng.choice(SPOKEN)), time, time + length))
        time += length + float(rng.choice([0.0, 0.4], p=[0.7, 0.3]))
    return tuple(found)


def interval(
    frames: int, speaker: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], tuple[SpokenWord, ...]]:
    """All rises and falls with loudness; with "up" the left hand is far out. Loudness is in every mel band."""
    words = words_of(frames / RATE, rng)
    loud = 0.5 + 0.5 * np.sin(np.arange(frames) / rng.uniform(5, 9) + rng.uniform(0, 6))
    out = np.zeros(frames)
    for word in words:
        if word.text == "up":
            out[int(word.start * RATE) : int(word.end * RATE) + 1] = 1.0
    rest = np.random.default_rng(speaker).normal(0, 50, 2 * JOINTS)
    rows = rest + rng.normal(0, 0.5, (frames, 2 * JOINTS))
    rows[:, JOINTS:] -= 60 * loud[:, None]
    rows[:, 31:JOINTS] += 80 * out[:, None]
    rows[:, 1], rows[:, JOINTS + 1] = -167.0, 0.0
    times = np.arange(int(frames * 100 / RATE)) / 100
    mel = np.interp(times, np.arange(frames) / RATE, loud)[:, None] * 4 - 6 + rng.normal(0, 0.1, (len(times), 64))
    return {"pose/normalize": rows.astype(np.float32), "audio/log_mel_400": mel.astype(np.float32)}, words


def made_set(folder: Path, frames: int = 100) -> Path:
    """Two speakers; of each three intervals to train on, one to check, one to test."""
    writer = PatsWriter(folder, {"command": "made in a test", "seed": 0})
    rng = np.random.default_rng(0)
    for speaker, name in enumerate(SPEAKERS):
        for number, split in enumerate(("train", "train", "train", "dev", "test")):
            arrays, words = interval(frames + 7 * number, speaker, rng)
            writer.add(f"{name}{number}", name, split, f"talk{number}", arrays, words)
    writer.finish()
    return folder
