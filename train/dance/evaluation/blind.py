"""Recognition by a person: labels that were given blind to generated dances, beside what had been asked for.

Two forms are read. Labels of the labelling page (``take,start,space,time,by``) go with an ``asked.csv`` of the same
form, which the evaluation writes beside the dances. PirouNet's own files have no header: ``index,level`` or
``index,space,time``, where 4 is none and levels count from 0 (its shuffled dances) or from 1 (its labelling page); what
was asked for is then an array (N,) of levels 0 to 2 in a ``.npy`` file, or a csv of the same form.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.dance.evaluation import plots
from train.dance.evaluation.recognition import accuracy, balanced, recalls
from train.dance.labels import HEADER, LEVELS, NONE, read_labels
from train.dance.takes import FRAMES, RATE
from train.report.evaluation import Result, Section
from train.report.intervals import interval, weights
from train.report.parts import Part, Plot
from train.report.plots import grid
from train.report.tables import Metric

Array = NDArray[np.floating]
Judged = dict[tuple[str, int], int]
CHANCE = 1.0 / len(LEVELS)


METRICS = (
    Metric("accuracy", "accuracy", "person", "share of dances that a person recognised", 3),
    *(Metric(f"recall_{level}", level, "person", f"share of those asked to be {level}", 2) for level in LEVELS),
    Metric("balanced", "balanced", "person", "mean of the levels' recalls (chance 0.33)", 3),
)


@dataclass(kw_only=True)
class Blind(Section):
    """One row, the person. ``confusion`` (levels asked, levels seen) of what was seen; ``left_out`` were labelled as
    none or asked for nothing."""

    effort: str
    confusion: Array
    left_out: int

    def as_json(self) -> dict[str, Any]:
        """Its metrics as plain values."""
        return super().as_json() | {
            "effort": self.effort,
            "confusion": self.confusion.tolist(),
            "left_out": self.left_out,
        }

    def parts(self) -> list[Part]:
        """Its parts of the page."""
        drawing = grid(1, plots.WIDE, plots.TALL)
        plots.confusion(drawing.axes[0], self.confusion, f"n = {self.confusion.sum():.0f}")
        return [self.table, Plot("What a person saw", drawing.finished(), "Per cent of each line.")]

    def sentences(self) -> list[str]:
        """What the conclusions should say of it."""
        (row,) = self.results
        doubt = "" if interval(row.metrics["accuracy"]).low > CHANCE else "; that is not surely more than chance"
        return [f"a person, blind, recognised {row.value('accuracy'):.0%} of the dances' {self.effort} effort{doubt}."]


def read(labels: Path, asked: Path, effort: str, seed: int) -> Blind:
    """Compare a person's ``labels`` with what was ``asked`` for. Raises :class:`EngineError` where they do not meet."""
    seen, wanted = _judged(labels, effort), _judged(asked, effort)
    strange = sorted(set(seen) - set(wanted))
    if strange:
        take, start = strange[0]
        raise EngineError(
            f"{labels}: labels {take or 'index'} at {start}, which {asked} does not say was asked for; give the labels "
            "and the asked.csv of one set of dances"
        )
    both = [key for key in seen if seen[key] >= 0 and wanted[key] >= 0]
    if not both:
        raise EngineError(f"{labels}: no dance has both a label and something that was asked for in {asked}")
    # A dance of several labels is one group; PirouNet's entries are each a dance of their own.
    groups = sorted({_group(key) for key in both})
    confusions = np.zeros((len(groups), len(LEVELS), len(LEVELS)))
    for key in both:
        confusions[groups.index(_group(key)), wanted[key], seen[key]] += 1.0
    drawn = np.tensordot(weights(len(groups), seed), confusions, 1)
    metrics = {"accuracy": accuracy(drawn), "balanced": balanced(drawn)}
    metrics |= {f"recall_{level}": found for level, found in zip(LEVELS, recalls(drawn).T, strict=True)}
    left_out = len(seen) - len(both)
    title = f"Recognised by a person, blind: {len(both)} labels of {len(groups)} dances, {left_out} left out"
    return Blind(
        title=title,
        metrics=METRICS,
        results=[
            Result("a person", f"labels in {labels.name}", "people", metrics, len(groups), len(both) * FRAMES / RATE)
        ],
        effort=effort,
        confusion=confusions.sum(0),
        left_out=left_out,
    )


def _group(key: tuple[str, int]) -> tuple[str, int]:
    return (key[0], 0) if key[0] else key


def _judged(path: Path, effort: str) -> Judged:
    """Level 0..2 by take and start, or by "" and index; -1 where it is none."""
    if path.suffix == ".npy":
        return _array(path)
    try:
        first = path.read_text("utf-8-sig").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: does not read as a csv file ({error})") from error
    if first == ",".join(HEADER):
        return {(label.take, label.start): label.level(effort) for label in read_labels(path)}
    return _headerless(path, effort)


def _array(path: Path) -> Judged:
    try:
        levels = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: does not read as an array ({error})") from error
    levels = np.asarray(levels).squeeze()
    if levels.ndim != 1 or not np.isin(levels, range(len(LEVELS))).all():
        raise EngineError(f"{path}: an array {levels.shape}; give levels 0 to 2 of (N,) dances")
    return {("", index): int(level) for index, level in enumerate(levels)}


def _headerless(path: Path, effort: str) -> Judged:
    found: Judged = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for row in filter(any, reader):
            where = f"{path}:{reader.line_num}"
            if len(row) not in (2, 3):
                raise EngineError(f"{where}: has {len(row)} fields; give index,level or index,space,time")
            column = 1 if len(row) == 2 or effort == "space" else 2
            try:
                index, value = int(float(row[0])), int(float(row[column]))
            except ValueError:
                raise EngineError(f"{where}: {','.join(row)!r} holds what is no number; mend or delete it") from None
            if not 0 <= value <= NONE:
                raise EngineError(f"{where}: level {value}; give 0 to 2 or 1 to 3, and {NONE} for none")
            found["", index] = value
    values = set(found.values())
    if {0, 3} <= values:
        raise EngineError(f"{path}: levels 0 and 3; levels count from 0 (0, 1, 2) or from 1 (1, 2, 3)")
    first = 0 if 0 in values else 1
    return {key: -1 if value == NONE else value - first for key, value in found.items()}
