"""What the report of a conversation evaluation says, beside what every report says."""

from __future__ import annotations

import json
from collections.abc import Iterator

from train.conversation.evaluation import criteria, focus, lips, measures, mouth, plots, turns
from train.conversation.evaluation.cases import KINDS
from train.conversation.evaluation.run import Conversing
from train.report.document import Document
from train.report.tables import number

TABLES = (
    *(measures.lip_tables(kind) for kind in KINDS),
    measures.SPEECH_TABLES,
    measures.LISTENING_TABLES,
    measures.TURNS_TABLES,
    measures.BODY_TABLES,
    measures.SAMPLING_TABLES,
)


def document(evaluation: Conversing) -> Document:
    """The report of the evaluation."""
    people = focus.kept()
    minutes = sum(case.seconds for case in (*evaluation.captures, *evaluation.dialogues)) / 60.0
    return Document(
        name="Conversation evaluation",
        question="Does it talk and listen as people do?",
        heading=(
            f"{len(evaluation.captures)} captured recordings, {len(evaluation.dialogues)} dialogues, {minutes:.1f} "
            f"minutes, seed {evaluation.seed}"
        ),
        over="what each part names",
        evaluation=evaluation,
        metrics=measures.METRICS,
        tables=measures.WHOLE_TABLES,
        card=[key for key in measures.CARD if any(map(_told, [row.value(key) for row in evaluation.results]))],
        conclusions=criteria.conclusions(evaluation),
        settings={
            "captures": [case.name for case in evaluation.captures],
            "dialogues": [case.name for case in evaluation.dialogues],
            "voices": sorted({case.voice for case in (*evaluation.captures, *evaluation.dialogues)}),
        },
        more={"people": {"source": people.source, "on": {name: list(curve) for name, curve in people.on.items()}}},
        footnotes=[
            f"Lips are closed where the aperture is within {100 * mouth.CLOSED:.0f} % of the range of the voice's true "
            "one in speech (5th to 95th percentile). The aperture is jawOpen - mouthClose, at least 0, and the mean of "
            "mouthLowerDown and mouthUpperUp.",
            "Lips of a bundle are its mouth of speech: what its expression shows on the same channels, a smile say, is "
            "taken off (recordings are played again with expressiveness 0, with lip_strength 1 and 0).",
            f"Times count in frames of 1/30 s; a mouth that does not close within {lips.LONGEST} counts as that long.",
            f"People's gaze around turns ({people.people} people, {people.turns['own_start']} turns; {people.source}): "
            f"away {_change(people):.2f} of the time more as turns begin than as they end.",
        ],
        rules=list(definitions()),
        plots=lambda: plots.drawings(evaluation),
    )


def definitions() -> Iterator[str]:
    """What the metrics of each table are, a line a table."""
    for titles in TABLES:
        for key, title in titles.items():
            own = [f"{metric.heading}: {metric.about}" for metric in measures.METRICS if metric.table == key]
            yield f"{title} {'; '.join(own)}."


def figures(evaluation: Conversing) -> str:
    """The metrics of the short table by row, as one line of JSON; what is not a number is null."""
    found = {row.name: {key: number(row.value(key)) for key in measures.CARD} for row in evaluation.results}
    return json.dumps({"figures": found}, allow_nan=False)


def _told(value: float) -> bool:
    return number(value) is not None


def _change(people: focus.Focus) -> float:
    """How much more people look away as turns begin than as they end, within 0.5 s."""
    return float(people.on["own_end"][turns.MIDDLE].mean() - people.on["own_start"][turns.MIDDLE].mean())
