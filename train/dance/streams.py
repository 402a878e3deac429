"""The takes of a split as a few long arrays, so that a batch is cut out by one gather per kind of data."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.body.motion import Motion
from engine.errors import EngineError
from models.contract import initial_state
from models.dance.config import DanceConfig
from models.dance.model import Dance
from models.dance.networks import window_features
from train.dance.augment import mirrored, smoothed, turned
from train.dance.takes import Take
from train.run.progress import progress

STILL = 1e-3
"""Largest number in a rotation matrix, off the identity, of a joint that does not turn."""


@dataclass(frozen=True)
class Streams:
    """F frames of all takes, one after another. ``positions`` (F, J, 3) are as recorded, ``calm`` without the tremor of
    markers; ``vectors`` (F, width) are calm poses (`models.dance.pose`), ``view``
    (F, view) is what was seen of a partner, ``seen`` (F,) whether there was one; ``levels`` (F,) is the effort of the
    window that starts at a frame, -1 where there is no label; ``sound`` (F,) False where the recording is
    damaged. ``first`` and ``count`` (takes,) say where takes lie."""

    names: tuple[str, ...]
    styles: tuple[str, ...]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    positions: Tensor
    calm: Tensor
    vectors: Tensor
    view: Tensor
    seen: Tensor
    levels: Tensor
    sound: Tensor
    fingerprint: str

    @property
    def minutes(self) -> float:
        """Duration at 30 frames a second."""
        return len(self.positions) / 1800

    def starts(self, length: int) -> NDArray[np.int64]:
        """Frames at which ``length`` sound frames of one take begin."""
        broken = np.concatenate([[0], np.cumsum(~self.sound.numpy())])
        found = []
        for first, count in zip(self.first, self.count, strict=True):
            at = np.arange(first, first + count - length + 1)
            found.append(at[broken[at + length] == broken[at]])
        joined = np.concatenate(found) if found else np.zeros(0, np.int64)
        if not len(joined):
            raise EngineError(f"no take has {length} sound frames in a row; give longer takes or a shorter --segment")
        return joined


def read(
    model: Dance,
    takes: Sequence[Take],
    levels: Mapping[str, NDArray[np.int8]],
    smooth: float = 0.0,
    mirror: bool = False,
    turns: int = 0,
    seed: int = 0,
) -> Streams:
    """Arrays of ``takes`` for a model whose pose is fitted (:func:`fit_pose`), of their mirror images, and of copies
    turned ``turns`` times by angles drawn from ``seed``.

    ``levels`` gives each take's labels by name; ``smooth`` are the seconds of :func:`train.dance.augment.smoothed`.
    """
    config, by_name = model.config, {take.name: take for take in takes}
    columns: dict[str, list[Tensor]] = {}
    names, styles, counts = [], [], []
    digest = hashlib.sha256()
    angles = [0.0, *np.random.default_rng(seed).uniform(-np.pi, np.pi, turns)]
    for take in progress(takes, "preparing takes"):
        partner = by_name.get(take.partner or "") if config.partner else None
        sound = torch.tensor(take.sound if partner is None else take.sound & partner.sound)
        table = torch.tensor(np.asarray(levels[take.name]))
        for angle, other in itertools.product(angles, (False, True) if mirror else (False,)):
            motion = _variant(take.motion, angle, other)
            calm = smoothed(motion, smooth)
            theirs = None if partner is None else torch.tensor(_variant(partner.motion, angle, other).positions)
            with torch.no_grad():
                vectors = model.pose.encode(*_tensors(calm), theirs)
                view = _view(model, theirs, len(motion))
            seen = torch.full((len(motion),), float(theirs is not None))
            for name, values in {
                "positions": torch.tensor(motion.positions),
                "calm": torch.tensor(calm.positions),
                "vectors": vectors,
                "view": view,
                "seen": seen,
                "levels": table,
                "sound": sound,
            }.items():
                columns.setdefault(name, []).append(values)
            digest.update(take.name.encode() + calm.positions.tobytes() + table.numpy().tobytes())
            names.append(f"{take.name}{'~' * other}{f'@{angle:.2f}' if angle else ''}")
            styles.append(take.style)
            counts.append(len(motion))
    count = np.array(counts, np.int64)
    return Streams(
        names=tuple(names),
        styles=tuple(styles),
        first=np.cumsum(count) - count,
        count=count,
        **{name: torch.cat(values) for name, values in columns.items()},
        fingerprint=digest.hexdigest()[:16],
    )


def _variant(motion: Motion, angle: float, other: bool) -> Motion:
    motion = mirrored(motion) if other else motion
    return turned(motion, angle) if angle else motion


def _tensors(motion: Motion) -> tuple[Tensor, Tensor | None]:
    return torch.tensor(motion.positions), None if motion.rotations is None else torch.tensor(motion.rotations)


def fit_pose(model: Dance, takes: Sequence[Take]) -> None:
    """Set what the pose is standardised by, from the training takes."""
    pose, config = model.pose, model.config
    if config.feet:
        heights = np.concatenate([take.motion.positions[:, list(config.feet), 1] for take in takes])
        pose.low.copy_(torch.tensor(np.percentile(heights, 5, axis=0)))
    by_name = {take.name: take for take in takes}
    vectors, placed = [], []
    for take in takes:
        partner = by_name.get(take.partner or "")
        theirs = None if partner is None or not config.partner else torch.tensor(partner.motion.positions)
        encoded = pose.encode(*_tensors(take.motion), theirs)
        vectors.append(encoded)
        if theirs is not None:
            placed.append(pose.part(encoded, "place"))
    joined = torch.cat(vectors)
    travel, contacts, place = (pose.slices[name] for name in ("travel", "contacts", "place"))
    least = torch.full((pose.width,), 0.03)
    least[travel] = 1e-4
    mean, scale = joined.mean(0), joined.std(0).maximum(least)
    mean[contacts], scale[contacts] = 0.0, 1.0
    if placed:
        mean[place], scale[place] = torch.cat(placed).mean(0), torch.cat(placed).std(0).clamp_min(0.03)
    if config.bounded:  # the pose is a hidden state between -1 and 1: it must reach every pose
        scale = (joined - mean).abs().amax(0).clamp_min(1e-3) * 1.05
    pose.mean.copy_(mean)
    pose.scale.copy_(scale)


def fit_sight(model: Dance, streams: Streams) -> None:
    """Set what windows and the partner's view are standardised by, from the training streams."""
    starts = torch.as_tensor(streams.starts(model.config.window)[:: model.config.hop])
    windows = streams.positions[starts[:, None] + torch.arange(model.config.window)]
    model.look.standard.fit(window_features(windows, model.config).flatten(0, 1))
    there = streams.seen > 0
    if model.partner is not None and bool(there.any()):
        model.sight.fit(streams.view[there])


def config_of(config: DanceConfig, takes: Sequence[Take], effort: str) -> DanceConfig:
    """``config`` for the skeleton of ``takes`` and for an ``effort``. A body that is not the configuration's own is
    told by the joints that turn in the takes, where the configuration tells it by rotations."""
    body = takes[0].motion.skeleton
    if body == config.skeleton:
        return dataclasses.replace(config, effort=effort)
    rotated = [take.motion.rotations for take in takes if take.motion.rotations is not None]
    moving: tuple[int, ...] = ()
    if config.moving and rotated:
        most = np.max([np.abs(rotations - np.eye(3)).max((0, 2, 3)) for rotations in rotated], 0)
        moving = tuple(joint for joint in range(len(body.joints)) if joint == 0 or most[joint] > STILL)
    travel = config.travel and bool(body.across)
    return dataclasses.replace(config, skeleton=body, moving=moving, travel=travel, effort=effort)


def _view(model: Dance, theirs: Tensor | None, count: int) -> Tensor:
    if model.partner is None:
        return torch.zeros(count, 0)
    if theirs is None:
        return torch.zeros(count, model.partner.width)
    state = initial_state(model.partner.state_specs(), 1)
    (view, _, _), _ = model.partner(theirs[None], state, torch.ones(1, count))
    found: Tensor = view[0]
    return found
