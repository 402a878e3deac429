"""The report's curves: hazards, spectra, blink intervals.

Ablations are left out: their metrics are in the tables, and a plot of fifteen lines shows none.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.reaction.evaluation.run import Listening
from train.report import hazard
from train.report.evaluation import Result
from train.report.events import SPECTRUM_BIN_HZ
from train.report.plots import SMALL, TRUTH, coloured, curve, grid
from train.simulate.talk import FPS

Array = NDArray[np.floating]

WIDE, TALL = 5.2, 3.3  # inches of one plot
COLOURS = {"redraw": "#888888", "random": "#c9a227", "shifted": "#d9c98a", "rules": "#1f77b4"}
MOMENTS = {"hazard_cues": "a cue", "hazard_phrases": "the end of a phrase"}
UNITS = {"spectrum_head": "head, (deg/s)² per 0.5 Hz", "spectrum_face": "face, (1/s)² per 0.5 Hz"}
STILL_POWER = 1e-9
"""Below this a spectrum is that of a still picture and is not drawn."""
LONGEST_S, BIN_S = 15.0, 0.6


def drawn(evaluation: Listening) -> list[tuple[Result, str]]:
    """The rows that are plotted, each with its colour."""
    return coloured((row for row in evaluation.results if row.kind != "ablation"), COLOURS)


def hazards(evaluation: Listening) -> Figure:
    """Nods a minute by time since a cue and around a phrase's end, with the truth's interval shaded."""
    drawing = grid(2, WIDE, TALL)
    for axis, (name, moment) in zip(drawing.axes, MOMENTS.items(), strict=True):
        for row, colour in drawn(evaluation):
            if row.kind != "trick":
                curve(axis, hazard.CENTRES, row, name, colour)
        axis.axvline(0.0, color="#bbbbbb", lw=0.8)
        axis.set_xlabel(f"s since {moment}")
        axis.set_ylabel("nods a minute")
        axis.set_ylim(bottom=0.0)
    drawing.axes[1].legend(**SMALL)
    return drawing.finished()


def spectra(evaluation: Listening) -> Figure:
    """Speed spectra of head and face, logarithmic, with the truth's interval shaded."""
    drawing = grid(2, WIDE, TALL)
    for axis, (name, unit) in zip(drawing.axes, UNITS.items(), strict=True):
        for row, colour in drawn(evaluation):
            power = row.curves[name]
            if power[0].max() > STILL_POWER:
                curve(axis, SPECTRUM_BIN_HZ * (np.arange(power.shape[1]) + 0.5), row, name, colour)
        axis.set_yscale("log")
        axis.set_xlabel("Hz")
        axis.set_ylabel(unit)
    drawing.axes[0].legend(**SMALL)
    return drawing.finished()


def blinks(evaluation: Listening) -> Figure:
    """Histograms of the intervals between blinks, a small plot a row that blinks, the truth's outline in each."""
    rows = [(row, colour) for row, colour in drawn(evaluation) if row.curves["blink_intervals"][0].sum() > 0]
    drawing = grid(len(rows), WIDE / 2, 1.55, shared=True)
    edges = np.arange(0.0, LONGEST_S + BIN_S, BIN_S)
    truth = _binned(evaluation.truth, edges)
    for axis, (row, colour) in zip(drawing.axes, rows, strict=False):
        axis.stairs(_binned(row, edges), edges, fill=True, color=colour, alpha=0.55)
        axis.stairs(truth, edges, color=TRUTH, lw=0.9)
        axis.set_title(row.name, fontsize=8)
    drawing.figure.supxlabel(f"s between blinks (share per {BIN_S:g} s; outline: ground truth)", fontsize=8)
    return drawing.finished()


def _binned(row: Result, edges: Array) -> Array:
    shares = row.curves["blink_intervals"][0]
    return np.histogram(np.arange(len(shares)) / FPS, edges, weights=shares)[0]
