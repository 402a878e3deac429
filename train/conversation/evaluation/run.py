"""Plays every row over the talks, measures part by part, and puts the results together row by row.

Parts are measured on other talks and drawn over other voices, so each is measured by itself. A metric of a part that a
row is not in is not a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from train.conversation.evaluation import lips, measures, parts
from train.conversation.evaluation.cases import KINDS, Case, Shown
from train.conversation.evaluation.parts import Measured, Played
from train.conversation.evaluation.rows import BODY, LIPS, LISTENING, SPEECH, TURNS, Row
from train.conversation.evaluation.served import Served
from train.report.evaluation import Evaluation, Result, Say, quiet

Array = NDArray[np.floating]


@dataclass(kw_only=True)
class Conversing(Evaluation):
    """Avatars, measured: the truth first. ``shown`` by row and case."""

    dialogues: Sequence[Case]
    captures: Sequence[Case]
    rows: Sequence[Row]
    shown: Played
    talks: Mapping[str, lips.Talk]


def evaluate(
    dialogues: Sequence[Case],
    captures: Sequence[Case],
    rows: Sequence[Row],
    seed: int,
    takes: int = 1,
    say: Say = quiet,
) -> Conversing:
    """Measure ``rows``, the truth first. Of models that draw, ``takes`` of each dialogue tell how they differ."""
    shown: dict[str, dict[str, Shown]] = {}
    broken: dict[str, int] = {}
    for row in rows:
        cases = [*(captures if LIPS in row.parts else ()), *(dialogues if set(row.parts) - {LIPS} else ())]
        shown[row.name], broken[row.name] = finite(row.play(cases))
        say(f"{row.name}: {len(cases)} talks")
    sections: dict[str, Measured] = {}
    talks: dict[str, lips.Talk] = {}
    for kind in KINDS:
        own = [case for case in captures if case.kind == kind]
        if own:
            talks |= (heard := parts.lip_talks(own))
            sections[f"{LIPS} {kind}"] = parts.lip_part(kind, own, heard, _in(rows, LIPS), shown, seed)
            say(f"lips, {kind}: measured")
    if dialogues:
        sections[SPEECH] = parts.speech_part(dialogues, _in(rows, SPEECH), shown, seed)
        sections[LISTENING] = parts.listening_part(dialogues, _in(rows, LISTENING), shown, seed)
        sections[TURNS] = parts.turns_part(dialogues, _in(rows, TURNS), shown, seed)
        say("own speech, listening, turns: measured")
        embodied = [case for case in dialogues if case.truth.body is not None]
        moving = [row for row in _in(rows, BODY) if all(shown[row.name][c.name].body is not None for c in embodied)]
        if embodied:
            sections[BODY] = parts.body_part(embodied, moving, shown, seed)
            say("body: measured")
        sections["sampling"] = _sampled(dialogues, _in(rows, SPEECH), shown, takes, seed)
        say("sampled motion: measured")
    results = [_together(row, sections.values(), broken[row.name]) for row in rows]
    return Conversing(
        results=results,
        seed=seed,
        sections={**sections},
        dialogues=dialogues,
        captures=captures,
        rows=rows,
        shown=shown,
        talks=talks,
    )


def finite(made: Mapping[str, Shown]) -> tuple[dict[str, Shown], int]:
    """What is shown with zeros for what is no number, and how many such there were."""
    count, found = 0, {}
    for name, one in made.items():
        arrays = [one.face] if one.body is None else [one.face, one.body]
        bad = sum(int((~np.isfinite(array)).sum()) for array in arrays)
        count += bad
        mended = None if one.body is None else np.nan_to_num(one.body)
        found[name] = replace(one, face=np.nan_to_num(one.face), body=mended) if bad else one
    return found, count


def _sampled(cases: Sequence[Case], rows: Sequence[Row], shown: Played, takes: int, seed: int) -> Measured:
    """Models are played again for their further takes."""
    played = {row.name: [shown[row.name]] for row in rows}
    for row in rows:
        if isinstance(row, Served):
            played[row.name] += [finite(row.play(cases, take))[0] for take in range(1, takes)]
    return parts.sampling_part(cases, rows, played, seed)


def _together(row: Row, sections: Iterable[Measured], broken: int) -> Result:
    """A row's metrics of all parts."""
    found = {metric.key: np.full(1, np.nan) for metric in measures.METRICS}
    curves: dict[str, Array] = {}
    groups, seconds = 0, 0.0
    for section in sections:
        for own in (one for one in section.results if one.name == row.name):
            found |= own.metrics
            curves |= own.curves
            groups, seconds = max(groups, own.groups), max(seconds, own.seconds)
    found["not_finite"] = np.array([float(broken)])
    return Result(row.name, row.about, row.kind, found, groups, seconds, curves)


def _in(rows: Iterable[Row], part: str) -> list[Row]:
    return [row for row in rows if part in row.parts]
