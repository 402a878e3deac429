"""Measures every row and turns what was counted into metrics with intervals.

Motions are counted one by one and pooled by take (with its mirror), and takes are drawn with replacement. What the
motions of a row say together (FID, diversity) is measured with every draw's weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.report import frechet
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Say, measure, quiet
from train.report.frechet import Gaussian, GroupSums
from train.report.intervals import Tally, by_group, split
from train.text_motion.evaluation import body
from train.text_motion.evaluation.body import Reference
from train.text_motion.evaluation.evaluators import Evaluator
from train.text_motion.evaluation.judging import Embedded, judged
from train.text_motion.evaluation.measures import METRICS
from train.text_motion.evaluation.retrieval import BATCH, TOP, deal
from train.text_motion.evaluation.rows import Ask, MotionRow

Array = NDArray[np.floating]

FEW_DRAWS = 100
"""Draws of the metrics that cost a decomposition (FID) or a deal of pairs each."""
PAIRS, FEW_PAIRS, FEW_MOTIONS = 300, 100, 300
"""Pairs of the diversity; of so few motions, fewer."""
AGAIN_PAIRS = 10
"""Pairs of motions of one text for the multimodality, as in the published evaluation."""


@dataclass(kw_only=True)
class Moving(Evaluation):
    """Motions, measured: the truth first. ``embedded`` holds by row the embeddings (N, F) of its motions in the order
    of their asks; ``batch`` texts were dealt together; ``floor`` (splits,) are the FIDs of halves of the truth."""

    asks: Sequence[Ask]
    rows: Sequence[MotionRow]
    evaluator: str
    embedded: Mapping[str, Array]
    batch: int
    floor: Array

    def row(self, name: str) -> MotionRow:
        """The motions of that name."""
        return next(item for item in self.rows if item.name == name)


def batch_of(asks: Sequence[Ask]) -> int:
    """How many texts are dealt together: 32, or where the asks have not so many different texts and clips, half of that
    and so on."""
    size = BATCH
    while size > 4 and not len(deal([ask.text for ask in asks], [ask.clip for ask in asks], 0, size, 1)):
        size //= 2
    return size


def evaluate(
    asks: Sequence[Ask],
    rows: Sequence[MotionRow],
    evaluators: Sequence[Evaluator],
    reference: Reference,
    seed: int = 0,
    say: Say = quiet,
) -> Moving:
    """Measure ``rows``, the truth first. Texts are judged by all ``evaluators``, sets in the space of the first."""
    judges = [Embedded.of(evaluator, asks, rows) for evaluator in evaluators]
    embedded = judges[0].motions
    batch = batch_of(asks)
    goal = Gaussian.of(embedded[rows[0].name])

    def count(row: MotionRow) -> Counts:
        own = [asks[number] for number in row.motions]
        groups = [ask.group for ask in own]
        tallies = by_group(
            (group, body.tally(motion, reference)) for group, motion in zip(groups, row.motions.values(), strict=True)
        )
        member = np.searchsorted(list(tallies), groups)
        points = embedded[row.name]
        again = np.array([_apart(evaluators[0], row.repeats.get(number, ()), seed) for number in row.motions])
        sums = judged(row, asks, judges, batch, seed) | {
            "motions": np.ones(len(points)),
            "again": np.nan_to_num(again),
            "again.count": np.isfinite(again).astype(float),
        }
        for one, own_sums in zip(tallies.values(), split(sums, member, len(tallies)), strict=True):
            one.sums |= own_sums
        seconds = sum(map(len, row.motions.values())) / reference.rate
        return Counts(tallies, seconds, _together(points, member, len(tallies), goal, seed))

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        found = body.metrics(own.tally, every[rows[0].name].tally) | _texts(own.tally, batch) | own.whole
        return Derived({metric.key: found[metric.key] for metric in METRICS})

    results = measure([row for row in rows if row.motions], count, derive, seed, say)
    groups = np.unique([ask.group for ask in asks], return_inverse=True)[1]
    floor = frechet.floor(embedded[rows[0].name], groups, len(asks), seed)
    return Moving(
        results=results,
        seed=seed,
        asks=asks,
        rows=rows,
        evaluator=evaluators[0].about,
        embedded=embedded,
        batch=batch,
        floor=floor,
    )


def _texts(row: Tally, batch: int) -> dict[str, Array]:
    """Metrics (D,) of how motions go with their texts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: dict[str, Array] = {f"top{k + 1}": row.sums["hits"][:, k] / row.sums["dealt"] for k in range(TOP)}
        found["top3_ratio"] = found[f"top{TOP}"] / (TOP / batch)
        for name in ("distance", "matching"):
            found[name] = row.sums[name] / row.sums["judged"]
        found["multimodality"] = row.sums["again"] / row.sums["again.count"]
    found["answered"] = row.sums["motions"]
    return found


def _together(
    points: Array, member: NDArray[np.intp], groups: int, goal: Gaussian, seed: int
) -> Callable[[Array], dict[str, Array]]:
    """FID and diversity, for the first draws."""

    def whole(weight: Array) -> dict[str, Array]:
        weight = weight[: 1 + FEW_DRAWS]
        weight = weight[(weight[:, member] > 0).sum(1) > 1]
        if not len(weight):
            return {"fid": np.full(1, np.nan), "diversity": np.full(1, np.nan)}
        rng = np.random.default_rng([seed, 1])
        pairs = PAIRS if len(points) > FEW_MOTIONS else FEW_PAIRS
        chances = weight[:, member]
        return {
            "fid": frechet.fids(GroupSums(points, member, groups), weight, goal),
            "diversity": np.array([frechet.spread(points, chance, pairs, rng) for chance in chances]),
        }

    return whole


def _apart(evaluator: Evaluator, motions: Sequence[Array], seed: int) -> float:
    """Mean distance of pairs of motions of one text; not a number of fewer than two."""
    if len(motions) < 2:
        return float("nan")
    points, rng = evaluator.motions(motions), np.random.default_rng([seed, 2])
    pairs = [rng.choice(len(points), 2, replace=False) for _ in range(AGAIN_PAIRS)]
    return float(np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairs]))
