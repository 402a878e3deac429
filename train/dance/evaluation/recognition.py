"""Is the effort that was asked for to be seen? Classifiers trained on held-out real takes look at every row.

The held-out groups are dealt into folds. A classifier for each fold learns from the others, and a real dance is judged
by the one that never saw its group; a generated one by all of them, on average, so that both are judged by classifiers
of equally much training. The headline is the mean of the three levels' recalls, since real takes hold unequal numbers
of them and generated ones do not; chance is a third.

The effort is also computed from the generated motion itself, with the thresholds of the training takes: no classifier
can be blamed there, but a model may reach it by shaking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from train.dance import efforts
from train.dance.evaluation.networks import Recogniser, Sizes, chances, fit, made, seen
from train.dance.evaluation.rows import HUMAN, DanceRow, RowWindows
from train.dance.labels import COMPUTED, LEVELS
from train.dance.takes import RATE
from train.report.intervals import Sums

Array = NDArray[np.floating]

FOLDS = 4
FEW = 20
"""Windows of a level that a classifier needs at least to learn it."""


@dataclass(frozen=True)
class Judge:
    """Classifiers of one source of labels, and for each the groups that it learned from."""

    source: str
    networks: list[Recogniser]
    learned: list[frozenset[str]]

    def predicted(self, row: DanceRow, windows: RowWindows, skeleton: Skeleton) -> Array:
        """What the judges see (N, levels): the share of them that see each level. Zero where no judge may judge."""
        canonical = seen(windows.positions, skeleton)
        names = np.array(row.groups)[windows.group]
        votes, judges = np.zeros((len(windows), len(LEVELS))), np.zeros((len(windows), 1))
        for network, learned in zip(self.networks, self.learned, strict=True):
            may = np.array([name not in learned for name in names])
            vote = np.eye(len(LEVELS))[chances(network, canonical).argmax(1)]
            votes += vote * may[:, None]
            judges += may[:, None]
        return votes / np.maximum(judges, 1.0)


class Trained(NamedTuple):
    """A judge and in words what it learned from; or none, and why."""

    judge: Judge | None
    note: str


def trained(source: str, row: DanceRow, windows: RowWindows, skeleton: Skeleton, sizes: Sizes, seed: int) -> Trained:
    """The judge that held-out takes and their labels make; none where the labels do not suffice."""
    known = windows.of(source) >= 0
    if not known.any():
        return Trained(None, f"no {source} labels on the held-out takes")
    given = windows.pick(known)
    labels = given.levels[source]
    counts = np.bincount(labels, minlength=len(LEVELS))
    groups = np.unique(given.group)
    there = ", ".join(f"{count} {level}" for count, level in zip(counts, LEVELS, strict=True))
    if counts.min() < FEW or len(groups) < 2:
        return Trained(
            None,
            f"too few {source} labels on the held-out takes to learn from ({there}, of {len(groups)} groups): "
            f"{FEW} windows of each level and two groups are needed",
        )
    canonical = seen(given.positions, skeleton)
    order = np.random.default_rng([seed, len(groups)]).permutation(groups)
    networks, learned = [], []
    for fold in range(min(FOLDS, len(groups))):
        out = np.isin(given.group, order[fold::FOLDS])
        absent = [level for number, level in enumerate(LEVELS) if number not in labels[~out]]
        if absent:
            return Trained(
                None, f"level {absent[0]} of the {source} labels is only in groups judged together: too few groups"
            )
        network = made(Recogniser, canonical, sizes, seed + fold)
        fit(network, canonical[~out], labels[~out], sizes.recogniser_epochs, seed + fold)
        networks.append(network)
        learned.append(frozenset(np.array(row.groups)[np.unique(given.group[~out])]))
    note = f"{len(networks)} classifiers, windows: {there}, {len(groups)} groups"
    return Trained(Judge(source, networks, learned), note)


def judged(judge: Judge, row: DanceRow, windows: RowWindows, skeleton: Skeleton) -> Sums:
    """``confusion.SOURCE`` (N, levels asked, levels seen) of every window."""
    asked = _one_hot(windows.of(judge.source))
    return {f"confusion.{judge.source}": asked[..., None] * judge.predicted(row, windows, skeleton)[:, None]}


def measured(windows: RowWindows, source: str, skeleton: Skeleton, thresholds: efforts.Thresholds, effort: str) -> Sums:
    """``confusion.motion`` (N, levels asked or labelled, levels computed from the motion) of every window, and by level
    (N, levels) ``effort.sum`` and ``effort.count`` of the measured effort."""
    values = efforts.measure(windows.positions, skeleton, RATE, effort)[:, 0]
    asked, shown = _one_hot(windows.of(source)), _one_hot(np.maximum(thresholds.levels(values, effort), 0))
    return {
        "confusion.motion": asked[..., None] * shown[:, None],
        "effort.sum": asked * values[:, None],
        "effort.count": asked,
    }


def _one_hot(levels: NDArray[np.integer]) -> Array:
    """Levels (N,) as (N, levels), all zero where there is none."""
    return np.asarray(levels[:, None] == np.arange(len(LEVELS)), float)


def recalls(confusion: Array) -> Array:
    """Recall of each level (D, levels) of confusions (D, levels, levels); not a number where a level is absent."""
    total = confusion.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("dii->di", confusion) / np.where(total > 0, total, np.nan))


def balanced(confusion: Array) -> Array:
    """Mean recall (D,), not a number unless every level is there."""
    return np.asarray(recalls(confusion).mean(-1))


def accuracy(confusion: Array) -> Array:
    """Share of all (D,) that were recognised."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("dii->d", confusion) / confusion.sum((-1, -2)))


def preferred(windows: RowWindows) -> str:
    """The source whose labels measure and train where one must be chosen: people's, where they suffice."""
    human = windows.of(HUMAN)
    return HUMAN if np.bincount(human[human >= 0], minlength=len(LEVELS)).min() >= FEW else COMPUTED
