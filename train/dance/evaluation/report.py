"""What the report of a dancers' evaluation says, beside what every report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from train.dance.evaluation import criteria, excerpts, plots
from train.dance.evaluation.measures import METRICS, TABLES
from train.dance.evaluation.rows import SOURCES
from train.dance.evaluation.run import Dancing
from train.dance.takes import FRAMES, RATE
from train.report.criteria import conclusions
from train.report.document import Document
from train.report.intervals import LEVEL
from train.report.parts import Note, Part, Plot
from train.report.tables import number, plain

PUBLISHED = (
    "PirouNet on its own data (one dancer, 18 minutes, labels by people; from its repository's logs): classification "
    "56.6 % on its test windows, FID 1133 ± 277, diversity 82.1 (real 55.0), multimodality 81.9 (real 28.8), "
    "recognised by a person 63 %, limb lengths varying 10 to 19 %. Other data and features: do not rank against them."
)
CARD: tuple[str, ...] = ("recognised_human_ratio", "recognised_computed_ratio", "limbs", "slide_ratio", "speed", "jerk")
CARD += ("spread_long", "fid_train", "nearest_ratio", "contrast")
"""Metrics of the short table."""
CONFUSIONS = {
    "human": "Recognised efforts, labels given by people",
    "computed": "Recognised efforts, labels computed from motion",
    "motion": "Efforts computed from the motion itself",
}


def document(evaluation: Dancing) -> Document:
    """The report of the evaluation, without what is to be looked at: see :func:`write`."""
    truth, tools = evaluation.truth, evaluation.instruments
    return Document(
        name="Dance evaluation",
        question="Does it dance, and as it was asked to?",
        heading=(
            f"Truth: {len(evaluation.rows[0].dances)} held-out takes in {truth.groups} groups, {truth.seconds:.0f} s; "
            f"effort {tools.effort!r}; sets of {evaluation.count} windows of {FRAMES} frames a row, "
            f"seed {evaluation.seed}"
        ),
        over="groups",
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
        settings=settings(evaluation),
        more={
            "fid_floor": {name: plain(found) for name, found in evaluation.floors.items()},
            "published": PUBLISHED,
        },
        footnotes=footnotes(evaluation),
        plots=lambda: drawings(evaluation),
    )


def write(document: Document, evaluation: Dancing, folder: Path) -> Document:
    """Comics, films and generated dances into ``folder``; the document that shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [row for row in evaluation.rows if row.name in ("truth", "untrained") or row.kind == "model"]
    pictures = excerpts.draw(shown, evaluation.instruments, folder)
    return replace(document, first=pictures.moving, filmstrips=lambda: pictures.still)


def footnotes(evaluation: Dancing) -> list[str]:
    """How to read the metrics."""
    tools = evaluation.instruments
    floors = {"training": evaluation.floors["fid_train"], "held-out": evaluation.floors["fid_truth"]}
    return [
        f"Features: trained on {tools.source} labels of {len(tools.library)} windows of the training takes, right on "
        f"{tools.right.own:.0%} of them and on {tools.right.held_out:.0%} of the held-out windows.",
        *(f"Recognition by {source} labels: {note}." for source, note in tools.notes.items()),
        f"FID of {evaluation.count} windows in {tools.space.shape[1]} dimensions is biased upwards and compares rows "
        "of this report only; its intervals lie above the estimate, since a draw holds fewer different groups. Real "
        "takes against other real takes: "
        + "; ".join(
            f"{name} {np.median(found):.0f} ({found.min():.0f} to {found.max():.0f})"
            for name, found in floors.items()
            if np.isfinite(found).all()
        )
        + ".",
        PUBLISHED,
    ]


def settings(evaluation: Dancing) -> dict[str, Any]:
    """The choices behind the metrics."""
    tools = evaluation.instruments
    return {
        "effort": tools.effort,
        "thresholds": tools.thresholds.to_dict(),
        "skeleton": tools.skeleton.name,
        "windows": evaluation.count,
        "frames": FRAMES,
        "rate": RATE,
        "takes": {
            dance.name: {"group": dance.group, "style": dance.style, "frames": len(dance)}
            for dance in evaluation.rows[0].dances
        },
        "features": {
            "labels": tools.source,
            "right_own": number(tools.right.own),
            "right_held_out": number(tools.right.held_out),
        },
        "judges": tools.notes,
        "reference": {
            "low_m": plain(tools.reference.low),
            "still_m_s": number(tools.reference.still),
            "jump_m": number(tools.reference.jump),
            "height_m": number(tools.reference.height),
        },
    }


def drawings(evaluation: Dancing) -> Sequence[Part]:
    """Confusions and plots."""
    parts: list[Part] = []
    for source, title in CONFUSIONS.items():
        figure = plots.confusions(evaluation, source)
        if figure is not None:
            parts.append(Plot(title, figure, "Per cent of each line."))
        elif source in SOURCES:
            parts.append(Note(f"Not measured: {evaluation.instruments.notes[source]}.", title))
    shaded = f"Distributions over joints and frames; shaded: the truth's {100 * LEVEL:g} % interval over takes."
    copies = "A curve well to the left of the held-out takes' is that of a model that plays its training takes back."
    space = "Windows in the two main directions of the training takes' features; grey has no label."
    return [
        *parts,
        Plot("How joints move", plots.motion(evaluation), shaded),
        Plot("Copies?", plots.nearest(evaluation), copies),
        Plot("Feature space", plots.plane(evaluation), space),
    ]
