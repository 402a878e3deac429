"""``report.html``: one file to read and to look at, with nothing in it that is fetched from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from train.dance.evaluation import plots, report, strips
from train.dance.evaluation.measures import FIGURES
from train.dance.evaluation.rows import SOURCES
from train.dance.evaluation.run import Evaluation
from train.dance.evaluation.strips import Piece
from train.report import document

CONFUSIONS = {
    "human": "Recognised efforts, labels given by people",
    "computed": "Recognised efforts, labels computed from motion",
    "motion": "Efforts computed from the motion itself",
}


def write(evaluation: Evaluation, told: dict[str, list[str]], shown: Sequence[Piece], folder: Path) -> None:
    """``report.html`` in ``folder``."""
    gif = folder / "dances.gif"
    moving = document.picture(gif.read_bytes(), "Four seconds of each.", "image/gif") if gif.is_file() else ""
    (folder / "report.html").write_text(render(evaluation, told, shown, moving), encoding="utf-8")


def render(evaluation: Evaluation, told: dict[str, list[str]], shown: Sequence[Piece], moving: str = "") -> str:
    """The whole page; ``moving`` is a picture's HTML."""
    parts = [
        "<h1>Does it dance, and as it was asked to?</h1>",
        f"<p>{html.escape(report.heading(evaluation))}</p>",
        "<h2>Verdict</h2>",
        document.sentences(told),
        moving,
        *(document.figures(title, shown, evaluation.results) for title, shown in report.tables(evaluation)),
        *(f"<p class=note>{html.escape(line)}</p>" for line in report.footnotes(evaluation)),
        *_confusions(evaluation),
        *document.plot(
            "How joints move",
            plots.motion(evaluation),
            "Distributions over joints and frames; shaded: the truth's 95 % interval over takes.",
        ),
        *document.plot(
            "Copies?",
            plots.nearest(evaluation),
            "A curve well to the left of the held-out takes' is that of a model that plays its training takes back.",
        ),
        *document.plot(
            "Feature space",
            plots.plane(evaluation),
            "Windows in the two main directions of the training takes' features; grey has no label.",
        ),
        *(part for section in evaluation.sections.values() for part in section.html()),
        "<h2>Strips</h2>",
        f"<p class=note>Every {strips.EVERY}th frame, 0.13 s apart, the camera following.</p>",
        *(
            document.picture(document.jpeg(strips.comic(piece, evaluation.instruments.skeleton)), piece.title)
            for piece in shown
        ),
        "<h2>Definitions</h2>",
        _definitions(evaluation),
    ]
    return document.document("Dance evaluation", parts)


def _confusions(evaluation: Evaluation) -> list[str]:
    parts = []
    for source, title in CONFUSIONS.items():
        figure = plots.confusions(evaluation, source)
        if figure is not None:
            parts += document.plot(title, figure, "Per cent of each line.")
        elif source in SOURCES:
            told = evaluation.instruments.told[source]
            parts += [f"<h2>{title}</h2>", f"<p class=note>Not measured: {html.escape(told)}.</p>"]
    return parts


def _definitions(evaluation: Evaluation) -> str:
    rows = "".join(f"<li>{html.escape(row.name)}: {html.escape(row.about)}</li>" for row in evaluation.results)
    figures = "".join(f"<li>{html.escape(f.heading)}: {html.escape(f.about)}</li>" for f in FIGURES)
    return f"<ul>{rows}</ul><ul>{figures}</ul>"
