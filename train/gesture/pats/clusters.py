"""Clusters of how a speaker moves: k-means over pose, velocity and speed, 240 numbers a frame, in pixels.

AISLe's classifier and its mixture of decoders learn these labels. Pixels, not standard deviations: the seed clusters
before it normalises. Its velocities begin at 0 with each window, ours with each stretch that is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import ClusterError, kmeans2

from engine.errors import EngineError
from train.files import FileError, reason
from train.gesture.pats import pose
from train.gesture.pats.h5 import numbers, opened
from train.gesture.pats.layout import FEATURES, MASK
from train.gesture.pats.reader import Interval

COUNT = 8
WIDTH = FEATURES + FEATURES + FEATURES // 2
KEY = f"centers/{COUNT}_pose_velocity_speed_{'_'.join(map(str, MASK))}_pose_normalize"
"""Where the seed's ``kmeans/SPEAKER.h5`` holds the centres."""
FRAMES = 20_000
"""Frames of a speaker that are clustered at most, drawn evenly."""
TRIES = 20
"""Beginnings that are tried until no cluster stays empty."""


def described(modelled: NDArray[Any]) -> NDArray[np.float64]:
    """Pose, velocity (a frame) and each joint's speed: (..., T, 240) of modelled pixels (..., T, 96). The first frame
    stands still."""
    poses = np.asarray(modelled, np.float64)
    velocity = np.diff(poses, axis=-2, prepend=poses[..., :1, :])
    speed = np.sqrt((velocity.reshape(*velocity.shape[:-1], 2, -1) ** 2).sum(-2))
    return np.concatenate([poses, velocity, speed], -1)


def fit(frames: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Centres (8, 240) of described frames (N, 240), the fullest cluster first. Raises :class:`EngineError` where the
    frames differ too little for so many."""
    rng = np.random.default_rng([seed, len(frames)])
    if len(frames) > FRAMES:
        frames = frames[np.sort(rng.choice(len(frames), FRAMES, replace=False))]
    if len(np.unique(frames, axis=0)) < COUNT:
        raise EngineError(f"{len(frames)} frames do not differ enough for {COUNT} clusters; give more of the speaker")
    for _ in range(TRIES):
        try:
            centres, labels = kmeans2(frames, COUNT, iter=50, minit="++", missing="raise", rng=rng)
        except ClusterError:
            continue
        return np.asarray(centres[np.argsort(-np.bincount(labels, minlength=COUNT), kind="stable")])
    raise EngineError(f"{len(frames)} frames fall into less than {COUNT} clusters; give more of the speaker")


class Clusters:
    """The centres (8, 240) of each speaker."""

    def __init__(self, centres: Mapping[str, NDArray[np.floating]]) -> None:
        self.centres = dict(centres)

    @classmethod
    def fit_set(cls, intervals: Iterable[Interval], seed: int) -> Clusters:
        """Every speaker's own, of ``pose/normalize``."""
        of: dict[str, list[NDArray[np.float64]]] = {}
        for interval in intervals:
            modelled = pose.features(interval.read(pose.POSE))
            of.setdefault(interval.speaker, []).append(described(modelled))
        return cls({speaker: fit(np.concatenate(own), seed) for speaker, own in sorted(of.items())})

    def label(self, points: NDArray[Any], speaker: str) -> NDArray[np.int64]:
        """The nearest centre (..., T) of each frame of points (..., T, 52, 2), relative to the neck. Raises
        :class:`EngineError` for a speaker without centres."""
        return self.label_features(pose.features(pose.rows(points)), speaker)

    def label_features(self, modelled: NDArray[Any], speaker: str) -> NDArray[np.int64]:
        """The same of modelled pixels (..., T, 96)."""
        if speaker not in self.centres:
            known = ", ".join(sorted(self.centres))[:300]
            raise EngineError(f"speaker {speaker!r} has no clusters; there is {known}")
        frames, centres = described(modelled), self.centres[speaker]
        apart = (frames**2).sum(-1, keepdims=True) - 2.0 * frames @ centres.T + (centres**2).sum(-1)
        return np.asarray(apart.argmin(-1), np.int64)

    def write(self, folder: Path) -> None:
        """Writes ``FOLDER/SPEAKER.h5`` each, as the seed does."""
        for speaker, centres in self.centres.items():
            path = Path(folder) / f"{speaker}.h5"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with h5py.File(path, "w") as file:
                    file[KEY] = centres
            except OSError as error:
                raise FileError(f"{path}: cannot be written, {reason(error)}; check the rights, the space") from error

    @classmethod
    def read(cls, folder: Path, speakers: Iterable[str]) -> Clusters:
        """What :meth:`write`, or the seed, wrote. Raises :class:`FileError` naming file and key."""
        found = {}
        for speaker in speakers:
            path = Path(folder) / f"{speaker}.h5"
            with opened(path) as file:
                found[speaker] = numbers(file, KEY, (COUNT, WIDTH), str(path))
        return cls(found)
