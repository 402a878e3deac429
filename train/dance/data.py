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

from engine.body.skeleton import Skeleton, skeleton
from models.dance.config import named
from models.dance.model import Dance
from train.dance import efforts
from train.dance.labels import LEVELS, Label, Table, label_table, parted, read_labels, read_pirounet_labels
from train.dance.landmarks import Judge
from train.dance.pirounet import read_raw
from train.dance.settings import Settings
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


def read_data(folder: Path, labels: Path | None, splits: Path | None, settings: Settings) -> Data:
    """The takes and labels that ``settings`` ask for. Labels of a person, where ``labels`` names a file, are used
    alone: the rest of the windows is unlabelled."""
    body = named(settings.config).skeleton
    takes = read_takes(folder, seed=settings.seed, splits=splits, strict=False)
    if takes[0].motion.skeleton.name == body.name and takes[0].motion.skeleton != body:
        takes = read_takes(folder, skeleton(body.name), seed=settings.seed, splits=splits, strict=False)
    record: dict[str, Any] = {"effort": settings.effort, "fraction": settings.fraction_label}
    human = computed = None
    if labels is not None:
        given = _given(labels, folder, takes)
        people, others = parted(given)
        human = label_table(takes, people, settings.effort)
        computed = label_table(takes, others, settings.effort)
        record["people"] = dict(Counter(label.by for label in people))
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
    judge = None if labels is not None else _measured(thresholds, takes[0].motion.skeleton, settings.effort)
    return Data(takes, levels, record, judge)


def _given(path: Path, folder: Path, takes: list[Take]) -> list[Label]:
    """The labels of a csv: with a header, or PirouNet's own, whose first line is numbers and which counts frames over
    all arrays of the folder."""
    if any(folder.glob("*.npy")) and path.is_file() and path.read_bytes()[:1].isdigit():
        return read_pirounet_labels(path, {name: len(points) for name, points in read_raw(folder).items()})
    return read_labels(path, {take.name: len(take.motion) for take in takes})


def judged_by(model: Dance) -> Judge:
    """The model's own classifier as judge, for efforts that only people can tell."""

    def judge(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return model.classifier(model.look(torch.as_tensor(windows))).softmax(-1).numpy()

    return judge


def _measured(thresholds: efforts.Thresholds, body: Skeleton, effort: str) -> Judge:
    def judge(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        values = efforts.measure(windows, body, RATE, effort)[:, 0]
        return np.eye(len(LEVELS), dtype=np.float32)[thresholds.levels(values, effort)]

    return judge
