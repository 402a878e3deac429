"""The frame of every evaluation: rows are counted, pooled with the bootstrap's weights, and become results.

A family brings its rows, says what is counted of one (:class:`Counts`) and what metrics the counts make;
:func:`measure` does the rest. Everything has the bootstrap's draws on axis 0, the point estimate first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.report.intervals import Tally, pooled, weights
from train.report.parts import Part
from train.report.tables import Metric, MetricTable, estimate, number, plain

Array = NDArray[np.floating]
Say = Callable[[str], None]
CONFUSION = "confusion."


def quiet(line: str) -> None:
    """Tell nobody."""


class Row(Protocol):
    """One thing that is measured. ``kind`` is ``people`` (recorded people: the truth and what they reach), ``chance``
    (what luck reaches), ``trick`` (a cheap way to a good metric), ``model``, ``offline`` (a model that is given what is
    still to come), or ``ablation``: a model given less."""

    @property
    def name(self) -> str:
        """What the row is called, once in an evaluation."""

    @property
    def about(self) -> str:
        """What it is."""

    @property
    def kind(self) -> str:
        """See :class:`Row`."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Result:
    """A measured row: ``metrics`` (1 + draws,) by key, the number of ``groups`` that were drawn from, ``seconds`` that
    were measured, ``curves`` (1 + draws, N) by name, ``confusions`` (what was asked or true, what was seen) by what
    told them apart."""

    name: str
    about: str
    kind: str
    metrics: Mapping[str, Array]
    groups: int
    seconds: float
    curves: Mapping[str, Array] = field(default_factory=dict)
    confusions: Mapping[str, Array] = field(default_factory=dict)

    def value(self, key: str) -> float:
        """The point estimate of a metric."""
        return float(self.metrics[key][0])

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values; what is not a number is None."""
        return {
            "about": self.about,
            "kind": self.kind,
            "groups": self.groups,
            "seconds": number(self.seconds),
            "metrics": {key: estimate(values) for key, values in self.metrics.items()},
            "curves": {name: plain(values[0]) for name, values in self.curves.items()},
            "confusions": {name: plain(values) for name, values in self.confusions.items()},
        }


@dataclass(kw_only=True)
class Section:
    """A part of the report that only some evaluations have: a table under ``title``, and whatever a family adds."""

    title: str
    metrics: Sequence[Metric]
    results: Sequence[Result]

    def result(self, name: str) -> Result:
        """The row of that name."""
        return next(item for item in self.results if item.name == name)

    @property
    def table(self) -> MetricTable:
        """All metrics of all rows."""
        return MetricTable(self.title, self.metrics, self.results)

    def as_json(self) -> dict[str, Any]:
        """Its metrics as plain values."""
        return {
            "definitions": {metric.key: metric.about for metric in self.metrics},
            "rows": {row.name: row.as_json() for row in self.results},
        }

    def text(self) -> list[str]:
        """Lines for a terminal."""
        return self.table.text()

    def parts(self) -> list[Part]:
        """Its parts of the page."""
        return [self.table]

    def sentences(self) -> list[str]:
        """What the conclusions should say of it."""
        return []


@dataclass(kw_only=True)
class Evaluation:
    """What was measured: ``results`` in the order of the rows, the truth first; ``sections`` by name."""

    results: Sequence[Result]
    seed: int
    sections: dict[str, Section] = field(default_factory=dict)

    @property
    def truth(self) -> Result:
        """What all others are held against."""
        return self.results[0]

    def result(self, name: str) -> Result:
        """The row of that name."""
        return next(item for item in self.results if item.name == name)


class Counts(NamedTuple):
    """What a row did: tallies by group, the seconds of it, and ``whole``, which gives from how often each group counts
    (D, groups), groups in alphabetical order, the metrics (D,) that only all of it together has."""

    tallies: Mapping[str, Tally]
    seconds: float
    whole: Callable[[Array], dict[str, Array]] = lambda _: {}


class Pooled(NamedTuple):
    """A row's counts for every draw: sums and peaks with the draws on axis 0, and the metrics of the row as a whole."""

    tally: Tally
    whole: dict[str, Array]


class Derived(NamedTuple):
    """What counts make: metrics (D,) by key and curves (D, N) by name."""

    metrics: Mapping[str, Array]
    curves: Mapping[str, Array] = {}


Derive = Callable[[Pooled, Mapping[str, Pooled]], Derived]
"""From a row's counts, and those of every row by name."""


def measure(
    rows: Sequence[R], count: Callable[[R], Counts], derive: Derive, seed: int, say: Say = quiet
) -> list[Result]:
    """Count every row, pool it by the bootstrap (rows of equally many groups get the same draws) and derive its
    metrics. Sums called ``confusion.NAME`` become the row's confusions. ``say`` is told how long each row took. Raises
    :class:`EngineError` for two rows of one name."""
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise EngineError(f"--bundle {name}: the name is taken; give another as LABEL=PATH")
    counted: dict[str, Counts] = {}
    drawn: dict[str, Pooled] = {}
    for row in rows:
        began = time.monotonic()
        counts = counted[row.name] = count(row)
        weight = weights(len(counts.tallies), seed)
        tally = pooled([counts.tallies[group] for group in sorted(counts.tallies)], weight)
        drawn[row.name] = Pooled(tally, counts.whole(weight))
        say(f"{row.name}: {time.monotonic() - began:.0f} s")
    results = []
    for row in rows:
        own = drawn[row.name]
        derived = derive(own, drawn)
        results.append(
            Result(
                name=row.name,
                about=row.about,
                kind=row.kind,
                metrics=derived.metrics,
                groups=len(counted[row.name].tallies),
                seconds=counted[row.name].seconds,
                curves=derived.curves,
                confusions={
                    key.removeprefix(CONFUSION): values[0]
                    for key, values in own.tally.sums.items()
                    if key.startswith(CONFUSION)
                },
            )
        )
    return results
