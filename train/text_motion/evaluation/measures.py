"""The metrics of an evaluation and what they are in words; :mod:`.run` counts them."""

from __future__ import annotations

from train.report.feet import NEAR_FLOOR_M, RISING_M_S
from train.report.tables import Metric
from train.text_motion.evaluation.body import STILL_M_S, UNDER_M
from train.text_motion.evaluation.retrieval import BATCH

TABLES = {
    "text": "Texts: does it do what is asked for?",
    "set": "Sets: as varied as people, and like them?",
    "body": "Body: is it the motion of a body on a floor?",
}
METRICS: tuple[Metric, ...] = (
    *(
        Metric(
            f"top{k}",
            f"R-prec. {k}",
            "text",
            f"share of motions whose text is among the {k} nearest of {BATCH} (fewer where the report says so), all "
            "different; mean over many deals",
            3,
        )
        for k in (1, 2, 3)
    ),
    Metric("top3_ratio", "3 / chance", "text", "R-precision Top-3 over what chance finds"),
    Metric("distance", "MM-dist.", "text", "mean distance of a motion's embedding to that of its text", 3),
    Metric("matching", "cosine", "text", "mean cosine of the two embeddings", 3),
    Metric("fid", "FID", "set", "Fréchet distance of the motions' embeddings to those of the held-out takes", 4),
    Metric("diversity", "diversity", "set", "mean distance of 300 pairs of motions (100 of sets of 300 or fewer)", 3),
    Metric("multimodality", "multimod.", "set", "mean distance of motions made of one text again and again", 3),
    Metric("answered", "texts", "set", "texts that the row has a motion of", 0, peak=True),
    Metric(
        "skate",
        "skate m/s",
        "body",
        f"speed over the floor of feet that stand: at most {100 * NEAR_FLOOR_M:g} cm above their usual low place in "
        f"the training takes, rising or falling slower than {RISING_M_S:g} m/s",
        3,
    ),
    Metric("skate_ratio", "/ truth", "body", "skate over that of the truth"),
    Metric("standing", "standing", "body", "share of feet and frames that stand"),
    Metric("under", "under cm", "body", "mean depth of the lowest joint under the floor, cm"),
    Metric("sunk", "sunk %", "body", f"frames whose lowest joint is more than {100 * UNDER_M:g} cm under the floor, %"),
    Metric("speed", "speed m/s", "body", "mean speed of the joints"),
    Metric("jerk", "jerk m/s³", "body", "mean third derivative of the joints", 0),
    Metric("jerk_ratio", "/ truth", "body", "jerk over that of the truth"),
    Metric("still", "still %", "body", f"frames whose joints move slower than {STILL_M_S:g} m/s on average, %", 1),
    Metric("bones", "bones %", "body", "standard deviation of a bone's length in a motion, % of its mean; mean"),
    Metric("bone", "worst %", "body", "the same of the worst bone of any motion", peak=True),
)
CARD = ("top1", "top3", "top3_ratio", "distance", "fid", "diversity", "multimodality", "skate", "jerk", "under")
"""Metrics of the short table."""
