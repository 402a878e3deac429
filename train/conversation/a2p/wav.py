"""A sound file that stays on the disk: its samples are read where they are looked at."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from train.files import FileError, reason


class Wav(NamedTuple):
    """Samples ``held`` (n, channels) as they stand in the file, at ``rate`` Hz."""

    path: Path
    rate: int
    held: NDArray[Any]

    @property
    def channels(self) -> int:
        """How many voices there are."""
        return int(self.held.shape[1])

    @property
    def length(self) -> int:
        """Samples of a channel."""
        return len(self.held)

    def samples(self, first: int = 0, last: int | None = None) -> NDArray[np.float32]:
        """Samples (n, channels) in -1..1 of the places [first, last)."""
        rows = np.asarray(self.held[first:last])
        if rows.dtype.kind == "u":
            return (rows.astype(np.float32) - 128.0) / 128.0
        if rows.dtype.kind == "i":
            return rows.astype(np.float32) / np.float32(2 ** (8 * rows.dtype.itemsize - 1))
        return rows.astype(np.float32)


def read_wav(path: Path) -> Wav:
    """A wav file of whole or floating numbers. Raises :class:`FileError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that hold no sound
            rate, held = _read(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be read, {reason(error)}; check the path and the rights") from error
    except Exception:  # bytes that are no sound raise many kinds; all mean the same to the user
        raise FileError(f"{path}: does not read as a wav file (damaged, or another format); convert it") from None
    return Wav(path, int(rate), held[:, None] if held.ndim == 1 else held)


def _read(path: Path) -> tuple[int, NDArray[Any]]:
    try:
        rate, held = wavfile.read(path, mmap=True)
    except ValueError:  # 24 bits cannot be mapped
        rate, held = wavfile.read(path)
    return rate, held
