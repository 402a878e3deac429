"""What a text-to-motion model is asked for, and which of its good metrics say less than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.report.criteria import Criterion
from train.report.evaluation import Result
from train.report.intervals import interval
from train.text_motion.evaluation.measures import METRICS
from train.text_motion.evaluation.retrieval import BATCH, TOP
from train.text_motion.evaluation.run import Moving

CHANCES = 2.0
"""Times chance that R-precision Top-3 is asked to be at least."""
SKATE = 1.5
"""Times the truth's skate that it may be."""
BAND = (0.5, 1.5)
"""Jerk over the truth's."""
BONE = 1.0
"""Per cent by which a bone's length may vary."""
ROOM = 0.5
"""Centimetres under the floor beyond the truth's."""
CLOSE = 0.8
"""Of the truth's R-precision, beyond which a search for the nearest text leaves little room for a model."""
FEW_GROUPS = 6

WORDS = {metric.key: metric.heading for metric in METRICS} | {
    "top3": "R-precision Top-3",
    "top3_ratio": "R-precision Top-3 over chance",
    "skate_ratio": "foot skate over truth",
    "jerk_ratio": "jerk over truth",
    "under": "cm under the floor",
    "bone": "variation of the worst bone, %",
}


def criteria(evaluation: Moving) -> list[Criterion]:
    """What a model is asked for beside these takes."""
    asked = [Criterion("top3_ratio", WORDS["top3_ratio"], low=CHANCES)]
    nearest = [row for row in evaluation.results if row.name == "nearest take"]
    for row in nearest:
        value = row.value("top3")
        asked.append(Criterion("top3", WORDS["top3"], low=value, asked=f"at least {value:.3f}, the nearest take's"))
    most = evaluation.truth.value("under") + ROOM
    return [
        *asked,
        Criterion("skate_ratio", WORDS["skate_ratio"], high=SKATE),
        Criterion("jerk_ratio", WORDS["jerk_ratio"], *BAND, note=" of the truth"),
        Criterion("under", WORDS["under"], high=most, asked=f"at most {most:.2f}"),
        Criterion("bone", WORDS["bone"], high=BONE),
    ]


def remarks(evaluation: Moving, row: Result) -> Iterator[str]:
    """Sentences on metrics that say less than they seem to."""
    if row.kind != "model":
        return
    truth = evaluation.truth
    if row.value("speed") < 0.3 * truth.value("speed"):
        yield "feet and bones are sound because next to nothing moves: won by stillness."
    if row.value("diversity") > truth.value("diversity") and row.value("jerk_ratio") > BAND[1]:
        yield f"more diverse than people with {row.value('jerk_ratio'):.1f} times their jerk: won by noise."
    if row.value("top3") > truth.value("top3"):
        yield (
            "its texts are found better than those of the real takes: it does what the evaluator looks for, more "
            "plainly than people do; no sign of being more real."
        )
    hold = next((other for other in evaluation.results if other.name == "hold"), None)
    if hold is not None and row.value("fid") > hold.value("fid"):
        yield "its FID is no better than that of held poses: the evaluator knows it from people at once."


def data(evaluation: Moving) -> Iterator[str]:
    """What these takes cannot tell."""
    truth = evaluation.truth
    yield f"Evaluator: {evaluation.evaluator}."
    if truth.groups < FEW_GROUPS:
        yield f"{truth.groups} held-out takes: intervals over so few say little; {FEW_GROUPS} or more are wanted."
    if evaluation.batch < BATCH:
        yield (
            f"R-precision is of {evaluation.batch} texts, not {BATCH}: the held-out part has not so many takes of "
            "different texts."
        )
    edges, chance = interval(truth.metrics["top3"]), TOP / evaluation.batch
    told = f"the real takes' own R-precision Top-3 is {truth.value('top3'):.2f}, chance {chance:.2f}"
    if not edges.low > CHANCES * chance:
        yield f"{told}: the evaluator hardly knows which text goes with a motion, so it can say little of models."
    else:
        yield f"{told}: what the evaluator can tell of people that it has not seen."
    for row in evaluation.results:
        if row.name == "nearest take" and row.value("top3") > CLOSE * truth.value("top3"):
            yield (
                f"the nearest training take's R-precision Top-3 is {row.value('top3'):.2f}: texts of the held-out "
                "takes are near copies of training texts, so a search without a model does nearly as well as people."
            )
    if np.isfinite(evaluation.floor).all():
        yield (
            f"FID: halves of the held-out takes are {np.median(evaluation.floor):.4f} apart "
            f"({evaluation.floor.min():.4f} to {evaluation.floor.max():.4f}); what a row has below that says nothing."
        )
