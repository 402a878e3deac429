"""What plots of every family share: colours of rows, grids, curves with the truth's interval, confusions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.report.evaluation import Result
from train.report.intervals import band

Array = NDArray[np.floating]

SPARE = ("#1f77b4", "#d62728", "#9467bd", "#2ca02c", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
TRUTH = "#111111"
SMALL = {"fontsize": 7, "frameon": False}
"""Look of a legend."""


class Drawing(NamedTuple):
    """A figure and its plots."""

    figure: Figure
    axes: Sequence[Axes]

    def finished(self) -> Figure:
        """The figure with small ticks and no box around its plots."""
        for axis in self.figure.axes:
            axis.tick_params(labelsize=7)
            axis.xaxis.label.set_fontsize(8)
            axis.yaxis.label.set_fontsize(8)
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
        return self.figure


def grid(count: int, width: float, height: float, columns: int = 4, shared: bool = False) -> Drawing:
    """A drawing of ``count`` plots, each ``width`` by ``height`` inches, with the same axes where they are ``shared``;
    places that are left over stay empty."""
    lines = max(1, -(-count // columns))
    columns = max(1, -(-count // lines))  # so that the last line is not much shorter than the others
    figure = Figure(figsize=(columns * width, lines * height), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=shared, sharey=shared).ravel()
    for axis in axes[count:]:
        axis.set_axis_off()
    return Drawing(figure, list(axes))


def coloured(rows: Iterable[Any], known: Mapping[str, str]) -> list[tuple[Any, str]]:
    """The rows, each with its colour: the first, the truth, is black, then those of ``known`` names, then others."""
    shown = list(rows)
    spare = [colour for colour in SPARE if colour not in known.values()]
    free = iter(spare * (1 + len(shown) // len(spare)))
    first = [(row, TRUTH) for row in shown[:1]]
    return first + [(row, known[row.name] if row.name in known else next(free)) for row in shown[1:]]


def curve(axis: Axes, x: Array, row: Result, name: str, colour: str) -> None:
    """A row's curve; people and models strong, others dashed; the truth's with its interval shaded."""
    values = row.curves[name]
    strong = row.kind in ("people", "model")
    axis.plot(x, values[0], color=colour, lw=1.6 if strong else 0.9, ls="-" if strong else "--", label=row.name)
    edges = band(values) if colour == TRUTH else None
    if edges is not None:
        axis.fill_between(x, edges.low, edges.high, color=colour, alpha=0.12, lw=0)


def confusion(axis: Axes, counts: Array, names: Sequence[str], title: str, rows: str = "asked for") -> None:
    """A matrix of counts (asked, seen) as shares of what was asked, the shares written in as per cent."""
    total = counts.sum(1, keepdims=True)
    share = counts / np.where(total > 0, total, 1.0)
    axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for (asked, seen), value in np.ndenumerate(share):
        ink = "white" if value > 0.6 else "#222222"
        axis.text(seen, asked, f"{100 * value:.0f}", ha="center", va="center", color=ink, fontsize=9)
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("seen")
    axis.set_ylabel(rows)
    axis.set_title(title, fontsize=8)


def scatter(axis: Axes, points: Array, levels: NDArray[np.integer], colours: Sequence[str], title: str = "") -> None:
    """Points (N, 2) in the colour of their level (N,), grey where that is below 0."""
    x, y = points.T
    axis.scatter(x[levels < 0], y[levels < 0], s=5, color="#cccccc", lw=0)
    for level, colour in enumerate(colours):
        axis.scatter(x[levels == level], y[levels == level], s=6, color=colour, alpha=0.7, lw=0)
    axis.set_title(title, fontsize=8)
