"""Writes a person's folder in audio2photoreal's layout from arrays, with the statistics of all its scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

from engine.errors import EngineError
from train.conversation.a2p.layout import (
    AUDIO,
    BODY,
    CODES,
    FACE,
    HOP,
    LIPS,
    MISSING,
    POSE,
    RATE,
    STATS,
    VERTICES,
    Array,
)
from train.files import FileError, reason


@dataclass(frozen=True)
class SceneArrays:
    """A scene of T frames: ``audio`` (T * 1600, 2) in -1..1, own voice first; ``pose`` (T, 104), ``face`` (T, 256),
    indices ``missing`` of frames without a code; ``lips`` (T, 338, 3), if they are known."""

    audio: Array
    pose: Array
    face: Array
    missing: NDArray[np.integer[Any]]
    lips: Array | None = None


class Writer:
    """A person's folder under construction: scene by scene, then :meth:`finish`. Raises :class:`EngineError` for a
    folder that holds something, and for arrays that do not fit each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise EngineError(f"{self.folder} is not empty; give another folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.folder}: cannot be made, {reason(error)}; give another folder") from error
        self._codes, self._poses, self._audio = Moments(CODES), Moments(POSE), Moments(2)

    def add(self, name: str, scene: SceneArrays) -> None:
        """Write a scene as ``name`` (``scene01``)."""
        frames = len(scene.pose)
        wanted: dict[str, tuple[int, ...]] = {
            "audio": (frames * HOP, 2),
            "pose": (frames, POSE),
            "face": (frames, CODES),
        }
        if scene.lips is not None:
            wanted["lips"] = (frames, VERTICES, 3)
        for part, shape in wanted.items():
            if getattr(scene, part).shape != shape:
                raise EngineError(f"{name}: {part} has shape {getattr(scene, part).shape}, {shape} is due")
        arrays: dict[str, NDArray[Any]] = {
            BODY: scene.pose,
            FACE: scene.face,
            MISSING: np.asarray(scene.missing, np.int64),
        }
        if scene.lips is not None:
            arrays[LIPS] = scene.lips
        whole = np.clip(np.round(scene.audio * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
        try:
            for kind, array in arrays.items():
                np.save(self.folder / f"{name}_{kind}", array if array.dtype.kind == "i" else array.astype(np.float32))
            wavfile.write(self.folder / f"{name}_{AUDIO}", RATE, whole)
        except OSError as error:
            raise FileError(f"{self.folder}: cannot be written, {reason(error)}; make room") from error
        there = np.ones(frames, bool)
        there[scene.missing] = False
        self._codes.add(scene.face[there])
        self._poses.add(scene.pose)
        self._audio.add(scene.audio)

    def finish(self) -> Path:
        """Write ``data_stats.pth`` with all its nine keys; the folder."""
        found: dict[str, Array] = {}
        for name, moments in (("code", self._codes), ("pose", self._poses), ("audio", self._audio)):
            mean, spread, flat = moments.found()
            found |= {f"{name}_mean": mean, f"{name}_std": spread, f"{name}_std_flat": flat}
        torch.save(found, self.folder / STATS)
        return self.folder


class Measured(NamedTuple):
    """Mean (N,) and deviation (N,) of N numbers, and one deviation (1,) of all from their means."""

    mean: Array
    spread: Array
    flat: Array


class Moments:
    """Mean and deviation of rows that come bit by bit."""

    def __init__(self, width: int) -> None:
        self.count, self.sums, self.squares = 0, np.zeros(width), np.zeros(width)

    def add(self, rows: Array) -> None:
        """Count rows (n, width)."""
        wide = rows.astype(np.float64)
        self.count += len(wide)
        self.sums += wide.sum(0)
        self.squares += (wide**2).sum(0)

    def found(self) -> Measured:
        """What the rows so far have."""
        mean = self.sums / max(self.count, 1)
        variance = np.maximum(self.squares / max(self.count, 1) - mean**2, 0.0)
        flat = np.sqrt(variance.mean(keepdims=True))
        return Measured(*(value.astype(np.float32) for value in (mean, np.sqrt(variance), flat)))
