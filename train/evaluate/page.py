"""``report.html``: one file to read and to look at, with nothing in it that is fetched from elsewhere."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from matplotlib.figure import Figure

from train.evaluate import plots, report, strips
from train.evaluate.measures import FIGURES
from train.evaluate.rows import LAG_S
from train.evaluate.run import Evaluation
from train.evaluate.scene import MERGE_S, NEAR_S, NOD_WINDOW_S, SMILE_WINDOW_S

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1b1b; max-width: 1180px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin: 2em 0 .5em; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow-x: auto; }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td small { color: #777; display: block; font-size: 10.5px; }
tr.people { background: #f3f3f3; } tr.model { background: #eaf2fb; } tr.ablation td { color: #555; }
li.bad { color: #a11515; } li.good { color: #14612a; } svg { max-width: 100%; height: auto; }
img { max-width: none; border: 1px solid #ddd; } figcaption, p.note { color: #555; font-size: 13px; }
"""


def write(evaluation: Evaluation, told: dict[str, list[str]], folder: Path) -> None:
    """``report.html`` in ``folder``."""
    (folder / "report.html").write_text(render(evaluation, told), encoding="utf-8")


def render(evaluation: Evaluation, told: dict[str, list[str]]) -> str:
    """The whole page."""
    parts = [
        "<h1>Does it look like someone who listens?</h1>",
        f"<p>{html.escape(report.heading(evaluation))}</p>",
        "<h2>Verdict</h2>",
        _verdict(told),
        *_tables(evaluation),
        f"<p class=note>{html.escape(report.footnote(evaluation))}</p>",
        *_figure("Nods after a cue", plots.hazard(evaluation), "Shaded: the truth's 95 % interval."),
        *_figure(
            "Speed spectra", plots.spectra(evaluation), "Head rotation; expression weights without lids and eyes."
        ),
        *_figure("Blink intervals", plots.blinks(evaluation), ""),
        "<h2>Strips</h2>",
        "<p class=note>Heads every 0.4 s. Traces: head pitch (blue, a nod dips), smile (orange). Marks: nods, smiles "
        "and blinks (grey) as counted.</p>",
        *(_strip(evaluation, index) for index in range(len(evaluation.moments))),
        "<h2>Definitions</h2>",
        _definitions(evaluation),
    ]
    title = "Listener evaluation"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f"<!doctype html>\n<html lang=en><head>{head}</head><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _verdict(told: dict[str, list[str]]) -> str:
    def item(sentence: str) -> str:
        kind = (
            " class=bad" if "FAIL" in sentence or "won by" in sentence else " class=good" if "pass:" in sentence else ""
        )
        return f"<li{kind}>{html.escape(sentence)}</li>"

    return "<ul>" + "".join(item(sentence) for part in told.values() for sentence in part) + "</ul>"


def _tables(evaluation: Evaluation) -> list[str]:
    parts = []
    for title, shown in report.tables(evaluation):
        header = "".join(f"<th title='{html.escape(f.about, quote=True)}'>{html.escape(f.heading)}</th>" for f in shown)
        lines = []
        for row in evaluation.results:
            cells = ""
            for figure in shown:
                value, _, span = report.cell(row, figure).partition(" ")
                cells += f"<td>{value}{f'<small>{span}</small>' if span else ''}</td>"
            about = html.escape(row.about, quote=True)
            lines.append(f"<tr class={row.kind}><td title='{about}'>{html.escape(row.name)}</td>{cells}</tr>")
        table = f"<table><tr><th></th>{header}</tr>{''.join(lines)}</table>"
        parts.append(f"<h2>{html.escape(title)}</h2><div class=wide>{table}</div>")
    return parts


def _figure(title: str, figure: Figure, caption: str) -> list[str]:
    drawn = plots.svg(figure, title)
    return [f"<h2>{title}</h2>", f"<figure>{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"]


def _strip(evaluation: Evaluation, index: int) -> str:
    data = base64.b64encode(strips.jpeg(strips.sheet(evaluation, index))).decode()
    caption = html.escape(strips.caption(evaluation, index))
    picture = f'<img alt="{caption}" src="data:image/jpeg;base64,{data}">'
    return f"<figure><figcaption>{caption}</figcaption><div class=wide>{picture}</div></figure>"


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
