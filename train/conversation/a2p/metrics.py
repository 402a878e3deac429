"""The published measures of sampled motions, on frames as they are, and a lip error, which was never given.

*FD_g*, *FD_k*: Fréchet distance of Gaussians fitted to all frames, and to their differences. *Div_g*: mean distance of
pairs of frames drawn without replacement, 10 000 where there are so many. *Div_k*: variance over time, mean of all
sequences and numbers. *Div_sample*: variance over the repetitions for the same sound, mean.

Mended here: the published program asks for 5 samples of 104 x 600 numbers and more than 10 000 frames.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from train.conversation.a2p.layout import VERTICES
from train.conversation.a2p.lips import lip_error
from train.report.frechet import Gaussian, fid

PAIRS = 10_000
Frames = NDArray[np.floating[Any]]


class Scores(NamedTuple):
    """The five measures; not a number where there is too little to measure: ``div_sample`` of one repetition, the
    Fréchet distances of fewer than two frames."""

    fd_g: float
    fd_k: float
    div_g: float
    div_k: float
    div_sample: float


def scores(
    motions: Frames, truth: Frames, repetitions: int, lengths: NDArray[np.integer[Any]] | None = None, seed: int = 0
) -> Scores:
    """Of motions (R * B, F, T), or (R * B, F, 1, T) as they are kept, against the truth of the same shape; only the
    first ``lengths`` (R * B,) frames of each count. Raises :class:`EngineError` for shapes that do not fit."""
    made, true = _plain(motions), _plain(truth)
    if made.shape != true.shape or repetitions < 1 or not len(made) or len(made) % repetitions:
        raise EngineError(f"motions {made.shape} and truth {true.shape} are no {repetitions} repetitions; give both")
    count = np.full(len(made), made.shape[2]) if lengths is None else np.asarray(lengths)
    samples = len(made) // repetitions
    ours = [row[:, :last].T for row, last in zip(made, count, strict=True)]
    theirs = [row[:, :last].T for row, last in zip(true, count, strict=True)]
    return Scores(
        _distance(np.concatenate(ours), np.concatenate(theirs)),
        _distance(_differences(ours), _differences(theirs)),
        spread(np.concatenate(ours), seed),
        float(np.mean([row.var(0).mean() for row in ours])),
        _over_repetitions(made.reshape(repetitions, samples, *made.shape[1:]), count[:samples]),
    )


def spread(frames: Frames, seed: int) -> float:
    """Div_g: mean distance of two draws of frames (N, F), each without replacement."""
    rng = np.random.default_rng(seed)
    count = min(PAIRS, len(frames))
    one, other = (frames[rng.choice(len(frames), count, replace=False)] for _ in range(2))
    return float(np.linalg.norm(one - other, axis=1).mean())


def lips(motions: Frames, truth: Frames, lengths: NDArray[np.integer[Any]]) -> float | None:
    """The lip error of lip vertices (N, 1014, T), mean over all frames; None for other motions."""
    if motions.shape[1] != 3 * VERTICES:
        return None
    both = [
        torch.from_numpy(
            np.concatenate([row[:, :last].T for row, last in zip(array, lengths, strict=True)]).astype(np.float32)
        ).unflatten(1, (VERTICES, 3))
        for array in (motions, truth)
    ]
    return lip_error(both[0], both[1])


def _plain(motions: Frames) -> NDArray[np.float64]:
    array = np.asarray(motions, np.float64)
    return array[:, :, 0] if array.ndim == 4 else array


def _differences(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.diff(row, axis=0) for row in rows])


def _distance(ours: Frames, theirs: Frames) -> float:
    if min(len(ours), len(theirs)) < 2:
        return float("nan")
    one, other = Gaussian.of(ours), Gaussian.of(theirs)
    # One number a frame has a variance, not a matrix of them.
    wide = [item._replace(covariance=np.atleast_2d(item.covariance)) for item in (one, other)]
    return fid(wide[0], wide[1])


def _over_repetitions(made: NDArray[np.float64], lengths: NDArray[np.integer[Any]]) -> float:
    if len(made) < 2:
        return float("nan")
    variance = made.var(0)
    return float(np.mean([row[:, :last].mean() for row, last in zip(variance, lengths, strict=True)]))
