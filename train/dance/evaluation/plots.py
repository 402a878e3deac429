"""The report's plots: confusions, distributions of motion, the feature plane, distances to the training takes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.dance.evaluation.run import Dancing
from train.dance.evaluation.sanity import BIN_EDGES
from train.dance.labels import LEVELS
from train.report import plots
from train.report.evaluation import Result
from train.report.plots import SMALL, coloured, curve, grid

Array = NDArray[np.floating]

WIDE, TALL = 3.5, 3.0  # inches of one plot
COLOURS = {"train takes": "#888888", "untrained": "#c9a227", "hold": "#b0b0b0"}
LEVEL_COLOURS = ("#3b6fb6", "#e0a021", "#c0392b")
UNITS = {"speed": "m/s", "acceleration": "m/s²", "jerk": "m/s³"}


def drawn(evaluation: Dancing) -> list[tuple[Result, str]]:
    """The rows that are plotted, each with its colour; not those whose motion is the truth's own."""
    shown = [row for row in evaluation.results if row.kind != "chance" or row.name == "untrained"]
    return coloured(shown, COLOURS)


def confusion(axis: Axes, counts: Array, title: str, rows: str = "asked for") -> None:
    """A matrix (asked, seen) of the levels."""
    plots.confusion(axis, counts, LEVELS, title, rows)


def scatter(axis: Axes, points: Array, levels: NDArray[np.integer], title: str) -> None:
    """Points (N, 2) in the colour of their level, grey where there is none."""
    plots.scatter(axis, points, levels, LEVEL_COLOURS, title)


def confusions(evaluation: Dancing, source: str) -> Figure | None:
    """Confusions of ``source`` (``human``, ``computed``, ``motion``) of every row that has them; None if none has."""
    rows = [row for row in evaluation.results if row.confusions.get(source, np.zeros(1)).sum() > 0]
    if not rows:
        return None
    drawing = grid(len(rows), WIDE, 0.85 * TALL)
    for axis, row in zip(drawing.axes, rows, strict=False):
        confusion(axis, row.confusions[source], row.name, "labelled" if row.kind == "people" else "asked for")
    return drawing.finished()


def motion(evaluation: Dancing) -> Figure:
    """Distributions of the joints' speed, acceleration and jerk, the truth's interval shaded."""
    drawing = grid(len(BIN_EDGES), WIDE, TALL)
    for axis, (name, edges) in zip(drawing.axes, BIN_EDGES.items(), strict=True):
        middle = 10.0 ** (0.5 * (edges[1:] + edges[:-1]))
        for row, colour in drawn(evaluation):
            if row.curves[name][0, 0] <= 0.5:  # else a still body: all in the lowest bin
                curve(axis, middle, row, name, colour)
        axis.set_xscale("log")
        axis.set_xlabel(f"{name} of a joint, {UNITS[name]}")
        axis.set_ylim(bottom=0.0)
    drawing.axes[0].set_ylabel("share")
    drawing.axes[0].legend(**SMALL)
    return drawing.finished()


def nearest(evaluation: Dancing) -> Figure:
    """Cumulative distributions of the distance to the nearest training window."""
    drawing = grid(1, 1.6 * WIDE, TALL)
    (axis,) = drawing.axes
    for row, colour in drawn(evaluation):
        values = 100.0 * np.sort(evaluation.sets[row.name].nearest)
        axis.step(values, (np.arange(len(values)) + 1) / len(values), color=colour, lw=1.4, label=row.name)
    axis.set_xlabel("cm per joint to the nearest window of another training take")
    axis.set_ylabel("share of windows")
    axis.set_xlim(left=0.0)
    axis.legend(**SMALL)
    return drawing.finished()


def plane(evaluation: Dancing) -> Figure:
    """Windows in the two main directions of the features of the training takes, coloured by level."""
    rows, tools = [row for row, _ in drawn(evaluation)], evaluation.instruments
    drawing = grid(len(rows), WIDE, 0.9 * TALL, shared=True)
    for axis, row in zip(drawing.axes, rows, strict=False):
        own = evaluation.sets[row.name]
        scatter(axis, tools.plane(own.features), own.windows.of(tools.source), row.name)
    first = drawing.axes[0]
    handles = [
        first.scatter([], [], s=10, color=colour, label=level)
        for colour, level in zip(LEVEL_COLOURS, LEVELS, strict=True)
    ]
    first.legend(handles=handles, **SMALL)
    return drawing.finished()
