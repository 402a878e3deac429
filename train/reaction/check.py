"""What ``python -m train check reaction`` looks at: every file of a data set in the layout of REACT2024."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from engine.errors import EngineError
from train.check import Checked
from train.reaction import clips
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
        yield Checked(f"{split}.csv", {"split": split, "kind": "pairs", "holds": f"{len(pairs)} pairs"})
        if (data.root / f"{NEIGHBOURS}_{split}.npy").exists():
            yield _neighbours(data, split)
        for file in dict.fromkeys(file for pair in pairs for file in data.files(split, pair)):
            found = clips.examine(file)
            read = {"split": split, "kind": file.kind, "holds": found.holds}
            yield Checked(file.path.relative_to(data.root).as_posix(), read, problem=found.problem)


def _neighbours(data: ReactData, split: str) -> Checked:
    name, read = f"{NEIGHBOURS}_{split}.npy", {"split": split, "kind": NEIGHBOURS}
    try:
        matrix = data.neighbours(split)
    except EngineError as error:
        return Checked(name, read, problem=str(error))
    return Checked(name, read | {"holds": " x ".join(map(str, matrix.shape))})
