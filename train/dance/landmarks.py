"""Fits the walk of a trained dancer: the latents of the training takes' windows become the landmarks it walks among."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.errors import EngineError
from models.dance.model import Dance
from train.dance.streams import Streams

NEIGHBOUR = 4
"""The usual distance is that to the nearest landmark after so many, among those of other moments."""
APART = 2
"""Landmarks this many hops apart or closer in one take are the same moment."""
CHUNK = 256


@torch.no_grad()
def fit_walk(model: Dance, streams: Streams) -> int:
    """Set the landmarks of ``model`` from the training ``streams``; how many there are. Labels that are not known are
    the classifier's guess. Raises :class:`EngineError` where the takes are too short to have any that are followed."""
    config, walk = model.config, model.walk
    model.eval()
    room = len(walk.latents)
    sound = set(streams.starts(config.window).tolist())
    for stride in (config.hop // 2, config.hop):  # half a hop gives twice the choice, where there is room
        starts, following = _chained(streams, sound, stride, config)
        if len(starts) <= room:
            break
    else:
        kept = np.sort(np.random.default_rng(0).permutation(len(starts))[:room])
        starts, following = _kept(starts, following, kept)
    used = following >= 0
    if not used.any():
        raise EngineError(
            f"no take has {config.window + config.hop} sound frames in a row: nothing follows on anything"
        )
    index = torch.as_tensor(starts)
    means, spreads, chances = [], [], []
    for first in range(0, len(index), CHUNK):
        rows = index[first : first + CHUNK, None] + torch.arange(config.window)
        view = model.look(streams.positions[rows])
        levels = streams.levels[index[first : first + CHUNK]].long()
        given = torch.nn.functional.one_hot(levels.clamp_min(0), config.labels).float()
        effort = torch.where((levels >= 0)[:, None], given, model.classifier(view).softmax(-1))
        mean, spread = model.encoder(view, effort)
        means.append(mean)
        spreads.append((0.5 * spread).exp())
        chances.append(effort)
    latents = torch.cat(means)
    count = len(latents)
    _put(walk.latents, latents)
    _put(walk.chances, torch.cat(chances))
    _put(walk.following, torch.as_tensor(np.where(used, following, 0)))
    _put(walk.used, torch.as_tensor(used).float())
    walk.spread.copy_(torch.cat(spreads).mean(0))
    axes = walk.basis.shape[1]
    walk.basis.copy_(torch.linalg.svd(latents - latents.mean(0), full_matrices=False)[2][:axes].T)
    walk.width.copy_(_usual(latents @ walk.basis, starts, config.hop))
    if config.partner:
        middle = streams.view[index + config.window // 2]
        there = middle[:, -1] > 0.5
        if int(there.sum()) > walk.lens.shape[1]:
            met = middle[there][:, :-1]
            lens = torch.linalg.svd(met - met.mean(0), full_matrices=False)[2][: walk.lens.shape[1]].T
            walk.lens.copy_(torch.cat([lens, torch.zeros(1, lens.shape[1])]))
            contexts = middle @ walk.lens
            _put(walk.contexts, contexts)
            walk.context_width.copy_(_usual(contexts[there], starts[there.numpy()], config.hop))
    return count


def _chained(streams: Streams, sound: set[int], stride: int, config: object) -> tuple[np.ndarray, np.ndarray]:
    """Where landmarks start, and the number of the one that follows each a hop later (-1: none)."""
    starts = [
        start
        for first, count in zip(streams.first.tolist(), streams.count.tolist(), strict=True)
        for start in range(first, first + count - config.window + 1, stride)
        if start in sound
    ]
    number = {start: k for k, start in enumerate(starts)}
    bounds = dict(zip(streams.first.tolist(), (streams.first + streams.count).tolist(), strict=True))
    ends = np.array(sorted(bounds.values()))
    following = np.full(len(starts), -1, np.int64)
    for k, start in enumerate(starts):
        after = start + config.hop
        if after in number and after < ends[np.searchsorted(ends, start, "right")]:
            following[k] = number[after]
    return np.array(starts, np.int64), following


def _kept(starts: np.ndarray, following: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ``kept`` landmarks, renumbered."""
    number = np.full(len(starts) + 1, -1, np.int64)
    number[kept] = np.arange(len(kept))
    return starts[kept], number[following[kept]]


def _put(buffer: Tensor, values: Tensor) -> None:
    """The values at the beginning of a buffer, zeros behind them."""
    buffer.zero_()
    buffer[: len(values)] = values.to(buffer.dtype)


def _usual(points: Tensor, starts: np.ndarray, hop: int) -> Tensor:
    """The usual (median) distance of points (N, K) to their near neighbours among other moments."""
    nearest = []
    at = torch.as_tensor(starts)
    for first in range(0, len(points), CHUNK):
        apart = torch.cdist(points[first : first + CHUNK], points)
        same = (at[first : first + CHUNK, None] - at).abs() <= APART * hop
        nearest.append(apart.masked_fill(same, torch.inf).sort(-1).values[:, min(NEIGHBOUR, len(points)) - 1])
    found = torch.cat(nearest)
    return found[found.isfinite()].median().clamp_min(1e-3)
