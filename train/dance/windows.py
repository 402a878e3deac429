"""Windows of 40 frames cut from takes at every frame, with their labels and who gave them.

A window lies in one take, and no take is in two splits, so no frame of a test take is in a window that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.dance.labels import Table
from train.dance.splits import SPLITS
from train.dance.takes import FRAMES, Take

NOBODY, HUMAN, COMPUTED = range(3)
BY = ("none", "human", "computed")
"""Where a label comes from, by the number that ``Windows.by`` holds."""


@dataclass(frozen=True)
class Windows:
    """N windows. ``take`` (N,) indexes ``names``, ``start`` (N,) is the first frame in that take, ``label`` (N,) the
    level 0 to 2 or -1, ``by`` (N,) says where it comes from (:data:`BY`)."""

    names: tuple[str, ...]
    take: NDArray[np.int32]
    start: NDArray[np.int32]
    label: NDArray[np.int8]
    by: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.start)


def cut_windows(
    takes: Sequence[Take], split: str, human: Table | None = None, computed: Table | None = None
) -> Windows:
    """The sound windows of the takes of a split, one at every frame.

    A person's level counts before a computed one. Raises :class:`EngineError` where the split is unknown or empty.
    """
    if split not in SPLITS:
        raise EngineError(f"no split {split!r}; there is {', '.join(SPLITS)}")
    chosen = [take for take in takes if take.split == split]
    if not chosen:
        raise EngineError(f"no take is in the {split} split; give more takes, or a csv of splits")
    starts, labels, origins = [], [], []
    for take in chosen:
        begins = _sound_starts(take)
        level, by = np.full(len(begins), -1, np.int8), np.full(len(begins), NOBODY, np.int8)
        for origin, table in ((COMPUTED, computed), (HUMAN, human)):
            if table is not None and take.name in table:
                given = table[take.name][begins]
                level, by = np.where(given >= 0, given, level), np.where(given >= 0, np.int8(origin), by)
        starts.append(begins)
        labels.append(level)
        origins.append(by)
    return Windows(
        names=tuple(take.name for take in chosen),
        take=np.repeat(np.arange(len(chosen), dtype=np.int32), [len(begins) for begins in starts]),
        start=np.concatenate(starts),
        label=np.concatenate(labels),
        by=np.concatenate(origins),
    )


def fraction_label(windows: Windows, fraction: float, seed: int = 0) -> Windows:
    """The windows with only a ``fraction`` of the labels kept: whole blocks of 40 starts of a take, drawn by ``seed``,
    for neighbouring windows nearly repeat each other. A larger fraction keeps what a smaller one kept."""
    if not 0.0 <= fraction <= 1.0:
        raise EngineError(f"fraction {fraction} of labels: give 0 to 1")
    labelled = windows.label >= 0
    block = windows.take.astype(np.int64) << 32 | windows.start // FRAMES
    there = np.unique(block[labelled])
    kept = np.random.default_rng(seed).permutation(there)[: round(fraction * len(there))]
    stays = labelled & np.isin(block, kept)
    return replace(
        windows,
        label=np.where(stays, windows.label, np.int8(-1)),
        by=np.where(stays, windows.by, np.int8(NOBODY)),
    )


def _sound_starts(take: Take) -> NDArray[np.int32]:
    broken = np.concatenate([[0], np.cumsum(~take.sound)])
    starts = np.arange(0, len(take.motion) - FRAMES + 1, dtype=np.int32)
    return np.asarray(starts[broken[starts + FRAMES] == broken[starts]])
