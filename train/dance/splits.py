"""Which takes train, validate and test: whole groups, so no dancer of a pair leaks, and every style where it can be.

A group's place follows from the seed and its own name, so takes that are added later move few of the others.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

from engine.errors import EngineError

SPLITS = ("train", "val", "test")
HELD_OUT = 0.15
"""Share of a style's groups that validates, and as large a one that tests; one at least of three groups or more."""
HEADER = ["take", "split"]


def split_groups(styles: Mapping[str, str], seed: int = 0) -> dict[str, str]:
    """A split for each group, from ``styles`` (group to style). Styles of one or two groups only train."""
    splits: dict[str, str] = {}
    for style in sorted(set(styles.values())):
        groups = sorted((name for name in styles if styles[name] == style), key=lambda name: _draw(seed, name))
        held = max(1, round(HELD_OUT * len(groups))) if len(groups) >= 3 else 0
        for rank, group in enumerate(groups):
            splits[group] = "test" if rank < held else "val" if rank < 2 * held else "train"
    return splits


def read_splits(path: Path, groups: Mapping[str, str]) -> dict[str, str]:
    """A split for each group from a csv with the header ``take,split``; ``groups`` is take to group.

    Raises :class:`EngineError` naming file and line: an unknown take or split, dancers of one group put apart, a take
    left out.
    """
    splits: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: does not read as a csv file ({error})") from error
    if not rows or [cell.strip() for cell in rows[0]] != HEADER:
        raise EngineError(f"{path}: its first line must be {','.join(HEADER)!r}")
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        take, split = [cell.strip() for cell in row] if len(row) == 2 else ("", "")
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


def _some(names: Mapping[str, str] | list[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:6]) + (f" and {len(listed) - 6} more" if len(listed) > 6 else "")
