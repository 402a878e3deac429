"""The frame of every evaluation: rows are counted, pooled with the bootstrap's weights, and become results.

A family brings its rows, says what is counted of one (:class:`Counts`) and what metrics the counts make;
:func:`measure` does the rest. Everything has the bootstrap's draws on axis 0, the point estimate first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.report.intervals import Tally, pooled, weights
from train.report.parts import Part
from train.report.tables import estimate, plain

Array = NDArray[np.floating]
Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Tell nobody."""


class Row(Protocol):
    """One thing that is measured. ``kind`` is ``people`` (recorded people: the truth and what they reach), ``chance``
    (what luck reaches), ``trick`` (a cheap way to a good metric), ``model``, or ``ablation``: a model given less."""

    @property
    def name(self) -> str:
        """What the row is called, once in an evaluation."""

    @property
    def about(self) -> str:
        """What it is."""

    @property
    def kind(self) -> str:
        """See :class:`Row`."""


class Section(Protocol):
    """A part of the report that only some evaluations have."""

    def as_json(self) -> dict[str, Any]:
        """Its metrics as plain values."""

    def text(self) -> list[str]:
        """Lines for a terminal."""

    def parts(self) -> list[Part]:
        """Its parts of the page."""

    def sentences(self) -> list[str]:
        """What the conclusions should say of it."""


@dataclass(frozen=True)
class Result:
    """A measured row: ``metrics`` (1 + draws,) by key, ``curves`` (1 + draws, N) by name, ``confusions`` (what was
    asked or true, what was seen) by what told them apart, and the number of groups that were drawn from."""

    name: str
    about: str
    kind: str
    metrics: Mapping[str, Array]
    groups: int = 0
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
            "metrics": {key: estimate(values) for key, values in self.metrics.items()},
            "curves": {name: plain(values[0]) for name, values in self.curves.items()},
            "confusions": {name: plain(values) for name, values in self.confusions.items()},
        }


R = TypeVar("R", bound=Row)
M = TypeVar("M", bound=Result)


@dataclass
class Evaluation(Generic[M]):
    """What was measured: ``results`` in the order of the rows, the truth first; ``sections`` by name."""

    results: Sequence[M]
    seed: int
    sections: dict[str, Section] = field(default_factory=dict)

    @property
    def truth(self) -> M:
        """What all others are held against."""
        return self.results[0]

    def result(self, name: str) -> M:
        """The row of that name."""
        return next(item for item in self.results if item.name == name)


class Counts(NamedTuple):
    """What a row did: tallies by group, and ``whole``, which gives from how often each group counts (D, groups),
    groups in alphabetical order, the metrics (D,) that only all of it together has."""

    tallies: Mapping[str, Tally]
    whole: Callable[[Array], dict[str, Array]] = lambda _: {}


class Pooled(NamedTuple):
    """A row's counts for every draw: sums and peaks with the draws on axis 0, and the metrics of the row as a whole."""

    tally: Tally
    whole: dict[str, Array]
    groups: int


def pool(counts: Counts, seed: int) -> Pooled:
    """The counts drawn by the bootstrap. Rows of equally many groups get the same draws."""
    weight = weights(len(counts.tallies), seed)
    tallies = [counts.tallies[group] for group in sorted(counts.tallies)]
    return Pooled(pooled(tallies, weight), counts.whole(weight), len(tallies))


def measure(rows: Sequence[R], count: Callable[[R], Counts], seed: int, say: Say = quiet) -> dict[str, Pooled]:
    """Count every row and pool it, by its name. ``say`` is told how long each took. Raises :class:`EngineError` for
    two rows of one name."""
    unique(row.name for row in rows)
    found: dict[str, Pooled] = {}
    for row in rows:
        began = time.monotonic()
        found[row.name] = pool(count(row), seed)
        say(f"{row.name}: {time.monotonic() - began:.0f} s")
    return found


def unique(names: Iterable[str]) -> None:
    """Raise :class:`EngineError` where a name is there twice."""
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise EngineError(f"--bundle {twice[0]}: the name is taken; give another as LABEL=PATH")
