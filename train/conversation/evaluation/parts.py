"""The parts of an evaluation: each counts its rows on its own talks, with intervals over its own voices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from train.conversation.evaluation import body, lips, listening, measures, motion, sampling, turns
from train.conversation.evaluation.cases import Case, Shown
from train.conversation.evaluation.mouth import APERTURE, NAMES, closed_below, measured
from train.conversation.evaluation.phones import bilabials
from train.conversation.evaluation.rows import MEAN, TRUTH, WINDOWED, Row
from train.conversation.talks.layout import FPS, MOUTH
from train.report.evaluation import Counts, Derived, Pooled, Result, Section, measure
from train.report.intervals import Tally, by_group, weights
from train.report.parts import Note, Part
from train.report.tables import Metric, filled
from train.simulate.talk import FPS as LISTENER_FPS

Array = NDArray[np.floating]
Played = Mapping[str, Mapping[str, Shown]]
"""What is shown, by row and case."""

FEW_GROUPS = 6
"""Voices below which talks are drawn, and talks below which stretches of them are."""
STRETCH_S = 10.0
SAMPLING_DRAWS = 100
"""Draws of the measures of sampled motion, which cost decompositions."""


@dataclass(kw_only=True)
class Measured(Section):
    """A part: its ``tables`` (titles by key), what was drawn ``over``, and of what in words (``heading``)."""

    tables: Mapping[str, str]
    over: str
    heading: str

    def text(self) -> list[str]:
        """Lines for a terminal."""
        lines = [f"{self.title}: {self.heading}; drawn over {self.over}"]
        for table in filled(self.tables, self.metrics, self.results):
            lines += ["", *table.text()]
        return lines

    def parts(self) -> list[Part]:
        """Its parts of the page."""
        note = Note(f"{self.heading}; intervals are drawn over {self.over}.", self.title)
        return [note, *filled(self.tables, self.metrics, self.results)]

    def as_json(self) -> dict[str, object]:
        """What it is of; its metrics are with the rows."""
        rows = [row.name for row in self.results]
        return {"title": self.title, "heading": self.heading, "over": self.over, "rows": rows}


def grouped(cases: Sequence[Case]) -> tuple[str, Callable[[Case], str]]:
    """What is drawn, ``voices`` or where they are few ``talks``, and of which group a case is."""
    if len({case.voice for case in cases}) >= FEW_GROUPS:
        return "voices", lambda case: case.voice
    return "talks", lambda case: case.name


def lip_talks(cases: Sequence[Case]) -> dict[str, lips.Talk]:
    """What lips are measured on, by the case's name; a voice's mouth is closed by its own measure."""
    truth = {case.name: measured(case.mouth) for case in cases}
    speech = {case.name: lips.spoken(case) for case in cases}
    spoken: dict[str, list[Array]] = {}
    for case in cases:
        spoken.setdefault(case.voice, []).append(truth[case.name][speech[case.name], NAMES.index(APERTURE)])
    below = {voice: closed_below(apertures) for voice, apertures in spoken.items()}
    return {
        case.name: lips.Talk(
            truth[case.name],
            np.append(case.solved, True),
            below[case.voice],
            lips.frame_of(bilabials(case)),
            speech[case.name],
            lips.ends_of(case),
        )
        for case in cases
    }


def lip_part(
    kind: str,
    cases: Sequence[Case],
    talks: Mapping[str, lips.Talk],
    rows: Sequence[Row],
    shown: Played,
    seed: int,
) -> Measured:
    """Lips against those captured by ``kind``."""
    over, group = grouped(cases)
    few = over == "talks" and len(cases) < FEW_GROUPS
    over = f"stretches of {STRETCH_S:g} s" if few else over

    def count(row: Row) -> Counts:
        counted: list[tuple[str, Tally]] = []
        for case in cases:
            mouth, talk = _mouth(row, case, shown), talks[case.name]
            if not few:
                counted.append((group(case), lips.tally(mouth, talk)))
                continue
            for first, last in lips.stretches(case.frames, STRETCH_S):
                part = lips.tally(mouth[first:last], lips.stretch(talk, first, last))
                counted.append((f"{case.name} {first:07d}", part))
        return Counts(by_group(counted), _seconds(cases))

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        found = lips.derive(own.tally.sums, every[MEAN].tally.sums)
        found["over_windowed"] = np.full_like(found["mae"], np.nan)
        if WINDOWED in every:
            found["over_windowed"] = (
                found["mae"] / lips.derive(every[WINDOWED].tally.sums, every[MEAN].tally.sums)["mae"]
            )
        return Derived({metric.key: found[metric.key.removeprefix(f"{kind}_")] for metric in metrics})

    metrics = measures.lip_metrics(kind)
    onsets = sum(len(talks[case.name].bilabials) for case in cases)
    heading = f"{_heading(cases)}, {onsets} onsets of b, p, m"
    return _measured(f"Lips, {kind}", metrics, measures.lip_tables(kind), over, heading, rows, count, derive, seed)


def speech_part(cases: Sequence[Case], rows: Sequence[Row], shown: Played, seed: int) -> Measured:
    """Head and brows in speech."""

    def answer(row: Row, case: Case) -> Tally:
        return motion.tally(_face(row, case, shown), case, case.captured if row.name == TRUTH else None)

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        found = motion.derive(own.tally.sums, every[TRUTH].tally.sums)
        return Derived(found, {part: motion.spectrum(own.tally.sums, part) for part in motion.PARTS})

    over, group = grouped(cases)
    count = partial(_count, cases, group, answer)
    metrics, tables = measures.SPEECH_METRICS, measures.SPEECH_TABLES
    minutes = sum(case.speaking.sum() for case in cases) / FPS / 60.0
    heading = f"{_heading(cases)}, {minutes:.1f} of own speech"
    return _measured("Own speech", metrics, tables, over, heading, rows, count, derive, seed)


def listening_part(cases: Sequence[Case], rows: Sequence[Row], shown: Played, seed: int) -> Measured:
    """Listening."""
    told = {case.name: listening.heard(case) for case in cases}

    def answer(row: Row, case: Case) -> Tally:
        face = shown[row.name][case.name].face_at(LISTENER_FPS, len(told[case.name].quiet))
        return listening.tally(face, told[case.name])

    over, group = grouped(cases)
    count = partial(_count, cases, group, answer)
    minutes = sum(one.listens.sum() for one in told.values()) / LISTENER_FPS / 60.0
    cues = ", ".join(f"{sum(len(one.cues[kind]) for one in told.values())} for a {kind}" for kind in listening.ASKED)
    heading = f"{_heading(cases)}, {minutes:.1f} in which the partner alone speaks, invitations: {cues}"
    metrics, tables = measures.LISTENING_METRICS, measures.LISTENING_TABLES
    return _measured(
        "Listening",
        metrics,
        tables,
        over,
        heading,
        rows,
        count,
        lambda own, every: Derived(listening.derive(own.tally, every[TRUTH].tally)),
        seed,
    )


def turns_part(cases: Sequence[Case], rows: Sequence[Row], shown: Played, seed: int) -> Measured:
    """Gaze and head around turns."""

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        return Derived(turns.derive(own.tally.sums, every[TRUTH].tally.sums), dict(turns.curves(own.tally.sums)))

    over, group = grouped(cases)
    count = partial(_count, cases, group, lambda row, case: turns.tally(_face(row, case, shown), case))
    metrics, tables = measures.TURNS_METRICS, measures.TURNS_TABLES
    found = [turns.moments(case) for case in cases]
    heading = (
        f"{_heading(cases)}, {', '.join(f'{sum(len(o[k]) for o in found)} {w}' for k, w in turns.MOMENTS.items())}"
    )
    return _measured("Turns", metrics, tables, over, heading, rows, count, derive, seed)


def body_part(cases: Sequence[Case], rows: Sequence[Row], shown: Played, seed: int) -> Measured:
    """Hands and poses."""
    over, group = grouped(cases)
    groups = sorted({group(case) for case in cases})
    true = [body.seen(case.truth.body) for case in cases if case.truth.body is not None]

    def count(row: Row) -> Counts:
        made = []
        for case in cases:
            moved = shown[row.name][case.name].body
            assert moved is not None
            made.append(body.seen(moved[: case.frames]))
        tallies = by_group((group(case), body.tally(one, case)) for case, one in zip(cases, made, strict=True))
        whole = body.distances(made, true, cases, [groups.index(group(case)) for case in cases])
        return Counts(tallies, _seconds(cases), whole)

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        return Derived(body.derive(own.tally.sums, every[TRUTH].tally.sums) | own.whole)

    metrics, tables = measures.BODY_METRICS, measures.BODY_TABLES
    return _measured("Body", metrics, tables, over, _heading(cases), rows, count, derive, seed)


def sampling_part(
    cases: Sequence[Case], rows: Sequence[Row], takes: Mapping[str, Sequence[Mapping[str, Shown]]], seed: int
) -> Measured:
    """The published measures of sampled motion; ``takes`` of each row by its name."""
    over, group = grouped(cases)
    groups = sorted({group(case) for case in cases})
    draws = weights(len(groups), seed, SAMPLING_DRAWS)
    places = [groups.index(group(case)) for case in cases]
    truth = sampling.frames({case.name: case.truth for case in cases}, cases)
    results = []
    for row in rows:
        played = [sampling.frames(take, cases) for take in takes[row.name]]
        metrics = sampling.measured(played, truth, places, draws, seed)
        results.append(Result(row.name, row.about, row.kind, metrics, len(groups), _seconds(cases)))
    most = max(map(len, takes.values()))
    return Measured(
        title="Sampled motion",
        metrics=measures.SAMPLING_METRICS,
        results=results,
        tables=measures.SAMPLING_TABLES,
        over=over,
        heading=f"{_heading(cases)}, {most} take(s) of each model",
    )


def _measured(
    title: str,
    metrics: Sequence[Metric],
    tables: Mapping[str, str],
    over: str,
    heading: str,
    rows: Sequence[Row],
    count: Callable[[Row], Counts],
    derive: Callable[[Pooled, Mapping[str, Pooled]], Derived],
    seed: int,
) -> Measured:
    results = measure(rows, count, derive, seed)
    return Measured(title=title, metrics=metrics, results=results, tables=tables, over=over, heading=heading)


def _count(
    cases: Sequence[Case], group: Callable[[Case], str], tally: Callable[[Row, Case], Tally], row: Row
) -> Counts:
    return Counts(by_group((group(case), tally(row, case)) for case in cases), _seconds(cases))


def _face(row: Row, case: Case, shown: Played) -> NDArray[np.float32]:
    return shown[row.name][case.name].face_at(FPS, case.frames)


def _mouth(row: Row, case: Case, shown: Played) -> Array:
    if row.name == TRUTH:
        return case.mouth
    alone = shown[row.name][case.name].mouth
    return _face(row, case, shown)[:, MOUTH] if alone is None else alone[: case.frames]


def _seconds(cases: Iterable[Case]) -> float:
    return float(sum(case.seconds for case in cases))


def _heading(cases: Sequence[Case]) -> str:
    voices = len({case.voice for case in cases})
    return f"{len(cases)} talks of {voices} voices, {_seconds(cases) / 60.0:.1f} minutes"
