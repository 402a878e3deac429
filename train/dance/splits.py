"""Which takes train, validate and test: whole groups, so no dancer of a pair leaks, and every style where it can be.

A group's place follows from the seed and its own name, so takes that are added later move few of the others. Where
there are too few groups to hold one out, the end of each take is kept to check on instead (:func:`cut`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.errors import EngineError
from train.files import read_csv

SPLITS = ("train", "val", "test")
HELD_OUT = 0.15
"""Share of a style's groups that validates, and as large a one that tests; one at least of three groups or more. Of a
take that is cut, the share of its frames that validates."""
HEADER = ["take", "split"]
LEAST, GAP = 120, 40
"""Frames that a part of a cut take has at least, and frames left out between its parts: movement goes on across a cut,
and a window must not end a moment before another begins."""


class Cut(NamedTuple):
    """Where a take is cut in time: frames before ``stop`` train, those from ``start`` on validate."""

    stop: int
    start: int


def split_groups(styles: Mapping[str, str], seed: int = 0) -> dict[str, str]:
    """A split for each group, from ``styles`` (group to style). Styles of one or two groups only train."""
    splits: dict[str, str] = {}
    for style in sorted(set(styles.values())):
        groups = sorted((name for name in styles if styles[name] == style), key=lambda name: _draw(seed, name))
        held = max(1, round(HELD_OUT * len(groups))) if len(groups) >= 3 else 0
        for rank, group in enumerate(groups):
            splits[group] = "test" if rank < held else "val" if rank < 2 * held else "train"
    return splits


def cut(frames: int) -> Cut | None:
    """Where a take of ``frames`` is cut; None for one that is too short to be of use in two parts."""
    held = max(LEAST, round(HELD_OUT * frames))
    stop = frames - held - GAP
    return Cut(stop, stop + GAP) if stop >= LEAST else None


def read_splits(path: Path, groups: Mapping[str, str]) -> dict[str, str]:
    """A split for each group from a csv with the header ``take,split``; ``groups`` is take to group.

    Raises :class:`EngineError` naming file and line: an unknown take or split, dancers of one group put apart, a take
    left out.
    """
    splits: dict[str, str] = {}
    rows = read_csv(path)
    if not rows or rows[0].cells != HEADER:
        raise EngineError(f"{path}: its first line must be {','.join(HEADER)!r}")
    for line, row in rows[1:]:
        if len(row) != 2:
            raise EngineError(f"{path}:{line}: has {len(row)} cells; give a take and its split")
        take, split = row
        if take not in groups:
            raise EngineError(f"{path}:{line}: no take {take!r}; there is {_some(groups)}")
        if split not in SPLITS:
            raise EngineError(f"{path}:{line}: split {split!r} of {take} is none of {', '.join(SPLITS)}")
        if splits.setdefault(groups[take], split) != split:
            raise EngineError(
                f"{path}:{line}: {take} is put to {split}, another dancer of its group {groups[take]!r} to "
                f"{splits[groups[take]]}; dancers of one group share a split"
            )
    absent = [take for take, group in groups.items() if group not in splits]
    if absent:
        raise EngineError(f"{path}: no split for {_some(absent)}; give each take a line")
    return splits


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _some(names: Iterable[str]) -> str:
    kept = sorted(names)
    return ", ".join(kept[:6]) + (f" and {len(kept) - 6} more" if len(kept) > 6 else "")
