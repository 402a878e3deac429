"""Gestures for whole intervals: windows one after the other that fade into each other, measured and written as h5.

As published an interval goes through the networks as one (``whole``), longer than any window of training; the windows
that fade are the default, since positions beyond a window's were never learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import EngineError
from train.files import FileError, reason
from train.gesture.aisle.data import Measured, Split
from train.gesture.aisle.generator import CLUSTERS
from train.gesture.aisle.gesticulator import Gesticulator
from train.gesture.aisle.layers import MULTIPLE
from train.gesture.aisle.model import Aisle
from train.gesture.evaluation import seed_metrics
from train.gesture.pats import pose
from train.gesture.pats.layout import FEATURES, JOINTS
from train.report.intervals import Tally

FADE = 16
"""Frames in which a window fades into the next."""
BATCH = 32
Join = Literal["fade", "whole"]
JOINS: tuple[Join, ...] = ("fade", "whole")


class Scored(NamedTuple):
    """What was made for an interval of a speaker, against the truth: ``tally`` of counts, both (T, 96), standard."""

    speaker: str
    tally: Tally
    made: NDArray[np.floating]
    truth: NDArray[np.floating]


@torch.no_grad()
def generate(model: Aisle, split: Split, number: int, join: Join = "fade") -> Tensor:
    """Standardised poses (T, 96) for the interval with that number in ``split``, in evaluation mode."""
    model.eval()
    span = split.spans[number]
    if join == "whole" or isinstance(model.G, Gesticulator):
        time = -(-span.frames // MULTIPLE) * MULTIPLE
        heard = Split(**{**vars(split), "time": time}).heard(span, torch.zeros(1, dtype=torch.long))
        whole: Tensor = model.G(heard.to(model.device)).pose[0, : span.frames].cpu()
        return whole
    time, hop = split.time, split.time - FADE
    starts = torch.arange(0, max(span.frames - FADE, 1), hop)
    made = torch.cat([model.G(split.heard(span, some).to(model.device)).pose.cpu() for some in starts.split(BATCH)])
    return faded(made, hop)[: span.frames]


def faded(windows: Tensor, hop: int) -> Tensor:
    """Windows (B, T, F), each ``hop`` frames after the one before, as one stretch: where two overlap the first fades
    out as the second fades in, by straight lines that add up to 1."""
    count, time, _ = windows.shape
    overlap = time - hop
    rise = (torch.arange(overlap, dtype=windows.dtype) + 1.0) / (overlap + 1.0)
    total = windows.new_zeros(hop * (count - 1) + time, windows.shape[2])
    for number, window in enumerate(windows):
        share = torch.ones(time, dtype=windows.dtype)
        if number:
            share[:overlap] = rise
        if number < count - 1:
            share[-overlap:] *= rise.flip(0)
        total[number * hop : number * hop + time] += window * share[:, None]
    return total


def in_pixels(standard: Tensor, measured: Measured, speaker: str) -> NDArray[np.float64]:
    """Rows (T, 104) of standardised poses (T, 96): the neck at 0, nose and eyes where the speaker has them on
    average."""
    scale = measured.scale(speaker)
    return np.asarray(pose.restored(scale.pixels(standard.double().numpy()), scale.mean), np.float64)


def scored(made: Tensor, truth: Tensor, measured: Measured, speaker: str) -> Scored:
    """The counts of stretches (T, 96) or windows (B, T, 96)."""
    labels = measured.clusters()
    rows = [in_pixels(values, measured, speaker) for values in (made, truth)]
    tally = seed_metrics.count(
        rows[0], rows[1], measured.scale(speaker), lambda pixels: labels.label_features(pixels, speaker)
    )
    flat = [values.reshape(-1, FEATURES).double().numpy() for values in (made, truth)]
    return Scored(speaker, tally, flat[0], flat[1])


def metrics(found: Sequence[Scored], split: str) -> dict[str, float]:
    """All metrics of the seed over intervals together, by its names with the split before them."""
    values = seed_metrics.pooled_metrics(item.tally for item in found)
    both = [np.concatenate([getattr(item, name) for item in found]) for name in ("made", "truth")]
    group = np.zeros(len(both[0]), np.intp)
    values |= {k: float(v[0]) for k, v in seed_metrics.fid(both[0], both[1], group, 1)(np.ones((1, 1))).items()}
    return seed_metrics.cumulative({k: v for k, v in values.items() if not k.startswith("pck_0")}, split)


class WindowCheck:
    """Metrics on a split's windows, ``count`` of them spread evenly, and the losses on them: what training looks at."""

    def __init__(self, split: Split, name: str, count: int) -> None:
        total = len(split.starts)
        if not total:
            raise EngineError(f"split {name!r} has no interval of {split.time} frames; give longer ones")
        self.split, self.name = split, name
        self.index = torch.linspace(0, total - 1, min(count, total)).round().long()

    @torch.no_grad()
    def __call__(self, model: Aisle) -> dict[str, float]:
        """By the seed's names; ``NAME`` itself is the L1 of the pose."""
        model.eval()
        made, truth, styles, cluster = [], [], [], []
        for some in self.index.split(BATCH):
            batch = self.split.batch(some).to(model.device)
            found = model.G(batch.heard)
            made.append(found.pose.cpu())
            truth.append(batch.pose.cpu())
            styles.append(batch.heard.style.cpu())
            if found.logits is not None:
                loss = nn.functional.cross_entropy(found.logits.flatten(0, 1), batch.cluster.flatten(), reduction="sum")
                cluster.append(float(loss))
        both = [torch.cat(values) for values in (made, truth)]
        style = torch.cat(styles)
        speakers = model.measured.speakers
        items = [
            scored(both[0][style == row], both[1][style == row], model.measured, speakers[row])
            for row in style.unique().tolist()
        ]
        values = metrics(items, self.name) | {self.name: float((both[0] - both[1]).abs().mean())}
        if cluster:
            values[f"{self.name}_cluster"] = sum(cluster) / (len(both[0]) * self.split.time)
        return values


def confusion(item: Scored) -> NDArray[np.float64]:
    """Frames (8, 8) of each true cluster (rows) for which each was made."""
    return np.asarray(item.tally.sums["F1"], np.float64).reshape(CLUSTERS, CLUSTERS)


def sample_path(folder: Path, split: str, speaker: str, name: str) -> Path:
    """``FOLDER/SPLIT/SPEAKER/NAME.h5``."""
    return folder / split / speaker / f"{name}.h5"


def write_sample(folder: Path, split: str, speaker: str, name: str, rows: NDArray[Any]) -> Path:
    """The file of a sample, with ``pose/normalize`` (T, 2, 52), as the seed writes it."""
    path = sample_path(folder, split, speaker, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file[pose.POSE] = rows.reshape(len(rows), 2, JOINTS).astype(np.float32)
    except OSError as error:
        raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights and the space") from error
    return path
