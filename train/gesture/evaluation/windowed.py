"""The seed's windowed generator offline: what ``python -m train aisle sample`` wrote, as rows of the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from train.gesture.aisle.book import Book
from train.gesture.aisle.render import read_sample
from train.gesture.aisle.sampling import sample_path
from train.gesture.evaluation.cases import Case, Shown, origin
from train.gesture.evaluation.rows import GestureRow
from train.gesture.pats import pose
from train.report.offline import labelled

WEIGHTS = "_weights.p"
KIND = "offline"


def sampled(given: Sequence[str], cases: Sequence[Case], reserved: Sequence[str]) -> list[GestureRow]:
    """A row for each of ``LABEL=PATH``: a ``PREFIX_weights.p`` whose samples stand beside it, or the folder that holds
    SPLIT/SPEAKER/INTERVAL.h5. The label is by default the file's or folder's name. Raises :class:`EngineError` for one
    that has no sample of these cases, or one of another length."""
    return [
        _row(label.removesuffix(WEIGHTS), Path(path), cases)
        for label, path in labelled(given, reserved, "--aisle").items()
    ]


def _row(label: str, path: Path, cases: Sequence[Case]) -> GestureRow:
    folder = Book.of(path).samples if path.name.endswith(WEIGHTS) else path
    found = {}
    for case in cases:
        file = sample_path(folder, case.talk.split, case.speaker, case.name)
        if not file.is_file():
            continue
        points = origin(pose.points(read_sample(file)))
        if len(points) != case.frames:
            raise EngineError(f"{file}: has {len(points)} frames, the set {case.frames}; sample that set again")
        found[case.name] = Shown(points)
    if not found:
        raise EngineError(
            f"--aisle {path}: {folder} has no sample of the {len(cases)} intervals that are measured; run `python -m "
            f"train aisle sample --split {cases[0].talk.split}` first"
        )
    return GestureRow(label, f"the seed's windowed generator, offline: {path.name}", KIND, found)
