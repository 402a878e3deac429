"""What evaluators say of how the motions of a row go with their texts, each evaluator of motions it did not learn from.

A row that copies training takes would be judged too well by an evaluator that learned which texts these very takes
have. So the evaluators that are trained here leave out a part of the takes each, and a copied take is judged by the one
that left it out; all other motions are judged by all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.report.intervals import Sums
from train.text_motion.evaluation.evaluators import Evaluator
from train.text_motion.evaluation.retrieval import TOP, deal, retrieve
from train.text_motion.evaluation.rows import Ask, MotionRow

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Embedded:
    """What an evaluator makes of all asks and rows: ``texts`` (asks, F), and by row its motions (N, F)."""

    evaluator: Evaluator
    texts: Array
    motions: dict[str, Array]

    @classmethod
    def of(cls, evaluator: Evaluator, asks: Sequence[Ask], rows: Sequence[MotionRow]) -> Embedded:
        """Embed everything."""
        texts = evaluator.texts([ask.caption for ask in asks])
        nothing = np.zeros((0, texts.shape[1]))
        motions = {row.name: evaluator.motions(list(row.motions.values())) if row.motions else nothing for row in rows}
        return cls(evaluator, texts, motions)

    def may(self, row: MotionRow) -> NDArray[np.intp]:
        """Which motions of a row the evaluator did not learn from, as places among them."""
        learned = self.evaluator.learned
        return np.array([k for k, n in enumerate(row.motions) if row.sources.get(n) not in learned], np.intp)


def judged(row: MotionRow, asks: Sequence[Ask], judges: Sequence[Embedded], batch: int, seed: int) -> Sums:
    """Of each motion of a row: ``hits`` (N, 3) in ``dealt`` (N,) deals of ``batch`` texts, sums of ``distance`` and
    cosine (``matching``) over ``judged`` (N,) evaluators."""
    count, numbers = len(row.motions), np.array(list(row.motions), np.intp)
    sums = {name: np.zeros(count) for name in ("dealt", "distance", "matching", "judged")}
    sums["hits"] = np.zeros((count, TOP))
    for judge in judges:
        places = judge.may(row)
        points, aims = judge.motions[row.name][places], judge.texts[numbers[places]]
        own = [asks[number] for number in numbers[places]]
        found = retrieve(points, aims, deal([ask.text for ask in own], [ask.clip for ask in own], seed, batch))
        length = np.linalg.norm(points, axis=1) * np.linalg.norm(aims, axis=1)
        sums["hits"][places] += found.hits
        sums["dealt"][places] += found.dealt
        sums["distance"][places] += found.distance
        sums["matching"][places] += (points * aims).sum(1) / np.maximum(length, 1e-12)
        sums["judged"][places] += 1.0
    return {name: np.asarray(value) for name, value in sums.items()}
