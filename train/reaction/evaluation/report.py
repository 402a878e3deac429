"""The evaluation as text for a terminal and as ``report.json`` for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.reaction.evaluation import challenge
from train.reaction.evaluation.measures import FIGURES, TABLES
from train.reaction.evaluation.rows import LAG_S, SHIFT_S
from train.reaction.evaluation.run import Evaluation
from train.reaction.evaluation.scene import MERGE_S, NEAR_S, NOD_CUES, NOD_WINDOW_S, SMILE_CUES, SMILE_WINDOW_S
from train.reaction.evaluation.tally import HAZARD_BIN_S, HAZARD_S
from train.report.intervals import DRAWS, LEVEL, interval
from train.report.tables import Figure, aligned, cell, filled, number
from train.simulate.talk import FPS

CARD = (
    *("nod_skill", "smile_skill", "nods_cue_free", "nods_silence", "blinks", "gaze_away"),
    *("jerk_rotation", "jerk_face", "nod_band"),
)
"""Figures of the short table."""


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
    lines += ["", footnote(evaluation), ""]
    lines += [sentence for part in told.values() for sentence in part]
    return "\n".join(lines)


def heading(evaluation: Evaluation) -> str:
    """What was measured, in one line."""
    minutes = sum(scene.seconds for scene in evaluation.scenes) / 60.0
    references = sum(len(scene.references) for scene in evaluation.scenes)
    places = {
        words: sum(scene.nod_masks[place].sum() for scene in evaluation.scenes) / FPS / 60.0
        for place, words in (("cued", "near a cue"), ("cue_free", "cue-free speech"), ("silence", "silence"))
    }
    return (
        f"{len(evaluation.scenes)} talks of {len(evaluation.voices)} voices, {minutes:.1f} min ("
        + ", ".join(f"{words} {share:.1f}" for words, share in places.items())
        + f"), {references} reference listeners, {evaluation.samples} samples, seed {evaluation.seed}; "
        "[95 % bootstrap interval over voices]"
    )


def footnote(evaluation: Evaluation) -> str:
    """How to read the challenge's table, with its published values."""
    published = "; ".join(
        f"{name} {frc:g} / {frd:g} / {frdvs:g} / {frvar:g} / {frdiv:g} / {frsyn:g}"
        for name, frc, frd, frdvs, frvar, frdiv, frsyn in challenge.REFERENCE
    )
    return (
        f"FRC and FRD are sums over {evaluation.samples} samples (a perfect FRC is {evaluation.samples}, less for each "
        f"constant channel; published values sum 10 samples), over {len(evaluation.clips)} clips of "
        f"{evaluation.clips[0].frames} frames. FRVar, FRDvs and FRDiv are largest for noise. Published on REACT2024 "
        f"(FRC / FRD / FRDvs / FRVar / FRDiv / FRSyn): {published}. Those are other data: do not rank against them."
    )


def settings(evaluation: Evaluation) -> dict[str, Any]:
    """The choices behind the figures."""
    return {
        "samples": evaluation.samples,
        "seed": evaluation.seed,
        "voices": evaluation.voices,
        "talks": [
            {
                "talk": scene.talk.name,
                "voice": scene.voice,
                "seconds": scene.seconds,
                "references": scene.references,
                "others": scene.others,
                "nod_cues": len(scene.nod_cues),
                "smile_cues": len(scene.smile_cues),
                "minutes": {place: mask.sum() / FPS / 60.0 for place, mask in scene.nod_masks.items()},
            }
            for scene in evaluation.scenes
        ],
        "nod_cues": NOD_CUES,
        "nod_window_s": NOD_WINDOW_S,
        "smile_cues": SMILE_CUES,
        "smile_window_s": SMILE_WINDOW_S,
        "merge_s": MERGE_S,
        "near_s": NEAR_S,
        "lag_s": LAG_S,
        "shift_s": SHIFT_S,
        "hazard_s": HAZARD_S,
        "hazard_bin_s": HAZARD_BIN_S,
        "bootstrap": {"over": "voices", "draws": DRAWS, "level": LEVEL},
        "clips": [[clip.scene, clip.start, clip.frames, clip.reference] for clip in evaluation.clips],
    }


def as_json(evaluation: Evaluation, told: dict[str, list[str]]) -> dict[str, Any]:
    """Everything as plain values; what is not a number is null."""
    rows = {
        row.name: {
            "about": row.about,
            "kind": row.kind,
            "figures": {
                name: {"value": number(values[0]), "interval": [number(edge) for edge in interval(values)]}
                for name, values in row.figures.items()
            },
            "curves": {name: [number(value) for value in values[0]] for name, values in row.curves.items()},
        }
        for row in evaluation.results
    }
    return {
        "settings": settings(evaluation),
        "definitions": {figure.key: figure.about for figure in FIGURES},
        "rows": rows,
        "verdict": told,
        "published": challenge.REFERENCE,
    }


def markdown(evaluation: Evaluation, told: dict[str, list[str]]) -> str:
    """The figures of :data:`CARD` as a Markdown table, with the verdict's sentences: what goes on a bundle's card."""
    shown = {figure.key: figure for figure in FIGURES}
    lines = [
        heading(evaluation),
        "",
        "| |" + "".join(f" {shown[key].heading} |" for key in CARD),
        "|---" * (len(CARD) + 1) + "|",
    ]
    lines += [
        f"| {row.name} |" + "".join(f" {cell(row.figures[key], shown[key])} |" for key in CARD)
        for row in evaluation.results
    ]
    return "\n".join([*lines, "", *(f"- {sentence}" for part in told.values() for sentence in part)]) + "\n"


def write(evaluation: Evaluation, told: dict[str, list[str]], folder: Path) -> None:
    """``report.json`` and ``report.md`` in ``folder``."""
    (folder / "report.md").write_text(markdown(evaluation, told), "utf-8")
    (folder / "report.json").write_text(json.dumps(as_json(evaluation, told), indent=1, allow_nan=False) + "\n")
