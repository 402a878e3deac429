"""The report of any evaluation: text for a terminal, JSON for programs, a Markdown card, and a page to look at.

A family fills in a :class:`Document`; how it is shown is the same for all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.report.evaluation import Evaluation
from train.report.intervals import DRAWS, LEVEL
from train.report.page import render
from train.report.parts import Note, Part
from train.report.tables import Metric, MetricTable, filled


def _no_parts() -> Sequence[Part]:
    return ()


@dataclass(frozen=True)
class Document:
    """``name`` and ``question`` head the page, ``heading`` says in one line what was measured and ``over`` what the
    bootstrap draws. ``tables`` are titles by the key that a metric names; ``card`` are the keys of the short table;
    ``conclusions`` are sentences by what they are about; ``settings`` and ``more`` go into the JSON; ``footnotes``
    stand under the tables, ``rules`` among the definitions. ``first`` comes before the tables, ``plots`` and
    ``filmstrips`` after them; these two are drawn only for a page."""

    name: str
    question: str
    heading: str
    over: str
    evaluation: Evaluation
    metrics: Sequence[Metric]
    tables: Mapping[str, str]
    card: Sequence[str]
    conclusions: Mapping[str, Sequence[str]]
    settings: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)
    footnotes: Sequence[str] = ()
    rules: Sequence[str] = ()
    first: Sequence[Part] = ()
    plots: Callable[[], Sequence[Part]] = _no_parts
    filmstrips: Callable[[], Sequence[Part]] = _no_parts

    @property
    def summary(self) -> str:
        """What was measured, and what stands in brackets."""
        return f"{self.heading}; [{100 * LEVEL:g} % bootstrap interval over {self.over}]"

    @property
    def sentences(self) -> list[str]:
        """All conclusions, one after another."""
        return [sentence for part in self.conclusions.values() for sentence in part]

    def text(self) -> str:
        """All tables, sections and sentences, aligned for a terminal."""
        lines = [self.summary]
        for table in self._filled():
            lines += ["", *table.text()]
        for section in self.evaluation.sections.values():
            lines += ["", *section.text()]
        return "\n".join([*lines, "", *self.footnotes, "", *self.sentences])

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values; what is not a number is None."""
        return {
            "settings": {
                **self.settings,
                "seed": self.evaluation.seed,
                "bootstrap": {"over": self.over, "draws": DRAWS, "level": LEVEL},
            },
            "definitions": {metric.key: metric.about for metric in self.metrics},
            "rows": {row.name: row.as_json() for row in self.evaluation.results},
            "sections": {name: section.as_json() for name, section in self.evaluation.sections.items()},
            "conclusions": self.conclusions,
            **self.more,
        }

    def markdown(self) -> str:
        """The metrics of the card as a Markdown table, with all sentences: what goes on a bundle's card."""
        chosen = {metric.key: metric for metric in self.metrics}
        table = MetricTable("", [chosen[key] for key in self.card], self.evaluation.results)
        return "\n".join([self.summary, "", *table.markdown(), "", *(f"- {line}" for line in self.sentences)]) + "\n"

    def html(self) -> str:
        """The whole page."""
        parts: list[Part] = [*self.first, *self._filled(), *map(Note, self.footnotes), *self.plots()]
        for section in self.evaluation.sections.values():
            parts += section.parts()
        return render("page.html.j2", page=self, parts=[*parts, *self.filmstrips()])

    def write(self, folder: Path) -> None:
        """``report.json``, ``report.md`` and ``report.html`` in ``folder``, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self.as_json(), indent=1, allow_nan=False)
        (folder / "report.json").write_text(content + "\n", "utf-8")
        (folder / "report.md").write_text(self.markdown(), "utf-8")
        (folder / "report.html").write_text(self.html(), "utf-8")

    def publish(self, folder: Path | None) -> None:
        """Print the text, and write the files where a folder is given."""
        print(self.text())
        if folder is not None:
            self.write(folder)
            print(f"\nwritten: {folder / 'report.json'}, {folder / 'report.html'}")

    def _filled(self) -> list[MetricTable]:
        return filled(self.tables, self.metrics, self.evaluation.results)
