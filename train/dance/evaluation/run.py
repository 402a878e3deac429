"""Measures every row and turns what was counted into metrics with intervals.

Dances are counted one by one and pooled by group (a take or a pair of takes; of a model the dances of one seed), and
groups are drawn with replacement. What the windows of a row say together (FID, diversity) is measured on equally many
windows of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from train.dance.efforts import Thresholds
from train.dance.evaluation import measures, quality, recognition
from train.dance.evaluation.instruments import EVERY, Instruments
from train.dance.evaluation.networks import Sizes, features, seen
from train.dance.evaluation.quality import Gaussian
from train.dance.evaluation.rows import DanceRow, RowWindows, windows
from train.dance.evaluation.sanity import DERIVATIVES, tally
from train.dance.takes import RATE
from train.report.evaluation import Counts, Evaluation, Result, Say, measure, quiet
from train.report.intervals import Sums, Tally, by_group
from train.report.tables import number

Array = NDArray[np.floating]

FEW_DRAWS = 100
"""Draws of the metrics that cost a decomposition (FID) or a deal of pairs each."""
JUDGED = 2000
"""Windows of a row that are judged at most."""
CLOSE = 0.01
"""Quantile of the held-out windows' distances to the training takes under which a window counts as copied."""


@dataclass(frozen=True, kw_only=True)
class DanceResult(Result):
    """A measured row of so many ``seconds``. ``nearest`` (N,) are distances to the training takes in metres, ``plane``
    (N, 2) features as they are drawn, ``levels`` (N,) those of the same windows."""

    seconds: float
    nearest: Array
    plane: Array
    levels: NDArray[np.int8]

    def as_json(self) -> dict[str, Any]:
        """See :meth:`Result.as_json`."""
        return super().as_json() | {"seconds": number(self.seconds)}


@dataclass(kw_only=True)
class Dancing(Evaluation[DanceResult]):
    """Dances, measured: the truth first. ``rows`` are the dances themselves; ``windows`` of each row were measured as a
    set; ``floors`` are the FIDs of real takes among themselves."""

    rows: Sequence[DanceRow]
    instruments: Instruments
    windows: int
    floors: Mapping[str, Array]

    def row(self, name: str) -> DanceRow:
        """The dances of that name."""
        return next(item for item in self.rows if item.name == name)


class WindowSet(NamedTuple):
    """The windows of a row that are measured together, their features (N, F) and distances (N,) to the training
    takes."""

    windows: RowWindows
    features: Array
    nearest: Array


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
    pooled = measure(
        rows,
        lambda row: Counts(
            _count(row, sets[row.name], tools, close, seed), _together(sets[row.name], goals, tools.source, seed)
        ),
        seed,
        say,
    )
    results = []
    for row in rows:
        own, one = sets[row.name], pooled[row.name]
        results.append(
            DanceResult(
                name=row.name,
                about=row.about,
                kind=row.kind,
                metrics=measures.metrics(one.tally, pooled[rows[0].name].tally, one.whole),
                groups=one.groups,
                curves={name: measures.shares(one.tally, name) for name in DERIVATIVES},
                confusions={
                    key.partition(".")[2]: value[0]
                    for key, value in one.tally.sums.items()
                    if key.startswith("confusion.")
                },
                seconds=row.frames / RATE,
                nearest=own.nearest,
                plane=tools.plane(own.features),
                levels=own.windows.of(tools.source),
            )
        )
    held = windows(rows[0], EVERY)
    floors = {
        "fid_train": quality.floor(tools.space, np.unique(tools.owners, return_inverse=True)[1], count, seed),
        "fid_truth": quality.floor(features(tools.network, seen(held.positions, skeleton)), held.group, count, seed),
    }
    return Dancing(results=results, seed=seed, rows=rows, instruments=tools, windows=count, floors=floors)


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
    sums = [recognition.judged(judge, row, given, tools.skeleton) for judge in tools.judges]
    sums.append(recognition.measured(row, given, tools.source, tools.skeleton, tools.thresholds, tools.effort))
    sums.append(_distances(row, own, close))
    for more in sums:
        for one, found in zip(counted.values(), more, strict=True):
            one.sums |= found
    return counted


def _distances(row: DanceRow, given: WindowSet, close: float) -> list[Sums]:
    sums: list[Sums] = []
    for group in range(len(row.groups)):
        own = given.nearest[given.windows.group == group]
        sums.append(
            {
                "windows": np.array(float(len(own))),
                "nearest": np.array(own.sum()),
                "copied": np.array(float((own < close).sum())),
            }
        )
    return sums


def _together(
    own: WindowSet, goals: Mapping[str, Gaussian], source: str, seed: int
) -> Callable[[Array], dict[str, Array]]:
    """FID, diversity and multimodality of the windows, for the first draws."""

    def whole(weight: Array) -> dict[str, Array]:
        weight = weight[: 1 + FEW_DRAWS]
        group = own.windows.group
        weight = weight[(weight[:, group] > 0).sum(1) > 1]
        chance = weight[:, group]
        sums = quality.GroupSums(own.features, group, weight.shape[1])
        found = {key: quality.fids(sums, weight, goal) for key, goal in goals.items()}
        found["diversity"] = quality.diversity(own.features, chance, seed)
        if source in own.windows.levels:
            levels = own.windows.levels[source]
            found["multimodality"] = quality.multimodality(own.features, levels, chance, seed)
        return found

    return whole


def _dealt(count: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, count, 7]).permutation(count)
