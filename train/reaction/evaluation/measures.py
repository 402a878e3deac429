"""From pooled counts to metrics: the definitions, and the names under which they are reported.

Metrics are computed for all bootstrap draws at once: every argument and result has the draws on axis 0, the point
estimate first. A metric that is not defined (no event to be right or wrong, no such speech) is not a number.

- **F1** of nods and smiles: precision is the share of events within the answer window of some cue, recall the share of
  cues answered. **Skill** is (row - random) / (redraw - random): 1 is as well timed as another human, 0 is chance.
- **Gain** is F1 less the F1 of the same events moved round the talk by more than 10 s: what timing adds at the row's
  own rate. A system that nods all the time has a high F1 and no gain.
- **Matched skill** is the same of events that are first brought to the truth's rate (:mod:`timing` says how), so that
  nodding more, or less, wins nothing.
- **Hazard distance**: how far the row's curve of nods a minute, by time since a cue (or around a phrase's end), lies
  from the truth's (:mod:`train.report.hazard`); **over shifted** is that distance over the one of the truth at wrong
  moments, whose curve is flat at the right height.
- **Drift**: how far the head's mean place over 20 s comes to lie from its usual one, of each answer the largest.
- **Spectral distance**: mean absolute difference in dB over the 16 bins of the speed spectrum, row against truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation.tally import PARTS
from train.reaction.evaluation.timing import f1, matched_f1
from train.report import hazard
from train.report.intervals import Tally
from train.report.tables import Metric
from train.simulate.talk import FPS

Array = NDArray[np.floating]

FLOOR_DB = -60.0
"""A bin that holds less than this against the truth counts as this much."""
SHORT_LOOK_S = 0.3
"""A look away that is shorter is no rest of the eyes: it is a flicker."""

TABLES = {
    "headline": "Headline: timing at the truth's rate, and when nods become likelier",
    "timing": "Timing: are nods and smiles where they belong?",
    "rates": "Rates: events a minute, where they belong and where they do not",
    "eyes": "Eyes: blinks and gaze",
    "motion": "Motion: ratios to ground truth; both too much and too little fail",
    "ends": "Ends: last ten minutes over the first, of long talks",
    "challenge": "Apart: the challenge's metrics, on the 25 emotion numbers",
}

METRICS: tuple[Metric, ...] = (
    Metric("nod_matched", "nod skill, matched", "headline", "nod skill with every row brought to the truth's rate"),
    Metric(
        "smile_matched", "smile skill, matched", "headline", "smile skill with every row brought to the truth's rate"
    ),
    Metric("hazard_cues", "cue hazard", "headline", "distance from the truth's nods a minute by time since a cue"),
    Metric("hazard_cues_share", "over shifted", "headline", "that distance over the shifted row's"),
    Metric("hazard_phrases", "phrase-end hazard", "headline", "the same distance around the ends of phrases"),
    Metric("hazard_phrases_share", "over shifted", "headline", "that distance over the shifted row's"),
    Metric("nods", "nods/min", "headline", "nods a minute", 1),
    Metric("smiles", "smiles/min", "headline", "smiles a minute", 1),
    Metric("nod_f1", "nod F1", "timing", "F1 of nods against pause, low-pitch and question cues"),
    Metric("nod_skill", "nod skill", "timing", "(nod F1 - random's) / (redraw's - random's)"),
    Metric("nod_gain", "nod gain", "timing", "nod F1 less the F1 of the same nods moved round the talk"),
    Metric("smile_f1", "smile F1", "timing", "F1 of smiles against smile and laugh cues"),
    Metric("smile_skill", "smile skill", "timing", "(smile F1 - random's) / (redraw's - random's)"),
    Metric("smile_gain", "smile gain", "timing", "smile F1 less the F1 of the same smiles moved round the talk"),
    Metric("nods_cued", "nods cued", "rates", "nods a minute within 2 s of a cue", 1),
    Metric("nods_cue_free", "cue-free", "rates", "nods a minute in speech more than 2 s from any cue", 1),
    Metric("nods_silence", "silence", "rates", "nods a minute outside phrases, more than 2 s after any cue", 1),
    Metric("nods_own", "own turns", "rates", "nods a minute while the listener has the floor", 1),
    Metric("smiles_cued", "smiles cued", "rates", "smiles a minute of the answer windows of smile and laugh cues", 1),
    Metric("smiles_free", "smiles free", "rates", "smiles a minute of the rest, own turns left out"),
    Metric("blinks", "blinks/min", "eyes", "blinks a minute", 1),
    Metric("blink_median_s", "interval s", "eyes", "median interval between blinks, s"),
    Metric("blink_cv", "interval CV", "eyes", "coefficient of variation of the intervals"),
    Metric("gaze_away", "gaze away", "eyes", "share of frames with gaze more than 6 degrees from its median"),
    Metric("dwell_towards_s", "dwell on s", "eyes", "median dwell on the partner, s"),
    Metric("dwell_away_s", "dwell off s", "eyes", "median dwell away, s"),
    Metric("look_short", "short looks", "eyes", "share of the looks away that last less than 0.3 s"),
    Metric("jerk_rotation", "head jerk", "motion", "mean absolute third derivative of head rotation, over truth"),
    Metric("jerk_translation", "shift jerk", "motion", "the same of head translation"),
    Metric("jerk_face", "face jerk", "motion", "the same of the expression weights without lids and eyes"),
    Metric("jerk_lids", "lid jerk", "motion", "the same of lids and eyes"),
    Metric("nod_band", "nod band", "motion", "1-4 Hz energy of the head's pitch speed, over truth"),
    Metric("spectrum_head_db", "head dB", "motion", "spectral distance of head speed, 0-8 Hz", 1),
    Metric("spectrum_face_db", "face dB", "motion", "spectral distance of face speed, 0-8 Hz", 1),
    Metric("drift", "drift cm", "motion", "largest way of the head's 20 s mean from its median, mean of answers", 1),
    Metric("drift_most", "most", "motion", "the same of the answer that drifts most, cm", 1, peak=True),
    Metric("freeze_s", "freeze s", "motion", "longest time in which nothing moves, s", peak=True),
    Metric(
        "step", "step", "motion", "largest change of an expression weight in a frame, lids and eyes left out", peak=True
    ),
    Metric("ends_nods", "nods", "ends", "nods a minute, last over first ten minutes"),
    Metric("ends_blinks", "blinks", "ends", "blinks a minute, last over first"),
    Metric("ends_jerk", "head jerk", "ends", "head jerk, last over first"),
    Metric("frc", "FRC", "challenge", "correlation with the best fitting true listener, summed over samples"),
    Metric("frd", "FRD", "challenge", "time-warped distance to the nearest true listener, summed over samples", 1),
    Metric("frdvs", "FRDvs", "challenge", "difference between answers to different talks", 4),
    Metric("frvar", "FRVar", "challenge", "variance over time", 4),
    Metric("frdiv", "FRDiv", "challenge", "difference between samples of one talk", 4),
    Metric("frsyn", "FRSyn", "challenge", "lag of best correlation with the speaker, frames; 49: a channel rests", 1),
    Metric("frsyn_moving", "FRSyn moving", "challenge", "the same without the channels that rest", 1),
)


class Against(NamedTuple):
    """The pooled tallies of the rows that all are held against."""

    truth: Tally
    redraw: Tally
    random: Tally
    shifted: Tally


def metrics(row: Tally, against: Against) -> dict[str, Array]:
    """All metrics (D,) on the 58 numbers of a row."""
    truth = against.truth
    with np.errstate(invalid="ignore", divide="ignore"):
        found: dict[str, Array] = {}
        for kind in ("nod", "smile"):
            score = f1(row, kind)
            found[f"{kind}_f1"] = score
            found[f"{kind}_skill"] = _skill(score, f1(against.random, kind), f1(against.redraw, kind))
            matched = (matched_f1(one, truth, kind) for one in (row, against.random, against.redraw))
            found[f"{kind}_matched"] = _skill(*matched)
            found[f"{kind}_gain"] = score - f1(row, kind, "chance_")
            found[f"{kind}s"] = row.sums[f"{kind}.events"] / row.sums["minutes"]
        for name in ("cues", "phrases"):
            apart = hazard.distance(row, truth, name)
            found[f"hazard_{name}"] = apart
            found[f"hazard_{name}_share"] = apart / hazard.distance(against.shifted, truth, name)
        for kind, places in (("nods", ("cued", "cue_free", "silence", "own")), ("smiles", ("cued", "free"))):
            for place in places:
                found[f"{kind}_{place}"] = row.sums[f"{kind}.{place}"] / row.sums[f"{kind[:-1]}_minutes.{place}"]
        found |= _eyes(row)
        for part in PARTS:
            found[f"jerk_{part}"] = _jerk(row, part) / _jerk(truth, part)
        found["nod_band"] = (row.sums["nod_band"] / row.sums["frames"]) / (
            truth.sums["nod_band"] / truth.sums["frames"]
        )
        for name, part in (("head", "rotation"), ("face", "face")):
            ratio = np.maximum(spectrum(row, part) / spectrum(truth, part), 10 ** (FLOOR_DB / 10))
            found[f"spectrum_{name}_db"] = np.abs(10.0 * np.log10(ratio)).mean(1)
        found["drift"] = row.sums["drift"] / row.sums["answers"]
        found |= row.peaks
        for what in ("nods", "blinks"):
            rates = {end: row.sums[f"{end}.{what}"] / row.sums[f"{end}.minutes"] for end in ("first", "last")}
            found[f"ends_{what}"] = rates["last"] / rates["first"]
        jerks = {end: row.sums[f"{end}.jerk"] / row.sums[f"{end}.jerk_count"] for end in ("first", "last")}
        found["ends_jerk"] = jerks["last"] / jerks["first"]
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _skill(score: Array, chance: Array, ceiling: Array) -> Array:
    return (score - chance) / np.where(ceiling > chance, ceiling - chance, np.nan)


def spectrum(row: Tally, part: str) -> Array:
    """Speed spectrum (D, 16) of ``rotation`` (deg^2/s^2) or ``face`` (1/s^2), per frame."""
    return row.sums[f"spectrum.{part}"] / row.sums["frames"][:, None]


def median_s(histogram: Array) -> Array:
    """Median (D,) in seconds of lengths in frames counted in (D, lengths); not a number where none was counted."""
    total = histogram.sum(1)
    middle = (np.cumsum(histogram, 1) >= 0.5 * total[:, None]).argmax(1) / FPS
    return np.where(total > 0, middle, np.nan)


def _jerk(row: Tally, part: str) -> Array:
    return row.sums[f"jerk.{part}"] / row.sums[f"jerk_count.{part}"]


def _eyes(row: Tally) -> dict[str, Array]:
    intervals = row.sums["blink_intervals"]
    seconds = np.arange(intervals.shape[1]) / FPS
    total = intervals.sum(1)
    mean = intervals @ seconds / total
    variance = intervals @ seconds**2 / total - mean**2
    looks = row.sums["gaze.away_runs"]
    short = looks[:, np.arange(looks.shape[1]) / FPS < SHORT_LOOK_S].sum(1)
    return {
        "look_short": short / looks.sum(1),
        "blinks": row.sums["blinks"] / row.sums["minutes"],
        "blink_median_s": median_s(intervals),
        "blink_cv": np.sqrt(np.maximum(variance, 0.0)) / mean,
        "gaze_away": row.sums["gaze.away"] / row.sums["gaze.frames"],
        "dwell_towards_s": median_s(row.sums["gaze.towards_runs"]),
        "dwell_away_s": median_s(row.sums["gaze.away_runs"]),
    }
