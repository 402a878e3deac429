"""A figure that is reported, and how it is shown: with its interval, in an aligned table, as a plain number of JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.evaluate.intervals import interval

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


def number(value: float) -> float | None:
    """The value to six digits, None where it is not a number (JSON has no such value)."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
