"""The metrics of an evaluation and what they are in words; :mod:`.run` counts them."""

from __future__ import annotations

from train.gesture.evaluation import seed_metrics
from train.gesture.evaluation.cases import UTTERANCE_S
from train.gesture.evaluation.hands import FALL_S, FIRST_S
from train.gesture.evaluation.timing import TIGHT, WINDOW
from train.report.tables import Metric

TABLES = {
    "timing": "Timing: do strokes meet the stresses of the speech?",
    "when": "When: does it gesture in speech, and rest when the voice rests?",
    "hands": "Hands: how do they move?",
    "seed": "The seed's metrics",
    "rare": "Clusters that are rare, and the seed's metrics over the windowed generator's",
}
METRICS: tuple[Metric, ...] = (
    Metric("hit", "hit", "timing", f"share of strokes whose moment is within {WINDOW:g} s of a stress"),
    Metric("chance", "by luck", "timing", "the same with the speech shifted by 2.7 to 11 s both ways, averaged"),
    Metric("skill", "skill", "timing", "hit less by luck, over the same of another gesturer of the talk (redraw)"),
    Metric("skill_tight", "tight", "timing", f"the same with a window of {TIGHT:g} s"),
    Metric("phase", "phase s", "timing", "mean time after the stress of strokes beyond what luck brings"),
    Metric("phase_spread", "spread s", "timing", "standard deviation of that time"),
    Metric("met_f1", "F1 met", "timing", "F1 of the stresses that strokes meet, against those that the truth meets"),
    Metric("rate_speech", "in speech", "when", "strokes a minute while words are said", 1),
    Metric("rate_ratio", "/ truth", "when", "that over the truth's"),
    Metric("rate_silence", "in silence", "when", "strokes a minute of pauses and silence", 1),
    Metric("rate_first", f"first {FIRST_S:g} s", "when", "strokes a minute of the beginnings of utterances", 1),
    Metric(
        "fall",
        "falls s",
        "when",
        f"seconds until hands that are up when a voice stops rest ({UTTERANCE_S:g} s of silence or more; the whole "
        "silence where they do not)",
    ),
    Metric(
        "stays", "stay up", "when", f"share of those hands that do not rest before it speaks ({FALL_S:g} s or more)"
    ),
    Metric("nods_speech", "nods", "when", "nods a minute in speech, where the body is known in space", 1),
    Metric("nods_silence", "in silence", "when", "nods a minute in pauses and silence", 1),
    Metric("rests", "rest", "hands", "share of frames in which both hands rest"),
    Metric("holds", "hold", "hands", "share of frames in which a hand is up and none moves"),
    Metric("right", "right", "hands", "share of one-handed strokes made with the right hand"),
    Metric("both", "both", "hands", "share of strokes made with both hands"),
    Metric("hands_off", "off", "hands", "share of strokes with other hands than the gesturer's, mean of gesturers"),
    Metric("speed", "px/s", "hands", "mean speed of the wrists", 0),
    Metric("speed_ratio", "/ truth", "hands", "that over the truth's"),
    Metric("jerk", "jerk px/s³", "hands", "mean third derivative of the wrists", 0),
    Metric("jerk_ratio", "/ truth", "hands", "that over the truth's"),
    *(metric for metric in seed_metrics.METRICS),
    Metric(
        "rare_recall", "rare recall", "rare", "share of frames of the three rarest clusters made in their cluster", 3
    ),
    Metric("rare_f1", "rare F1", "rare", "F1 of the same, all frames of these clusters alike", 3),
    Metric("rare_share", "rare made", "rare", "share of frames that are made in a rare cluster", 3),
    Metric("rare_true", "rare true", "rare", "share of frames of the truth that are in one", 3),
    Metric("fid_over", "FID over", "rare", "FID over the first windowed generator's"),
    Metric("w1_vel_over", "W1 vel over", "rare", "W1 of speed over the first windowed generator's"),
    Metric("w1_acc_over", "W1 acc over", "rare", "W1 of acceleration over the first windowed generator's"),
)
CARD = (
    "hit",
    "skill",
    "phase",
    "met_f1",
    "rate_speech",
    "rate_silence",
    "fall",
    "FID",
    "W1_vel",
    "W1_acc",
    "pck",
    "F1",
)
"""Metrics of the short table."""
