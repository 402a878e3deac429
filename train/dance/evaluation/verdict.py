"""The figures in plain sentences: which targets a row meets, and which of its good figures were won by a trick.

*Won by copying*: good distances because training takes are played back. *Won by stillness*: sound limbs and feet
because nothing moves. *Won by noise*: lively or diverse because it shakes. *Won by speed*: high effort asked for is
just more of everything, seen by the computed measure and not by classifiers.
"""

from __future__ import annotations

import numpy as np

from train.dance.evaluation.measures import FIGURES
from train.dance.evaluation.rows import SOURCES
from train.dance.evaluation.run import Evaluation, Result
from train.report.intervals import interval
from train.report.tables import against, counted

REAL_LIMBS = 2.3
"""Per cent by which limbs vary in optical motion capture at most (1.4 to 2.3); twice that is asked for at most."""
RECOGNISED = 0.9
"""Of how often the effort of real dances is recognised."""
BAND = (0.7, 1.3)
SLIDE = 1.5
STILL, MOVES = 0.3, 1.3
"""Shares of the truth's speed and jerk: under the first a row counts as still, above the second as shaking."""
SPINS = 2.0
"""Times the truth's turning."""
COPY = 0.5
FEW_GROUPS = 6

HEADINGS = {figure.key: figure.heading for figure in FIGURES}
HEADINGS |= {
    "recognised_human_ratio": "recognition by human labels, over real",
    "recognised_computed_ratio": "recognition by computed labels, over real",
    "slide_ratio": "foot slide over truth",
    "nearest_ratio": "distance to the training takes over truth",
    "limbs": "limb variation %",
}


def targets(evaluation: Evaluation, row: Result) -> list[tuple[str, bool, str]]:
    """(target's key, met or not, sentence) for every target that can be judged."""
    judged = against(
        HEADINGS, row.figures, "limbs", lambda value: value <= 2 * REAL_LIMBS, f"at most {2 * REAL_LIMBS:g}"
    )
    for source in SOURCES:
        judged += against(
            HEADINGS,
            row.figures,
            f"recognised_{source}_ratio",
            lambda value: value >= RECOGNISED,
            f"at least {RECOGNISED}",
        )
    for key in ("speed", "jerk"):
        judged += against(
            HEADINGS, row.figures, key, lambda v: BAND[0] <= v <= BAND[1], f"{BAND[0]} to {BAND[1]} of the truth"
        )
    judged += against(HEADINGS, row.figures, "slide_ratio", lambda value: value <= SLIDE, f"at most {SLIDE:g}")
    truth = evaluation.results[0]
    for key, room in (("frozen", 5.0), ("sunk", 2.0), ("jumps", 1.0)):
        most = float(np.nanmax([truth.figures[key][0], interval(truth.figures[key])[1]])) + room
        judged += against(HEADINGS, row.figures, key, lambda v, most=most: v <= most, f"at most {most:.1f}")
    judged += against(
        HEADINGS, row.figures, "nearest_ratio", lambda value: value >= COPY, f"at least {COPY:g}, less is a copy"
    )
    return judged


def tricks(evaluation: Evaluation, row: Result) -> list[str]:
    """Sentences on figures that say less than they seem to."""
    truth = evaluation.results[0]
    if row.kind == "people" or row.name == "shuffled labels":
        return []
    told = []
    if _value(row, "speed") < STILL:
        told.append("limbs and feet are sound because next to nothing moves: won by stillness.")
    else:
        key, words = ("spread_long", "10 s") if np.isfinite(_value(row, "spread_long")) else ("spread", "a window")
        if _value(row, key) < 0.5 * _value(truth, key):
            told.append(
                f"the pose goes {_value(row, key):.1f} % of the body's height from its mean in {words}, real dances "
                f"{_value(truth, key):.1f} %: it stays close to one pose."
            )
    if row.kind == "model" and _value(row, "jerk") < 1.0 - (MOVES - 1.0) and _value(row, "speed") >= STILL:
        told.append(f"its joints have {_value(row, 'jerk'):.2f} of the truth's jerk: smoother than bodies are.")
    if row.kind == "model" and _value(row, "fid_train") > _value(evaluation.result("hold"), "fid_train"):
        told.append("its FID is no better than that of one held pose: the features know it from real dances at once.")
    turning, usual = _value(row, "turning"), _value(truth, "turning")
    if turning > SPINS * usual:
        told.append(f"it turns by {turning:.0f} degrees a second, real dances by {usual:.0f}: it spins.")
    if _value(row, "diversity") > _value(truth, "diversity") and _value(row, "jerk") > MOVES:
        told.append(
            f"diversity {_value(row, 'diversity'):.0f} above the truth's with {_value(row, 'jerk'):.1f} times its "
            "jerk: won by noise."
        )
    if _value(row, "nearest_ratio") < COPY and row.kind == "model":
        told.append(
            f"{_value(row, 'nearest'):.1f} cm a joint from the nearest training window, where held-out takes are "
            f"{_value(truth, 'nearest'):.1f}: a good FID is won by copying."
        )
    told += _labels(row, truth)
    return [f"{row.name}: {sentence}" for sentence in told]


def _labels(row: Result, truth: Result) -> list[str]:
    told = []
    asked = [source for source in SOURCES if np.isfinite(_value(row, f"recognised_{source}"))]
    for source in asked:
        low, _ = interval(row.figures[f"recognised_{source}"])
        if row.kind == "model" and np.isfinite(low) and low <= 1 / 3:
            told.append(f"by {source} labels its efforts are not recognised better than by chance.")
        if row.kind == "model" and _value(row, f"recognised_{source}_ratio") > 1.1:
            told.append(f"by {source} labels its efforts are clearer than real ones: exaggerated, not more real.")
    shown = _value(row, "shown")
    if row.kind == "model" and asked and shown > 0.6 and all(_value(row, f"recognised_{s}") < 0.45 for s in asked):
        told.append(
            f"the computed effort is the one asked for in {shown:.0%}, but classifiers do not see it: won by speed."
        )
    if row.kind == "model" and _value(row, "contrast") < 0.5:
        told.append(
            f"between low and high the computed effort differs by {_value(row, 'contrast'):.2f} of what it does in "
            "real dances: the label does little."
        )
    return told


def sentences(evaluation: Evaluation) -> dict[str, list[str]]:
    """All of it by row: targets for models, tricks for every row; under ``"split"`` what the data cannot tell; and what
    the sections have to say."""
    told: dict[str, list[str]] = {"split": _split(evaluation)}
    for row in evaluation.results:
        lines = tricks(evaluation, row)
        if row.kind == "model":
            lines = counted(row.name, HEADINGS, targets(evaluation, row)) + lines
        if lines:
            told[row.name] = lines
    for name, section in evaluation.sections.items():
        lines = section.sentences()
        if lines:
            told[name] = lines
    return told


def _split(evaluation: Evaluation) -> list[str]:
    told = []
    truth = evaluation.results[0]
    if truth.groups < FEW_GROUPS:
        told.append(
            f"{truth.groups} held-out groups: intervals over so few say little; {FEW_GROUPS} or more are wanted."
        )
    for source, words in evaluation.instruments.told.items():
        if not any(judge.source == source for judge in evaluation.instruments.judges):
            told.append(f"recognition by {source} labels is not measured: {words}.")
    floor = evaluation.floors["fid_truth"]
    if np.isfinite(floor).all():
        told.append(
            f"FID: halves of the held-out takes are {np.median(floor):.0f} apart ({floor.min():.0f} to "
            f"{floor.max():.0f}); what a row has below that says nothing."
        )
    for judge in evaluation.instruments.judges:
        low, _ = interval(truth.figures[f"recognised_{judge.source}"])
        if not low > 1 / 3:
            told.append(
                f"the efforts of real dances are not surely recognised by {judge.source} labels either, so that ratio "
                "means little here."
            )
    return told


def _value(row: Result, key: str) -> float:
    return float(row.figures[key][0])
