"""The table of rooms: a line for each, and in it for each bundle the figures with their marks; what fails, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.rooms.counts import Counts, Marks
from benchmarks.rooms.faces import SIZES

ROOM = 34
COLUMNS = ("nods/min", "smiles/min", "smiling %", "lean cm", "short %")
ASKED = tuple(f"size {size:g}" for size in SIZES)
Cells = Mapping[str, tuple[Counts, Marks]]
"""Of each bundle by name."""


def heading(bundles: Sequence[str], smiled_at: bool = False) -> str:
    """Names of the columns; where the room is ``smiled_at``, of those that tell of answers."""
    columns = _columns(smiled_at)
    names = "".join(f"{name:>{len(name) + 2}}" for name in columns)
    over = "".join(f" | {bundle:^{len(names)}}" for bundle in bundles)
    return f"{'':>{ROOM}}{over}\n{'':>{ROOM}}" + f" | {names}" * len(bundles)


def line(room: str, cells: Cells, smiled_at: bool = False) -> str:
    """A room."""
    out = f"{room:>{ROOM}}"
    for counts, marks in cells.values():
        out += " | "
        for name, (value, digits, mark) in zip(_columns(smiled_at), _figures(counts, marks, smiled_at), strict=True):
            out += f"{value:>{len(name) + 1}.{digits}f}{mark or ' '}"
    return out


def failures(room: str, cells: Cells, others: Mapping[str, Counts], against: str) -> list[str]:
    """What fails there, each in words; ``others`` are the counts of each bundle in the room ``against``."""
    found = []
    for bundle, (here, marks) in cells.items():
        there = others[bundle]
        pairs = (
            (marks.nods, "nods {:.1f} a minute, {:.1f} in", _rate(here, here.nods), _rate(there, there.nods)),
            (marks.smiles, "smiles {:.2f} a minute, {:.2f} in", _rate(here, here.smiles), _rate(there, there.smiles)),
            (marks.smiling, "smiles {:.0%} of the time, {:.0%} in", here.smiling, there.smiling),
            (marks.lean, "leans by {:.1f} cm, {:.1f} in", here.lean_cm, there.lean_cm),
        )
        found += [
            f"{bundle}, {room}: {words.format(mine, other)} {against}"
            for mark, words, mine, other in pairs
            if mark == "!"
        ]
        found += [
            f"{bundle}, {room}: answers {answered / max(here.asked, 1):.0%} of the smiles of {size:g}"
            for mark, answered, size in zip(marks.answered, here.answered, SIZES, strict=True)
            if mark == "!"
        ]
    return found


def figures(counts: Counts, marks: Marks) -> dict[str, object]:
    """A cell as plain values, for the JSON line."""
    wrong = {name: mark for name, mark in marks._asdict().items() if any(mark)}
    return counts._asdict() | ({"marks": wrong} if wrong else {})


def _columns(smiled_at: bool) -> tuple[str, ...]:
    return (*COLUMNS[:1], *ASKED, *COLUMNS[3:4]) if smiled_at else COLUMNS


def _figures(counts: Counts, marks: Marks, smiled_at: bool) -> list[tuple[float, int, str]]:
    """Of each column the value, its digits and its mark."""
    nods, lean = (_rate(counts, counts.nods), 1, marks.nods), (counts.lean_cm, 1, marks.lean)
    if smiled_at:
        shares = [number / max(counts.asked, 1) for number in counts.answered]
        answered = [(share, 2, mark) for share, mark in zip(shares, marks.answered, strict=True)]
        return [nods, *answered, lean]
    smiles = (_rate(counts, counts.smiles), 2, marks.smiles)
    short = 100 * counts.short_looks / max(counts.looks, 1)
    return [nods, smiles, (100 * counts.smiling, 1, marks.smiling), lean, (short, 0, "")]


def _rate(counts: Counts, number: int) -> float:
    return number / counts.minutes
