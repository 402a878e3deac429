"""How good the rulers are: strokes and nods as found in motion, against when the truth's gesturer made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.gesture.evaluation.cases import Case
from train.gesture.evaluation.nods import find_nods, matched
from train.gesture.strokes import find_strokes
from train.report.evaluation import Counts, Derived, Pooled, Section, measure
from train.report.intervals import Tally, by_group
from train.report.tables import Metric

Array = NDArray[np.floating]

WITHIN_S = 0.3
"""Seconds within which what is found is what was made."""
APEX, NOD_APEX = 4, 1
"""Columns of gestures and of nods that hold the moment."""
METRICS = (
    Metric("precision", "precision", "ruler", f"share of what is found that was made, within {WITHIN_S:g} s"),
    Metric("recall", "recall", "ruler", "share of what was made that is found"),
    Metric("bias", "bias s", "ruler", "mean time by which what is found is later", 3),
    Metric("spread", "spread s", "ruler", "standard deviation of that time", 3),
    Metric("made", "made", "ruler", "how many were made", 0, peak=True),
)
GOOD = 0.8
"""Precision and recall below which a ruler misleads."""


@dataclass(frozen=True)
class Ruled:
    """A kind of event: what is found in a case, and what was made; None where the set does not say."""

    name: str
    about: str
    found: Callable[[Case], Array]
    made: Callable[[Case], Array | None]
    kind: str = "people"


def _strokes(case: Case) -> Array:
    return np.array([stroke.apex for stroke in find_strokes(case.truth.points)])


def _nods(case: Case) -> Array:
    return np.zeros(0) if case.truth.joints is None else find_nods(case.truth.joints)


def _made_nods(case: Case) -> Array | None:
    return None if case.truth.joints is None else _column(case.nods, NOD_APEX)


RULED = (
    Ruled("strokes", "strokes in the points of the truth", _strokes, lambda c: _column(c.gestures, APEX)),
    Ruled("nods", "nods of the truth's head", _nods, _made_nods),
)


@dataclass(kw_only=True)
class Ruler(Section):
    """The rulers, with what they are worth as sentences."""

    def sentences(self) -> list[str]:
        """Whether each can be gone by."""
        found = []
        for row in self.results:
            precision, recall = row.value("precision"), row.value("recall")
            told = (
                f"ruler of {row.name}: {precision:.2f} of those found were made and {recall:.2f} of those made are "
                f"found, {row.value('bias'):+.3f} s late on average"
            )
            doubt = "" if min(precision, recall) >= GOOD else "; it misleads, so what it measures here says little"
            found.append(f"{told}{doubt}.")
        return found


def section(cases: Sequence[Case], group_of: Callable[[Case], str], seed: int) -> Ruler | None:
    """The rulers on these cases; None where the set does not say when anything was made."""
    rows = [one for one in RULED if any(one.made(case) is not None for case in cases)]
    if not rows:
        return None

    def count(one: Ruled) -> Counts:
        own = [case for case in cases if one.made(case) is not None]
        return Counts(by_group((group_of(case), _tally(one, case)) for case in own), sum(c.seconds for c in own))

    results = measure(rows, count, lambda own, _: Derived(_metrics(own)), seed)
    return Ruler(title="The rulers", metrics=METRICS, results=results)


def _tally(one: Ruled, case: Case) -> Tally:
    made = one.made(case)
    found, there = one.found(case), np.zeros(0) if made is None else made
    pairs = matched(found, there, WITHIN_S)
    late = np.array([found[i] - there[j] for i, j in pairs])
    sums = {"found": len(found), "made": len(there), "both": len(pairs), "late": late.sum(), "late2": (late**2).sum()}
    return Tally({name: np.asarray(float(value)) for name, value in sums.items()}, {})


def _metrics(own: Pooled) -> dict[str, Array]:
    sums = own.tally.sums
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = sums["late"] / sums["both"]
        return {
            "precision": sums["both"] / sums["found"],
            "recall": sums["both"] / sums["made"],
            "bias": bias,
            "spread": np.sqrt(np.maximum(sums["late2"] / sums["both"] - bias**2, 0.0)),
            "made": sums["made"],
        }


def _column(rows: Array | None, column: int) -> Array | None:
    return None if rows is None else rows[:, column]
