"""The parts of which a report's page is made: one file, its plots and pictures inline, nothing fetched."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure as Plot
from numpy.typing import NDArray

from train.report.tables import Figure, cell

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


class Row(Protocol):
    """A row of an evaluation: its name, what it is, its kind (a class of the style), and its figures by key."""

    name: str
    about: str
    kind: str
    figures: Mapping[str, NDArray[np.floating]]


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    return f"<!doctype html>\n<html lang=en><head>{head}</head><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def sentences(told: dict[str, list[str]]) -> str:
    """A verdict as a list, what failed or was won by a trick in red, what passed in green."""

    def item(sentence: str) -> str:
        kind = (
            " class=bad" if "FAIL" in sentence or "won by" in sentence else " class=good" if "pass:" in sentence else ""
        )
        return f"<li{kind}>{html.escape(sentence)}</li>"

    return "<ul>" + "".join(item(sentence) for part in told.values() for sentence in part) + "</ul>"


def figures(title: str, shown: Sequence[Figure], rows: Sequence[Row]) -> str:
    """A table of figures, a row of it for each row of an evaluation."""
    heads = [(figure.heading, figure.about) for figure in shown]
    cells = [
        (row.name, row.about, row.kind, [cell(row.figures[figure.key], figure) for figure in shown]) for row in rows
    ]
    return table(title, heads, cells)


def table(title: str, heads: Sequence[tuple[str, str]], rows: Sequence[tuple[str, str, str, Sequence[str]]]) -> str:
    """A table. ``heads`` are (heading, what it is); ``rows`` are (name, what it is, kind, cells), a cell being a value
    and, after a space, its interval."""
    header = "".join(f"<th title='{html.escape(about, quote=True)}'>{html.escape(name)}</th>" for name, about in heads)
    lines = []
    for name, about, kind, shown in rows:
        cells = ""
        for text in shown:
            value, _, span = text.partition(" ")
            cells += f"<td>{value}{f'<small>{span}</small>' if span else ''}</td>"
        about = html.escape(about, quote=True)
        lines.append(f"<tr class={kind}><td title='{about}'>{html.escape(name)}</td>{cells}</tr>")
    whole = f"<table><tr><th></th>{header}</tr>{''.join(lines)}</table>"
    return f"<h2>{html.escape(title)}</h2><div class=wide>{whole}</div>"


def plot(title: str, figure: Plot, caption: str) -> list[str]:
    """A drawing under a heading."""
    drawn = svg(figure, title)
    return [f"<h2>{title}</h2>", f"<figure>{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"]


def picture(data: bytes, caption: str, kind: str = "image/jpeg") -> str:
    """A picture's file, inline, under its caption."""
    shown = html.escape(caption)
    source = f'<img alt="{shown}" src="data:{kind};base64,{base64.b64encode(data).decode()}">'
    return f"<figure><figcaption>{shown}</figcaption><div class=wide>{source}</div></figure>"


def jpeg(image: NDArray[np.uint8], quality: int = 88) -> bytes:
    """The JPEG file of an image (H, W, 3) BGR."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def tidy(figure: Plot) -> Plot:
    """The figure with small ticks and no box around its axes."""
    for axis in figure.axes:
        axis.tick_params(labelsize=7)
        axis.xaxis.label.set_size(8)
        axis.yaxis.label.set_size(8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return figure


def svg(figure: Plot, salt: str) -> str:
    """The figure's SVG element. ``salt`` keeps its ids apart from those of the other figures of a page; there is no
    date, so the same evaluation gives the same text."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
