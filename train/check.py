"""``python -m train check FAMILY PATH``: a data set read file by file as training reads it, with what is wrong in it.

Prints a table; the exit code is 0 where every file can be used and 1 where one cannot. A family's module ``check`` has
``add_arguments(parser)``, which adds PATH among others, and ``check(args)``, which gives a :class:`Checked` a file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from train.families import add_families, load

PART = "check"


@dataclass(frozen=True)
class Checked:
    """A file: what was ``read`` of it, by column; ``notes`` on what was found or assumed; the ``problem`` for which it
    cannot be used."""

    file: str
    read: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    problem: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command: the family, and what that family asks for."""
    add_families(parser, PART)


def run(args: argparse.Namespace) -> int:
    """Read, print; the exit code."""
    found: list[Checked] = list(load(args.family, PART).check(args))
    print(text(found))
    return int(any(each.problem for each in found))


def text(found: Sequence[Checked]) -> str:
    """The table: a line a file, beneath it its notes and its problem, and in the end how many can be used."""
    columns = list(dict.fromkeys(column for each in found for column in each.read))
    rows = [["file", *columns], *([each.file, *(each.read.get(column, "") for column in columns)] for each in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    told = [head]
    for line, each in zip(lines, found, strict=True):
        told += [line, *(f"    {note}" for note in each.notes)]
        if each.problem:
            told.append(f"    CANNOT BE USED: {each.problem}")
    bad = sum(bool(each.problem) for each in found)
    told.append(f"{len(found)} files: {len(found) - bad} can be used, {bad} cannot")
    return "\n".join(told)
