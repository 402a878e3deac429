"""Measures every row and turns what was counted into metrics with intervals.

Dances are counted one by one and pooled by group (a take or a pair of takes; of a model the dances of one seed), and
groups are drawn with replacement. What the windows of a row say together (FID, diversity) is measured on equally many
windows of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from train.dance.efforts import Thresholds
from train.dance.evaluation import measures, quality, recognition
from train.dance.evaluation.instruments import EVERY, Instruments
from train.dance.evaluation.networks import Sizes, features, seen
from train.dance.evaluation.rows import DanceRow, RowWindows, windows
from train.dance.evaluation.sanity import DERIVATIVES, tally
from train.dance.takes import RATE
from train.report import frechet
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Say, measure, quiet
from train.report.frechet import Gaussian
from train.report.intervals import Sums, Tally, by_group, split

Array = NDArray[np.floating]

FEW_DRAWS = 100
"""Draws of the metrics that cost a decomposition (FID) or a deal of pairs each."""
JUDGED = 2000
"""Windows of a row that are judged at most."""
CLOSE = 0.01
"""Quantile of the held-out windows' distances to the training takes under which a window counts as copied."""


class WindowSet(NamedTuple):
    """The windows of a row that are measured together, their features (N, F) and distances (N,) to the training
    takes."""

    windows: RowWindows
    features: Array
    nearest: Array


@dataclass(kw_only=True)
class Dancing(Evaluation):
    """Dances, measured: the truth first. ``rows`` are the dances themselves, ``sets`` by row the windows that were
    measured together, ``count`` of each; ``floors`` are the FIDs of real takes among themselves."""

    rows: Sequence[DanceRow]
    sets: Mapping[str, WindowSet]
    instruments: Instruments
    count: int
    floors: Mapping[str, Array]

    def row(self, name: str) -> DanceRow:
        """The dances of that name."""
        return next(item for item in self.rows if item.name == name)


def evaluate(
    rows: Sequence[DanceRow],
    training: DanceRow,
    skeleton: Skeleton,
    thresholds: Thresholds,
    effort: str,
    most: int = 400,
    sizes: Sizes | None = None,
    seed: int = 0,
    say: Say = quiet,
) -> Dancing:
    """Measure ``rows``, the truth first, against the takes in ``training``, which may be one of them. ``most`` windows
    of each row are measured as a set. Raises :class:`EngineError` where some row has too few."""
    tools = Instruments.of(training, rows[0], skeleton, thresholds, effort, sizes or Sizes(), seed, say)
    sets = _sets(rows, tools, most, seed)
    count = len(sets[rows[0].name].windows)
    truth = sets[rows[0].name]
    goals = {
        "fid_train": Gaussian.of(tools.space[_dealt(len(tools.space), seed)[:count]]),
        "fid_truth": Gaussian.of(truth.features),
    }
    close = float(np.quantile(truth.nearest, CLOSE))

    def count_row(row: DanceRow) -> Counts:
        own = sets[row.name]
        return Counts(
            _count(row, own, tools, close, seed), row.frames / RATE, _together(own, goals, tools.source, seed)
        )

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        metrics = measures.metrics(own.tally, every[rows[0].name].tally, own.whole)
        return Derived(metrics, {name: measures.shares(own.tally, name) for name in DERIVATIVES})

    results = measure(rows, count_row, derive, seed, say)
    held = windows(rows[0], EVERY)
    floors = {
        "fid_train": frechet.floor(tools.space, np.unique(tools.owners, return_inverse=True)[1], count, seed),
        "fid_truth": frechet.floor(features(tools.network, seen(held.positions, skeleton)), held.group, count, seed),
    }
    return Dancing(results=results, seed=seed, rows=rows, sets=sets, instruments=tools, count=count, floors=floors)


def _sets(rows: Sequence[DanceRow], tools: Instruments, most: int, seed: int) -> dict[str, WindowSet]:
    """Equally many windows of every row."""
    cut = [windows(row, EVERY, most, seed, least=2) for row in rows]
    count = min(map(len, cut))
    sets = {}
    for row, given in zip(rows, cut, strict=True):
        chosen = given.pick(np.sort(_dealt(len(given), seed)[:count]))
        shape = seen(chosen.positions, tools.skeleton)
        sets[row.name] = WindowSet(chosen, features(tools.network, shape), tools.nearest(row, chosen, shape))
    return sets


def _count(row: DanceRow, own: WindowSet, tools: Instruments, close: float, seed: int) -> dict[str, Tally]:
    """What is counted dance by dance and window by window, by group."""
    counted = by_group((dance.group, tally(dance, tools.reference)) for dance in row.dances)
    given = windows(row, EVERY, JUDGED, seed)
    judged = recognition.measured(given, tools.source, tools.skeleton, tools.thresholds, tools.effort)
    for judge in tools.judges:
        judged |= recognition.judged(judge, row, given, tools.skeleton)
    near: Sums = {
        "windows": np.ones(len(own.nearest)),
        "nearest": own.nearest,
        "copied": (own.nearest < close).astype(float),
    }
    for values, group in ((judged, given.group), (near, own.windows.group)):
        for one, sums in zip(counted.values(), split(values, group, len(counted)), strict=True):
            one.sums |= sums
    return counted


def _together(
    own: WindowSet, goals: Mapping[str, Gaussian], source: str, seed: int
) -> Callable[[Array], dict[str, Array]]:
    """FID, diversity and multimodality of the windows, for the first draws."""

    def whole(weight: Array) -> dict[str, Array]:
        weight = weight[: 1 + FEW_DRAWS]
        group = own.windows.group
        weight = weight[(weight[:, group] > 0).sum(1) > 1]
        chance = weight[:, group]
        sums = frechet.GroupSums(own.features, group, weight.shape[1])
        found = {key: frechet.fids(sums, weight, goal) for key, goal in goals.items()}
        found["diversity"] = quality.diversity(own.features, chance, seed)
        if source in own.windows.levels:
            levels = own.windows.levels[source]
            found["multimodality"] = quality.multimodality(own.features, levels, chance, seed)
        return found

    return whole


def _dealt(count: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, count, 7]).permutation(count)
