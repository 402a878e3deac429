"""What a report's page is made of: notes, tables, plots, pictures; each says which template shows it.

A family draws its plots and pictures and gives them to the page as such parts. Nothing of a part is fetched: plots are
SVG text, pictures are data in the page.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Protocol

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure


class Part(Protocol):
    """Anything with a template of its own, which is given the part as ``part``."""

    @property
    def template(self) -> str:
        """Name of the template's file."""


@dataclass(frozen=True)
class Note:
    """A line of text under a heading, or under what stands above where it has none."""

    text: str
    title: str = ""
    template = "note.html.j2"


@dataclass(frozen=True)
class Plot:
    """A drawing of matplotlib under a heading, with a caption."""

    title: str
    figure: Figure
    caption: str = ""
    template = "plot.html.j2"

    @property
    def svg(self) -> Markup:
        """The SVG element, its ids apart from those of other plots of the page. There is no date in it, so the same
        evaluation gives the same text."""
        stream = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": self.title, "svg.fonttype": "path"}):
            self.figure.savefig(stream, format="svg", metadata={"Date": None})
        text = stream.getvalue()
        return Markup(text[text.index("<svg") :])  # paths and numbers of our own making: names are drawn, not written


@dataclass(frozen=True)
class Picture:
    """A picture's file under a caption; ``media`` is its MIME type."""

    data: bytes
    caption: str
    media: str = "image/jpeg"
    template = "picture.html.j2"

    @property
    def address(self) -> str:
        """The picture as a data URL."""
        return f"data:{self.media};base64,{base64.b64encode(self.data).decode()}"
