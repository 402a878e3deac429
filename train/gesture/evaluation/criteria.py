"""What a gesture model is asked for, and which of its good metrics say less than they seem to."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from train.gesture.evaluation.rows import BEAT, KNOWABLE, REDRAW, SHIFTED, TRUTH
from train.gesture.evaluation.run import FEW_GROUPS, Gesturing
from train.report.criteria import Criterion
from train.report.evaluation import Result
from train.report.intervals import interval

SKILL = 0.6
"""Of another gesturer's gain over luck that a model's strokes have at least."""
RATE = (0.6, 1.6)
"""Strokes a minute in speech over the truth's."""
JERK = (0.5, 1.5)
"""Jerk over the truth's."""
TALKATIVE = 0.5
"""Strokes in silence over those in speech from which hands do not listen."""
CLEAR = 0.05
"""Gain of another gesturer's hits over luck below which skill cannot be told."""
FEW_NODS = 0.5
"""Nods over the truth's below which a head hardly nods."""
LOST = 0.1
"""Skill that an ablation loses if what it lacks was used."""


def criteria(evaluation: Gesturing) -> list[Criterion]:
    """What a model is asked for on this set."""
    asked = [Criterion("skill", "timing skill", low=SKILL)]
    if evaluation.windowed:
        name = evaluation.windowed
        for key, words in (("fid", "FID"), ("w1_vel", "W1 of velocity"), ("w1_acc", "W1 of acceleration")):
            wanted = f"at most 1 (no worse than {name})"
            asked.append(Criterion(f"{key}_over", f"{words} over the windowed generator's", high=1.0, asked=wanted))
    return [
        *asked,
        Criterion("rate_ratio", "strokes a minute in speech over the truth's", *RATE),
        Criterion("jerk_ratio", "jerk over the truth's", *JERK),
    ]


def remarks(evaluation: Gesturing, row: Result) -> Iterator[str]:
    """Sentences on metrics that say less than they seem to."""
    rows = {item.name: item for item in evaluation.results}
    if row.kind == "ablation":
        yield from _ablated(rows, row)
        return
    if row.kind != "model":
        return
    skill = row.value("skill")
    best = rows[KNOWABLE].value("skill") if KNOWABLE in rows else math.nan
    if math.isfinite(best) and math.isfinite(skill):
        yield (
            f"a causal gesturer who misses nothing would reach a timing skill of {best:.2f}; {skill:.2f} is "
            f"{100.0 * skill / best:.0f} % of that."
        )
    rule = rows[BEAT].value("skill")
    if rule > skill:
        yield f"the beat rule's timing skill is {rule:.2f}: a stroke on every loud moment does better."
    if row.value("speed_ratio") < 0.4:
        yield "its distances to the truth are small because its hands hardly move: won by stillness."
    if row.value("rate_ratio") > RATE[1] and skill > SKILL:
        yield f"it strikes {row.value('rate_ratio'):.1f} times as often as the truth: its skill is won by quantity."
    if row.value("rate_silence") > TALKATIVE * row.value("rate_speech"):
        yield (
            f"it makes {row.value('rate_silence'):.1f} strokes a minute in silence, {row.value('rate_speech'):.1f} in "
            "speech: its hands do not fall silent with the voice."
        )
    if row.value("stays") > 0.5:
        yield f"in {100 * row.value('stays'):.0f} % of the silences its hands stay up until it speaks again."
    nods = rows[TRUTH].value("nods_speech")
    if row.value("nods_speech") < FEW_NODS * nods:
        yield f"its head nods {row.value('nods_speech'):.1f} times a minute in speech, the truth's {nods:.1f} times."
    if row.value("phase") > 0.2:
        yield f"its strokes come {row.value('phase'):.2f} s after their stresses: late enough to be seen."
    if evaluation.windowed and row.value("L1") > rows[evaluation.windowed].value("L1"):
        yield (
            f"its L1 is above {evaluation.windowed}'s: that one sees the whole window and shows its mean, which a "
            "draw of a gesturer never is; redraw's L1 says what people have."
        )


def _ablated(rows: dict[str, Result], row: Result) -> Iterator[str]:
    whole = rows.get(row.name.rpartition(", ")[0])
    if whole is None or not np.isfinite(row.value("skill")):
        return
    own, base = row.metrics["skill"], whole.metrics["skill"]
    lost = base - own if len(own) == len(base) else np.full_like(own, np.nan)
    lost[0] = base[0] - own[0]
    edges = interval(lost)
    span = f" ({edges.low:+.2f} to {edges.high:+.2f})" if edges.known else ""
    used = "what it lacks was used" if lost[0] > LOST else "what it lacks is hardly used"
    if edges.known and edges.low <= 0.0 <= edges.high:
        used = "no more than chance"
    yield f"its timing skill is {own[0]:.2f}; the whole model's is {lost[0]:+.2f}{span} from that: {used}."


def data(evaluation: Gesturing) -> Iterator[str]:
    """What this set cannot tell."""
    truth = evaluation.truth
    voices, people = ({getattr(case, key) for case in evaluation.cases} for key in ("speaker", "name"))
    talks = {case.talk.voice for case in evaluation.cases}
    yield (
        f"{len(people)} intervals of {len(voices)} gesturers by {len(talks)} voices; intervals are drawn over "
        f"{evaluation.over}."
    )
    if evaluation.over == "talks":
        yield (
            f"{len(talks)} held-out voices are fewer than {FEW_GROUPS}, so talks are drawn: intervals tell other "
            "talks of these voices, not other voices."
        )
    if truth.groups < FEW_GROUPS:
        yield f"{truth.groups} {evaluation.over}: intervals over so few say little; {FEW_GROUPS} or more are wanted."
    names = {row.name: row for row in evaluation.results}
    if REDRAW not in names:
        yield "no talk has two gesturers, so there is no redraw and no timing skill."
        return
    redraw, luck = names[REDRAW], names[SHIFTED]
    gain = redraw.value("hit") - redraw.value("chance")
    yield (
        f"strokes of another gesturer meet a stress in {100 * redraw.value('hit'):.0f} %, by luck in "
        f"{100 * redraw.value('chance'):.0f} %; those of {SHIFTED} in {100 * luck.value('hit'):.0f} %."
    )
    if not gain > CLEAR:
        yield "that is hardly more than luck, so this set cannot tell timing skill."
    if np.isfinite(evaluation.floor).all():
        yield (
            f"FID: halves of the {TRUTH} are {np.median(evaluation.floor):.2f} apart ({evaluation.floor.min():.2f} to "
            f"{evaluation.floor.max():.2f}); what a row has below that says nothing."
        )
    for row in evaluation.results:
        shown = len(evaluation.row(row.name).motions)
        if shown < len(evaluation.cases):
            yield f"{row.name} has {shown} of the {len(evaluation.cases)} intervals, and is measured on these alone."
