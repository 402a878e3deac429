"""A metric that is reported, and how it is shown: with its interval, in an aligned table, in Markdown, in JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from train.report.intervals import interval

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Metric:
    """One reported number: its key, the heading of its column, its table, and what it is in words. A ``peak`` is the
    largest value of a whole row: an interval would say how the others are, not how large this one is."""

    key: str
    heading: str
    table: str
    about: str
    digits: int = 2
    peak: bool = False


class Cell(NamedTuple):
    """A value and its interval as text; the interval is empty where there is none, the value ``-``."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".rstrip()


class Line(Protocol):
    """What a line of a table is of: a name, what it is, its kind, and its metrics by key, each (1 + draws,)."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def metrics(self) -> Mapping[str, Array]: ...


def cell(values: Array, metric: Metric) -> Cell:
    """A metric (1 + draws,) with its interval: ``0.52 [0.47, 0.58]``."""
    value = float(values[0])
    if not math.isfinite(value):
        return Cell("-")
    low, high = interval(values)
    shown = f"{value:.{metric.digits}f}"
    if not math.isfinite(low) or metric.peak or low == high:
        return Cell(shown)
    return Cell(shown, f"[{low:.{metric.digits}f}, {high:.{metric.digits}f}]")


@dataclass(frozen=True)
class MetricTable:
    """Metrics of some rows side by side: a line for each row, a column for each metric."""

    title: str
    metrics: Sequence[Metric]
    rows: Sequence[Line]
    template = "table.html.j2"

    def cells(self, row: Line) -> list[Cell]:
        """The row's cells, in the order of the metrics."""
        return [cell(row.metrics[metric.key], metric) for metric in self.metrics]

    def text(self) -> list[str]:
        """Title and lines, aligned for a terminal: first column to the left, the others to the right."""
        grid = [["", *(metric.heading for metric in self.metrics)]]
        grid += [[row.name, *map(str, self.cells(row))] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
        lines = []
        for first, *others in grid:
            shown = [part.rjust(width) for part, width in zip(others, widths[1:], strict=True)]
            lines.append("  ".join([first.ljust(widths[0]), *shown]).rstrip())
        return [self.title, *lines]

    def markdown(self) -> list[str]:
        """The lines of a Markdown table."""
        lines = ["| |" + "".join(f" {metric.heading} |" for metric in self.metrics)]
        lines.append("|---" * (len(self.metrics) + 1) + "|")
        return lines + [f"| {row.name} |" + "".join(f" {part} |" for part in self.cells(row)) for row in self.rows]


def filled(titles: Mapping[str, str], metrics: Sequence[Metric], rows: Sequence[Line]) -> list[MetricTable]:
    """The tables (title by key) in which some of ``rows`` has a value."""
    tables = [
        MetricTable(title, [metric for metric in metrics if metric.table == key], rows) for key, title in titles.items()
    ]
    return [
        table
        for table in tables
        if any(math.isfinite(row.metrics[metric.key][0]) for row in rows for metric in table.metrics)
    ]


def number(value: float) -> float | None:
    """The value to six digits, None where it is not a number (JSON has no such value)."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def plain(values: Any) -> Any:
    """A number or an array as (nested lists of) numbers to six digits."""
    if isinstance(values, np.ndarray) and values.ndim:
        return [plain(value) for value in values]
    return number(float(values))


def estimate(values: Array) -> dict[str, Any]:
    """A metric (1 + draws,) as plain values: ``value`` and ``interval``."""
    return {"value": number(values[0]), "interval": [number(edge) for edge in interval(values)]}
