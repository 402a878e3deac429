"""``report.html``: one file to read and to look at, with nothing in it that is fetched from elsewhere."""

from __future__ import annotations

import html
from pathlib import Path

from train.reaction.evaluation import plots, report, strips
from train.reaction.evaluation.measures import FIGURES
from train.reaction.evaluation.rows import LAG_S
from train.reaction.evaluation.run import Evaluation
from train.reaction.evaluation.scene import MERGE_S, NEAR_S, NOD_WINDOW_S, SMILE_WINDOW_S
from train.report import document


def write(evaluation: Evaluation, told: dict[str, list[str]], folder: Path) -> None:
    """``report.html`` in ``folder``."""
    (folder / "report.html").write_text(render(evaluation, told), encoding="utf-8")


def render(evaluation: Evaluation, told: dict[str, list[str]]) -> str:
    """The whole page."""
    parts = [
        "<h1>Does it look like someone who listens?</h1>",
        f"<p>{html.escape(report.heading(evaluation))}</p>",
        "<h2>Verdict</h2>",
        document.sentences(told),
        *(document.figures(title, shown, evaluation.results) for title, shown in report.tables(evaluation)),
        f"<p class=note>{html.escape(report.footnote(evaluation))}</p>",
        *document.plot("Nods after a cue", plots.hazard(evaluation), "Shaded: the truth's 95 % interval."),
        *document.plot(
            "Speed spectra", plots.spectra(evaluation), "Head rotation; expression weights without lids and eyes."
        ),
        *document.plot("Blink intervals", plots.blinks(evaluation), ""),
        "<h2>Strips</h2>",
        "<p class=note>Heads every 0.4 s. Traces: head pitch (blue, a nod dips), smile (orange). Marks: nods, smiles "
        "and blinks (grey) as counted.</p>",
        *(_strip(evaluation, index) for index in range(len(evaluation.moments))),
        "<h2>Definitions</h2>",
        _definitions(evaluation),
    ]
    return document.document("Listener evaluation", parts)


def _strip(evaluation: Evaluation, index: int) -> str:
    return document.picture(document.jpeg(strips.sheet(evaluation, index)), strips.caption(evaluation, index))


def _definitions(evaluation: Evaluation) -> str:
    rules = [
        f"An event answers a cue from {NOD_WINDOW_S[0]:g} to {NOD_WINDOW_S[1]:g} s (nods) or {SMILE_WINDOW_S[0]:g} to "
        f"{SMILE_WINDOW_S[1]:g} s (smiles) around it; one event answers one cue; cues less than {MERGE_S:g} s apart "
        f"are one. Speech is cue-free, and silence is silence, more than {NEAR_S:g} s from any cue.",
        f"The lagged mime is {LAG_S:g} s late.",
    ]
    rows = "".join(f"<li>{html.escape(row.name)}: {html.escape(row.about)}</li>" for row in evaluation.results)
    figures = "".join(f"<li>{html.escape(f.heading)}: {html.escape(f.about)}</li>" for f in FIGURES)
    return "".join(f"<p>{html.escape(rule)}</p>" for rule in rules) + f"<ul>{rows}</ul><ul>{figures}</ul>"
