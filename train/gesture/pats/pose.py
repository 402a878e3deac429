"""Poses of PATS as arrays: points and rows, the 96 numbers that are modelled, and each speaker's mean and deviation.

A row (104) is x of 52 joints, then y, in pixels, right and down, relative to the neck; the neck itself keeps its place
in the image. The modelled 96 are those of 48 joints (neck, nose and eyes left out), in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.files import FileError, reason
from train.gesture.pats.h5 import numbers, opened
from train.gesture.pats.layout import JOINTS, KEPT, RIGHT_SHOULDER, SHOULDER_PX
from train.gesture.pats.reader import Interval

Array = NDArray[np.floating]
POSE = "pose/normalize"
LEAST = 1e-8
"""Deviation of what never changes, as in the seed."""
INDEX = np.array([*KEPT, *(JOINTS + joint for joint in KEPT)])
"""Where the modelled numbers stand in a row."""


def points(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows (..., 104) as points (..., 52, 2)."""
    return np.moveaxis(rows.reshape(*rows.shape[:-1], 2, -1), -2, -1)


def rows(found: NDArray[Any]) -> NDArray[Any]:
    """Points (..., 52, 2) as rows (..., 104)."""
    return np.moveaxis(found, -1, -2).reshape(*found.shape[:-2], -1)


def features(poses: NDArray[Any]) -> NDArray[Any]:
    """The modelled numbers (..., 96) of rows (..., 104)."""
    return poses[..., INDEX]


def restored(modelled: NDArray[Any], like: NDArray[Any] | None = None) -> NDArray[Any]:
    """Rows (..., 104) of modelled numbers (..., 96): the neck at 0; nose and eyes as far from the neck as in ``like``
    (..., 104), or 0."""
    full: NDArray[Any] = np.zeros((*modelled.shape[:-1], 2 * JOINTS), modelled.dtype)
    if like is not None:
        full[:] = like
        full[..., [0, JOINTS]] = 0.0
    full[..., INDEX] = modelled
    return full


def normalised(poses: NDArray[Any]) -> NDArray[Any]:
    """``pose/normalize`` (T, 104) of ``pose/data``: every frame scaled so that the right shoulder is 167 px from the
    neck; the neck keeps its place. Raises :class:`EngineError` for a frame whose shoulder is at the neck."""
    reach = np.hypot(poses[:, RIGHT_SHOULDER], poses[:, JOINTS + RIGHT_SHOULDER])
    if not (reach > 0).all():
        raise EngineError(f"frame {int((reach > 0).argmin())} has its right shoulder at the neck; leave it out")
    scaled: NDArray[Any] = poses * (SHOULDER_PX / reach)[:, None]
    scaled[:, [0, JOINTS]] = poses[:, [0, JOINTS]]
    return scaled


class Scale(NamedTuple):
    """Mean and deviation (104,) of a speaker's poses in pixels."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, poses: Iterable[NDArray[Any]]) -> Scale:
        """Over all frames of rows (T, 104), each once. The seed goes over its windows, in which frames at the ends of
        an interval are fewer. Raises :class:`EngineError` where there is no frame."""
        count, total, squares = 0, np.zeros(2 * JOINTS), np.zeros(2 * JOINTS)
        for some in poses:
            wide = np.asarray(some, np.float64)
            count, total, squares = count + len(wide), total + wide.sum(0), squares + (wide**2).sum(0)
        if not count:
            raise EngineError("no frames of poses, so there is no mean; choose a speaker with intervals to train on")
        mean = total / count
        return cls(mean, np.sqrt(np.maximum(squares / count - mean**2, 0.0)))

    def standard(self, poses: NDArray[Any]) -> Array:
        """Rows (..., 104), or their modelled 96, as multiples of the deviation."""
        mean, deviation = self._for(poses)
        return np.asarray((poses - mean) / np.where(deviation > 0, deviation, LEAST))

    def pixels(self, standard: NDArray[Any]) -> Array:
        """The inverse of :meth:`standard`."""
        mean, deviation = self._for(standard)
        return np.asarray(standard * deviation + mean)

    def _for(self, poses: NDArray[Any]) -> Scale:
        return self if poses.shape[-1] == len(self.mean) else Scale(self.mean[INDEX], self.deviation[INDEX])


def fit_scales(intervals: Iterable[Interval]) -> dict[str, Scale]:
    """Every speaker's own mean and deviation of ``pose/normalize``."""
    of: dict[str, list[Interval]] = {}
    for interval in intervals:
        of.setdefault(interval.speaker, []).append(interval)
    return {speaker: Scale.of(each.read(POSE) for each in own) for speaker, own in sorted(of.items())}


def write_scale(folder: Path, speaker: str, scale: Scale) -> Path:
    """Writes ``FOLDER/SPEAKER.h5`` with mean and variance (1, 1, 104), as the seed's ``muvar``."""
    path = Path(folder) / f"{speaker}.h5"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "a") as file:
            for name, value in (("mean", scale.mean), ("var", scale.deviation**2)):
                if f"{POSE}/{name}" in file:
                    del file[f"{POSE}/{name}"]
                file[f"{POSE}/{name}"] = value.reshape(1, 1, -1)
    except OSError as error:
        raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights and the space") from error
    return path


def read_scale(folder: Path, speaker: str) -> Scale:
    """What :func:`write_scale`, or the seed, wrote. Raises :class:`FileError` naming file and key."""
    path = Path(folder) / f"{speaker}.h5"
    with opened(path) as file:
        mean, variance = (numbers(file, f"{POSE}/{name}", (2 * JOINTS,), str(path)) for name in ("mean", "var"))
    return Scale(mean, np.sqrt(np.maximum(variance, 0.0)))
