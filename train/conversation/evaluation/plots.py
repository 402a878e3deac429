"""The report's drawings: how far lips are apart, truth and rows; gaze and head around turns; spectra in speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.conversation.evaluation import focus, turns
from train.conversation.evaluation.cases import KINDS, Case
from train.conversation.evaluation.loudness import levels
from train.conversation.evaluation.mouth import aperture
from train.conversation.evaluation.rows import HOLD, LIPS, LOUDNESS, MEAN, OTHER, SPEECH, TRUTH, TURNS, WINDOWED
from train.conversation.evaluation.run import Conversing
from train.conversation.talks.layout import FPS, MOUTH
from train.report.events import SPECTRUM_BIN_HZ
from train.report.parts import Part, Plot
from train.report.plots import SMALL, coloured, curve, grid
from train.report.plots import TRUTH as BLACK

Array = NDArray[np.floating]

SECONDS = 10.0
COLOURS = {OTHER: "#c9a227", MEAN: "#d0b0b0", HOLD: "#d8c8c8", LOUDNESS: "#2ca02c", WINDOWED: "#9467bd"}
LEFT_OUT = (OTHER, MEAN, HOLD)
"""Rows whose mouths tell nothing beside the truth's."""
STILL_POWER = 1e-9
"""Below this a spectrum is that of a still picture and is not drawn."""


def drawings(evaluation: Conversing) -> list[Part]:
    """All drawings for which there is something to draw."""
    found: list[Part] = []
    for kind in KINDS:
        if f"{LIPS} {kind}" in evaluation.sections:
            case, start = busiest(evaluation, kind)
            told = (
                f"{case.name}, {SECONDS:g} s from {start:.1f} s. Grey: the own voice's level. Dashed: closed below it."
            )
            found.append(Plot(f"Lips, {kind}: how far apart", apertures(evaluation, case, start), told))
    if TURNS in evaluation.sections:
        told = (
            "Share of time with gaze away, and the head's speed; AMI's people: looking at no person, another setting."
        )
        found.append(Plot("Gaze and head around turns", around_turns(evaluation), told))
    if SPEECH in evaluation.sections:
        found.append(Plot("Speed spectra in own speech", spectra(evaluation), "Head rotation; brows."))
    return found


def write(evaluation: Conversing, folder: Path) -> None:
    """The lips' drawings as files ``lips_KIND.png`` in ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        if f"{LIPS} {kind}" in evaluation.sections:
            apertures(evaluation, *busiest(evaluation, kind)).savefig(folder / f"lips_{kind}.png", dpi=110)


def busiest(evaluation: Conversing, kind: str) -> tuple[Case, float]:
    """The longest recording of a kind, and the second from which on its lips move most."""
    case = max((one for one in evaluation.captures if one.kind == kind), key=lambda one: one.frames)
    moved = np.abs(np.diff(evaluation.talks[case.name].truth[:, -1], prepend=0.0))
    span = min(round(SECONDS * FPS), case.frames)
    summed = np.convolve(moved, np.ones(span), "valid")
    return case, float(summed.argmax() / FPS)


def apertures(evaluation: Conversing, case: Case, start: float) -> Figure:
    """How far the lips are apart in a case from ``start`` (s) on: each row under the truth."""
    rows = [row for row in evaluation.rows if LIPS in row.parts and row.name not in LEFT_OUT]
    drawing = grid(max(1, len(rows) - 1), 10.0, 1.7, columns=1, shared=True)
    first = round(start * FPS)
    span = slice(first, min(first + round(SECONDS * FPS), case.frames))
    times = (np.arange(case.frames)[span] + 0.5) / FPS
    talk = evaluation.talks[case.name]
    loud = np.clip(1.0 + levels(case)[span] / 40.0, 0.0, 1.0) * max(float(talk.truth[span, -1].max()), 0.1)
    others = [pair for pair in coloured(rows, COLOURS) if pair[0].name != TRUTH] or [(None, BLACK)]
    for axis, (row, colour) in zip(drawing.axes, others, strict=True):
        axis.fill_between(times, 0.0, loud, color="#eeeeee", lw=0)
        axis.axhline(talk.below, color="#bbbbbb", lw=0.7, ls="--")
        axis.plot(times, talk.truth[span, -1], color=BLACK, lw=1.1, label=TRUTH)
        if row is not None:
            made = evaluation.shown[row.name][case.name].face_at(FPS, case.frames)[:, MOUTH]
            axis.plot(times, aperture(made)[span], color=colour, lw=1.3, label=row.name)
        axis.legend(loc="upper right", **SMALL)
        axis.set_ylabel("aperture")
    drawing.axes[-1].set_xlabel("s")
    return drawing.finished()


def around_turns(evaluation: Conversing) -> Figure:
    """Curves of gaze and of the head around the three moments."""
    results = evaluation.sections[TURNS].results
    people = focus.kept()
    drawing = grid(2 * len(turns.MOMENTS), 3.4, 2.4, columns=len(turns.MOMENTS))
    named = [f"{name}.{moment}" for name in ("away", "speed") for moment in turns.MOMENTS]
    for axis, name in zip(drawing.axes, named, strict=True):
        what, moment = name.split(".")
        for row, colour in coloured(results, COLOURS):
            if row.kind != "trick":
                curve(axis, turns.OFFSETS, row, name, colour)
        if what == "away":
            axis.plot(turns.OFFSETS, 1.0 - people.on[moment], color="#1f77b4", lw=1.0, ls=":", label="AMI's people")
        axis.axvline(0.0, color="#bbbbbb", lw=0.8)
        axis.set_title(turns.MOMENTS[moment], fontsize=8)
        axis.set_ylabel("gaze away" if what == "away" else "head, degrees/s")
        axis.set_xlabel("s")
    drawing.axes[0].legend(loc="upper left", **SMALL)
    return drawing.finished()


def spectra(evaluation: Conversing) -> Figure:
    """Speed spectra of head and brows in own speech."""
    drawing = grid(2, 5.2, 3.0)
    results = evaluation.sections[SPEECH].results
    for axis, (part, unit) in zip(drawing.axes, (("head", "(deg/s)²"), ("brows", "(1/s)²")), strict=True):
        for row, colour in coloured(results, COLOURS):
            power = row.curves[part]
            if power[0].max() > STILL_POWER:
                curve(axis, SPECTRUM_BIN_HZ * (np.arange(power.shape[1]) + 0.5), row, part, colour)
        axis.set_yscale("log")
        axis.set_xlabel("Hz")
        axis.set_ylabel(f"{part}, {unit}")
    drawing.axes[0].legend(loc="upper left", **SMALL)
    return drawing.finished()
