"""Labelling dances: 40-frame blocks of takes, and for each its Laban efforts of time and space, as PirouNet has them.

Blocks follow each other without overlap (PirouNet's own labels lie like that); what is left at a take's end, shorter
than a block, is not shown. The efforts are Laban's (Laban and Lawrence 1947, Effort): time from sustained to sudden,
space from indirect to direct, each in three levels or not applicable.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.errors import EngineError
from train.dance.labels import NONE, Label, check, read_labels, recorded, write_labels
from train.dance.options import AS_FOUND, How, add_reading_arguments, how
from train.dance.takes import FRAMES, Take, load_takes
from train.label.options import add_page_arguments
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m train label dance``."""
    add_page_arguments(parser)
    add_reading_arguments(parser)


def asked(args: argparse.Namespace) -> Task:
    """The page that the options ask for."""
    return task(args.takes, how(args))


def task(paths: Sequence[Path], read_as: How = AS_FOUND) -> Task:
    """The page for takes at ``paths``: files, or folders of them, each read as training reads its folder.

    Of a file nothing else is read but its partner's, which decides where the take starts. Blocks in which the recording
    is damaged are not shown. Raises :class:`EngineError`.
    """
    takes: dict[str, Take] = {}
    for path in paths:
        for take in load_takes(path, how=read_as):
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
    lengths = recorded(named)

    def read(path: Path) -> dict[Key, Entry]:
        labels = read_labels(path)
        for label in labels:
            if label.take in lengths:
                check(label, lengths, f"{path}, label of {label.take} at {label.start}")
        return {
            Key(label.take, label.start): Entry({"time": label.time, "space": label.space}, label.by)
            for label in labels
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
