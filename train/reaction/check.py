"""What ``python -m train check reaction`` looks at: every file of a data set in the layout of REACT2024, and what can
be measured on a split whose clips have one listener each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import EngineError
from train.check import Checked
from train.reaction import clips, neighbours
from train.reaction.neighbours import Pair
from train.reaction.react import SPLITS, ReactData

NEIGHBOURS = "neighbour_emotion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("data", type=Path, metavar="PATH", help="folder of the data set")
    parser.add_argument("--split", choices=SPLITS, help="look at this split alone (default: at all that are there)")


def check(args: argparse.Namespace) -> Iterator[Checked]:
    """Each file of each split once. Raises :class:`EngineError` for what is no data set."""
    data = ReactData(args.data)
    for split in data.splits if args.split is None else (args.split,):
        try:
            pairs = data.pairs(split)
        except EngineError as error:
            yield Checked(f"{split}.csv", {"split": split}, problem=str(error))
            continue
        matrix = neighbours.find(data.root, split)
        alone = len({pair.speaker for pair in pairs}) == len(pairs)
        notes = _measured(data, split, matrix) if alone else []
        yield Checked(f"{split}.csv", {"split": split, "kind": "pairs", "holds": f"{len(pairs)} pairs"}, notes)
        if matrix:
            yield _neighbours(data, split, matrix, alone)
        both = [pair.mirrored for pair in pairs] if data.both_ways(split) else []
        for file in dict.fromkeys(file for pair in (*pairs, *both) for file in data.files(split, pair)):
            found = clips.examine(file)
            read = {"split": split, "kind": file.kind, "holds": found.holds}
            yield Checked(file.path.relative_to(data.root).as_posix(), read, problem=found.problem)


def _measured(data: ReactData, split: str, matrix: Path | None) -> list[str]:
    """What ``python -m train evaluate reaction`` can tell of a split of one listener a clip."""
    if matrix:
        told = f"redraws and the challenge's metrics over appropriate listeners by {matrix.name}"
    else:
        name = neighbours.NAMES[0].format(split=split)
        told = f"no redraw, and the challenge's metrics against that listener alone; for more put {name} here"
    ways = "" if data.layout else (", both ways" if data.both_ways(split) else ", as listed: listeners have no voice")
    return [f"one listener a clip{ways}: {told}"]


def _neighbours(data: ReactData, split: str, path: Path, alone: bool) -> Checked:
    name, read = path.relative_to(data.root).as_posix(), {"split": split, "kind": NEIGHBOURS}
    try:
        found = data.neighbours(split)
    except EngineError as error:
        return Checked(name, read, problem=str(error))
    assert found is not None
    notes: Sequence[str] = []
    if alone:
        pairs: Sequence[Pair] = found.pairs
        right = [len(found.appropriate(pair)) for pair in pairs]
        nobody = sum(not found.others(pair) for pair in pairs)
        ways = "with the mirrored pairs" if found.both_ways else "the pairs as listed"
        notes = [
            f"{ways}; {min(right)} to {max(right)} appropriate listeners a clip, {nobody} clips without another person"
        ]
    return Checked(name, read | {"holds": f"{len(found.matrix)} x {len(found.matrix)}"}, notes)
