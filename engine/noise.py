"""Counter-based random numbers: the same session seed and frame give the same noise, in any order, on any machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def uniform(seed: int, frame: int, count: int) -> NDArray[np.float32]:
    """``count`` numbers in [0, 1), float32 (count,), for one frame of one session (Philox, Salmon et al. 2011)."""
    bits = np.random.Philox(key=seed, counter=[0, frame, 0, 0])
    return np.random.Generator(bits).random(count, dtype=np.float32)


def uniforms(seed: int, first: int, frames: int, count: int) -> NDArray[np.float32]:
    """Noise of ``frames`` successive frames, (frames, count): row k equals ``uniform(seed, first + k, count)``."""
    return np.stack([uniform(seed, first + k, count) for k in range(frames)])
