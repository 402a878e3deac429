"""The evaluation as text for a terminal and as ``report.json`` for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train.dance.evaluation.measures import FIGURES, TABLES
from train.dance.evaluation.run import Evaluation
from train.dance.takes import FRAMES, RATE
from train.report.intervals import DRAWS, LEVEL, interval
from train.report.tables import Figure, aligned, cell, filled, number

PUBLISHED = (
    "PirouNet on its own data (one dancer, 18 minutes, labels by people; from its repository's logs): classification "
    "56.6 % on its test windows, FID 1133 ± 277, diversity 82.1 (real 55.0), multimodality 81.9 (real 28.8), "
    "recognised by a person 63 %, limb lengths varying 10 to 19 %. Other data and features: do not rank against them."
)


def tables(evaluation: Evaluation) -> Iterator[tuple[str, list[Figure]]]:
    """(title, its figures) of the tables in which some row has a value."""
    return filled(TABLES, FIGURES, [row.figures for row in evaluation.results])


def text(evaluation: Evaluation, told: dict[str, list[str]]) -> str:
    """All tables and sentences, aligned for a terminal."""
    lines = [heading(evaluation)]
    for title, shown in tables(evaluation):
        grid = [["", *(figure.heading for figure in shown)]]
        grid += [[row.name, *(cell(row.figures[figure.key], figure) for figure in shown)] for row in evaluation.results]
        lines += ["", title, *aligned(grid)]
    for section in evaluation.sections.values():
        lines += ["", *section.text()]
    lines += ["", *footnotes(evaluation), ""]
    lines += [sentence for part in told.values() for sentence in part]
    return "\n".join(lines)


def heading(evaluation: Evaluation) -> str:
    """What was measured, in one line."""
    truth = evaluation.results[0]
    return (
        f"Truth: {len(evaluation.rows[0].dances)} held-out takes in {truth.groups} groups, {truth.seconds:.0f} s; "
        f"effort {evaluation.instruments.effort!r}; sets of {evaluation.windows} windows of {FRAMES} frames a row, "
        f"seed {evaluation.seed}; [95 % bootstrap interval over groups]"
    )


def footnotes(evaluation: Evaluation) -> list[str]:
    """How to read the figures."""
    tools = evaluation.instruments
    own, held = tools.right
    lines = [
        f"Features: trained on {tools.source} labels of {len(tools.library)} windows of the training takes, right on "
        f"{own:.0%} of them and on {held:.0%} of the held-out windows.",
        *(f"Recognition by {source} labels: {told}." for source, told in tools.told.items()),
        f"FID of {evaluation.windows} windows in {tools.space.shape[1]} dimensions is biased upwards and compares rows "
        "of this report only; its intervals lie above the estimate, since a draw holds fewer different groups. Real "
        "takes against other real takes: "
        + "; ".join(
            f"{name} {np.median(found):.0f} ({found.min():.0f} to {found.max():.0f})"
            for name, found in (
                ("training", evaluation.floors["fid_train"]),
                ("held-out", evaluation.floors["fid_truth"]),
            )
            if np.isfinite(found).all()
        )
        + ".",
        PUBLISHED,
    ]
    return lines


def as_json(evaluation: Evaluation, told: dict[str, list[str]]) -> dict[str, Any]:
    """Everything as plain values; what is not a number is null."""
    tools = evaluation.instruments
    rows = {
        row.name: {
            "about": row.about,
            "kind": row.kind,
            "groups": row.groups,
            "seconds": number(row.seconds),
            "figures": {
                name: {"value": number(values[0]), "interval": [number(edge) for edge in interval(values)]}
                for name, values in row.figures.items()
            },
            "curves": {name: [number(value) for value in values[0]] for name, values in row.curves.items()},
            "confusions": {name: plain(values) for name, values in row.confusions.items()},
        }
        for row in evaluation.results
    }
    return {
        "settings": {
            "effort": tools.effort,
            "thresholds": tools.thresholds.to_dict(),
            "skeleton": tools.skeleton.name,
            "seed": evaluation.seed,
            "windows": evaluation.windows,
            "frames": FRAMES,
            "rate": RATE,
            "takes": {
                dance.name: {"group": dance.group, "style": dance.style, "frames": len(dance)}
                for dance in evaluation.rows[0].dances
            },
            "bootstrap": {"over": "groups", "draws": DRAWS, "level": LEVEL},
            "features": {
                "labels": tools.source,
                "right_own": number(tools.right[0]),
                "right_held_out": number(tools.right[1]),
            },
            "judges": tools.told,
            "reference": {
                "low_m": plain(tools.reference.low),
                "still_m_s": number(tools.reference.still),
                "jump_m": number(tools.reference.jump),
                "height_m": number(tools.reference.height),
            },
        },
        "definitions": {figure.key: figure.about for figure in FIGURES},
        "rows": rows,
        "fid_floor": {name: plain(found) for name, found in evaluation.floors.items()},
        "sections": {name: section.as_json() for name, section in evaluation.sections.items()},
        "verdict": told,
        "published": PUBLISHED,
    }


def plain(values: Any) -> Any:
    """An array as nested lists of numbers to six digits."""
    if isinstance(values, np.ndarray) and values.ndim:
        return [plain(value) for value in values]
    return number(float(values))


def write(evaluation: Evaluation, told: dict[str, list[str]], folder: Path) -> None:
    """``report.json`` in ``folder``."""
    content = json.dumps(as_json(evaluation, told), indent=1, allow_nan=False)
    (folder / "report.json").write_text(content + "\n", "utf-8")
