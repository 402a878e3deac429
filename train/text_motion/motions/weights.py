"""How often each clip of a set is drawn in training: ``weights.csv`` beside its lists, ``name,weight`` a line.

A set with seventy plain walks teaches walking before all else; a set may therefore weigh its clips. One without the
file, as HumanML3D, has weight 1 throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from train.files import FileError, read_csv

FILE = "weights.csv"
HEADER = ["name", "weight"]


def weights(folder: Path) -> Mapping[str, float]:
    """Weights by name of the set at ``folder``; 1 for a name that the file does not have.

    Raises :class:`FileError` naming file and line for what is no weight above 0.
    """
    path = Path(folder) / FILE
    found = Weights()
    if not path.exists():
        return found
    rows = read_csv(path)
    if not rows or rows[0].cells != HEADER:
        raise FileError(f"{path}: its first line must be {','.join(HEADER)!r}")
    for line, cells in rows[1:]:
        if len(cells) != 2:
            raise FileError(f"{path}:{line}: has {len(cells)} cells; give a name and its weight")
        try:
            weight = float(cells[1])
        except ValueError:
            weight = math.nan
        if not 0.0 < weight < math.inf:
            raise FileError(f"{path}:{line}: {cells[1][:40]!r} is no weight; give a number above 0")
        found[cells[0]] = weight
    return found


class Weights(dict[str, float]):
    """Weights by name, 1 for those that are not named."""

    def __missing__(self, name: str) -> float:
        return 1.0


def write_weights(folder: Path, values: Mapping[str, float]) -> None:
    """Write the file of a set."""
    lines = [",".join(HEADER), *(f"{name},{weight:.4f}" for name, weight in values.items())]
    (Path(folder) / FILE).write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
