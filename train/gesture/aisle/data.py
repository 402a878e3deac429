"""A split of a set in memory: normalised poses and mel rows, cluster labels, tokens; windows and batches cut from it.

Poses are normalised by each speaker's mean and deviation, as the seed's ``muvar`` has them, mel rows by those of all
training rows. What was measured stays with the weights (:class:`Measured`), so sampling needs no training data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineError
from train.gesture.aisle.generator import CLUSTERS, Heard
from train.gesture.aisle.layers import BANDS
from train.gesture.aisle.text import text_of
from train.gesture.aisle.words import Source
from train.gesture.pats import clusters, pose
from train.gesture.pats.audio import STEP, for_frames
from train.gesture.pats.layout import FEATURES, JOINTS, RATE
from train.gesture.pats.pose import Scale
from train.gesture.pats.reader import Interval, PatsSet

MEL = "audio/log_mel_400"
NEEDED = (pose.POSE, MEL)
LEAST = 1e-3
"""Deviation of a number that hardly changes; a pixel's thousandth."""


class Measured(nn.Module):
    """What was measured on the training split, for S speakers: mean and deviation of poses (S, 104) and mel rows (64,),
    and cluster centres (S, 8, 240)."""

    pose_mean: Tensor
    pose_deviation: Tensor
    mel_mean: Tensor
    mel_deviation: Tensor
    centres: Tensor

    def __init__(self, speakers: Sequence[str]) -> None:
        super().__init__()
        self.speakers = tuple(speakers)
        sizes = {
            "pose_mean": (len(speakers), 2 * JOINTS),
            "pose_deviation": (len(speakers), 2 * JOINTS),
            "mel_mean": (BANDS,),
            "mel_deviation": (BANDS,),
            "centres": (len(speakers), CLUSTERS, clusters.WIDTH),
        }
        for name, size in sizes.items():
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))

    def fit(self, intervals: Sequence[Interval], seed: int) -> None:
        """Measure on intervals of all the speakers."""
        scales = pose.fit_scales(intervals)
        labels = clusters.Clusters.fit_set(intervals, seed)
        for row, speaker in enumerate(self.speakers):
            self.pose_mean[row] = torch.from_numpy(scales[speaker].mean)
            self.pose_deviation[row] = torch.from_numpy(scales[speaker].deviation).clamp(min=LEAST)
            self.centres[row] = torch.from_numpy(labels.centres[speaker])
        count, total, squares = 0, np.zeros(BANDS), np.zeros(BANDS)
        for interval in intervals:
            rows = interval.read(MEL).astype(np.float64)
            count, total, squares = count + len(rows), total + rows.sum(0), squares + (rows**2).sum(0)
        mean = total / max(count, 1)
        self.mel_mean[:] = torch.from_numpy(mean)
        self.mel_deviation[:] = torch.from_numpy(np.sqrt(np.maximum(squares / max(count, 1) - mean**2, LEAST**2)))

    def scale(self, speaker: str) -> Scale:
        """A speaker's mean and deviation (104,)."""
        row = self.row(speaker)
        return Scale(self.pose_mean[row].double().cpu().numpy(), self.pose_deviation[row].double().cpu().numpy())

    def clusters(self) -> clusters.Clusters:
        """Everybody's clusters."""
        return clusters.Clusters(dict(zip(self.speakers, self.centres.double().cpu().numpy(), strict=True)))

    def row(self, speaker: str) -> int:
        """The number of a speaker. Raises :class:`EngineError` for one that was not trained on."""
        if speaker not in self.speakers:
            raise EngineError(
                f"speaker {speaker!r} was not trained on; choose from {', '.join(self.speakers)[:300]} with --speaker"
            )
        return self.speakers.index(speaker)


class Batch(NamedTuple):
    """Windows: ``heard``; ``pose`` (B, T, 96) and ``cluster`` (B, T) to be made; ``windows`` (B,) their numbers."""

    heard: Heard
    pose: Tensor
    cluster: Tensor
    windows: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on a device, but for the numbers."""
        return Batch(self.heard.to(device), self.pose.to(device), self.cluster.to(device), self.windows)


class Span(NamedTuple):
    """An interval in a :class:`Split`: its ``frames`` from ``first`` on, of the speaker with that number."""

    interval: Interval
    first: int
    frames: int
    speaker: int


@dataclass(frozen=True)
class Split:
    """Intervals one after the other, N frames: ``pose`` (N, 96), ``mel`` (N, 64), ``cluster`` (N,), ``token`` (N,) into
    ``table``; windows begin at ``starts`` (W,) and are of speakers ``styles`` (W,), ``time`` frames long."""

    spans: tuple[Span, ...]
    pose: Tensor
    mel: Tensor
    cluster: Tensor
    token: Tensor
    table: Tensor
    starts: Tensor
    styles: Tensor
    time: int

    def batch(self, index: Tensor) -> Batch:
        """The windows with these numbers."""
        rows = self.starts[index][:, None] + torch.arange(self.time)
        heard = Heard(self.mel[rows], text_of(self.token[rows], self.table), self.styles[index])
        return Batch(heard, self.pose[rows], self.cluster[rows], index)

    def heard(self, span: Span, starts: Tensor) -> Heard:
        """The windows that begin at frames ``starts`` (B,) of an interval. What lies behind its end repeats its last
        frame, with no word."""
        rows = starts[:, None] + torch.arange(self.time)
        said = torch.where(rows < span.frames, self.token[span.first + rows.clamp(max=span.frames - 1)], 0)
        mel = self.mel[span.first + rows.clamp(max=span.frames - 1)]
        return Heard(mel, text_of(said, self.table), torch.full((len(starts),), span.speaker))

    def leading(self) -> Tensor:
        """The cluster (W,) that most frames of each window have."""
        rows = self.cluster[self.starts[:, None] + torch.arange(self.time)]
        return nn.functional.one_hot(rows, CLUSTERS).sum(1).argmax(1)


def chosen(folder: PatsSet, split: str, speakers: Sequence[str]) -> list[Interval]:
    """The usable intervals of a split, of ``speakers`` or of everybody. Raises :class:`EngineError` where there are
    none."""
    names: Sequence[str | None] = list(speakers) or [None]
    found = [one for name in names for one in folder.intervals(split, name, NEEDED)]
    if not found:
        whose = f" of {', '.join(speakers)}" if speakers else ""
        raise EngineError(f"{folder.folder}: split {split!r} has no interval{whose} that can be used; choose others")
    return found


def read_split(
    intervals: Sequence[Interval], measured: Measured, source: Source, way: str, time: int, hop: int, double: bool
) -> Split:
    """Intervals in memory; windows of ``time`` frames every ``hop`` frames in each that is long enough. ``way`` is of
    :data:`train.gesture.pats.audio.WAYS`."""
    labels = measured.clusters()
    kind = torch.float64 if double else torch.float32
    spans, poses, mels, marks = [], [], [], []
    starts: list[int] = []
    styles: list[int] = []
    first = 0
    for interval in intervals:
        rows, mel = interval.read(pose.POSE).astype(np.float64), interval.read(MEL)
        frames = len(rows) if way == "time" else min(len(rows), (len(mel) - 1) // STEP + 1)
        modelled = pose.features(rows[:frames])
        speaker = measured.row(interval.speaker)
        spans.append(Span(interval, first, frames, speaker))
        poses.append(torch.as_tensor(measured.scale(interval.speaker).standard(modelled), dtype=kind))
        heard = torch.from_numpy(for_frames(mel, frames, way=way).astype(np.float64))
        mels.append(((heard - measured.mel_mean) / measured.mel_deviation).to(kind))
        marks.append(torch.from_numpy(labels.label_features(modelled, interval.speaker)))
        starts += range(first, first + frames - time + 1, hop)
        styles += [speaker] * len(range(0, frames - time + 1, hop))
        first += frames
    tokens = source.tokens(intervals, [span.frames for span in spans])
    table = tokens.table.to(kind) if tokens.table.is_floating_point() else tokens.table
    return Split(
        spans=tuple(spans),
        pose=torch.cat(poses).reshape(-1, FEATURES),
        mel=torch.cat(mels),
        cluster=torch.cat(marks),
        token=tokens.at,
        table=table,
        starts=torch.tensor(starts, dtype=torch.long),
        styles=torch.tensor(styles, dtype=torch.long),
        time=time,
    )


def told(split: Split) -> str:
    """A split's size in words."""
    seconds = len(split.pose) / RATE
    return f"{len(split.spans)} intervals, {seconds / 60:.1f} minutes, {len(split.starts)} windows"
