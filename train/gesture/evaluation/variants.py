"""The windowed generator's variants side by side: does the seed's importance sampling help with rare clusters?

The first is held against each other one, pair by pair of the same intervals: AISLe's own claim is that gestures which
are rare in training are made more often and better when the sampler follows the discriminator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.report.evaluation import Evaluation, Result, Section
from train.report.intervals import interval
from train.report.tables import Metric

Array = NDArray[np.floating]

GAINS = (
    Metric("rare_recall", "rare recall", "variants", "as in the table of rare clusters", 3),
    Metric("rare_recall_gain", "first's gain", "variants", "the first's less this one's", 3),
    Metric("rare_f1", "rare F1", "variants", "as in the table of rare clusters", 3),
    Metric("rare_f1_gain", "first's gain", "variants", "the first's less this one's", 3),
    Metric("F1", "F1", "variants", "of all clusters", 3),
    Metric("F1_gain", "first's gain", "variants", "the first's less this one's", 3),
)
WORDS = {"rare_recall": "recall of rare clusters", "rare_f1": "F1 of rare clusters", "F1": "F1 of all clusters"}


@dataclass(kw_only=True)
class Variants(Section):
    """See the module; the first row is the one that the others are held against."""

    def sentences(self) -> list[str]:
        """Whether the first is better than each other one, by the intervals."""
        first, *others = self.results
        found = []
        for other in others:
            for key, words in WORDS.items():
                values = other.metrics[f"{key}_gain"]
                edges = interval(values)
                told = f"{first.name} against {other.name}: {words} {values[0]:+.3f}"
                if not edges.known:
                    found.append(f"{told}; too few groups to say more.")
                    continue
                sure = "more" if edges.low > 0.0 else "less" if edges.high < 0.0 else "the interval holds 0: no proof"
                found.append(f"{told} ({edges.low:+.3f} to {edges.high:+.3f}): {sure}.")
        return found


def section(evaluation: Evaluation, names: Sequence[str]) -> Variants | None:
    """The rows of these names; None of fewer than two."""
    if len(names) < 2:
        return None
    rows = [evaluation.result(name) for name in names]
    return Variants(
        title="The windowed generator's variants", metrics=GAINS, results=[_against(row, rows[0]) for row in rows]
    )


def _against(row: Result, first: Result) -> Result:
    metrics = {key: row.metrics[key] for key in WORDS}
    for key in WORDS:
        own, base = row.metrics[key], first.metrics[key]
        same = len(own) == len(base) and row.groups == first.groups
        metrics[f"{key}_gain"] = base - own if same else np.full_like(own, np.nan)
    if row is first:
        metrics |= {f"{key}_gain": np.full_like(row.metrics[key], np.nan) for key in WORDS}
    return Result(row.name, row.about, row.kind, metrics, row.groups, row.seconds)
