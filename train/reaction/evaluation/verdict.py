"""The figures in plain sentences: which targets a row meets, and which of its good figures were won by a trick.

A measure is *won by noise* where a system beats the truth by moving more than people do, *by stillness* where it does
well by hardly moving, *by rate* where its events are many rather than well timed, *by copying* where it is a mirror.
"""

from __future__ import annotations

import numpy as np

from train.reaction.evaluation.measures import FIGURES
from train.reaction.evaluation.run import Evaluation, Result
from train.report.intervals import interval
from train.report.tables import against, counted, joined
from train.simulate.talk import FPS

SKILL = 0.7
BAND = (0.7, 1.3)
STILL = 0.1
"""Share of the truth's nod-band energy and face jerk under which a row counts as still."""
SLACK_PER_MIN = 0.3
"""Room around the truth's interval of a rate: half the interval's own width, or this, whichever is more."""
FEW_VOICES, FEW_MINUTES = 8, 3.0

HEADINGS = {figure.key: figure.heading for figure in FIGURES}
HEADINGS |= {"nods_silence": "nods a minute in silence", "nods_cue_free": "nods a minute in cue-free speech"}


def targets(evaluation: Evaluation, row: Result) -> list[tuple[str, bool, str]]:
    """(target's key, met or not, sentence) for every target that can be judged on this split."""
    truth = evaluation.result("ground truth")
    judged: list[tuple[str, bool, str]] = []
    for key in ("nod_skill", "smile_skill"):
        judged += against(HEADINGS, row.figures, key, lambda value: value >= SKILL, f"at least {SKILL}")
    for key in ("jerk_rotation", "jerk_face", "nod_band"):
        judged += against(
            HEADINGS, row.figures, key, lambda v: BAND[0] <= v <= BAND[1], f"{BAND[0]} to {BAND[1]} of the truth"
        )
    for key in ("nods_silence", "nods_cue_free"):
        low, high = interval(truth.figures[key])
        value = truth.figures[key][0]
        if not np.isfinite(low):
            low = high = value
        room = max(SLACK_PER_MIN, 0.5 * (high - low))
        low, high = max(low - room, 0.0), high + room
        if np.isfinite(value):
            asked = f"{low:.1f} to {high:.1f}, the truth being {value:.1f}"
            judged += against(HEADINGS, row.figures, key, lambda v, low=low, high=high: low <= v <= high, asked)
    return judged


def tricks(evaluation: Evaluation, row: Result) -> list[str]:
    """Sentences on figures that say less than they seem to."""
    truth, redraw, random = (evaluation.result(name) for name in ("ground truth", "redraw", "random"))
    if row.name in (truth.name, redraw.name):
        return []
    told = [*_noise(row, truth, redraw), *_stillness(row, truth, random), *_rate(row, truth), *_copy(row)]
    return [f"{row.name}: {sentence}" for sentence in told]


def _noise(row: Result, truth: Result, redraw: Result) -> list[str]:
    jerks = {name: _value(row, f"jerk_{name}") for name in ("rotation", "face", "lids")}
    part, most = max(jerks.items(), key=lambda item: item[1])
    if not most > BAND[1]:
        return []
    won = [HEADINGS[key] for key in ("frvar", "frdvs") if _value(row, key) > _value(truth, key)]
    won += [HEADINGS["frdiv"]] if _value(row, "frdiv") > _value(redraw, "frdiv") else []
    names = {"rotation": "head", "face": "face", "lids": "lids and eyes"}
    told = []
    if won:
        told.append(
            f"{joined(won)} above what people reach, with {most:.1f} times the jerk in the {names[part]}: won by "
            "noise, not by expressiveness."
        )
    if _value(row, "nod_band") > BAND[1] and _value(row, "nod_gain") <= 0.25 * _value(truth, "nod_gain"):
        told.append(
            f"{_value(row, 'nod_band'):.1f} times the truth's nod-band energy, and no timing in it: the head "
            "shakes, it does not nod."
        )
    return told


def _stillness(row: Result, truth: Result, random: Result) -> list[str]:
    told = []
    still = _value(row, "nod_band") < STILL and _value(row, "jerk_face") < STILL
    if still and _value(row, "frd") < _value(random, "frd"):
        told.append(
            f"FRD {_value(row, 'frd'):.1f}, below the {_value(random, 'frd'):.1f} of people who react to someone else, "
            "while next to nothing moves: won by stillness."
        )
    elif still:
        told.append("next to nothing moves, so no figure of smoothness or of few events is to its credit.")
    if _value(row, "nods_cued") < 0.3 * _value(truth, "nods_cued"):
        told.append("few nods in silence and in cue-free speech because there are few nods anywhere: won by stillness.")
    if _value(row, "freeze_s") > 1.0:
        told.append(f"the whole face stands still for {_value(row, 'freeze_s'):.1f} s at a stretch.")
    return told


def _rate(row: Result, truth: Result) -> list[str]:
    told = []
    for kind in ("nod", "smile"):
        score, gain = _value(row, f"{kind}_f1"), _value(row, f"{kind}_gain")
        human = _value(truth, f"{kind}_gain")
        if row.kind != "chance" and _value(row, f"{kind}_skill") > 0.2 and gain < 0.25 * human:
            told.append(
                f"{kind} F1 {score:.2f} is {gain:+.2f} over the same {kind}s at other times (people: {human:+.2f}): "
                "won by rate, not by timing."
            )
        low, _ = interval(row.figures[f"{kind}_skill"])
        if row.kind == "model" and low > 1.0:
            told.append(f"{kind} skill above 1: it answers more regularly than people do, which is not more human.")
    return told


def _copy(row: Result) -> list[str]:
    if row.kind != "trick" or not _value(row, "smile_gain") > 0 or not _value(row, "frc") > 0:
        return []
    return [
        f"smile F1 {_value(row, 'smile_f1'):.2f} and FRC {_value(row, 'frc'):.2f} are the speaker's own face given "
        "back: won by copying, not by listening."
    ]


def sentences(evaluation: Evaluation) -> dict[str, list[str]]:
    """All of it by row: targets for models, tricks for every row; and under ``"split"`` what the data cannot tell."""
    told: dict[str, list[str]] = {"split": _split(evaluation)}
    for row in evaluation.results:
        lines = tricks(evaluation, row)
        if row.kind == "model":
            lines = counted(row.name, HEADINGS, targets(evaluation, row)) + lines
        if lines:
            told[row.name] = lines
    return told


def _split(evaluation: Evaluation) -> list[str]:
    told = []
    if len(evaluation.voices) < FEW_VOICES:
        told.append(
            f"{len(evaluation.voices)} voice(s): intervals over so few say little; {FEW_VOICES} or more are wanted."
        )
    for place, words in (("cue_free", "cue-free speech"), ("silence", "silence")):
        minutes = sum(scene.nod_masks[place].sum() for scene in evaluation.scenes) / FPS / 60.0
        if minutes < FEW_MINUTES:
            told.append(f"{minutes:.1f} min of {words}: rates there say little; {FEW_MINUTES:g} or more are wanted.")
    redraw = evaluation.result("redraw")
    for kind in ("nod", "smile"):
        low, _ = interval(redraw.figures[f"{kind}_f1"] - evaluation.result("random").figures[f"{kind}_f1"])
        if not low > 0:
            told.append(f"redraw is not surely better than random in {kind} F1, so {kind} skill means little here.")
    return told


def _value(row: Result, key: str) -> float:
    return float(row.figures[key][0])
