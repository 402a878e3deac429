"""What goes wrong in a live session, drawn for training: no camera, a lost face, a dead microphone, an old picture.

A listener that has only met perfect streams breaks on the first real one. Half of the missing time is whole streams (a
session without a camera), half stretches of some seconds; faces come from cameras slower than the frame rate, with the
age that `engine.feeds.gather` would give them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.simulate.talk import FPS

STRETCH_S = 5.0  # mean length of a missing stretch
NEVER_S = 1e3  # age of a face that was never seen, as the engine gives it
SLOW_CAMERA = 0.3  # share of streams whose camera gives every second picture
LATEST_S = 0.04  # a picture is up to one frame old when its frame ends


@dataclass(frozen=True)
class Faults:
    """Per frame of one stream (T,)."""

    audio: NDArray[np.float32]  #: 1 where the partner is heard
    face: NDArray[np.float32]  #: 1 where the partner is seen
    shown: NDArray[np.int64]  #: the frame whose face is shown: this one or the one before
    age: NDArray[np.float32]  #: of the face, in seconds


def draw(rng: np.random.Generator, frames: int, face_off: float, audio_off: float) -> Faults:
    """Faults of one visit to a stream of ``frames`` frames; ``face_off`` and ``audio_off`` are shares of time."""
    face, audio = _present(rng, frames, face_off), _present(rng, frames, audio_off)
    period = 2 if rng.random() < SLOW_CAMERA else 1
    now = np.arange(frames)
    held = np.minimum((now + rng.integers(period)) % period, now)
    age = held / FPS + rng.uniform(0, LATEST_S)
    last_seen = np.maximum.accumulate(np.where(face, now, -1))
    lost = np.where(last_seen < 0, NEVER_S, (now - last_seen) / FPS)
    return Faults(
        audio=audio.astype(np.float32),
        face=face.astype(np.float32),
        shown=now - held,
        age=np.where(face, age, lost + LATEST_S).clip(0, NEVER_S).astype(np.float32),
    )


def _present(rng: np.random.Generator, frames: int, share: float) -> NDArray[np.bool_]:
    """False for ``share`` of the time on average: by half in whole streams, by half in stretches."""
    if rng.random() < share / 2:
        return np.zeros(frames, bool)
    present, mean = np.ones(frames, bool), STRETCH_S * FPS
    before = int(4 * mean)  # stretches that began before the stream reach into it
    often = np.log((1 - share / 2) / (1 - share)) / mean  # stretches may overlap
    count = rng.poisson(often * (frames + before))
    starts = rng.integers(-before, frames, size=count)
    ends = starts + rng.exponential(mean, size=count).astype(np.int64) + 1
    for first, end in zip(starts.clip(0), ends.clip(0), strict=True):
        present[first:end] = False
    return present
