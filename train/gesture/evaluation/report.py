"""What the report of a gesture evaluation says, beside what every report says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from train.gesture.evaluation import criteria, timing
from train.gesture.evaluation.measures import CARD, METRICS, TABLES
from train.gesture.evaluation.run import Gesturing
from train.report import plots
from train.report.criteria import conclusions
from train.report.document import Document
from train.report.parts import Part, Plot
from train.report.tables import plain

PUBLISHED = (
    "Published of AISLe on PATS, mean over its 25 speakers: FID 27.8, W1 of velocity 7.3 and of acceleration 10.6, PCK "
    "0.376, F1 0.317. Other people, filmed and tracked: these numbers cannot be compared with those of simulated "
    "gesturers."
)
WIDE, TALL = 2.6, 2.2
COLOURS = {
    "knowable": "#2ca02c",
    "redraw": "#777777",
    "shifted": "#b0b0b0",
    "mean pose": "#d0b0b0",
    "hold": "#d8c8c8",
    "beat rule": "#c9a227",
}


def document(evaluation: Gesturing) -> Document:
    """The report of the evaluation, without what is to be looked at."""
    truth = evaluation.truth
    talks = {case.talk.name for case in evaluation.cases}
    return Document(
        name="Gesture evaluation",
        question="Do the hands go with what is said?",
        heading=(
            f"Truth: {len(evaluation.cases)} intervals, {len(talks)} held-out talks of "
            f"{len({case.talk.voice for case in evaluation.cases})} voices, {truth.seconds / 60.0:.1f} minutes, seed "
            f"{evaluation.seed}"
        ),
        over=evaluation.over,
        evaluation=evaluation,
        metrics=METRICS,
        tables=TABLES,
        card=CARD,
        conclusions=conclusions(
            evaluation,
            criteria.data(evaluation),
            criteria.criteria(evaluation),
            lambda row: criteria.remarks(evaluation, row),
        ),
        settings={
            "over": evaluation.over,
            "windowed": evaluation.windowed,
            "voices": sorted({case.talk.voice for case in evaluation.cases}),
            "intervals": [case.name for case in evaluation.cases],
        },
        more={"fid_floor": plain(evaluation.floor), "published": PUBLISHED},
        footnotes=(
            "Strokes of every row are found by the same ruler, in the wrists' points alone. Speech is cut at pauses of "
            "0.3 s.",
            "The seed's F1 is of clusters frame by frame, so a right gesture at another moment scores as none.",
            PUBLISHED,
        ),
        plots=lambda: drawings(evaluation),
    )


def drawings(evaluation: Gesturing) -> Sequence[Part]:
    """When strokes come."""
    return [
        Plot(
            "Strokes around stresses",
            phases(evaluation),
            "Strokes by how long after the nearest stress they come, as a density; dashed: with the speech shifted, "
            "which is luck. Shaded: the window.",
        )
    ]


def phases(evaluation: Gesturing) -> Figure:
    """The histogram of phases of each row that strikes."""
    shown = [one for one in plots.coloured(evaluation.results, COLOURS) if one[0].curves["phase"][0].any()]
    drawing = plots.grid(max(1, len(shown)), WIDE, TALL, shared=True)
    for axis, (row, colour) in zip(drawing.axes, shown, strict=False):
        axis.axvspan(-timing.WINDOW, timing.WINDOW, color="#eeeeee", lw=0)
        axis.plot(timing.CENTRES, row.curves["luck"][0], color=colour, lw=0.9, ls="--")
        axis.step(timing.CENTRES, row.curves["phase"][0], where="mid", color=colour, lw=1.4)
        axis.set_title(row.name, fontsize=8)
        axis.set_xlabel("s after the stress")
        axis.set_xticks(np.array([-0.5, 0.0, 0.5]))
    return drawing.finished()
