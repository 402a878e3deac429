"""Labelling dances: 40-frame blocks of takes, and for each its Laban efforts of time and space, as PirouNet has them.

Blocks follow each other without overlap (PirouNet's own labels lie like that); what is left at a take's end, shorter
than a block, is not shown. The efforts are Laban's (Laban and Lawrence 1947, Effort): time from sustained to sudden,
space from indirect to direct, each in three levels or not applicable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from train.dance.labels import NONE, Label, check, read_labels, write_labels
from train.dance.takes import FRAMES, Take, read_takes
from train.label.task import Clip, Entry, Key, Level, Scale, Task

SCALES = (
    Scale(
        "time",
        "Time effort",
        "Does it linger, or is it in a hurry?",
        (
            Level(1, "low", "1", "sustained: lingering, even"),
            Level(2, "medium", "2", "between"),
            Level(3, "high", "3", "sudden: urgent, in bursts"),
            Level(NONE, "n/a", "0", "cannot be told", step=False),
        ),
    ),
    Scale(
        "space",
        "Space effort",
        "Is attention all around, or on one point?",
        (
            Level(1, "low", "q", "indirect: roaming, curved"),
            Level(2, "medium", "w", "between"),
            Level(3, "high", "e", "direct: one aim, straight"),
            Level(NONE, "n/a", "r", "cannot be told", step=False),
        ),
    ),
)


def task(paths: Sequence[Path]) -> Task:
    """The page for takes at ``paths``: files, or folders of them, each read as training reads its folder.

    A file is read together with its folder, since the partner and the neighbours of a take decide where it starts and
    what it is called. Blocks in which the recording is damaged are not shown. Raises :class:`EngineError`.
    """
    takes: dict[str, Take] = {}
    for path in paths:
        for take in _read(path):
            other = takes.setdefault(take.name, take)
            if not np.array_equal(other.motion.positions, take.motion.positions):
                raise EngineError(f"{path}: there are two takes {take.name!r}; rename one, or label into two files")
    named = list(takes.values())
    clips = tuple(
        Clip(number, start, FRAMES)
        for number, take in enumerate(named)
        for start in range(0, len(take.motion) - FRAMES + 1, FRAMES)
        if take.sound[start : start + FRAMES].all()
    )
    if not clips:
        raise EngineError(f"{', '.join(takes)}: no {FRAMES} frames without damage to be shown; give other takes")
    lengths = {take.name: len(take.motion) for take in named}

    def read(path: Path) -> dict[Key, Entry]:
        labels = read_labels(path)
        for label in labels:
            if label.take in lengths:
                check(label, lengths, f"{path}, label of {label.take} at {label.start}")
        return {
            (label.take, label.start): Entry({"time": label.time, "space": label.space}, label.by) for label in labels
        }

    motions = tuple(take.motion for take in named)
    return Task("dance", "Laban efforts of dance", SCALES, tuple(takes), motions, clips, read, write)


def write(path: Path, entries: Mapping[Key, Entry]) -> None:
    """The labels as a csv that training reads, in the order of takes and frames."""
    write_labels(
        path,
        [
            Label(take, start, entry.values["space"], entry.values["time"], entry.by)
            for (take, start), entry in sorted(entries.items())
        ],
    )


def _read(path: Path) -> list[Take]:
    """The takes of a folder, or the one of a file."""
    if path.is_dir():
        return read_takes(path, strict=False, say=lambda line: print(line, flush=True))
    if path.suffix.lower() not in (".bvh", ".npy") or not path.is_file():
        raise EngineError(f"{path}: no take; give a .bvh file, one of PirouNet's .npy arrays, or a folder of them")
    reasons: list[str] = []
    found = [take for take in read_takes(path.parent, strict=False, say=reasons.append) if take.name == path.stem]
    if not found:
        why = next((reason for reason in reasons if path.stem in reason), "files of another kind lie beside it")
        raise EngineError(f"{path}: is no take of its folder ({why}); or put it into a folder of its own")
    return found
