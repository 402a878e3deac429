"""What the report of a text-to-motion evaluation says, beside what every report says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from train.report import plots
from train.report.criteria import conclusions
from train.report.document import Document
from train.report.frechet import directions
from train.report.parts import Part, Plot
from train.report.tables import plain
from train.text_motion.evaluation import criteria
from train.text_motion.evaluation.measures import CARD, METRICS, TABLES
from train.text_motion.evaluation.run import Moving

PUBLISHED = (
    "On HumanML3D by the released evaluator (Top-1 / Top-3, FID, MM-distance, diversity, multimodality): CoMo .502 / "
    ".790, .262, 3.032, 9.936, 1.013; MoMask .521 / .807, .045, 2.958, 9.620, 1.241; T2M-GPT - / .775, .116, 3.118, "
    "9.761. Other data: rank against them only on that set's full test split and by that evaluator."
)
WIDE, TALL = 3.2, 2.8
COLOURS = {"another take": "#777777", "nearest take": "#c9a227", "random take": "#b0b0b0", "hold": "#d0b0b0"}


def document(evaluation: Moving) -> Document:
    """The report of the evaluation, without what is to be looked at."""
    truth = evaluation.truth
    texts = {ask.text for ask in evaluation.asks}
    return Document(
        name="Text to motion evaluation",
        question="Does it do what the text says, and as a body does?",
        heading=(
            f"Truth: {len(evaluation.asks)} captions ({len(texts)} different) of {truth.groups} held-out takes, "
            f"{truth.seconds:.0f} s; R-precision in batches of {evaluation.batch}, seed {evaluation.seed}"
        ),
        over="takes",
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
            "evaluator": evaluation.evaluator,
            "batch": evaluation.batch,
            "clips": sorted({ask.name for ask in evaluation.asks}),
            "texts": [ask.text for ask in evaluation.asks],
        },
        more={"fid_floor": plain(evaluation.floor), "published": PUBLISHED},
        footnotes=(
            f"Evaluator: {evaluation.evaluator}.",
            "FID of few motions is biased upwards and compares rows of this report only; its intervals lie above the "
            "estimate, since a draw holds fewer different takes.",
            PUBLISHED,
        ),
        plots=lambda: drawings(evaluation),
    )


def drawings(evaluation: Moving) -> Sequence[Part]:
    """R-precision of all rows, and the evaluator's space."""
    return [
        Plot("Texts found", found(evaluation), "R-precision Top-1 to Top-3; dashed: chance."),
        Plot(
            "The evaluator's space",
            space(evaluation),
            "Motions of each row in the two main directions of the truth's embeddings; grey: the truth.",
        ),
    ]


def found(evaluation: Moving) -> Figure:
    """R-precision of every row."""
    drawing = plots.grid(1, 2 * WIDE, TALL)
    (axis,) = drawing.axes
    places = np.arange(1, 4)
    for row, colour in plots.coloured(evaluation.results, COLOURS):
        strong = row.kind in ("people", "model")
        values = [row.value(f"top{k}") for k in places]
        axis.plot(places, values, "o-", color=colour, lw=1.6 if strong else 0.9, ms=4, label=row.name)
    axis.plot(places, places / evaluation.batch, "k--", lw=0.8)
    axis.set_xticks(places)
    axis.set_xlabel("among the nearest")
    axis.set_ylabel("share of motions")
    axis.set_ylim(0.0, 1.0)
    axis.legend(**plots.SMALL)
    return drawing.finished()


def space(evaluation: Moving) -> Figure:
    """Motions of every row beside those of the truth."""
    true = evaluation.embedded[evaluation.truth.name]
    ways = directions(true)
    others = plots.coloured(evaluation.results, COLOURS)[1:]
    drawing = plots.grid(max(1, len(others)), WIDE, TALL, shared=True)
    for axis, (row, colour) in zip(drawing.axes, others, strict=False):
        for points, ink in ((true, "#cccccc"), (evaluation.embedded[row.name], colour)):
            x, y = ((points - true.mean(0)) @ ways.T).T
            axis.scatter(x, y, s=6, color=ink, lw=0)
        axis.set_title(row.name, fontsize=8)
    return drawing.finished()
