"""What a listener is asked for, and which of its good metrics say less than they seem to.

A measure is *won by noise* where a system beats the truth by moving more than people do, *by stillness* where it does
well by hardly moving, *by rate* where its events are many rather than well timed, *by copying* where it is a mirror.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.reaction.evaluation.measures import METRICS
from train.reaction.evaluation.rows import CAUSAL
from train.reaction.evaluation.run import Listening
from train.report.criteria import Criterion, joined
from train.report.evaluation import Result
from train.report.intervals import interval
from train.simulate.talk import FPS

SKILL = 0.85
"""Share of what another listener reaches, at the truth's rate."""
HAZARD = 0.5
"""Most distance of the hazards, over that of the truth at wrong moments."""
MORE_SHORT_LOOKS, MORE_DRIFT = 0.05, 1.25
"""Room above the truth: share of short looks added, drift as a factor."""
BAND = (0.7, 1.3)
BOUGHT = 0.15
"""Skill that a row has at its own rate and not at the truth's, from which it is told that rate has won it."""
STILL = 0.1
"""Share of the truth's nod-band energy and face jerk under which a row counts as still."""
SLACK_PER_MIN = 0.3
"""Room around the truth's interval of a rate: half the interval's own width, or this, whichever is more."""
FEW_VOICES, FEW_MINUTES = 8, 3.0

WORDS = {metric.key: metric.heading for metric in METRICS}
WORDS |= {"nods_silence": "nods a minute in silence", "nods_cue_free": "nods a minute in cue-free speech"}
WORDS |= {f"{kind}_matched": f"{kind} skill at the truth's rate" for kind in ("nod", "smile")}
WORDS |= {"hazard_cues_share": "distance of the hazard after cues"}
WORDS |= {"hazard_phrases_share": "distance of the hazard around phrase ends"}
WORDS |= {"look_short": "share of looks away under 0.3 s", "drift": "drift of the head in cm"}
PARTS = {"rotation": "head", "face": "face", "lids": "lids and eyes"}


def criteria(evaluation: Listening) -> list[Criterion]:
    """What a model is asked for on this split."""
    asked = [
        Criterion(key, WORDS[key], low=SKILL, note=" of another listener") for key in ("nod_matched", "smile_matched")
    ]
    asked += [
        Criterion(key, WORDS[key], high=HAZARD, note=" of the shifted row's")
        for key in ("hazard_cues_share", "hazard_phrases_share")
    ]
    asked += [
        Criterion(key, WORDS[key], *BAND, note=" of the truth") for key in ("jerk_rotation", "jerk_face", "nod_band")
    ]
    for key in ("nods_silence", "nods_cue_free"):
        value, edges = evaluation.truth.value(key), interval(evaluation.truth.metrics[key])
        low, high = edges if edges.known else (value, value)
        room = max(SLACK_PER_MIN, 0.5 * (high - low))
        low, high = max(low - room, 0.0), high + room
        if np.isfinite(value):
            told = f"{low:.1f} to {high:.1f}, the truth being {value:.1f}"
            asked.append(Criterion(key, WORDS[key], low, high, asked=told))
    for key, most in (
        ("look_short", evaluation.truth.value("look_short") + MORE_SHORT_LOOKS),
        ("drift", MORE_DRIFT * evaluation.truth.value("drift")),
    ):
        if np.isfinite(most):
            told = f"at most {most:.2f}, the truth being {evaluation.truth.value(key):.2f}"
            asked.append(Criterion(key, WORDS[key], high=most, asked=told))
    return asked


def remarks(evaluation: Listening, row: Result) -> Iterator[str]:
    """Sentences on metrics that say less than they seem to."""
    yield from _noise(evaluation, row)
    yield from _stillness(evaluation, row)
    yield from _rate(evaluation, row)
    if row.kind == "trick" and row.value("smile_gain") > 0 and row.value("frc") > 0:
        yield (
            f"smile F1 {row.value('smile_f1'):.2f} and FRC {row.value('frc'):.2f} are the speaker's own face given "
            "back: won by copying, not by listening."
        )


def _noise(evaluation: Listening, row: Result) -> Iterator[str]:
    truth = evaluation.truth
    part, most = max(((part, row.value(f"jerk_{part}")) for part in PARTS), key=lambda item: item[1])
    if not most > BAND[1]:
        return
    won = [WORDS[key] for key in ("frvar", "frdvs") if row.value(key) > truth.value(key)]
    won += [WORDS["frdiv"]] if row.value("frdiv") > evaluation.value("redraw", "frdiv") else []
    if won:
        yield (
            f"{joined(won)} above what people reach, with {most:.1f} times the jerk in the {PARTS[part]}: won by "
            "noise, not by expressiveness."
        )
    if row.value("nod_band") > BAND[1] and row.value("nod_gain") <= 0.25 * truth.value("nod_gain"):
        yield (
            f"{row.value('nod_band'):.1f} times the truth's nod-band energy, and no timing in it: the head "
            "shakes, it does not nod."
        )


def _stillness(evaluation: Listening, row: Result) -> Iterator[str]:
    random = evaluation.value("random", "frd")
    still = row.value("nod_band") < STILL and row.value("jerk_face") < STILL
    if still and row.value("frd") < random:
        yield (
            f"FRD {row.value('frd'):.1f}, below the {random:.1f} of people who react to someone else, "
            "while next to nothing moves: won by stillness."
        )
    elif still:
        yield "next to nothing moves, so no figure of smoothness or of few events is to its credit."
    if row.value("nods_cued") < 0.3 * evaluation.truth.value("nods_cued"):
        yield "few nods in silence and in cue-free speech because there are few nods anywhere: won by stillness."
    if row.value("freeze_s") > 1.0:
        yield f"the whole face stands still for {row.value('freeze_s'):.1f} s at a stretch."


def _rate(evaluation: Listening, row: Result) -> Iterator[str]:
    for kind in ("nod", "smile"):
        skill, matched = row.value(f"{kind}_skill"), row.value(f"{kind}_matched")
        if row.kind != "chance" and skill - matched > BOUGHT:
            yield (
                f"{kind} skill {skill:.2f} is {matched:.2f} at the truth's rate ({row.value(f'{kind}s'):.1f} {kind}s a "
                f"minute, the truth {evaluation.truth.value(f'{kind}s'):.1f}): won by rate, not by timing."
            )
        if row.kind == "model" and interval(row.metrics[f"{kind}_matched"]).low > 1.0:
            yield f"{kind} skill above 1: it answers more regularly than people do, which is not more human."


def data(evaluation: Listening) -> Iterator[str]:
    """What this split cannot tell."""
    yield from evaluation.left_out
    if len(evaluation.voices) < FEW_VOICES:
        who = "voice(s)" if evaluation.told else "chat(s)"
        yield f"{len(evaluation.voices)} {who}: intervals over so few say little; {FEW_VOICES} or more are wanted."
    if not evaluation.told:
        return
    for place, words in (("cue_free", "cue-free speech"), ("silence", "silence")):
        minutes = sum(scene.nod_masks[place].sum() for scene in evaluation.scenes) / FPS / 60.0
        if minutes < FEW_MINUTES:
            yield f"{minutes:.1f} min of {words}: rates there say little; {FEW_MINUTES:g} or more are wanted."
    if not {"redraw", "random"} <= {row.name for row in evaluation.results}:
        return
    redraw, random = evaluation.result("redraw"), evaluation.result("random")
    for kind in ("nod", "smile"):
        if not interval(redraw.metrics[f"{kind}_f1"] - random.metrics[f"{kind}_f1"]).low > 0:
            yield f"redraw is not surely better than random in {kind} F1, so {kind} skill means little here."
    for name, words in (("cues", "after cues"), ("phrases", "around phrase ends")):
        if not interval(evaluation.result("shifted").metrics[f"hazard_{name}"]).low > 0:
            yield f"the truth's nods are not surely likelier {words} than elsewhere: the hazard there says little."
        elif not (most := interval(redraw.metrics[f"hazard_{name}_share"]).high) <= HAZARD:
            yield (
                f"the hazard {words} of another listener may be as far as {most:.2f} of the shifted row's from the "
                f"truth's: more talks are wanted to tell whether a row is within {HAZARD:g}."
            )
    yield from _out_of_reach(evaluation)


def _out_of_reach(evaluation: Listening) -> Iterator[str]:
    """Targets that the simulation's own listeners surely miss where they cannot look ahead."""
    for row in (row for row in evaluation.results if row.name == CAUSAL):
        for asked in criteria(evaluation):
            value = row.value(asked.metric)
            edges = interval(row.metrics[asked.metric])
            missed = edges.known and not any(map(asked.met, (value, edges.low, edges.high)))
            if asked.metric.endswith(("_matched", "_share")) and missed:
                yield (
                    f"{asked.words}: listeners of the simulation without foresight reach {value:.2f}{asked.note}; what "
                    "is asked for is out of reach of whoever cannot look ahead."
                )
