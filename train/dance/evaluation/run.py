"""Measures every row and turns what was counted into figures with intervals.

Dances are counted one by one and pooled by group (a take or a pair of takes; of a model the dances of one seed), and
groups are drawn with replacement. What the windows of a row say together (FID, diversity) is measured on equally many
windows of every row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from train.dance.efforts import Thresholds
from train.dance.evaluation import measures, quality, recognition
from train.dance.evaluation.instruments import EVERY, Instruments, Say
from train.dance.evaluation.networks import Sizes, features, seen
from train.dance.evaluation.rows import Row, Windows, windows
from train.dance.evaluation.sanity import DERIVATIVES, tally
from train.dance.takes import RATE
from train.report.intervals import Sums, Tally, pooled, weights

Array = NDArray[np.floating]

FEW_DRAWS = 100
"""Draws of the figures that cost a decomposition (FID) or a deal of pairs each."""
JUDGED = 2000
"""Windows of a row that are judged at most."""
CLOSE = 0.01
"""Quantile of the held-out windows' distances to the training takes under which a window counts as copied."""


class Section(Protocol):
    """A part of the report that only some evaluations have."""

    def as_json(self) -> dict[str, Any]:
        """Its figures as plain values."""

    def text(self) -> list[str]:
        """Lines for a terminal."""

    def html(self) -> list[str]:
        """Its part of the page."""

    def sentences(self) -> list[str]:
        """What the verdict should say of it."""


@dataclass
class Result:
    """A measured row. ``figures`` and ``curves`` have the draws on axis 0; ``confusions`` (levels, levels) by what was
    compared; ``nearest`` (N,) distances to the training takes in metres; ``plane`` (N, 2) features as they are drawn,
    ``levels`` (N,) of those windows."""

    name: str
    about: str
    kind: str
    groups: int
    seconds: float
    figures: dict[str, Array]
    curves: dict[str, Array]
    confusions: dict[str, Array]
    nearest: Array
    plane: Array
    levels: NDArray[np.int8]


@dataclass
class Evaluation:
    """Everything a report is made of: ``results`` in the order of the rows, the truth first; ``windows`` of each row
    were measured as a set; ``floors`` are the FIDs of real takes among themselves. ``sections`` hold what only some
    evaluations have, by name."""

    rows: Sequence[Row]
    results: list[Result]
    instruments: Instruments
    seed: int
    windows: int
    floors: dict[str, Array]
    sections: dict[str, Section] = field(default_factory=dict)

    def result(self, name: str) -> Result:
        """The row of that name."""
        return next(item for item in self.results if item.name == name)

    def row(self, name: str) -> Row:
        """The dances of that name."""
        return next(item for item in self.rows if item.name == name)


def evaluate(
    rows: Sequence[Row],
    training: Row,
    skeleton: Skeleton,
    thresholds: Thresholds,
    effort: str,
    most: int = 400,
    sizes: Sizes | None = None,
    seed: int = 0,
    say: Say = lambda _: None,
) -> Evaluation:
    """Measure ``rows``, the truth first, against the takes in ``training``, which may be one of them. ``most`` windows
    of each row are measured as a set. Raises :class:`EngineError` where some row has too few."""
    tools = Instruments.of(training, rows[0], skeleton, thresholds, effort, sizes or Sizes(), seed, say)
    sets = [windows(row, EVERY, most, seed, least=2) for row in rows]
    count = min(map(len, sets))
    sets = [given.pick(np.sort(_dealt(len(given), seed)[:count])) for given in sets]
    shapes = [seen(given.positions, skeleton) for given in sets]
    space = [features(tools.network, shape) for shape in shapes]
    near = [tools.nearest(row, given, shape) for row, given, shape in zip(rows, sets, shapes, strict=True)]
    goals = {
        "fid_train": _gaussian(tools.space[_dealt(len(tools.space), seed)[:count]]),
        "fid_truth": _gaussian(space[0]),
    }
    tallies, together = [], []
    for row, given, points, distance in zip(rows, sets, space, near, strict=True):
        began = time.monotonic()
        weight = weights(len(row.groups), seed)
        counted = _count(row, tools, seed)
        _add(counted, _distances(row, given, distance, float(np.quantile(near[0], CLOSE))))
        tallies.append(pooled(counted, weight))
        together.append(_together(points, given, weight[: 1 + FEW_DRAWS], goals, tools.source, seed))
        say(f"{row.name}: {time.monotonic() - began:.0f} s")
    results = [
        Result(
            *(row.name, row.about, row.kind, len(row.groups), row.frames / RATE),
            measures.figures(one, tallies[0], more),
            {name: measures.shares(one, name) for name in DERIVATIVES},
            {key.partition(".")[2]: value[0] for key, value in one.sums.items() if key.startswith("confusion.")},
            *(distance, tools.plane(points), given.levels.get(tools.source, np.full(len(given), -1, np.int8))),
        )
        for row, given, one, more, distance, points in zip(rows, sets, tallies, together, near, space, strict=True)
    ]
    held = windows(rows[0], EVERY)
    floors = {
        "fid_train": quality.floor(tools.space, np.unique(tools.owners, return_inverse=True)[1], count, seed),
        "fid_truth": quality.floor(features(tools.network, seen(held.positions, skeleton)), held.group, count, seed),
    }
    return Evaluation(rows, results, tools, seed, count, floors)


def _count(row: Row, tools: Instruments, seed: int) -> list[Tally]:
    """What is counted dance by dance and window by window, of each group."""
    counted: list[Tally | None] = [None] * len(row.groups)
    for dance in row.dances:
        group, one = row.groups.index(dance.group), tally(dance, tools.reference)
        before = counted[group]
        counted[group] = one if before is None else before + one
    tallies = [one for one in counted if one is not None]
    given = windows(row, EVERY, JUDGED, seed)
    for judge in tools.judges:
        _add(tallies, recognition.judged(judge, row, given, tools.skeleton))
    _add(
        tallies,
        recognition.measured(row, given, tools.source, tools.skeleton, tools.thresholds, tools.effort),
    )
    return tallies


def _distances(row: Row, given: Windows, distance: Array, close: float) -> list[Sums]:
    sums: list[Sums] = []
    for group in range(len(row.groups)):
        own = distance[given.group == group]
        sums.append(
            {
                "windows": np.array(float(len(own))),
                "nearest": np.array(own.sum()),
                "copied": np.array(float((own < close).sum())),
            }
        )
    return sums


def _together(
    points: Array, given: Windows, weight: Array, goals: dict[str, tuple[Array, Array]], source: str, seed: int
) -> dict[str, Array]:
    """FID, diversity and multimodality of features (N, F), for every draw."""
    weight = weight[(weight[:, given.group] > 0).sum(1) > 1]
    chance = weight[:, given.group]
    sums = quality.Gaussians(points, given.group, weight.shape[1])
    found = {key: quality.fids(sums, weight, goal) for key, goal in goals.items()}
    found["diversity"] = quality.diversity(points, chance, seed)
    if source in given.levels:
        found["multimodality"] = quality.multimodality(points, given.levels[source], chance, seed)
    return found


def _gaussian(points: Array) -> tuple[Array, Array]:
    return points.mean(0), np.cov(points.T, bias=True)


def _dealt(count: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, count, 7]).permutation(count)


def _add(tallies: Sequence[Tally], more: Sequence[Sums]) -> None:
    for one, sums in zip(tallies, more, strict=True):
        one.sums |= sums
