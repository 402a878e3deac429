"""Words for training: the table of what they mean, and which of them a frame knows: on time, late or never."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from engine.roles import WORD
from models.gesture.config import RATE
from models.gesture.words import vocabulary

FOLDER = "text_static_minilm64"
"""Vectors of word pieces, a folder of ``$ENGINE_DATA``."""
TOLD = 3
"""Numbers of a word beside those of its meaning: how rare, how long, and whether it is on the list."""
LONGEST = 12.0
"""Letters that count as a long word."""


def word_table(data: Path | None, numbers: int) -> Tensor:
    """Numbers (words, ``numbers``) of the vocabulary: principal axes of word vectors of ``data``, then :data:`TOLD`.
    Without ``data`` a word's meaning is not known and its axes are zeros. Raises :class:`EngineError`."""
    words = vocabulary()
    table = np.zeros((len(words), numbers), np.float32)
    rank = np.log1p(np.arange(len(words))) / math.log(len(words))
    table[:, -3], table[:, -2] = 2.0 * rank - 1.0, [min(len(word), LONGEST) / LONGEST for word in words]
    table[1:, -1] = 1.0
    table[0, -3], table[0, -2] = 1.0, 0.5  # a word that is not on the list is rare, whatever it is
    axes = numbers - TOLD
    if data is not None and (data / FOLDER).is_dir() and axes > 0:
        vectors = piece_vectors(data / FOLDER, words[1:])
        centred = vectors - vectors.mean(0)
        _, _, basis = np.linalg.svd(centred, full_matrices=False)
        told = centred @ basis[:axes].T
        table[1:, : told.shape[1]] = told / told.std(0).clip(1e-6)
    return torch.from_numpy(table)


def piece_vectors(folder: Path, words: tuple[str, ...]) -> NDArray[np.float32]:
    """Mean of each word's pieces, (words, width)."""
    from tokenizers import Tokenizer, models

    try:
        pieces = (folder / "vocab.txt").read_text("utf-8").split("\n")
        with np.load(folder / "vectors.npz", allow_pickle=False) as stored:
            vectors = stored["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EngineError(
            f"{folder} holds no vectors of word pieces ({error}); it needs vectors.npz and vocab.txt"
        ) from error
    pieces = pieces[: len(vectors)]
    reader = Tokenizer(models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]"))
    return np.stack([vectors[reader.encode(word).ids].mean(0) for word in words])


def known_words(
    ids: NDArray[np.int64],
    times: NDArray[np.float64],
    told: NDArray[np.float64],
    first: int,
    frames: int,
    count: int,
) -> NDArray[np.float32]:
    """Rows (frames, count, 4) as the engine's feed gives them: of words ``ids`` (N,) with start and end ``times``
    (N, 2) (s, by start), each of which becomes known at ``told`` (N,) (s; infinite: never), the ``count`` that began
    last and are known at the end of each frame from ``first`` on."""
    rows = np.zeros((frames, count, WORD), np.float32)
    if not len(ids):
        return rows
    now = (first + 1 + np.arange(frames))[:, None] / RATE
    known = (np.maximum(told, times[:, 0])[None] <= now) & np.isfinite(told)[None]
    newest = np.sort(np.where(known, np.arange(len(ids))[None], -1), axis=1)[:, -count:]
    newest = np.pad(newest, ((0, 0), (count - newest.shape[1], 0)), constant_values=-1)
    there = newest >= 0
    rows[..., 0] = ids[newest]
    rows[..., 1] = now - times[newest, 0]
    rows[..., 2] = now - times[newest, 1]
    rows[..., 3] = 1.0
    rows[~there] = 0.0
    return rows
