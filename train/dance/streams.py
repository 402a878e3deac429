"""The takes of a split as a few long arrays, so that a batch is cut out by one gather per kind of data."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.contract import initial_state
from models.dance.config import DanceConfig
from models.dance.model import Dance
from models.dance.networks import seen
from train.dance.augment import mirrored
from train.dance.takes import Take

STILL = 1e-3
"""Largest number in a rotation matrix, off the identity, of a joint that does not turn."""


@dataclass(frozen=True)
class Streams:
    """F frames of all takes, one after another. ``vectors`` (F, width) are poses (`models.dance.pose`), ``view``
    (F, view) is what was seen of a partner, ``seen`` (F,) whether there was one; ``levels`` (F,) is the effort of the
    window that starts at a frame, -1 where there is no label; ``sound`` (F,) False where the recording is
    damaged. ``first`` and ``count`` (takes,) say where takes lie."""

    names: tuple[str, ...]
    styles: tuple[str, ...]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    positions: Tensor
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


def read(model: Dance, takes: Sequence[Take], levels: Mapping[str, NDArray[np.int8]], mirror: bool = False) -> Streams:
    """Arrays of ``takes`` (and of their mirror images) for a model whose pose is fitted (:func:`fit_pose`).

    ``levels`` gives each take's labels by name.
    """
    config, by_name = model.config, {take.name: take for take in takes}
    rows: list[tuple[Tensor, ...]] = []
    names, styles, counts = [], [], []
    digest = hashlib.sha256()
    for take in takes:
        partner = by_name.get(take.partner or "")
        table = np.asarray(levels[take.name])
        for other in (False, True) if mirror else (False,):
            motion = mirrored(take.motion) if other else take.motion
            beside = None if partner is None else (mirrored(partner.motion) if other else partner.motion)
            positions = torch.tensor(motion.positions)
            turned = None if motion.rotations is None else torch.tensor(motion.rotations)
            theirs = None if beside is None or not config.partner else torch.tensor(beside.positions)
            with torch.no_grad():
                vectors = model.pose.encode(positions, turned, theirs)
                view = _view(model, theirs, len(positions))
            seen = torch.full((len(positions),), float(theirs is not None))
            sound = torch.tensor(np.asarray(take.sound) if partner is None else take.sound & partner.sound)
            rows.append((positions, vectors, view, seen, torch.tensor(table), sound))
            digest.update(take.name.encode() + motion.positions.tobytes() + table.tobytes())
            names.append(f"{take.name}~" if other else take.name)
            styles.append(take.style)
            counts.append(len(positions))
    joined = [torch.cat(column) for column in zip(*rows, strict=True)]
    count = np.array(counts, np.int64)
    return Streams(tuple(names), tuple(styles), np.cumsum(count) - count, count, *joined, digest.hexdigest()[:16])


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
        turned = None if take.motion.rotations is None else torch.tensor(take.motion.rotations)
        theirs = None if partner is None or not config.partner else torch.tensor(partner.motion.positions)
        encoded = pose.encode(torch.tensor(take.motion.positions), turned, theirs)
        vectors.append(encoded)
        if theirs is not None:
            placed.append(pose.part(encoded, "place"))
    joined = torch.cat(vectors)
    mean, scale = joined.mean(0), joined.std(0).clamp_min(0.03)
    travel, contacts, place = (pose.slices[name] for name in ("travel", "contacts", "place"))
    scale[travel] = joined[:, travel].std(0).clamp_min(1e-4)
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
    model.look.standard.fit(seen(windows, model.config).flatten(0, 1))
    there = streams.seen > 0
    if model.partner is not None and bool(there.any()):
        model.sight.fit(streams.view[there])


def config_of(config: DanceConfig, takes: Sequence[Take], effort: str) -> DanceConfig:
    """``config`` for the skeleton of ``takes`` and for an ``effort``. A body that is not the configuration's own is
    told by the joints that turn in the takes, where the configuration tells it by rotations."""
    body = takes[0].motion.skeleton
    if body == config.skeleton:
        return dataclasses.replace(config, effort=effort)
    turned = [take.motion.rotations for take in takes if take.motion.rotations is not None]
    moving: tuple[int, ...] = ()
    if config.moving and turned:
        most = np.max([np.abs(rotations - np.eye(3)).max((0, 2, 3)) for rotations in turned], 0)
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
    return view[0]
