"""Dances made offline from a trained model, PirouNet's ways: reconstructed, random, conditional, one move.

Each is a window of frames from one latent that stays as it is. The endless dance of a walking latent is made by running
the model as it is served (:func:`models.contract.StreamModel.scan`, ``engine serve``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.bodies.heading import on_stage, turned
from models.contract import initial_state
from models.dance.model import Dance

Array = NDArray[np.float32]
TILES = (0.1, 0.2, 0.4)
"""Edge of a tile of the latent plane, by level: PirouNet's, doubled until a tile qualifies."""
CROWD = (3, 3, 1)
"""A tile must hold more dances than this, by level,"""
SHARE = (0.8, 0.75, 0.75)
"""and this share of them must have the level."""
REACH = 8.0
"""Half the edge of the plane that is tiled."""
ROUNDS = 8


@dataclass(frozen=True)
class Tiles:
    """Where dances of one level are dense: the corners (K, 2) of square tiles ``edge`` wide, of the plane with origin
    ``mean`` (latent,) and ``axes`` (2, latent). ``share`` is that of the level in the least pure of them."""

    corners: Array
    share: float
    edge: float
    mean: Array
    axes: Array

    def draw(self, count: int, chance: np.random.Generator) -> Array:
        """Latents (count, latent), uniform over the tiles."""
        chosen = self.corners[chance.integers(len(self.corners), size=count)]
        plane = chosen + chance.random((count, 2)) * self.edge
        return np.asarray(self.mean + plane @ self.axes, np.float32)


@torch.no_grad()
def encode(model: Dance, windows: Array, levels: NDArray[np.integer]) -> Array:
    """Posterior means (N, latent) of ``windows`` (N, window, J, 3) with their ``levels`` (N,)."""
    model.eval()
    made = []
    for first in range(0, len(windows), 256):
        view = model.look(torch.as_tensor(windows[first : first + 256]))
        made.append(model.encoder(view, _efforts(model, levels[first : first + 256]))[0])
    return torch.cat(made).numpy()


@torch.no_grad()
def decode(model: Dance, latents: Array, levels: NDArray[np.integer], frames: int | None = None) -> Array:
    """Dances (N, frames, J, 3) of constant ``latents`` (N, latent) and ``levels`` (N,), each begun at the middle of the
    stage; a window's length unless ``frames`` says otherwise."""
    model.eval()
    length = model.config.window if frames is None else frames
    latent, effort = (x[:, None].expand(-1, length, -1) for x in (torch.as_tensor(latents), _efforts(model, levels)))
    view = torch.zeros(len(latents), length, model.partner.width if model.partner else 0)
    vectors, _ = model.dance(latent, effort, view, initial_state(model.decoder.state_specs(), len(latents)))
    return staged(model, vectors).numpy()


def reconstruct(model: Dance, windows: Array, levels: NDArray[np.integer]) -> Array:
    """``windows`` (N, window, J, 3) through encoder and decoder."""
    return decode(model, encode(model, windows, levels), levels)


def random(model: Dance, levels: NDArray[np.integer], seed: int = 0, frames: int | None = None) -> Array:
    """Dances of latents from the prior, a standard normal."""
    latents = np.random.default_rng(seed).standard_normal((len(levels), model.config.latent)).astype(np.float32)
    return decode(model, latents, levels, frames)


def one_move(model: Dance, latents: Array, frames: int | None = None) -> Array:
    """Each of ``latents`` (N, latent) danced in every effort: (levels, N, frames, J, 3)."""
    every = [np.full(len(latents), level) for level in range(model.config.labels)]
    return np.stack([decode(model, latents, level, frames) for level in every])


def conditional(
    model: Dance,
    latents: Array,
    levels: NDArray[np.integer],
    wanted: NDArray[np.integer],
    seed: int = 0,
    frames: int | None = None,
) -> Array:
    """Dances of the ``wanted`` (N,) levels, drawn where training dances (``latents``, ``levels``) are dense."""
    chance = np.random.default_rng(seed)
    made = np.empty((len(wanted), model.config.latent), np.float32)
    for level in np.unique(wanted):
        rows = wanted == level
        made[rows] = dense(latents, levels, int(level)).draw(int(rows.sum()), chance)
    return decode(model, made, wanted, frames)


def dense(latents: Array, levels: NDArray[np.integer], level: int) -> Tiles:
    """PirouNet's tiles of a ``level``: principal plane of its latents about their mean, tiles in which more than
    ``CROWD`` dances lie and ``SHARE`` of them have the level. Where efforts lie so mixed that none qualifies, the
    purest tile of any edge. Raises :class:`EngineError` where the level has too few windows."""
    own = latents[levels == level]
    if len(own) < 3:
        raise EngineError(f"level {level} has {len(own)} labelled windows; at least 3 are needed to draw from")
    mean = own.mean(0)
    axes = np.linalg.svd(own - mean, full_matrices=False)[2][:2]
    plane = (latents - mean) @ axes.T
    mean, axes = mean.astype(np.float32), axes.astype(np.float32)
    edge, purest = TILES[level], Tiles(np.full((1, 2), -REACH, np.float32), 0.0, 2 * REACH, mean, axes)
    for _ in range(ROUNDS):
        cell = np.floor((plane + REACH) / edge).astype(np.int64)
        inside = ((cell >= 0) & (cell < np.ceil(2 * REACH / edge))).all(1)
        tiles, number, count = np.unique(cell[inside], axis=0, return_inverse=True, return_counts=True)
        matching = np.bincount(number.ravel(), levels[inside] == level, len(tiles))
        share = np.where(count > CROWD[level], matching / count, 0.0)
        chosen = share > SHARE[level]
        corners = (tiles * edge - REACH).astype(np.float32)
        if chosen.any():
            return Tiles(corners[chosen], float(share[chosen].min()), edge, mean, axes)
        if len(share) and share.max() > purest.share:
            best = share == share.max()
            purest = Tiles(corners[best], float(share.max()), edge, mean, axes)
        edge *= 2
    return purest


def staged(model: Dance, vectors: Tensor) -> Tensor:
    """Joint positions (N, T, J, 3) of pose vectors (N, T, width), their travel summed up from the stage's middle."""
    pose, config = model.pose, model.config
    joints = pose.joints(pose.part(vectors, "body"))
    if not config.travel:
        return joints
    travel = pose.part(vectors, "travel")
    angle = travel[..., 2].clamp(-1.0, 1.0).asin().cumsum(-1)
    facing = torch.stack([angle.cos(), angle.sin()], -1)
    return on_stage(joints, turned(travel[..., :2], facing).cumsum(-2), facing)


def _efforts(model: Dance, levels: NDArray[np.integer]) -> Tensor:
    return torch.nn.functional.one_hot(torch.as_tensor(np.asarray(levels, np.int64)), model.config.labels).float()
