"""A small evaluation of dice: what a family has to bring for the frame, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from train.report.criteria import Criterion, conclusions
from train.report.document import Document
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Result, Section, measure
from train.report.intervals import Tally, by_group
from train.report.parts import Note
from train.report.plots import coloured, curve, grid
from train.report.tables import Metric

METRICS = (
    Metric("mean", "mean", "eyes", "mean of the eyes", 1),
    Metric("ratio", "/ truth", "eyes", "mean over the truth's"),
    Metric("most", "most", "eyes", "highest throw", 0, peak=True),
    Metric("never", "never", "nothing", "never defined"),
)
TABLES = {"eyes": "Eyes: how many?", "nothing": "Nothing"}
HOSTILE = "<script>alert('x')</script>"


@dataclass(frozen=True)
class Die:
    """A row: throws (N,) by hand."""

    name: str
    about: str
    kind: str
    throws: Mapping[str, np.ndarray]


def count(row: Die) -> Counts:
    """Sums by hand."""

    def tally(throws: np.ndarray) -> Tally:
        sums = {"eyes": throws.sum(), "n": len(throws), "bins": np.bincount(throws, minlength=7)}
        sums["confusion.parity"] = np.bincount(throws % 2, minlength=4).reshape(2, 2)
        return Tally({name: np.asarray(value, float) for name, value in sums.items()}, {"most": throws.max()})

    counted = by_group((hand, tally(throws)) for hand, throws in row.throws.items())
    return Counts(counted, 2.0 * len(row.throws), lambda weight: {"hands": (weight > 0).sum(1).astype(float)})


def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
    """Mean and ratio."""
    mean, truth = (one.tally.sums["eyes"] / one.tally.sums["n"] for one in (own, every["truth"]))
    metrics = {"mean": mean, "ratio": mean / truth, "most": own.tally.peaks["most"], "never": np.full(1, np.nan)}
    return Derived(metrics | own.whole, {"bins": own.tally.sums["bins"] / own.tally.sums["n"][:, None]})


def dice(seed: int = 0, hands: int = 8) -> list[Die]:
    """The truth, a loaded die, and one whose name is an attack."""
    rng = np.random.default_rng(seed)

    def thrown(low: int) -> dict[str, np.ndarray]:
        return {f"hand{hand}": rng.integers(low, 7, 30) for hand in range(hands)}

    return [
        Die("truth", "fair", "people", thrown(1)),
        Die("loaded", f"never under 4 {HOSTILE}", "model", thrown(4)),
        Die(HOSTILE, "a name & more", "trick", thrown(1)),
    ]


class Extra(Section):
    """A section of its own."""

    def sentences(self) -> list[str]:
        """One."""
        return [f"extra: {HOSTILE} has {len(self.results)} rows."]


def remarks(row: Result) -> Iterator[str]:
    """One on whatever rolls high."""
    if row.value("ratio") > 1.2:
        yield "high because it is loaded: won by cheating."


def evaluation(rows: list[Die] | None = None) -> Evaluation:
    """The dice, measured, with a section."""
    found = Evaluation(results=measure(rows or dice(), count, derive, 0), seed=0)
    found.sections["extra"] = Extra(title="Extra", metrics=METRICS[:1], results=found.results[1:])
    return found


def document(found: Evaluation, **more: Any) -> Document:
    """Their report."""
    drawing = grid(1, 3.0, 2.0)
    for row, colour in coloured(found.results, {}):
        curve(drawing.axes[0], np.arange(7.0), row, "bins", colour)
    drawing.axes[0].legend()
    criteria = [Criterion("ratio", "mean over truth", 0.9, 1.1), Criterion("mean", "mean", high=9.0)]
    values: dict[str, Any] = {
        "name": "Dice",
        "question": "Is it fair?",
        "heading": f"3 dice {HOSTILE}",
        "over": "hands",
        "evaluation": found,
        "metrics": METRICS,
        "tables": TABLES,
        "card": ("mean", "ratio"),
        "conclusions": conclusions(found, ["eight hands are few."], criteria, remarks),
        "settings": {"throws": 30},
        "footnotes": [f"A footnote {HOSTILE}."],
        "rules": ["A rule."],
        "filmstrips": lambda: [Note("as thrown", "Pictures")],
    }
    return Document(**(values | more))
