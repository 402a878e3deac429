"""What the dancer is trained on: the takes of a folder, and for each frame the effort of the window that starts there.

Labels given by people come first; where there are none they are computed from motion, and which were whose is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from models.dance.model import Dance
from train.dance import efforts
from train.dance.labels import LEVELS, Label, Table, label_table, parted, read_labels, read_pirounet_labels, recorded
from train.dance.landmarks import Judge
from train.dance.options import AS_FOUND, How
from train.dance.pirounet import read_raw
from train.dance.settings import Settings
from train.dance.splits import GAP, LEAST
from train.dance.takes import RATE, Take, read_takes
from train.dance.windows import BY, cut_windows, fraction_label


@dataclass(frozen=True)
class Data:
    """``levels`` by take name, int8 (T,), -1 where no label is shown; ``record`` says whose labels they were; ``judge``
    gives the effort of windows by the computed measure, None where people gave the labels."""

    takes: list[Take]
    levels: Table
    record: dict[str, Any]
    judge: Judge | None


def read_data(
    folder: Path,
    labels: Path | None,
    splits: Path | None,
    settings: Settings,
    how: How = AS_FOUND,
) -> Data:
    """The takes and labels that ``settings`` ask for; ``how`` and ``splits`` as for :func:`read_takes`.

    Labels of a person, where ``labels`` names a file, are used alone: the rest of the windows is unlabelled. Raises
    :class:`EngineError` where nothing is left to train on, to check on, or to learn from labels.
    """
    takes = read_takes(folder, how=how, seed=settings.seed, splits=splits)
    for split, purpose in (("train", "train on"), ("val", "check on")):
        _enough([take for take in takes if take.split == split], f"{folder}: no take to {purpose}", settings.segment)
    record: dict[str, Any] = {"effort": settings.effort, "fraction": settings.fraction_label}
    human = computed = None
    thresholds = None
    if labels is not None:
        given = parted(_given(labels, folder, takes))
        human = label_table(takes, given.people, settings.effort)
        computed = label_table(takes, given.computed, settings.effort)
        _labelled(labels, takes, settings.effort, human, computed)
        record["people"] = dict(Counter(label.by for label in given.people))
    else:
        thresholds = efforts.fit_thresholds(takes)
        computed = efforts.computed_table(takes, thresholds, settings.effort)
        record["thresholds"] = thresholds.to_dict()
    levels: Table = {take.name: np.full(len(take.motion), -1, np.int8) for take in takes}
    for split in sorted({take.split for take in takes}):
        windows = cut_windows(takes, split, human, computed)
        if split == "train":
            windows = fraction_label(windows, settings.fraction_label, settings.seed)
        for number, name in enumerate(windows.names):
            own = windows.take == number
            levels[name][windows.start[own]] = windows.label[own]
        record[split] = {
            "by": {BY[by]: int(count) for by, count in enumerate(np.bincount(windows.by, minlength=len(BY)))},
            "levels": {name: int((windows.label == level).sum()) for level, name in enumerate(LEVELS)},
        }
    judge = None if thresholds is None else _measured(thresholds, takes[0].motion.skeleton, settings.effort)
    return Data(takes, levels, record, judge)


def _enough(takes: list[Take], what: str, frames: int) -> None:
    """Refuse takes of which none has ``frames`` undamaged frames in a row, the length of a dance in training."""
    longest = max((_longest(take.sound) for take in takes), default=0)
    if longest >= frames:
        return
    why = f"has {frames} undamaged frames in a row (the longest {longest})" if takes else "is left"
    raise EngineError(
        f"{what} {why}; give three takes of a style or more, longer takes (one of {LEAST * 2 + GAP} frames at {RATE:g} "
        "fps is cut in two), or a --splits that puts long ones to train and to val"
    )


def _longest(sound: NDArray[np.bool_]) -> int:
    """Frames of the longest undamaged stretch."""
    ends = np.flatnonzero(np.concatenate([[True], ~sound, [True]]))
    return int(np.diff(ends).max()) - 1


def _labelled(path: Path, takes: list[Take], effort: str, *tables: Table) -> None:
    """Refuse labels of which none gives a window that trains a level."""
    training = [take.name for take in takes if take.split == "train"]
    if not any((table[name] >= 0).any() for table in tables for name in training):
        raise EngineError(
            f"{path}: holds no level of {effort} effort for a take that trains; label some with python -m train label "
            "dance, or leave --labels out to have efforts computed from the motion"
        )


def _given(path: Path, folder: Path, takes: list[Take]) -> list[Label]:
    """The labels of a csv: with a header, or PirouNet's own, whose first line is numbers and which counts frames over
    all arrays of the folder."""
    if any(folder.glob("*.npy")) and path.is_file() and path.read_bytes()[:1].isdigit():
        return read_pirounet_labels(path, {name: len(points) for name, points in read_raw(folder).items()})
    return read_labels(path, recorded(takes))


def judged_by(model: Dance) -> Judge:
    """The model's own classifier as judge, for efforts that only people can tell."""

    def judge(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(model.classifier(model.look(torch.as_tensor(windows))).softmax(-1).numpy())

    return judge


def _measured(thresholds: efforts.Thresholds, body: Skeleton, effort: str) -> Judge:
    def judge(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        values = efforts.measure(windows, body, RATE, effort)[:, 0]
        return np.eye(len(LEVELS), dtype=np.float32)[thresholds.levels(values, effort)]

    return judge
