"""From metrics to sentences: which criteria a row meets, and which of its good metrics say less than they seem to.

A family gives its criteria as data, what cannot be told from its data as sentences, and a function that remarks on one
row: what was won by a trick (by noise, by stillness, by copying), and how one sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from train.report.evaluation import Evaluation, Result
from train.report.intervals import LEVEL, interval

PASS, FAIL, TRICK = "pass", "FAIL", "won by"


@dataclass(frozen=True)
class Criterion:
    """A metric asked to lie from ``low`` to ``high``: its key, what a sentence calls it, and what is asked for in
    words, where the bounds themselves do not say it; ``note`` follows the words."""

    metric: str
    words: str
    low: float = -math.inf
    high: float = math.inf
    asked: str = ""
    note: str = ""

    def met(self, value: float) -> bool:
        """Whether a value is as asked."""
        return self.low <= value <= self.high

    @property
    def wanted(self) -> str:
        """What is asked for, in words."""
        if self.asked:
            return self.asked + self.note
        if math.isinf(self.high):
            return f"at least {self.low:g}{self.note}"
        return (f"at most {self.high:g}" if math.isinf(self.low) else f"{self.low:g} to {self.high:g}") + self.note


class Judgement(NamedTuple):
    """A criterion, whether a row meets it, and the sentence."""

    criterion: Criterion
    met: bool
    sentence: str


def judge(row: Result, criteria: Iterable[Criterion]) -> list[Judgement]:
    """Every criterion whose metric is defined for the row."""
    found = []
    for criterion in criteria:
        value, edges = row.value(criterion.metric), interval(row.metrics[criterion.metric])
        if not math.isfinite(value):
            continue
        met = criterion.met(value)
        given = f" ({100 * LEVEL:g} % interval {edges.low:.2f} to {edges.high:.2f})" if edges.known else ""
        unsure = met and edges.known and not all(map(criterion.met, edges))
        doubt = "; the interval reaches outside" if unsure else ""
        sentence = (
            f"{PASS if met else FAIL}: {criterion.words} {value:.2f}{given}, asked for {criterion.wanted}{doubt}."
        )
        found.append(Judgement(criterion, met, sentence))
    return found


def summary(row: Result, judged: Sequence[Judgement]) -> list[str]:
    """How many criteria the row meets, which it misses, and the sentence of each."""
    missed = [one.criterion.words for one in judged if not one.met]
    count = f"{len(judged) - len(missed)} of {len(judged)} targets met"
    first = f"{row.name}: {count}{', missed: ' + joined(missed) if missed else ''}."
    return [first, *(f"{row.name}: {one.sentence}" for one in judged)]


def conclusions(
    evaluation: Evaluation,
    data: Iterable[str],
    criteria: Sequence[Criterion],
    remarks: Callable[[Result], Iterable[str]],
) -> dict[str, list[str]]:
    """All sentences: under ``"split"`` what the ``data`` cannot tell; by row the criteria of models and the remarks on
    whatever is not of people; and by name what the sections have to say."""
    told: dict[str, list[str]] = {"split": list(data)}
    for row in evaluation.results:
        lines = summary(row, judge(row, criteria)) if row.kind == "model" else []
        if row.kind != "people":
            lines += [f"{row.name}: {remark}" for remark in remarks(row)]
        told[row.name] = lines
    for name, section in evaluation.sections.items():
        told[name] = section.sentences()
    return {name: lines for name, lines in told.items() if lines or name == "split"}


def tone(sentence: str) -> str:
    """``bad`` for what failed or was won by a trick, ``good`` for what passed, else nothing."""
    if FAIL in sentence or TRICK in sentence:
        return "bad"
    return "good" if f"{PASS}:" in sentence else ""


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
