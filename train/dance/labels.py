"""Labels that people give to windows of a take: Laban's time and space efforts, in csv files.

A file has the header ``take,start,space,time,by``. ``start`` counts frames of the take as it is read, a label covers
the 40 frames from there. ``space`` and ``time`` are 1 low, 2 medium, 3 high, 4 for none of them; ``by`` is who said so.
Where a window has two labels the later line holds, so a person who thinks again need not delete.

PirouNet's files are read too: no header, ``index,space,time``, the index counting over all takes end to end.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.dance import pirounet
from train.dance.takes import FRAMES, RATE, Take
from train.files import Line, read_csv

EFFORTS = ("time", "space")
LEVELS = ("low", "medium", "high")
NONE = 4
"""Value of an effort that a person found to be none of the levels."""
HEADER = ("take", "start", "space", "time", "by")
PIROUNET = ("index", "space", "time")
BY_PIROUNET = "pirounet"
"""What ``by`` says of labels from PirouNet's own files, which name nobody."""
COMPUTED = "computed"
"""What ``by`` says of labels that no person gave."""
AROUND = 7
"""Frames before and after a labelled window whose windows get its label too: 7 in PirouNet's code, 6 in its text."""

Table = dict[str, NDArray[np.int8]]
"""For each take the level 0 to 2 of the window that starts at a frame, (T,); -1 where there is none."""


class LabelError(EngineError):
    """Labels cannot be used; the message names the file, the line, the value and the remedy."""


@dataclass(frozen=True)
class Label:
    """What ``by`` says of the 40 frames of ``take`` from ``start``: 1 low, 2 medium, 3 high, 4 none."""

    take: str
    start: int
    space: int
    time: int
    by: str

    def level(self, effort: str) -> int:
        """0 low, 1 medium, 2 high, -1 none."""
        value = {"space": self.space, "time": self.time}[_known(effort)]
        return -1 if value == NONE else value - 1


def read_labels(path: Path, lengths: Mapping[str, int] | None = None) -> list[Label]:
    """The labels of a csv file in its order, the last of each window only. With ``lengths`` (frames by take) a label
    of another take or beyond a take's end is refused. Raises :class:`LabelError`, or
    :class:`train.files.FileError` for what is no csv."""
    rows = _rows(path, len(HEADER))
    if not rows or tuple(rows[0].cells) != HEADER:
        raise LabelError(f"{path}: its first line must be {','.join(HEADER)!r}; PirouNet's own files have none")
    kept: dict[tuple[str, int], Label] = {}
    for line, row in rows[1:]:
        where = f"{path}:{line}"
        start, space, time = (_number(cell, where, name) for cell, name in zip(row[1:4], HEADER[1:4], strict=True))
        label = Label(row[0], start, space, time, row[4])
        check(label, lengths, where)
        kept.pop((label.take, label.start), None)
        kept[label.take, label.start] = label
    return list(kept.values())


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write labels with the header; the file is whole at every moment, so that a reader or a crash loses nothing."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(astuple(label) for label in labels)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


class Parted(NamedTuple):
    """Labels that people gave, and those that say they were computed."""

    people: list[Label]
    computed: list[Label]


def parted(labels: Iterable[Label]) -> Parted:
    """The labels by whether a person gave them."""
    given = list(labels)
    return Parted(
        people=[label for label in given if label.by != COMPUTED],
        computed=[label for label in given if label.by == COMPUTED],
    )


def check(label: Label, lengths: Mapping[str, int] | None = None, where: str = "label") -> None:
    """Refuse a label with an unknown value, an unknown take or frames that are not there (:class:`LabelError`)."""
    for effort in ("space", "time"):
        value = getattr(label, effort)
        if value not in (1, 2, 3, NONE):
            raise LabelError(f"{where}: {effort} is {value}; give 1 low, 2 medium, 3 high or {NONE} none")
    if not label.by:
        raise LabelError(f"{where}: by is empty; say who gave the label")
    if label.start < 0:
        raise LabelError(f"{where}: start is {label.start}; frames count from 0")
    if lengths is None:
        return
    if label.take not in lengths:
        there = ", ".join(sorted(lengths)[:6])
        raise LabelError(f"{where}: no take {label.take!r}; there is {there}{' ...' if len(lengths) > 6 else ''}")
    if label.start + FRAMES > lengths[label.take]:
        raise LabelError(
            f"{where}: start {label.start} of {label.take}, which has {lengths[label.take]} frames; a label covers "
            f"{FRAMES}, so the last start is {lengths[label.take] - FRAMES}"
        )


def read_pirounet_labels(path: Path, lengths: Mapping[str, int], rate: float = RATE) -> list[Label]:
    """PirouNet's csv as labels of takes. ``lengths`` are the takes' frames at their own 35 fps, after the crop, in the
    order of their names (`pirounet.read_raw`); starts are counted at ``rate``.

    The 40 frames a person saw last 1.14 s at 35 fps, 34 frames at 30: a window of 40 at 30 fps sees 0.19 s more.
    Labels of windows that run over the end of a take are left out, which the original does not do. Raises
    :class:`LabelError`, for empty fields too, which some of its files have.
    """
    names = list(lengths)
    ends = np.cumsum([lengths[name] for name in names])
    labels = []
    for line, row in _rows(path, len(PIROUNET)):
        where = f"{path}:{line}"
        index, space, time = (_number(cell, where, name) for cell, name in zip(row, PIROUNET, strict=True))
        if not 0 <= index < ends[-1]:
            raise LabelError(f"{where}: index {index}; the takes have {ends[-1]} frames in all, are some missing?")
        take = int(np.searchsorted(ends, index, "right"))
        within = index - int(ends[take]) + lengths[names[take]]
        start = round(within * rate / pirounet.RATE)
        label = Label(names[take], start, space, time, BY_PIROUNET)
        check(label, None, where)
        frames = int((lengths[names[take]] - 1) * rate / pirounet.RATE + 1e-6) + 1
        if within + FRAMES <= lengths[names[take]] and start + FRAMES <= frames:
            labels.append(label)
    return labels


def label_table(takes: Sequence[Take], labels: Iterable[Label], effort: str, around: int = AROUND) -> Table:
    """Levels by take and first frame, with PirouNet's augmentation of labels.

    A window that starts up to ``around`` frames from a labelled one gets its level, of two the nearer one's. Between
    two labelled windows of one level that touch or overlap, every window gets it. ``around=0`` and one label give one
    window. Labels count frames of whole recordings; of one that is cut in time each part gets what lies in it. Raises
    :class:`LabelError` for a label that no take has.
    """
    lengths = recorded(takes)
    tables = {name: np.full(length, -1, np.int8) for name, length in lengths.items()}
    levels: dict[str, dict[int, int]] = {}
    for label in labels:
        check(label, lengths, f"label of {label.take} at {label.start}")
        levels.setdefault(label.take, {})[label.start] = label.level(effort)
    for name, given in levels.items():
        table = tables[name]
        starts = np.array(sorted(given))
        values = np.array([given[start] for start in starts], np.int8)
        away = np.abs(np.arange(len(table))[:, None] - starts)
        nearest = away.argmin(1)
        near = away.min(1) <= around
        table[near] = values[nearest[near]]
        for first, last, level, after in zip(starts, starts[1:], values, values[1:], strict=False):
            if level == after and last - first <= FRAMES:
                table[first : last + 1] = level
    return {take.name: _part(tables[take.recording], take) for take in takes}


def recorded(takes: Sequence[Take]) -> dict[str, int]:
    """Frames of each recording by its name, as labels count them; of one cut in time up to the end of its last part."""
    found: dict[str, int] = {}
    for take in takes:
        found[take.recording] = max(found.get(take.recording, 0), take.first + len(take.motion))
    return found


def _part(table: NDArray[np.int8], take: Take) -> NDArray[np.int8]:
    """What of a recording's levels belongs to windows of a take."""
    part = table[take.first : take.first + len(take.motion)].copy()
    part[len(part) - FRAMES + 1 :] = -1
    return part


def _known(effort: str) -> str:
    if effort not in EFFORTS:
        raise LabelError(f"no effort {effort!r}; there is {', '.join(EFFORTS)}")
    return effort


def _rows(path: Path, cells: int) -> list[Line]:
    """Lines of a csv file; one of other than ``cells`` cells, or with an empty one, is refused."""
    rows = read_csv(Path(path))
    for line, row in rows:
        if len(row) != cells:
            raise LabelError(f"{path}:{line}: has {len(row)} fields, {cells} are needed; mend the line or delete it")
        if "" in row:
            raise LabelError(f"{path}:{line}: field {row.index('') + 1} is empty; fill it in or delete the line")
    return rows


def _number(cell: str, where: str, name: str) -> int:
    try:
        value = float(cell)
        if value != int(value):
            raise ValueError
    except (ValueError, OverflowError):
        raise LabelError(f"{where}: {name} is {cell!r}; give a whole number") from None
    return int(value)
