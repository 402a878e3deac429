"""What a conversation model is asked for, and which of its good metrics say less than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.conversation.evaluation.cases import KINDS
from train.conversation.evaluation.listening import ASKED
from train.conversation.evaluation.parts import FEW_GROUPS
from train.conversation.evaluation.rows import HOLD, LOUDNESS, MEAN, TRUTH
from train.conversation.evaluation.run import Conversing
from train.report.criteria import FAIL, PASS, Criterion, Judgement, joined, judge, summary
from train.report.evaluation import Result
from train.report.intervals import interval

REACTION = "reaction"
WORSE = 1.25
"""Error of lips over the offline model's, at most."""
LAG = 1.0
"""Frames by which lips are late or early, at most."""
CLOSES_S = 0.15
"""Seconds in which half of all mouths close after speech, at most."""
HIGHER = ("r_jaw", "r_lips", "r_closure", "r_aperture", "gain_bilabials", "gain_shut")
LOWER = ("mae_jaw", "mae_lips", "mae_closure", "mae_aperture", "mae")
NOISY, STILL = 2.0, 0.4
"""Jitter over the truth's from which lips tremble, and from which down they are calm because they hardly move."""
TALKATIVE = 0.3
"""Speed of the mouth while only the partner speaks, over that in own speech, from which it answers the wrong voice."""


def criteria(evaluation: Conversing) -> list[Criterion]:
    """What a model is asked for on this set, each a metric within bounds."""
    asked = []
    for kind in KINDS:
        if f"lips {kind}" not in evaluation.sections:
            continue
        asked += [
            Criterion(f"{kind}_over_windowed", f"error of lips ({kind}) over the offline model's", high=WORSE),
            Criterion(f"{kind}_lag", f"lag of lips ({kind}) in frames", -LAG, LAG),
            Criterion(f"{kind}_closing_50", f"seconds until lips ({kind}) close", high=CLOSES_S),
        ]
    return [*asked, Criterion("not_finite", "values that are no numbers", high=0.0, asked="none")]


def comparisons(evaluation: Conversing, row: Result) -> Iterator[Judgement]:
    """What a model is asked for beside other rows."""
    names = [result.name for result in evaluation.results]
    for kind in KINDS:
        for base in (LOUDNESS, MEAN):
            if f"lips {kind}" in evaluation.sections and base in names:
                yield nearer(row, evaluation.result(base), kind)
    if REACTION in names and row.name != REACTION and np.isfinite(row.value("nod_skill")):
        for kind in ASKED:
            yield as_good(row, evaluation.result(REACTION), kind)


def nearer(row: Result, base: Result, kind: str) -> Judgement:
    """Whether lips captured by ``kind`` are nearer to the truth than another row's in every measure."""
    words = f"lips ({kind}) nearer to the truth than {base.name}'s"
    pairs = [(key, row.value(f"{kind}_{key}"), base.value(f"{kind}_{key}")) for key in (*HIGHER, *LOWER)]
    pairs = [pair for pair in pairs if np.isfinite(pair[1:]).all()]
    lost = [
        f"{key} {own:.3f} against {other:.3f}"
        for key, own, other in pairs
        if not (own > other if key in HIGHER else own < other)
    ]
    jitters = [float(np.abs(np.log(max(one.value(f"{kind}_jitter"), 1e-6)))) for one in (row, base)]
    if jitters[0] >= jitters[1]:
        lost.append(f"jitter {row.value(f'{kind}_jitter'):.2f} against {base.value(f'{kind}_jitter'):.2f}")
    count = len(pairs) + 1
    told = f", not in {joined(lost)}" if lost else ""
    sentence = f"{FAIL if lost else PASS}: {words} in {count - len(lost)} of {count} measures{told}."
    return Judgement(Criterion(f"{kind}_mae", words), not lost, sentence)


def as_good(row: Result, base: Result, kind: str) -> Judgement:
    """Whether a skill is no worse than another row's, as far as the intervals tell."""
    key, words = f"{kind}_skill", f"{kind} skill no worse than {base.name}'s"
    own, other = row.metrics[key], base.metrics[key]
    gap = own - other if len(own) == len(other) else own[:1] - other[:1]
    edges = interval(gap)
    met = bool(gap[0] >= 0.0 or (edges.known and edges.high >= 0.0))
    spans = [interval(one.metrics[key]) for one in (row, base)]
    overlap = all(one.known for one in spans) and spans[0].low <= spans[1].high and spans[1].low <= spans[0].high
    shown = [
        f"{one.value(key):.2f}" + (f" ({span.low:.2f} to {span.high:.2f})" if span.known else "")
        for one, span in zip((row, base), spans, strict=True)
    ]
    laid = "the intervals overlap" if overlap else "the intervals do not overlap"
    gained = f", difference {gap[0]:+.2f}" + (f" ({edges.low:+.2f} to {edges.high:+.2f})" if edges.known else "")
    sentence = f"{PASS if met else FAIL}: {words}: {shown[0]} against {shown[1]}{gained}; {laid}."
    return Judgement(Criterion(key, words), met, sentence)


def remarks(evaluation: Conversing, row: Result) -> Iterator[str]:
    """Sentences on metrics that say less than they seem to."""
    for kind in KINDS:
        jitter = row.value(f"{kind}_jitter")
        if jitter > NOISY:
            yield f"lips ({kind}) tremble {jitter:.1f} times as much as the truth's: closings there are won by noise."
        if jitter < STILL and row.value(f"{kind}_over_mean") < 1.0 and row.name not in (MEAN, HOLD):
            yield f"lips ({kind}) are nearer than the mean while they move {jitter:.2f} of the truth: won by stillness."
    spoken, heard = row.value("mouth_spoken"), row.value("mouth_heard")
    if heard > TALKATIVE * spoken and row.kind == "model":
        yield f"its mouth moves {heard / spoken:.2f} times as fast while only the partner speaks as in own speech."
    if row.value("hands_over_speech") < STILL and row.kind == "model":
        yield "its hands hardly move in speech, so what rests and is smooth is won by stillness."


def data(evaluation: Conversing) -> Iterator[str]:
    """What this set cannot tell."""
    for kind in KINDS:
        cases = [case for case in evaluation.captures if case.kind == kind]
        voices = {case.voice for case in cases}
        if not cases:
            yield f"no held-out recording of lips {kind}: nothing is told of those."
        elif len(voices) < FEW_GROUPS:
            yield (
                f"lips, {kind}: {len(voices)} voice(s) in {len(cases)} recording(s); intervals tell other stretches or "
                "recordings of these, not other voices."
            )
        if cases and not any(len(evaluation.talks[case.name].bilabials) for case in cases):
            yield f"lips, {kind}: no words are told, so b, p and m are not; the truth's own closings stand for them."
    if not evaluation.dialogues:
        yield "no dialogues: listening, turns and bodies are not measured."
        return
    voices = {case.voice for case in evaluation.dialogues}
    if len(voices) < FEW_GROUPS:
        yield f"{len(voices)} voices in dialogues: talks are drawn instead; intervals tell other talks of these voices."
    unknown = sum(int((case.speaking & ~case.captured).sum()) for case in evaluation.dialogues)
    spoken = sum(int(case.speaking.sum()) for case in evaluation.dialogues)
    if unknown:
        yield f"in {100 * unknown / max(spoken, 1):.0f} % of own speech in dialogues the truth's mouth is not known."


def conclusions(evaluation: Conversing) -> dict[str, list[str]]:
    """All sentences: under ``"split"`` what the data cannot tell, by row the criteria of models and remarks."""
    told: dict[str, list[str]] = {"split": list(data(evaluation))}
    asked = criteria(evaluation)
    for row in evaluation.results:
        lines: list[str] = []
        own = next(one for one in evaluation.rows if one.name == row.name)
        if row.kind == "model" and len(own.parts) > 1:
            lines += summary(row, [*judge(row, asked), *comparisons(evaluation, row)])
        if row.name != TRUTH:
            lines += [f"{row.name}: {remark}" for remark in remarks(evaluation, row)]
        if lines:
            told[row.name] = lines
    return told
