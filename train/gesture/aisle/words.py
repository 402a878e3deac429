"""Where the numbers of tokens come from: vectors that a set has, those of the data folder, learned ones, a BERT's.

A token is a word, or with BERT a piece of one. The frames of a word are shared out among its pieces.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import EngineError
from engine.text.tidy import plain
from models.gesture.words import vocabulary
from train.gesture.aisle.settings import Settings, Words
from train.gesture.aisle.text import Bert, Pieces, Table, Vectors
from train.gesture.pats.layout import KEYS, RATE
from train.gesture.pats.reader import Interval
from train.gesture.words import FOLDER, piece_vectors
from train.speech.talk import SpokenWord

W2V = "text/w2v"
STATIC_WIDTH = 64


class Tokens(NamedTuple):
    """``at`` (N,) the number of the token spoken at each frame, rising in time, 0 for none; ``table`` (M,) or (M, D)
    what a number stands for."""

    at: Tensor
    table: Tensor


@dataclass(frozen=True)
class Source:
    """A kind of :attr:`.settings.Settings.words`, and the ``folder`` it reads."""

    kind: Words
    folder: Path | None = None

    def encoder(self, width: int) -> nn.Module:
        """The module that makes vectors of ``width`` of such tokens."""
        if self.kind == "bert":
            assert self.folder is not None
            return Bert(self.folder, width)
        if self.kind == "table":
            return Table(len(vocabulary()) + 1, width)
        return Vectors(KEYS[W2V].shape[0] if self.kind == "w2v" else STATIC_WIDTH, width)

    def tokens(self, intervals: Sequence[Interval], frames: Sequence[int]) -> Tokens:
        """Tokens of intervals, one after the other, each so many ``frames`` long."""
        said = [interval.words() for interval in intervals]
        if self.kind == "bert":
            assert self.folder is not None
            pieces = Pieces(self.folder)
            cut = [[pieces.of(word.text) for word in words] for words in said]
            numbers = [number for words in cut for word in words for number in word]
            at = joined(said, frames, [[len(word) for word in words] for words in cut])
            return Tokens(at, torch.tensor([pieces.begin, *numbers]))
        at = joined(said, frames, [[1] * len(words) for words in said])
        texts = [plain(word.text) for words in said for word in words]
        if self.kind == "table":
            return Tokens(at, torch.tensor([0, *(_numbered().get(text, 1) for text in texts)]))
        vectors = _of_set(intervals, said) if self.kind == "w2v" else self._static(texts)
        return Tokens(at, torch.from_numpy(np.pad(vectors, ((1, 0), (0, 0)))))

    def _static(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.folder is not None
        different = sorted({text for text in texts if text})
        found = piece_vectors(self.folder, tuple(different)) if different else np.zeros((0, STATIC_WIDTH), np.float32)
        if found.shape[1] != STATIC_WIDTH:
            raise EngineError(f"{self.folder}: vectors of {found.shape[1]} numbers, {STATIC_WIDTH} are needed")
        rows = {"": np.zeros(STATIC_WIDTH, np.float32), **dict(zip(different, found, strict=True))}
        return np.array([rows[text] for text in texts], np.float32).reshape(-1, STATIC_WIDTH)


@functools.cache
def _numbered() -> dict[str, int]:
    """The rows of words in a learned table; 0 is no word, 1 a word that is not on the list."""
    return {plain(word): row + 1 for row, word in enumerate(vocabulary())}


def source_of(settings: Settings, intervals: Sequence[Interval]) -> Source:
    """The source that settings name. ``auto`` is the set's own vectors where every interval has them, else those of
    ``$ENGINE_DATA``, else learned ones. Raises :class:`EngineError` for one that is not there."""
    data = os.environ.get("ENGINE_DATA", "")
    folder, kind = Path(data) / FOLDER, settings.words
    static = bool(data) and folder.is_dir()
    if kind in ("auto", "w2v") and all(interval.has(W2V) for interval in intervals):
        kind = "w2v"
    elif kind == "auto":
        kind = "static" if static else "table"
    elif kind == "w2v" or (kind == "static" and not static):
        lacking = f"{W2V} in every interval" if kind == "w2v" else f"$ENGINE_DATA/{FOLDER}"
        raise EngineError(f"words={kind} needs {lacking}, which is not there; give words=table, or what is needed")
    return Source(kind, {"static": folder, "bert": Path(settings.bert)}.get(kind))


def resolved(settings: Settings, source: Source) -> Settings:
    """Settings that name the source that was found, so that weights are read with the same one later."""
    return replace(settings, words=source.kind)


def spoken(words: Sequence[SpokenWord], frames: int, pieces: Sequence[int]) -> NDArray[np.int64]:
    """The number (frames,), from 1, of the piece that is said at each frame, 0 for none. A word has every frame that it
    touches and at least one; one that begins later takes what they share. Its ``pieces`` have equal parts of it."""
    at = np.zeros(frames, np.int64)
    number = 1
    for word, count in zip(words, pieces, strict=True):
        first = int(word.start * RATE + 1e-6)
        last = max(int(np.ceil(word.end * RATE - 1e-6)), first + 1)
        part = np.arange(last - first) * count // (last - first)
        at[first:last] = (number + part)[: max(0, frames - first)]
        number += count
    return at


def joined(said: Sequence[Sequence[SpokenWord]], frames: Sequence[int], pieces: Sequence[Sequence[int]]) -> Tensor:
    """:func:`spoken` of several intervals, one after the other, counted through."""
    every, before = [np.zeros(0, np.int64)], 0
    for words, length, counts in zip(said, frames, pieces, strict=True):
        at = spoken(words, length, counts)
        every.append(np.where(at > 0, at + before, 0))
        before += sum(counts)
    return torch.from_numpy(np.concatenate(every))


def _of_set(intervals: Sequence[Interval], said: Sequence[Sequence[SpokenWord]]) -> NDArray[np.float32]:
    """Each word's vector (N, 300): the row of the frame in its middle."""
    rows = []
    for interval, words in zip(intervals, said, strict=True):
        stored = interval.read(W2V)
        middle = [min(int((word.start + word.end) / 2 * RATE), len(stored) - 1) for word in words]
        rows.append(stored[middle].astype(np.float32))
    return np.concatenate(rows) if rows else np.zeros((0, KEYS[W2V].shape[0]), np.float32)
