"""The report's curves, drawn by matplotlib as SVG text: hazards, spectra, blink intervals.

Ablations are left out: their figures are in the tables, and a plot of fifteen lines shows none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.reaction.evaluation.run import Evaluation, Result
from train.reaction.evaluation.tally import HAZARD_BIN_S, HAZARD_S
from train.report.document import tidy
from train.report.events import SPECTRUM_BIN_HZ
from train.simulate.talk import FPS

Array = NDArray[np.floating]

WIDE, TALL = 5.2, 3.3  # inches of one plot
COLOURS = {
    "ground truth": "#111111",
    "redraw": "#888888",
    "random": "#c9a227",
    "shifted": "#d9c98a",
    "rules": "#1f77b4",
}
OTHERS = ("#d62728", "#9467bd", "#2ca02c", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#bcbd22")
STILL_POWER = 1e-9
"""Below this a spectrum is that of a still picture and is not drawn."""


def drawn(evaluation: Evaluation) -> list[tuple[Result, str]]:
    """The rows that are plotted, each with its colour."""
    spare = iter(OTHERS * (1 + len(evaluation.results) // len(OTHERS)))
    return [
        (row, COLOURS[row.name] if row.name in COLOURS else next(spare))
        for row in evaluation.results
        if row.kind != "ablation"
    ]


def hazard(evaluation: Evaluation) -> Figure:
    """Hazard of the first nod per bin of time since the cue, with the truth's interval shaded."""
    figure, axes = _figure(2)
    time = HAZARD_S[0] + HAZARD_BIN_S * (np.arange(round((HAZARD_S[1] - HAZARD_S[0]) / HAZARD_BIN_S)) + 0.5)
    for row, colour in drawn(evaluation):
        if row.kind != "trick":
            _line(axes[0], time, row, "hazard", colour)
        axes[1].step(
            time, np.cumsum(row.curves["first_nods"][0, :-1]), color=colour, where="mid", lw=1.3, label=row.name
        )
    axes[0].set_ylabel(f"first nods per cue at risk and {HAZARD_BIN_S:g} s")
    axes[1].set_ylabel("share of cues with a nod by then")
    for axis in axes:
        axis.axvline(0.0, color="#bbbbbb", lw=0.8)
        axis.set_xlabel("s since the cue")
        axis.set_ylim(bottom=0.0)
    axes[1].legend(fontsize=7, frameon=False)
    return tidy(figure)


def spectra(evaluation: Evaluation) -> Figure:
    """Speed spectra of head and face, logarithmic, with the truth's interval shaded."""
    figure, axes = _figure(2)
    units = {"spectrum_head": "head, (deg/s)² per 0.5 Hz", "spectrum_face": "face, (1/s)² per 0.5 Hz"}
    for axis, (name, unit) in zip(axes, units.items(), strict=True):
        for row, colour in drawn(evaluation):
            power = row.curves[name]
            if power[0].max() > STILL_POWER:
                _line(axis, SPECTRUM_BIN_HZ * (np.arange(power.shape[1]) + 0.5), row, name, colour)
        axis.set_yscale("log")
        axis.set_xlabel("Hz")
        axis.set_ylabel(unit)
    axes[0].legend(fontsize=7, frameon=False)
    return tidy(figure)


def blinks(evaluation: Evaluation, longest_s: float = 15.0, bin_s: float = 0.6) -> Figure:
    """Histograms of the intervals between blinks, a small plot a row that blinks, the truth's outline in each."""
    rows = [(row, colour) for row, colour in drawn(evaluation) if row.curves["blink_intervals"][0].sum() > 0]
    columns = 4
    figure = Figure(figsize=(2 * WIDE, 1.55 * -(-len(rows) // columns)), layout="constrained")
    axes = figure.subplots(-(-len(rows) // columns), columns, squeeze=False, sharex=True, sharey=True).ravel()
    edges = np.arange(0.0, longest_s + bin_s, bin_s)
    truth = _binned(evaluation.results[0].curves["blink_intervals"][0], edges)
    for axis, (row, colour) in zip(axes, rows, strict=False):
        axis.stairs(_binned(row.curves["blink_intervals"][0], edges), edges, fill=True, color=colour, alpha=0.55)
        axis.stairs(truth, edges, color="#111111", lw=0.9)
        axis.set_title(row.name, fontsize=8)
    for axis in axes[len(rows) :]:
        axis.set_axis_off()
    figure.supxlabel(f"s between blinks (share per {bin_s:g} s; outline: ground truth)", fontsize=8)
    return tidy(figure)


def _line(axis: Axes, x: Array, row: Result, curve: str, colour: str) -> None:
    values = row.curves[curve]
    strong = row.kind in ("people", "model")
    axis.plot(x, values[0], color=colour, lw=1.6 if strong else 0.9, ls="-" if strong else "--", label=row.name)
    if row.name == "ground truth" and len(values) > 1:
        low, high = np.percentile(values[1:], [2.5, 97.5], axis=0)
        axis.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)


def _binned(shares: Array, edges: Sequence[float] | Array) -> Array:
    return np.histogram(np.arange(len(shares)) / FPS, edges, weights=shares)[0]


def _figure(count: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(count * WIDE, TALL), layout="constrained")
    return figure, list(figure.subplots(1, count))
