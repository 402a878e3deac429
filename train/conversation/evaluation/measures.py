"""The metrics of an evaluation and what they are in words; the modules of the parts count them."""

from __future__ import annotations

from train.conversation.evaluation.cases import KINDS
from train.conversation.evaluation.lips import LAGS, NEAR, PAUSE_S
from train.conversation.evaluation.sampling import NAMES, WHAT
from train.conversation.evaluation.turns import LEAST_S
from train.report.tables import Metric

WHOLE = "whole"
HOW = {"captured": "a face capture's", "tracked": "a webcam tracker's"}


def lip_tables(kind: str) -> dict[str, str]:
    """Titles by key of the tables of lips captured by ``kind``."""
    return {
        f"{kind}_follow": f"Lips, {HOW[kind]}: do they follow the captured ones?",
        f"{kind}_error": f"Lips, {HOW[kind]}: how far off are they?",
        f"{kind}_close": f"Lips, {HOW[kind]}: do they close when they should, and are they calm?",
    }


def lip_metrics(kind: str) -> list[Metric]:
    """The metrics of lips captured by ``kind``."""
    follow, error, close = lip_tables(kind)
    frames = f"within {NEAR} frames of"
    return [
        Metric(f"{kind}_r_jaw", "r jaw", follow, "correlation with the captured jawOpen, within a talk", 3),
        Metric(f"{kind}_r_lips", "r lips", follow, "the same, mean of the lips' channels that move", 3),
        Metric(f"{kind}_r_closure", "r closure", follow, "the same of mouthClose, rolls and presses", 3),
        Metric(f"{kind}_r_aperture", "r aperture", follow, "the same of how far the lips are apart", 3),
        Metric(f"{kind}_lag", "lag frames", follow, f"frames by which the aperture is late, of {LAGS} to either side"),
        Metric(f"{kind}_mae_jaw", "jaw", error, "mean absolute error of jawOpen", 4),
        Metric(f"{kind}_over_jaw", "/ mean", error, "that over the mean mouth's"),
        Metric(f"{kind}_mae_lips", "lips", error, "mean absolute error of the lips' channels", 4),
        Metric(f"{kind}_over_lips", "/ mean", error, "that over the mean mouth's"),
        Metric(f"{kind}_mae_closure", "closure", error, "mean absolute error of mouthClose, rolls and presses", 4),
        Metric(f"{kind}_over_closure", "/ mean", error, "that over the mean mouth's"),
        Metric(f"{kind}_mae_aperture", "aperture", error, "mean absolute error of the aperture", 4),
        Metric(f"{kind}_over_aperture", "/ mean", error, "that over the mean mouth's"),
        Metric(f"{kind}_mae", "all", error, "mean absolute error of all these channels", 4),
        Metric(f"{kind}_over_mean", "/ mean", error, "that over the mean mouth's"),
        Metric(f"{kind}_over_windowed", "/ windowed", error, "that over the offline model's"),
        Metric(f"{kind}_closed_bilabials", "b p m", close, f"share of b, p, m with closed lips {frames} their onset"),
        Metric(f"{kind}_luck_bilabials", "by luck", close, "the same of all moments of speech of the same talks"),
        Metric(f"{kind}_gain_bilabials", "gain", close, "b, p, m less by luck"),
        Metric(
            f"{kind}_closed_shut", "as truth", close, f"share of the truth's closings with closed lips {frames} them"
        ),
        Metric(f"{kind}_luck_shut", "by luck", close, "the same of all moments of speech of the same talks"),
        Metric(f"{kind}_gain_shut", "gain", close, "the truth's closings less by luck"),
        Metric(f"{kind}_jitter", "jitter", close, "mean absolute second difference, over the truth's"),
        Metric(
            f"{kind}_closing_50",
            "closes s",
            close,
            f"median time until lips close after speech ({PAUSE_S:g} s of silence)",
        ),
        Metric(f"{kind}_closing_90", "p90 s", close, "its 90th percentile"),
    ]


SPEECH_TABLES = {"speech": "Head and brows in own speech, over the truth's; the mouth while only the partner speaks"}
SPEECH_METRICS = [
    metric
    for part, unit in (("head", "degrees/s"), ("brows", "1/s"))
    for metric in (
        Metric(f"speed_{part}", f"{part} speed", "speech", f"mean absolute speed of {part}, over the truth's"),
        Metric(f"jerk_{part}", "jerk", "speech", "mean absolute third derivative, over the truth's"),
        Metric(f"w1_{part}", f"W1 {unit}", "speech", "Wasserstein-1 distance of the speeds from the truth's"),
        Metric(f"spectrum_{part}", "dB", "speech", "mean difference of the speed's spectrum, 0-8 Hz", 1),
    )
] + [
    Metric("mouth_spoken", "mouth 1/s", "speech", "mean absolute speed of the aperture in own speech"),
    Metric("mouth_heard", "in other's", "speech", "the same while only the partner speaks"),
]
LISTENING_TABLES = {
    "timing": "Listening: are nods and smiles where they belong?",
    "rates": "Listening: events a minute while only the partner speaks",
}
LISTENING_METRICS = [
    metric
    for kind in ("nod", "smile")
    for metric in (
        Metric(f"{kind}_f1", f"{kind} F1", "timing", f"F1 of {kind}s against what invites them"),
        Metric(f"{kind}_skill", f"{kind} skill", "timing", "F1 less luck's, over the truth's: 1 the truth, 0 luck"),
        Metric(f"{kind}_gain", f"{kind} gain", "timing", "F1 less the F1 of the same events moved round the talk"),
    )
] + [
    Metric("nods_heard", "nods", "rates", "nods a minute", 1),
    Metric("smiles_heard", "smiles", "rates", "smiles a minute", 1),
    Metric("brows_heard", "brows", "rates", "raises of the brows a minute", 1),
    Metric("blinks_heard", "blinks", "rates", "blinks a minute", 1),
    Metric("away_heard", "gaze away", "rates", "share of frames with gaze more than 6 degrees from its median"),
    Metric("jerk_heard", "head jerk", "rates", "mean absolute third derivative of head rotation, over the truth's"),
]
TURNS_TABLES = {"turns": f"Gaze and head around turns of {LEAST_S:g} s or more: distance to the truth's curves"}
TURNS_METRICS = [
    Metric(f"{name}_{moment}_off", f"{name}: {words}", "turns", about, 3)
    for name, about in (
        ("away", "mean difference of the share of gaze away, from 2 s before to 2 s after"),
        ("speed", "the same of the head's speed, degrees/s"),
    )
    for moment, words in (("own_start", "begin"), ("own_end", "end"), ("partner_start", "partner's"))
] + [Metric("away_turn", "begin - end", "turns", "gaze away as own turns begin less as they end (0.5 s around)", 3)]
BODY_TABLES = {"body": "Body: hands in own speech and while listening"}
BODY_METRICS = [
    metric
    for state, words in (("speech", "in speech"), ("listening", "listening"))
    for metric in (
        Metric(f"hands_{state}", f"px/s {words}", "body", "mean speed of the wrists on PATS' points", 0),
        Metric(f"hands_over_{state}", "/ truth", "body", "that over the truth's"),
        Metric(f"rests_{state}", "rest", "body", "share of frames in which both hands rest"),
        Metric(f"fd_pose_{state}", "FD pose", "body", "Fréchet distance of the upper body's joints, cm²", 1),
        Metric(f"fd_velocity_{state}", "FD velocity", "body", "the same of their movement in a frame, cm²", 3),
    )
]
SAMPLED = {
    "fd_g": ("FD_g", "Fréchet distance of frames"),
    "fd_k": ("FD_k", "Fréchet distance of differences of frames"),
    "div_g": ("Div_g", "mean distance of two frames"),
    "div_k": ("Div_k", "variance over time"),
    "div_sample": ("Div_sample", "variance over takes of the same talk"),
}
SAMPLING_TABLES = {f"sampling_{what}": f"Audio2Photoreal's measures on the {what}" for what in WHAT}
SAMPLING_METRICS = [
    Metric(f"{what}_{name}", SAMPLED[name][0], f"sampling_{what}", SAMPLED[name][1], 5)
    for what in WHAT
    for name in NAMES
]
WHOLE_TABLES = {WHOLE: "Numbers"}
WHOLE_METRICS = [Metric("not_finite", "not finite", WHOLE, "values of face and body that are no numbers", 0, peak=True)]

METRICS: tuple[Metric, ...] = (
    *(metric for kind in KINDS for metric in lip_metrics(kind)),
    *SPEECH_METRICS,
    *LISTENING_METRICS,
    *TURNS_METRICS,
    *BODY_METRICS,
    *SAMPLING_METRICS,
    *WHOLE_METRICS,
)
CARD = (
    *(
        f"{kind}_{key}"
        for kind in KINDS
        for key in ("r_aperture", "over_mean", "lag", "gain_shut", "jitter", "closing_50")
    ),
    "speed_head",
    "nod_skill",
    "smile_skill",
    "away_turn",
    "hands_over_speech",
    "fd_pose_speech",
)
"""Metrics of the short table, and of the line of figures."""
