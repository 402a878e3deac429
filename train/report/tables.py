"""A figure that is reported, and how it is shown: with its interval, in an aligned table, as a plain number of JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.report.intervals import interval

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Figure:
    """One reported figure: its key, the heading of its column, its table, and what it is in words. A ``peak`` is the
    largest value of a whole row: an interval would say how the others are, not how large this one is."""

    key: str
    heading: str
    table: str
    about: str
    digits: int = 2
    peak: bool = False


def cell(values: Array, figure: Figure) -> str:
    """A figure (1 + draws,) with its interval, ``-`` where it is not defined: ``0.52 [0.47, 0.58]``."""
    value = float(values[0])
    if not math.isfinite(value):
        return "-"
    low, high = interval(values)
    if not math.isfinite(low) or figure.peak or low == high:
        return f"{value:.{figure.digits}f}"
    return f"{value:.{figure.digits}f} [{low:.{figure.digits}f}, {high:.{figure.digits}f}]"


def aligned(grid: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table for a terminal: first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    lines = []
    for line in grid:
        cells = [part.rjust(width) for part, width in zip(line[1:], widths[1:], strict=True)]
        lines.append("  ".join([line[0].ljust(widths[0]), *cells]).rstrip())
    return lines


def against(
    headings: Mapping[str, str], figures: Mapping[str, Array], key: str, good: Callable[[float], bool], asked: str
) -> list[tuple[str, bool, str]]:
    """(key, whether it is met, the sentence) of one figure against what is ``asked`` for; nothing where it is not
    defined."""
    value = float(figures[key][0])
    if not math.isfinite(value):
        return []
    met = bool(good(value))
    low, high = interval(figures[key])
    given = f" (95 % interval {low:.2f} to {high:.2f})" if math.isfinite(low) else ""
    unsure = met and math.isfinite(low) and not (good(low) and good(high))
    doubt = "; the interval reaches outside" if unsure else ""
    return [(key, met, f"{'pass' if met else 'FAIL'}: {headings[key]} {value:.2f}{given}, asked for {asked}{doubt}.")]


def counted(name: str, headings: Mapping[str, str], judged: Sequence[tuple[str, bool, str]]) -> list[str]:
    """How many targets a row met, which it missed, and the sentence of each, as :func:`against` gives them."""
    missed = [headings[key] for key, met, _ in judged if not met]
    count = f"{len(judged) - len(missed)} of {len(judged)} targets met"
    return [f"{name}: {count}{', missed: ' + joined(missed) if missed else ''}."] + [
        f"{name}: {sentence}" for _, _, sentence in judged
    ]


def filled(
    tables: Mapping[str, str], figures: Sequence[Figure], rows: Sequence[Mapping[str, Array]]
) -> Iterator[tuple[str, list[Figure]]]:
    """(title, its figures) of the ``tables`` (title by key) in which some of ``rows`` has a value."""
    for table, title in tables.items():
        shown = [figure for figure in figures if figure.table == table]
        if any(math.isfinite(row[figure.key][0]) for row in rows for figure in shown):
            yield title, shown


def number(value: float) -> float | None:
    """The value to six digits, None where it is not a number (JSON has no such value)."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
