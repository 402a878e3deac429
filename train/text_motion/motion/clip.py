"""A motion that somebody has, read onto the body that the models move, at their rate."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.body.bvh import read_body
from engine.body.motion import Motion
from engine.errors import EngineError
from models.text_motion.config import TOKEN
from models.text_motion.features import canonical, decode
from models.text_motion.layout import HUMANML3D
from models.text_motion.stage import BODY, LocalPose
from train.dance.augment import resampled
from train.files import read_array

LARGEST = 100.0
"""Metres from the origin within which a clip is believed to be: joints in centimetres are beyond."""
_LEGS = ((1, 4, 7), (2, 5, 8))  # hip, knee, ankle


def read_clip(path: Path, rate: float | None = None) -> Tensor:
    """Joints (T, 22, 3) of a clip on the uniform body: floor at 0, beginning at x = z = 0 and facing +Z.

    ``.npy``: joints (T, 22, 3) in metres, ``rate`` frames a second (default 20), or HumanML3D's features (T, 263).
    Anything else is read as BVH, at its own rate. Bodies of another size are scaled by their legs. Raises
    :class:`EngineError` naming the file, what is wrong and the remedy.
    """
    if path.suffix.lower() != ".npy":
        if rate is not None:
            raise EngineError(f"--rate {rate:g}: {path} says itself how fast it is; leave the rate out")
        found = read_body(path, BODY)
        for note in found.notes:
            print(f"{path}: {note}", flush=True)
        joints, own = found.motion.positions, found.motion.rate
    else:
        joints, own = _array(path, rate)
    motion = resampled(Motion(BODY, own, joints), HUMANML3D.rate)
    if len(motion) < TOKEN:
        raise EngineError(f"{path}: {len(motion)} frames at {HUMANML3D.rate:g} a second; an edit needs {TOKEN} or more")
    return uniform(torch.from_numpy(np.ascontiguousarray(motion.positions, np.float32)))


def uniform(joints: Tensor) -> Tensor:
    """Joints (T, 22, 3) scaled as the legs of the uniform body, with its bones, in the canonical place."""
    own = sum(
        (joints[:, a] - joints[:, b]).square().sum(-1).sqrt().median()
        for leg in _LEGS
        for a, b in itertools.pairwise(leg)
    )
    rest = torch.tensor(BODY.rest)
    wanted = sum(rest[joint].square().sum().sqrt() for leg in _LEGS for joint in leg[1:])
    return canonical(LocalPose().walked(joints * (wanted / own)), HUMANML3D, backward=True)


def _array(path: Path, rate: float | None) -> tuple[NDArray[np.float32], float]:
    """Joints and their rate of an array file."""
    array, count, width = read_array(path), len(HUMANML3D.joints), HUMANML3D.width
    if array.shape[1:] not in ((count, 3), (width,)) or len(array) < 2:
        raise EngineError(
            f"{path}: has shape {array.shape}; give joints (2 frames or more, {count}, 3) or features (., {width})"
        )
    if not np.isfinite(array).all():
        frame = int(np.argwhere(~np.isfinite(array.astype(np.float64)))[0, 0])
        raise EngineError(f"{path}: holds a number that is not finite in frame {frame}; mend it or cut it off")
    if array.ndim == 2:
        if rate is not None:
            raise EngineError(f"--rate {rate:g}: features are at {HUMANML3D.rate:g} frames a second; leave it out")
        joints = decode(torch.from_numpy(array.astype(np.float32)), HUMANML3D).numpy()
    else:
        joints = array.astype(np.float32)
    if np.abs(joints).max() > LARGEST:
        raise EngineError(f"{path}: a joint is {np.abs(joints).max():.0f} m away; give joints in metres")
    if np.ptp(joints, axis=(0, 1)).max() < 0.1:
        raise EngineError(f"{path}: all joints are in one place; give joints in metres, Y up")
    return joints, HUMANML3D.rate if rate is None else rate
