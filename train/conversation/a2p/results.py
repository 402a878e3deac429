"""``results.npy``: what was sampled, in the published programs' form, written and read.

A dictionary in ``np.save``: ``motions`` (R * B, F, 1, T) of R repetitions of B samples, sample s of repetition r at
r * B + s; ``gt`` of the same shape, ``audio`` (R * B, T * 1600, 2), ``lengths`` (R * B,) in frames, and for poses the
``keyframes`` (R * B, K, 104).

Mended here: the published evaluation reads ``motion`` where its sampling writes ``motions``; both are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.conversation.a2p.pickles import load_results
from train.files import FileError, reason

RESULTS = "results.npy"
MOTIONS = ("motions", "motion")


class Results(NamedTuple):
    """``motions`` and ``truth`` (N, F, T), ``lengths`` (N,) in frames, in so many ``repetitions``."""

    motions: NDArray[np.floating[Any]]
    truth: NDArray[np.floating[Any]]
    lengths: NDArray[np.integer[Any]]
    repetitions: int


def write_results(folder: Path, values: dict[str, Any]) -> Path:
    """The file, in a folder that is made. Raises :class:`FileError`."""
    path = folder / RESULTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, np.array(values, dtype=object), allow_pickle=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be written, {reason(error)}; make room or give another --out") from error
    return path


def read_results(path: Path, repetitions: int | None = None) -> Results:
    """The motions in a file, nothing in it being run. Without ``repetitions`` the file says how many there are, or the
    truth, which is the same in each. Raises :class:`FileError` naming what is lacking or does not fit."""
    found = load_results(path)
    name = next((name for name in MOTIONS if name in found), None)
    if name is None or "gt" not in found:
        raise FileError(f"{path}: lacks {MOTIONS[0] if name is None else 'gt'}; give the file that sampling wrote")
    motions, truth = (_frames(path, key, found[key]) for key in (name, "gt"))
    if motions.shape != truth.shape:
        raise FileError(f"{path}: {name} has shape {motions.shape}, gt {truth.shape}; sample again")
    count, _, frames = motions.shape
    lengths = np.asarray(found.get("lengths", np.full(count, frames))).reshape(-1)
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu" or not ((lengths > 0) & (lengths <= frames)).all():
        raise FileError(f"{path}: lengths are no {count} numbers of frames up to {frames}; sample again")
    stated = found.get("num_repetitions")
    if repetitions is None:
        repetitions = stated if isinstance(stated, int) else _repeated(truth)
    if repetitions < 1 or count % repetitions:
        raise FileError(f"{path}: {count} motions are no {repetitions} repetitions; give --repetitions")
    return Results(motions, truth, lengths, repetitions)


def _frames(path: Path, key: str, value: Any) -> NDArray[np.floating[Any]]:
    array: NDArray[Any] = value if isinstance(value, np.ndarray) else np.zeros(0)
    if array.ndim == 4 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 3 or not array.size or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise FileError(f"{path}: {key} is no array (N, F, 1, T) of finite numbers; sample again")
    return array


def _repeated(truth: NDArray[np.floating[Any]]) -> int:
    """Into how many equal parts the truth falls, at most."""
    count = len(truth)
    for samples in range(1, count):
        if count % samples == 0 and (truth[samples:] == truth[:-samples]).all():
            return count // samples
    return 1
