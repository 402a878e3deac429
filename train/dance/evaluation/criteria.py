"""What a dancer is asked for, and which of its good metrics say less than they seem to.

*Won by copying*: good distances because training takes are played back. *Won by stillness*: sound limbs and feet
because nothing moves. *Won by noise*: lively or diverse because it shakes. *Won by speed*: high effort asked for is
just more of everything, seen by the computed measure and not by classifiers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.dance.evaluation.measures import METRICS
from train.dance.evaluation.rows import SOURCES
from train.dance.evaluation.run import Dancing
from train.report.criteria import Criterion
from train.report.evaluation import Result
from train.report.intervals import interval

REAL_LIMBS = 2.3
"""Per cent by which limbs vary in optical motion capture at most (1.4 to 2.3); twice that is asked for at most."""
RECOGNISED = 0.9
"""Of how often the effort of real dances is recognised."""
CHANCE = 1 / 3
BAND = (0.7, 1.3)
SLIDE = 1.5
STILL, MOVES = 0.3, 1.3
"""Shares of the truth's speed and jerk: under the first a row counts as still, above the second as shaking."""
SPINS = 2.0
"""Times the truth's turning."""
COPY = 0.5
ROOM = {"frozen": 5.0, "sunk": 2.0, "jumps": 1.0}
"""How far above the truth's interval these may lie."""
FEW_GROUPS = 6

WORDS = {metric.key: metric.heading for metric in METRICS}
WORDS |= {
    "recognised_human_ratio": "recognition by human labels, over real",
    "recognised_computed_ratio": "recognition by computed labels, over real",
    "slide_ratio": "foot slide over truth",
    "nearest_ratio": "distance to the training takes over truth",
    "limbs": "limb variation %",
}


def criteria(evaluation: Dancing) -> list[Criterion]:
    """What a model is asked for beside these takes."""
    asked = [Criterion("limbs", WORDS["limbs"], high=2 * REAL_LIMBS)]
    for source in SOURCES:
        key = f"recognised_{source}_ratio"
        asked.append(Criterion(key, WORDS[key], low=RECOGNISED))
    asked += [Criterion(key, WORDS[key], *BAND, note=" of the truth") for key in ("speed", "jerk")]
    asked.append(Criterion("slide_ratio", WORDS["slide_ratio"], high=SLIDE))
    for key, room in ROOM.items():
        most = float(np.nanmax([evaluation.truth.value(key), interval(evaluation.truth.metrics[key]).high])) + room
        asked.append(Criterion(key, WORDS[key], high=most, asked=f"at most {most:.1f}"))
    asked.append(Criterion("nearest_ratio", WORDS["nearest_ratio"], low=COPY, note=", less is a copy"))
    return asked


def remarks(evaluation: Dancing, row: Result) -> Iterator[str]:
    """Sentences on metrics that say less than they seem to."""
    if row.name == "shuffled labels":
        return
    truth, model = evaluation.truth, row.kind == "model"
    if row.value("speed") < STILL:
        yield "limbs and feet are sound because next to nothing moves: won by stillness."
    else:
        key, words = ("spread_long", "10 s") if np.isfinite(row.value("spread_long")) else ("spread", "a window")
        if row.value(key) < 0.5 * truth.value(key):
            yield (
                f"the pose goes {row.value(key):.1f} % of the body's height from its mean in {words}, real dances "
                f"{truth.value(key):.1f} %: it stays close to one pose."
            )
    if model and row.value("jerk") < 1.0 - (MOVES - 1.0) and row.value("speed") >= STILL:
        yield f"its joints have {row.value('jerk'):.2f} of the truth's jerk: smoother than bodies are."
    if model and row.value("fid_train") > evaluation.result("hold").value("fid_train"):
        yield "its FID is no better than that of one held pose: the features know it from real dances at once."
    turning, usual = row.value("turning"), truth.value("turning")
    if turning > SPINS * usual:
        yield f"it turns by {turning:.0f} degrees a second, real dances by {usual:.0f}: it spins."
    if row.value("diversity") > truth.value("diversity") and row.value("jerk") > MOVES:
        yield (
            f"diversity {row.value('diversity'):.0f} above the truth's with {row.value('jerk'):.1f} times its "
            "jerk: won by noise."
        )
    if row.value("nearest_ratio") < COPY and model:
        yield (
            f"{row.value('nearest'):.1f} cm a joint from the nearest training window, where held-out takes are "
            f"{truth.value('nearest'):.1f}: a good FID is won by copying."
        )
    if model:
        yield from _labels(row)


def _labels(row: Result) -> Iterator[str]:
    asked = [source for source in SOURCES if np.isfinite(row.value(f"recognised_{source}"))]
    for source in asked:
        edges = interval(row.metrics[f"recognised_{source}"])
        if edges.known and edges.low <= CHANCE:
            yield f"by {source} labels its efforts are not recognised better than by chance."
        if row.value(f"recognised_{source}_ratio") > 1.1:
            yield f"by {source} labels its efforts are clearer than real ones: exaggerated, not more real."
    shown = row.value("shown")
    if asked and shown > 0.6 and all(row.value(f"recognised_{source}") < 0.45 for source in asked):
        yield f"the computed effort is the one asked for in {shown:.0%}, but classifiers do not see it: won by speed."
    if row.value("contrast") < 0.5:
        yield (
            f"between low and high the computed effort differs by {row.value('contrast'):.2f} of what it does in "
            "real dances: the label does little."
        )


def data(evaluation: Dancing) -> Iterator[str]:
    """What these takes cannot tell."""
    truth, tools = evaluation.truth, evaluation.instruments
    judged = [judge.source for judge in tools.judges]
    if truth.groups < FEW_GROUPS:
        yield f"{truth.groups} held-out groups: intervals over so few say little; {FEW_GROUPS} or more are wanted."
    for source, note in tools.notes.items():
        if source not in judged:
            yield f"recognition by {source} labels is not measured: {note}."
    floor = evaluation.floors["fid_truth"]
    if np.isfinite(floor).all():
        yield (
            f"FID: halves of the held-out takes are {np.median(floor):.0f} apart ({floor.min():.0f} to "
            f"{floor.max():.0f}); what a row has below that says nothing."
        )
    for source in judged:
        if not interval(truth.metrics[f"recognised_{source}"]).low > CHANCE:
            yield (
                f"the efforts of real dances are not surely recognised by {source} labels either, so that ratio "
                "means little here."
            )
