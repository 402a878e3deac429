"""A set in memory for training the gesture model: what is heard, said, decided and shown, talk by talk.

The set is in PATS' layout with what the simulation adds: PCM, exact times of words, rotations of a body, and when
gestures begin and end (``live/...``: the gesturer as somebody could be who hears the words as they come).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.body.solve import rotations_of
from engine.errors import EngineError
from engine.sound.resample import StreamingResampler
from engine.text.tidy import plain
from models.bodies.kinematics import to_six
from models.contract import initial_state
from models.gesture.body import UPPER, WIDTH
from models.gesture.config import HOP, SAMPLE_RATE
from models.gesture.model import Gesture
from models.gesture.words import vocabulary
from train.gesture.labels import Kinds, accents, clocks, nod_starts, phases, shapes_of, silences
from train.gesture.pats.reader import Interval, PatsSet

NEEDED = ("audio/pcm", "live/rotations", "live/gestures", "live/nods", "events/stresses")
"""What an interval must hold beside PATS' own."""
PIECE = 450
"""Frames that are heard in one call, which bounds memory."""


@dataclass(frozen=True)
class Performance:
    """One talk of one gesturer; T frames. ``raw`` (T, F) what is heard, ``ids`` (T, 3), ``told`` (T, 3) as
    :data:`models.gesture.plan.TOLD`, ``clock`` (T, 4) after each frame, ``pose`` (T, WIDTH) as six numbers a joint,
    ``course`` (T, 2, WIDTH) as :func:`train.gesture.courses.followed` lays it; ``cluster`` (T,); ``words`` (N,) with
    ``times`` (N, 2), and ``stresses`` (K,) in s."""

    name: str
    talk: str
    style: int
    raw: Tensor
    ids: Tensor
    told: Tensor
    clock: Tensor
    pose: Tensor
    course: Tensor
    cluster: Tensor
    words: NDArray[np.int64]
    times: NDArray[np.float64]
    stresses: NDArray[np.float64]

    @property
    def frames(self) -> int:
        """Length."""
        return len(self.ids)


def intervals_of(folder: Path, split: str) -> list[Interval]:
    """The intervals of a split that the live form can be trained on. Raises :class:`EngineError` naming what lacks."""
    found = PatsSet(folder).intervals(split)
    if not found:
        raise EngineError(
            f"{folder} has no intervals in split {split!r}; make one with `python -m train simulate gestures`"
        )
    lacking = sorted({key for interval in found for key in NEEDED if not interval.has(key)})
    if lacking:
        raise EngineError(
            f"{folder}: intervals lack {', '.join(lacking)}, which the live form is trained on; take a set of "
            "`python -m train simulate gestures`, or train the windowed form with `python -m train aisle`"
        )
    return found


def poses_of(rotations: NDArray[np.float32]) -> Tensor:
    """Pose vectors (T, WIDTH) of local quaternions (T, 27, 4), x y z w."""
    turned = rotations_of(np.asarray(rotations, np.float32)[:, list(UPPER)])
    return to_six(torch.from_numpy(turned)).flatten(-2)


def heard(model: Gesture, pcm: NDArray[np.float32], rate: int, frames: int) -> Tensor:
    """Raw features (frames, F) of a voice (n,), through the engine's resampler as it hears it live."""
    resampler = StreamingResampler(rate, SAMPLE_RATE)
    sound = np.concatenate([resampler.push(pcm), resampler.flush()])
    sound = np.pad(sound, (0, max(0, frames * HOP - len(sound))))[: frames * HOP].astype(np.float32)
    hops = torch.from_numpy(sound).reshape(1, frames, HOP)
    state = initial_state({k: v for k, v in model.hearing.state_specs().items() if not k.startswith("conv.")}, 1)
    rows = []
    with torch.no_grad():
        for first in range(0, frames, PIECE):
            piece = hops[:, first : first + PIECE]
            raw, updates = model.hearing.features(piece, torch.ones(piece.shape[:2]), state)
            state = {**state, **updates}
            rows.append(raw[0])
    return torch.cat(rows)


def shapes_in(model: Gesture, intervals: Iterable[Interval]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Shapes (N, SHAPE) and hands (N,) of all strokes, by which kinds are found."""
    shapes, hands = [], []
    for interval in intervals:
        gestures = interval.read("live/gestures")
        joints = model.poses.joints(model.poses.turns(poses_of(interval.read("live/rotations")))).numpy()
        shapes.append(shapes_of(gestures, joints))
        hands.append(gestures[:, 0].astype(np.int64))
    return np.concatenate(shapes), np.concatenate(hands)


def read(model: Gesture, kinds: Kinds, intervals: Sequence[Interval], label: Any) -> list[Performance]:
    """The intervals in memory; ``label`` gives the cluster (T,) of PATS' points (T, 52, 2) and a speaker's name."""
    numbers = {plain(word): row for row, word in enumerate(vocabulary()) if row}
    voices: dict[str, Tensor] = {}
    out = []
    for interval in intervals:
        rotations = interval.read("live/rotations")
        frames = len(rotations)
        if interval.video not in voices:
            voices[interval.video] = heard(model, interval.pcm(), interval.pcm_rate, frames)
        raw = voices[interval.video][:frames]
        pose = poses_of(rotations)
        turns = model.poses.turns(pose)
        gestures = interval.read("live/gestures")
        joints = model.poses.joints(turns).numpy()
        drawn = kinds.of(shapes_of(gestures, joints), gestures[:, 0].astype(np.int64))
        ids = np.concatenate(
            [phases(gestures, drawn, frames), nod_starts(interval.read("live/nods"), frames)[:, None]], 1
        )
        words = interval.words()
        times = np.array([[word.start, word.end] for word in words], np.float64).reshape(-1, 2)
        stresses = interval.read("events/stresses")
        points = model.poses.shown(turns).points.numpy()
        out.append(
            Performance(
                name=interval.interval_id,
                talk=interval.video,
                style=model.config.styles.index(interval.speaker),
                raw=raw,
                ids=torch.from_numpy(ids),
                told=torch.from_numpy(np.concatenate([accents(stresses, frames), silences(times, frames)[:, None]], 1)),
                clock=torch.from_numpy(clocks(ids)),
                pose=pose,
                course=torch.zeros(frames, 2, WIDTH),
                cluster=torch.from_numpy(np.asarray(label(points, interval.speaker), np.int64)),
                words=np.array([numbers.get(plain(word.text), 0) for word in words], np.int64),
                times=times,
                stresses=np.asarray(stresses[:, 0], np.float64),
            )
        )
    return out


def fingerprint(performances: Sequence[Performance]) -> str:
    """Of all that training sees: a run is only continued on the same data."""
    digest = hashlib.sha256()
    for item in performances:
        for value in (item.raw, item.ids, item.told, item.pose, item.cluster):
            digest.update(np.ascontiguousarray(value.numpy()).tobytes())
        digest.update(item.words.tobytes() + item.times.tobytes() + item.name.encode())
    return digest.hexdigest()[:16]
