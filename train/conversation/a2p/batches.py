"""Which crops of which scenes a step is trained on: all of (seed, step).

As published, every scene is as likely, and a crop begins anywhere and has 400 to 600 frames; up to 600 it is filled
with zeros that the mask leaves out. Face codes that are missing are left out as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from train.conversation.a2p.config import Stage
from train.conversation.a2p.hearing import Hearing, standardised
from train.conversation.a2p.layout import CODES, POSE, Array, PersonFolder, Scene, Stats
from train.conversation.a2p.models import FEATURES
from train.conversation.a2p.settings import Settings
from train.run.progress import progress
from train.run.recipe import Batch, Batches


@dataclass(frozen=True)
class Take:
    """A scene as a stage is trained on it; ``rows`` of its sound, None where the stage does not hear."""

    scene: Scene
    rows: Tensor | None


class Crop:
    """Frames [first, last) of a take, filled up to ``length`` frames."""

    def __init__(self, take: Take, first: int, last: int, length: int) -> None:
        self.take, self.first, self.last, self.length = take, first, last, length

    def target(self, stage: Stage, stats: Stats) -> tuple[Tensor, Tensor]:
        """Standardised frames (length, F) of what the stage makes, and which count (length,)."""
        scene, here = self.take.scene, (self.first, self.last)
        width = FEATURES[stage]
        counts = np.ones(self.last - self.first, bool)
        if width == POSE:
            rows: Array = (scene.poses(*here) - stats.pose_mean) / stats.pose_std
        elif width == CODES:
            counts = ~scene.missing[self.first : self.last]
            rows = np.where(counts[:, None], (scene.codes(*here) - stats.code_mean) / stats.code_std, np.float32(0))
        else:
            rows = scene.vertices(*here)
        whole, mask = np.zeros((self.length, width), np.float32), np.zeros(self.length, bool)
        whole[: len(rows)], mask[: len(rows)] = rows, counts
        return torch.from_numpy(whole), torch.from_numpy(mask)

    def sound(self, hearing: Hearing) -> Tensor:
        """Rows of its sound, silence behind its end."""
        assert self.take.rows is not None
        found = self.take.rows[hearing.row(self.first) : hearing.row(self.last)]
        whole = found.new_full((hearing.row(self.length), *found.shape[1:]), hearing.silence)
        count = min(len(found), len(whole))  # a row more or less, where frames begin between samples
        whole[:count] = found[:count]
        return whole


class Source:
    """Makes tensors of crops for a stage."""

    def __init__(self, stage: Stage, stats: Stats, hearing: Hearing | None) -> None:
        self.stage, self.stats, self.hearing = stage, stats, hearing

    def batch(self, crops: Sequence[Crop], seed: int) -> Batch:
        """``target`` (B, T, F), ``mask`` (B, T), ``lengths`` (B,), and ``rows`` of sound for stages that hear."""
        pairs = [crop.target(self.stage, self.stats) for crop in crops]
        found: Batch = {
            "target": torch.stack([target for target, _ in pairs]),
            "mask": torch.stack([mask for _, mask in pairs]),
            "lengths": torch.tensor([crop.last - crop.first for crop in crops]),
            "seed": seed,
        }
        if self.hearing is not None:
            found["rows"] = torch.stack([crop.sound(self.hearing) for crop in crops])
        return found


class A2PBatches(Batches):
    """Random crops."""

    settings: Settings

    def __init__(self, takes: Sequence[Take], source: Source, settings: Settings) -> None:
        super().__init__(settings)
        self.takes, self.source = takes, source

    def batch(self, step: int) -> Batch:
        """The crops of ``step``."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, 1, step])
        crops = []
        for number in rng.integers(len(self.takes), size=settings.rows):
            take = self.takes[number]
            length = min(int(rng.integers(settings.shortest, settings.segment + 1)), take.scene.frames)
            first = int(rng.integers(take.scene.frames - length + 1))
            crops.append(Crop(take, first, first + length, settings.segment))
        return self.source.batch(crops, int(rng.integers(2**31)))


class Validation:
    """The same windows every time, spread evenly over the val scenes."""

    def __init__(self, takes: Sequence[Take], source: Source, settings: Settings) -> None:
        crops = windows(takes, settings.segment)
        chosen = np.unique(np.linspace(0, len(crops) - 1, min(settings.checked, len(crops))).round().astype(int))
        some = [crops[number] for number in chosen]
        self.batches = [
            source.batch(some[at : at + settings.rows], settings.seed + at) for at in range(0, len(some), settings.rows)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def windows(takes: Sequence[Take], length: int) -> list[Crop]:
    """All of the takes in windows of ``length`` frames; the last one of a take is shorter."""
    return [
        Crop(take, first, min(first + length, take.scene.frames), length)
        for take in takes
        for first in range(0, take.scene.frames, length)
    ]


def takes_of(folder: PersonFolder, split: str, hearing: Hearing | None, stats: Stats) -> list[Take]:
    """The scenes of a split, their sound as rows."""
    scenes = folder.split(split)
    if hearing is None:
        return [Take(scene, None) for scene in scenes]
    return [
        Take(scene, hearing.rows(standardised(scene, stats)))
        for scene in progress(scenes, f"sound of the {split} scenes")
    ]


def fingerprint(folder: PersonFolder, split: str) -> str:
    """Of the scenes of a split: names, lengths, statistics and every thirtieth frame, so that other data are known."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(value).tobytes() for value in folder.stats))
    for scene in folder.split(split):
        digest.update(f"{scene.name} {scene.frames} {scene.swapped} {scene.yaw is not None}".encode())
        for array in (scene.pose[::30], scene.face[::30], scene.missing, scene.wav.held[::4000]):
            digest.update(np.ascontiguousarray(array).tobytes())
        if scene.lips is not None:
            digest.update(np.ascontiguousarray(scene.lips[::30]).tobytes())
    return digest.hexdigest()
