"""Measures every row and turns what was counted into metrics with intervals.

Motions are counted case by case and pooled by group: a voice, or a talk where the held-out voices are too few to be
drawn from. The seed's metrics are measured with fewer draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from train.gesture.evaluation import hands, nods, seed_metrics, timing
from train.gesture.evaluation.cases import Case, Shown
from train.gesture.evaluation.measures import METRICS
from train.gesture.evaluation.rows import REDRAW, TRUTH, GestureRow
from train.gesture.pats import pose
from train.gesture.pats.clusters import COUNT, Clusters
from train.gesture.pats.pose import Scale
from train.gesture.strokes import FoundStroke, find_strokes
from train.report import frechet
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Say, measure, quiet
from train.report.intervals import Tally, by_group

Array = NDArray[np.floating]

FEW_DRAWS = 100
"""Draws of the seed's metrics, which cost decompositions and long histograms."""
FEW_GROUPS = 6
"""Voices below which talks are drawn instead."""
OVER = ("FID", "W1_vel", "W1_acc")
"""Of these there is a ratio to the windowed generator's."""
RARE = 3
"""The emptiest clusters of every gesturer, of eight: the last, since the fullest come first."""


@dataclass(frozen=True)
class Reference:
    """What the training part says of each gesturer: ``scales`` of poses and ``clusters`` of how they move."""

    scales: Mapping[str, Scale]
    clusters: Clusters


@dataclass(kw_only=True)
class Gesturing(Evaluation):
    """Motions, measured: the truth first. ``over`` says what was drawn (``voices`` or ``talks``), ``windowed`` names
    the row that FID and W1 are held against ("" without one), ``floor`` (splits,) are FIDs of halves of the truth."""

    cases: Sequence[Case]
    rows: Sequence[GestureRow]
    over: str
    windowed: str
    floor: Array

    def row(self, name: str) -> GestureRow:
        """The motions of that name."""
        return next(item for item in self.rows if item.name == name)


def grouped(cases: Sequence[Case], over: str) -> Callable[[Case], str]:
    """Of which group a case is."""
    return (lambda case: case.talk.voice) if over == "voices" else (lambda case: case.talk.name)


def drawn_over(cases: Sequence[Case]) -> str:
    """``voices``, or ``talks`` where the voices are too few."""
    return "voices" if len({case.talk.voice for case in cases}) >= FEW_GROUPS else "talks"


def evaluate(
    cases: Sequence[Case],
    rows: Sequence[GestureRow],
    reference: Reference,
    windowed: str = "",
    over: str = "",
    seed: int = 0,
    say: Say = quiet,
) -> Gesturing:
    """Measure ``rows``, the truth first."""
    over = over or drawn_over(cases)
    group_of, speakers = grouped(cases, over), sorted({case.speaker for case in cases})
    true = {case.name: find_strokes(case.truth.points) for case in cases}
    base: dict[str, Array] = {}
    standard = {case.name: _standard(case.truth, case, reference) for case in cases}

    def count(row: GestureRow) -> Counts:
        own = [case for case in cases if case.name in row.motions]
        tallies = by_group(
            (group_of(case), _tally(row.motions[case.name], case, true[case.name], speakers, reference)) for case in own
        )
        frames = [_standard(row.motions[case.name], case, reference) for case in own]
        groups = list(tallies)
        member = np.repeat([groups.index(group_of(case)) for case in own], [len(part) for part in frames])
        against = np.concatenate([standard[case.name] for case in own])
        together = seed_metrics.fid(np.concatenate(frames), against, member, len(groups))
        seconds = sum(case.seconds for case in own)
        return Counts(tallies, seconds, lambda weight: together(weight[: 1 + FEW_DRAWS]))

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        redraw = every[REDRAW].tally.sums if REDRAW in every else None
        found = timing.derive(own.tally.sums, _paired(redraw, own))
        found |= hands.derive(own.tally.sums, _paired(every[TRUTH].tally.sums, own) or own.tally.sums)
        few = _first(own.tally.sums)
        found |= nods.derive(own.tally.sums) | seed_metrics.derive(few) | own.whole | _rare(few["F1"])
        if windowed and not base:
            base.update(seed_metrics.derive(_first(every[windowed].tally.sums)) | every[windowed].whole)
        found |= {f"{key.lower()}_over": _over(found[key], base.get(key)) for key in OVER}
        curves = {name: timing.curve(own.tally.sums, name) for name in ("phase", "luck")}
        return Derived({metric.key: found[metric.key] for metric in METRICS}, curves)

    results = measure(rows, count, derive, seed, say)
    member = np.unique([group_of(case) for case in cases], return_inverse=True)[1]
    points = np.concatenate([standard[case.name] for case in cases])
    floor = frechet.floor(points, np.repeat(member, [case.frames for case in cases]), len(points), seed)
    return Gesturing(results=results, seed=seed, cases=cases, rows=rows, over=over, windowed=windowed, floor=floor)


def _tally(
    shown: Shown, case: Case, true: Sequence[FoundStroke], speakers: Sequence[str], reference: Reference
) -> Tally:
    strokes = find_strokes(shown.points)
    sums = timing.tally(strokes, true, case.stresses, case.seconds)
    sums |= hands.tally(shown.points, strokes, case, speakers) | nods.tally(shown.joints, case)
    label = partial(reference.clusters.label_features, speaker=case.speaker)
    seeds = seed_metrics.count(
        pose.rows(shown.points), pose.rows(case.truth.points), reference.scales[case.speaker], label
    )
    return Tally(seeds.sums | sums, {})


def _standard(shown: Shown, case: Case, reference: Reference) -> Array:
    rows = pose.rows(shown.points)
    return reference.scales[case.speaker].standard(pose.features(rows))


def _paired(other: dict[str, Array] | None, own: Pooled) -> dict[str, Array] | None:
    """Another row's sums where its groups were drawn as ``own``'s, else its first draw, the estimate, for all."""
    draws = len(own.tally.sums["frames"])
    if other is None or len(other["frames"]) == draws:
        return other
    return {name: np.repeat(value[:1], draws, 0) for name, value in other.items()}


def _first(sums: dict[str, Array]) -> dict[str, Array]:
    """The first draws of sums."""
    return {name: value[: 1 + FEW_DRAWS] for name, value in sums.items()}


def _rare(pairs: Array) -> dict[str, Array]:
    """Scores (D,) of the rarest clusters from counts (D, true, made)."""
    rare = slice(COUNT - RARE, COUNT)
    hit = np.diagonal(pairs, axis1=1, axis2=2)[:, rare].sum(1)
    true, made, total = pairs[:, rare].sum((1, 2)), pairs[:, :, rare].sum((1, 2)), pairs.sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "rare_recall": hit / true,
            "rare_f1": 2.0 * hit / (true + made),
            "rare_share": made / total,
            "rare_true": true / total,
        }


def _over(values: Array, base: Array | None) -> Array:
    """Values (D,) over the windowed generator's; over its estimate where other groups were drawn, and not a number
    without one."""
    if base is None:
        return np.full_like(values, np.nan)
    base = base if len(base) == len(values) else np.repeat(base[:1], len(values))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(base > 0.0, values / base, np.nan))
