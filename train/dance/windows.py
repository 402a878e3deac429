"""Windows of 40 frames cut from takes at every frame, with their labels and who gave them.

Frames are kept once; a window is where it starts. A window lies in one take, and as takes are split whole, no frame
of a test take is in a window that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import Array
from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.labels import LEVELS, Table
from train.dance.splits import SPLITS
from train.dance.takes import FRAMES, Take

NOBODY, HUMAN, COMPUTED = range(3)
BY = ("none", "human", "computed")
"""Where a label comes from, by the number that ``Windows.by`` holds."""

Index = NDArray[np.integer[Any]] | slice
_STEPS = np.arange(FRAMES)


@dataclass(frozen=True)
class Windows:
    """N windows. ``take`` (N,) indexes ``names``, ``start`` (N,) is the first frame in that take, ``label`` (N,) the
    level 0 to 2 or -1, ``by`` (N,) says where it comes from (:data:`BY`). The rest are the takes' frames end to end."""

    skeleton: Skeleton
    rate: float
    names: tuple[str, ...]
    styles: tuple[str, ...]
    take: NDArray[np.int32]
    start: NDArray[np.int32]
    label: NDArray[np.int8]
    by: NDArray[np.int8]
    first: NDArray[np.int64]
    frames: Array
    turns: Array | None
    others: Array

    def __len__(self) -> int:
        return len(self.start)

    def positions(self, index: Index) -> Array:
        """Joint positions (B, 40, J, 3) in metres on the takes' own floors."""
        return self.frames[self._rows(index)]

    def rotations(self, index: Index) -> Array:
        """Local rotations (B, 40, J, 3, 3) of a tree's joints. Raises :class:`EngineError` for markers."""
        if self.turns is None:
            raise EngineError(f"skeleton {self.skeleton.name!r} has no rotations, only positions")
        return self.turns[self._rows(index)]

    def partners(self, index: Index) -> Array:
        """The other dancer's positions (B, 40, J, 3) at the same frames, not a number where there is
        nobody or where their recording is damaged."""
        return self.others[self._rows(index)]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many windows have which level, by where the label comes from."""
        return {
            name: {level: int(((self.by == by) & (self.label == number)).sum()) for number, level in enumerate(LEVELS)}
            for by, name in enumerate(BY)
            if by != NOBODY
        }

    def _rows(self, index: Index) -> NDArray[np.int64]:
        return np.asarray((self.first[self.take[index]] + self.start[index])[..., None] + _STEPS)


def cut_windows(
    takes: Sequence[Take], split: str, human: Table | None = None, computed: Table | None = None, stride: int = 1
) -> Windows:
    """The sound windows of the takes of a split, one every ``stride`` frames.

    A person's level counts before a computed one. Raises :class:`EngineError` where the split is unknown or empty.
    """
    if split not in SPLITS:
        raise EngineError(f"no split {split!r}; there is {', '.join(SPLITS)}")
    if stride < 1:
        raise EngineError(f"stride {stride}: windows start at least 1 frame apart")
    chosen = [take for take in takes if take.split == split]
    if not chosen:
        raise EngineError(f"no take is in the {split} split; give more takes, or a csv of splits")
    by_name = {take.name: take for take in takes}
    starts, labels, origins = [], [], []
    for take in chosen:
        begins = _sound_starts(take, stride)
        level, by = np.full(len(begins), -1, np.int8), np.full(len(begins), NOBODY, np.int8)
        for origin, table in ((COMPUTED, computed), (HUMAN, human)):
            if table is not None and take.name in table:
                given = table[take.name][begins]
                level, by = np.where(given >= 0, given, level), np.where(given >= 0, np.int8(origin), by)
        starts.append(begins)
        labels.append(level)
        origins.append(by)
    turned = [take.motion.rotations for take in chosen]
    return Windows(
        skeleton=chosen[0].motion.skeleton,
        rate=chosen[0].motion.rate,
        names=tuple(take.name for take in chosen),
        styles=tuple(take.style for take in chosen),
        take=np.repeat(np.arange(len(chosen), dtype=np.int32), [len(begins) for begins in starts]),
        start=np.concatenate(starts),
        label=np.concatenate(labels),
        by=np.concatenate(origins),
        first=np.cumsum([0, *(len(take.motion) for take in chosen[:-1])]),
        frames=np.concatenate([take.motion.positions for take in chosen]),
        turns=np.concatenate([each for each in turned if each is not None]) if turned[0] is not None else None,
        others=np.concatenate([_other(take, by_name) for take in chosen]),
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


def _sound_starts(take: Take, stride: int) -> NDArray[np.int32]:
    broken = np.concatenate([[0], np.cumsum(~take.sound)])
    starts = np.arange(0, len(take.motion) - FRAMES + 1, stride, dtype=np.int32)
    return np.asarray(starts[broken[starts + FRAMES] == broken[starts]])


def _other(take: Take, by_name: dict[str, Take]) -> Array:
    if take.partner is None:
        return np.full_like(take.motion.positions, np.nan)
    partner = by_name[take.partner]
    return np.where(partner.sound[:, None, None], partner.motion.positions, np.float32(np.nan))
