"""The report's plots: confusions, distributions of motion, the feature plane, distances to the training takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.dance.evaluation.run import Evaluation, Result
from train.dance.evaluation.sanity import BIN_EDGES
from train.dance.labels import LEVELS
from train.report.document import tidy

Array = NDArray[np.floating]

WIDE, TALL = 3.5, 3.0  # inches of one plot
COLOURS = {"truth": "#111111", "train takes": "#888888", "untrained": "#c9a227", "hold": "#b0b0b0"}
OTHERS = ("#1f77b4", "#d62728", "#9467bd", "#2ca02c", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
LEVEL_COLOURS = ("#3b6fb6", "#e0a021", "#c0392b")
UNITS = {"speed": "m/s", "acceleration": "m/s²", "jerk": "m/s³"}


def drawn(evaluation: Evaluation) -> list[tuple[Result, str]]:
    """The rows that are plotted, each with its colour; not those whose motion is the truth's own."""
    spare = iter(OTHERS * (1 + len(evaluation.results) // len(OTHERS)))
    return [
        (row, COLOURS[row.name] if row.name in COLOURS else next(spare))
        for row in evaluation.results
        if row.kind != "chance" or row.name == "untrained"
    ]


def confusion(counts: Array, title: str, axis: Axes, rows: str = "asked for") -> None:
    """A matrix of counts (asked, seen) as shares of what was asked, the counts' share written in."""
    total = counts.sum(1, keepdims=True)
    share = counts / np.where(total > 0, total, 1.0)
    axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for asked in range(len(LEVELS)):
        for found in range(len(LEVELS)):
            ink = "white" if share[asked, found] > 0.6 else "#222222"
            axis.text(found, asked, f"{100 * share[asked, found]:.0f}", ha="center", va="center", color=ink, fontsize=9)
    axis.set_xticks(range(len(LEVELS)), LEVELS)
    axis.set_yticks(range(len(LEVELS)), LEVELS)
    axis.set_xlabel("seen")
    axis.set_ylabel(rows)
    axis.set_title(title, fontsize=8)


def confusions(evaluation: Evaluation, source: str) -> Figure | None:
    """Confusions of ``source`` (``human``, ``computed``, ``motion``) of every row that has them; None if none has."""
    rows = [row for row in evaluation.results if row.confusions.get(source, np.zeros(1)).sum() > 0]
    if not rows:
        return None
    figure, axes = grid(len(rows), 1.0, 0.85)
    for axis, row in zip(axes, rows, strict=False):
        confusion(row.confusions[source], row.name, axis, "labelled" if row.kind == "people" else "asked for")
    return tidy(figure)


def motion(evaluation: Evaluation) -> Figure:
    """Distributions of the joints' speed, acceleration and jerk, the truth's interval shaded."""
    figure, axes = grid(len(BIN_EDGES))
    for axis, (name, edges) in zip(axes, BIN_EDGES.items(), strict=False):
        middle = 10.0 ** (0.5 * (edges[1:] + edges[:-1]))
        for row, colour in drawn(evaluation):
            values = row.curves[name]
            if values[0, 0] > 0.5:  # a still body: all in the lowest bin
                continue
            axis.plot(middle, values[0], color=colour, lw=1.6 if row.kind == "model" else 1.1, label=row.name)
            if row.name == "truth" and len(values) > 1:
                low, high = np.percentile(values[1:], [2.5, 97.5], axis=0)
                axis.fill_between(middle, low, high, color=colour, alpha=0.12, lw=0)
        axis.set_xscale("log")
        axis.set_xlabel(f"{name} of a joint, {UNITS[name]}")
        axis.set_ylim(bottom=0.0)
    axes[0].set_ylabel("share")
    axes[0].legend(fontsize=7, frameon=False)
    return tidy(figure)


def nearest(evaluation: Evaluation) -> Figure:
    """Cumulative distributions of the distance to the nearest training window."""
    figure, axes = grid(1, 1.6)
    for row, colour in drawn(evaluation):
        values = 100.0 * np.sort(row.nearest)
        axes[0].step(values, (np.arange(len(values)) + 1) / len(values), color=colour, lw=1.4, label=row.name)
    axes[0].set_xlabel("cm per joint to the nearest window of another training take")
    axes[0].set_ylabel("share of windows")
    axes[0].set_xlim(left=0.0)
    axes[0].legend(fontsize=7, frameon=False)
    return tidy(figure)


def plane(evaluation: Evaluation) -> Figure:
    """Windows in the two main directions of the features of the training takes, coloured by level."""
    rows = [row for row, _ in drawn(evaluation)]
    figure, axes = grid(len(rows), 1.0, 0.9, shared=True)
    for axis, row in zip(axes, rows, strict=False):
        scatter(axis, row.plane, row.levels)
        axis.set_title(row.name, fontsize=8)
    handles = [
        axes[0].scatter([], [], s=10, color=colour, label=level)
        for colour, level in zip(LEVEL_COLOURS, LEVELS, strict=True)
    ]
    axes[0].legend(handles=handles, fontsize=7, frameon=False)
    return tidy(figure)


def scatter(axis: Axes, points: Array, levels: NDArray[np.integer]) -> None:
    """Points (N, 2) in the colour of their level, grey where there is none."""
    axis.scatter(*points[levels < 0].T, s=5, color="#cccccc", lw=0)
    for level, colour in enumerate(LEVEL_COLOURS):
        axis.scatter(*points[levels == level].T, s=6, color=colour, alpha=0.7, lw=0)


def grid(
    count: int, wide: float = 1.0, tall: float = 1.0, shared: bool = False, columns: int = 4
) -> tuple[Figure, Sequence[Axes]]:
    """A figure of ``count`` plots, those that are left over switched off; sizes are multiples of the usual one."""
    columns = min(columns, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(columns * wide * WIDE, lines * tall * TALL), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=shared, sharey=shared).ravel()
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, list(axes)
