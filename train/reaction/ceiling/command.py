"""``python -m train ceiling``: what words, acts and pauses tell of when AMI's listeners nod, before one is trained.

Needs AMI's annotations in the folder that ``$ENGINE_DATA`` names. Prints two tables: how well each kind of knowledge
foretells nods of people that the model never met, and the curves of nods around phrase ends.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from train.reaction.ceiling import columns as known
from train.reaction.ceiling.measure import (
    DRAWS,
    NEAR_S,
    OTHER,
    SHIFTED,
    SHIFTS,
    TRUTH,
    VARIANTS,
    cases,
    crossed,
    drawn,
    likelihood,
    others,
    shifted,
    tallied,
    told,
)
from train.reaction.ceiling.views import View, views
from train.report import hazard
from train.report.intervals import Sums, Tally, interval, pooled, weights
from train.simulate.meetings.people import Meeting, meetings, require

Array = NDArray[np.floating]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m train ceiling``."""
    parser.add_argument("--seed", type=int, default=0, help="seed of fitting, drawing and intervals (default: 0)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the tables there too")


def run(args: argparse.Namespace) -> None:
    """Measure and print. Raises :class:`EngineError` where there is nothing to measure on."""
    torch.set_num_threads(1)
    if args.seed < 0:
        raise EngineError(f"--seed {args.seed}: 0 or more")
    data = os.environ.get("ENGINE_DATA")
    found = meetings(require(Path(data) if data else None))
    lines = report(found, args.seed, lambda line: print(line, flush=True))
    if args.out:
        try:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text("\n".join(lines) + "\n", "utf-8")
        except OSError as error:
            reason = (error.strerror or "the system refused it").lower()
            raise EngineError(f"{args.out} cannot be written, {reason}; name another file") from error


class Row(NamedTuple):
    """What is known of one row: sums for every draw of the bootstrap."""

    name: str
    sums: Tally


def report(found: Sequence[Meeting], seed: int, tell: Callable[[str], None]) -> list[str]:
    """The tables as lines, each told as soon as there is no more to wait for. Raises :class:`EngineError` as
    :func:`train.reaction.ceiling.measure.crossed` does."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        tell(line)

    seen = [view for meeting in found for view in views(meeting)]
    nods, minutes = sum(len(view.nods) for view in seen), sum(view.minutes for view in seen)
    if not nods:
        raise EngineError("no listener of these meetings nods while another person talks: add more of AMI's meetings")
    series = sorted({view.meeting.series for view in seen})
    say(
        f"{len(seen)} listeners in {len(found)} meetings of {len(series)} series, {minutes:.0f} minutes of listening "
        f"to one person (pauses up to 3 s with it), {nods} nods, {nods / minutes:.2f} a minute; intervals over series"
    )
    weight = weights(len(series), seed)
    rng = np.random.default_rng(seed)
    truth = _row(TRUTH, [(view, view.nods) for view in seen], weight)
    moved = _row(SHIFTED, [(view, shifted(view, rng)) for view in seen for _ in range(SHIFTS)], weight)
    rows = [truth, moved, _row(OTHER, others(seen), weight)]
    say("")
    say(
        f"{'':32s}  bits a nod             distance of curves      over the shifted one's   F1 within {NEAR_S:g} s"
        "          nods a minute"
    )
    for row in rows:
        say(_line(row, truth, moved))
    vocabulary = known.Vocabulary.of(found)
    sizes = vocabulary.sizes()
    rate = nods / sum(int(view.risk.sum()) for view in seen)
    columns = {late_s: told(seen, vocabulary, late_s) for late_s in {variant.late_s for variant in VARIANTS}}
    for variant in VARIANTS:
        given = cases(seen, columns[variant.late_s], variant)
        models = crossed(given, [sizes[name] for name in (*known.OWN, *variant.columns)], seed)
        gains = {id(case.view): likelihood(case, model, rate) for case, model in zip(given, models, strict=True)}
        made = drawn(given, models, seed)
        compare = [(case.view, one) for case, each in zip(given, made, strict=True) for one in each]
        rows.append(_row(variant.name, compare, weight, gains))
        say(_line(rows[-1], truth, moved))
    say("")
    say("nods a minute by seconds from the end of a phrase (0.3 s of silence or more follow)")
    say(f"{'from':32s}  " + " ".join(f"{edge:5.2f}" for edge in hazard.EDGES[:-1]))
    for row in rows:
        say(f"{row.name:32s}  " + " ".join(f"{rate:5.2f}" for rate in hazard.curve(row.sums, "ends")[0]))
    say("")
    say(f"Each model is drawn from {DRAWS} times, each after its own nods. {OTHER}: in the time that counts for both.")
    return lines


def _row(
    name: str, compare: list[tuple[View, NDArray[np.int64]]], weight: Array, gains: dict[int, Sums] | None = None
) -> Row:
    """The sums of ``compare``, and ``gains`` by view, for every draw of ``weight``."""
    nothing: Sums = {"gain": np.array(np.nan), "nods": np.array(1.0)}
    tallies = tallied(compare, lambda view: nothing if gains is None else gains[id(view)])
    if len(tallies) != weight.shape[1]:
        raise EngineError(f"{name}: a series of meetings has only one listener; leave it out of the annotations")
    return Row(name, pooled(list(tallies.values()), weight))


def _line(row: Row, truth: Row, moved: Row) -> str:
    """A line of the table, each figure with its interval."""
    sums = row.sums.sums
    apart, chance = hazard.distance(row.sums, truth.sums, "ends"), hazard.distance(moved.sums, truth.sums, "ends")
    cells = [
        _cell(sums["gain"] / sums["nods"], 3),
        _cell(apart, 2),
        _cell(apart / np.where(chance > 0.0, chance, np.nan), 2),
        _cell(sums["both"] / np.maximum(sums["either"], 1e-9), 3),
    ]
    rate = float(sums["drawn"][0] / max(sums["watched"][0], 1e-9))
    return f"{row.name:32s}  " + "  ".join(f"{cell:22s}" for cell in cells) + f"  {rate:.2f}"


def _cell(values: Array, digits: int) -> str:
    if not np.isfinite(values[0]):
        return "-"
    ends = interval(values)
    more = f" [{ends.low:.{digits}f}, {ends.high:.{digits}f}]" if ends.known else ""
    return f"{values[0]:.{digits}f}{more}"
