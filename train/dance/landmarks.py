"""Fits the walk of a trained dancer: the latents of the training takes' windows become the landmarks it walks among.

A decoder trained by squared error moves more calmly than the takes it learned from, so a landmark's effort is judged on
what the decoder makes of it, not on the take: who asks for a high effort is led to where the dancer itself shows one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.contract import initial_state
from models.dance.config import DanceConfig
from models.dance.model import Dance
from train.dance.batches import path
from train.dance.generate import staged
from train.dance.streams import Streams

Judge = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Chances (N, labels) of the efforts of windows (N, window, J, 3) in metres."""
Index = NDArray[np.int64]

NEIGHBOUR = 4
"""The usual distance is that to the nearest landmark after so many, among those of other moments."""
APART = 2
"""Landmarks this many hops apart or closer in one take are the same moment."""
BLOCK = 8
"""Landmarks in a row that are kept or left out together, so that most of those kept are followed."""
STILL = 0.12
"""Mean speed of the joints in m/s below which a window stands still."""
CHUNK = 256


@torch.no_grad()
def fit_walk(model: Dance, streams: Streams, judge: Judge) -> int:
    """Set the landmarks of ``model`` from the training ``streams``; how many there are. Where there are more windows
    than the model has room for, some are left out by chance. Raises :class:`EngineError` where nothing follows on
    anything, the takes being too short."""
    model.eval()
    config, walk = model.config, model.walk
    starts, following = _chained(streams, config)
    if len(starts) > len(walk.latents):
        blocks = np.random.default_rng(0).permutation(-(-len(starts) // BLOCK))
        kept = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        kept = np.sort(kept[kept < len(starts)][: len(walk.latents)])
        starts, following = _kept(starts, following, kept)
    used = following >= 0
    if not used.any():
        raise EngineError(f"no take has {config.window + config.hop} sound frames in a row; give longer takes")
    mean, spread = _encoded(model, streams, starts)
    _put(walk.latents, mean)
    chances, moving = _judged(model, streams, starts, judge)
    if (used & moving[following]).any():  # where nothing moves the walk would stay for good
        used &= moving[following]
    _put(walk.following, torch.as_tensor(np.where(following >= 0, following, 0)))
    _put(walk.used, torch.as_tensor(used))
    _put(walk.chances, torch.as_tensor(chances))
    walk.spread.copy_(spread.mean(0))
    walk.basis.copy_(_principal(mean, walk.basis.shape[1]))
    walk.width.copy_(_usual(mean @ walk.basis, starts, config.hop))
    middle = streams.view[torch.as_tensor(starts) + config.window // 2]
    if config.partner and int((there := middle[:, -1] > 0.5).sum()) > walk.lens.shape[1]:
        walk.lens.copy_(_principal(middle[there], walk.lens.shape[1]))
        _put(walk.contexts, middle @ walk.lens)
        walk.context_width.copy_(_usual((middle @ walk.lens)[there], starts[there.numpy()], config.hop))
    return len(starts)


def _chained(streams: Streams, config: DanceConfig) -> tuple[Index, Index]:
    """Where landmarks start, one a hop, and the number of the one that follows each (-1: none)."""
    sound = set(streams.starts(config.window).tolist())
    starts: list[int] = []
    following: list[int] = []
    for first, count in zip(streams.first.tolist(), streams.count.tolist(), strict=True):
        own = [start for start in range(first, first + count - config.window + 1, config.hop) if start in sound]
        number = {start: len(starts) + k for k, start in enumerate(own)}
        following += [number.get(start + config.hop, -1) for start in own]
        starts += own
    return np.array(starts, np.int64), np.array(following, np.int64)


def _kept(starts: Index, following: Index, kept: Index) -> tuple[Index, Index]:
    """The ``kept`` landmarks, renumbered; who has lost the one that follows has none."""
    number = np.full(len(starts) + 1, -1, np.int64)
    number[kept] = np.arange(len(kept))
    return starts[kept], number[following[kept]]


def _encoded(model: Dance, streams: Streams, starts: Index) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (N, latent) of windows; unknown labels are the classifier's guess."""
    means, spreads = [], []
    for first in range(0, len(starts), CHUNK):
        at = torch.as_tensor(starts[first : first + CHUNK])
        view = model.look(streams.calm[at[:, None] + torch.arange(model.config.window)])
        levels = streams.levels[at].long()
        given = torch.nn.functional.one_hot(levels.clamp_min(0), model.config.labels).float()
        effort = torch.where((levels >= 0)[:, None], given, model.classifier(view).softmax(-1))
        mean, spread = model.encoder(view, effort)
        means.append(mean)
        spreads.append((0.5 * spread).exp())
    return torch.cat(means), torch.cat(spreads)


def _judged(
    model: Dance, streams: Streams, starts: Index, judge: Judge
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Chances (N, labels) of the efforts that the decoder shows where landmarks are, dancing each take from its
    latents without seeing a partner; and whether it moves there (N,)."""
    config, found, moving = model.config, [], []
    for first, count in zip(streams.first.tolist(), streams.count.tolist(), strict=True):
        own = starts[(starts >= first) & (starts < first + count)]
        every = np.arange(first, first + count - config.window + 1, config.hop)
        if not len(own):
            continue
        latents, _ = _encoded(model, streams, every)
        levels = streams.levels[every].long()
        effort = torch.nn.functional.one_hot(levels.clamp_min(0), config.labels).float()
        effort = torch.where((levels >= 0)[:, None], effort, 1.0 / config.labels)
        length = int(every[-1] - first) + config.window
        latent, asked = (path(x[None], config, length) for x in (latents, effort))
        unseen = torch.zeros(1, length, model.partner.width if model.partner else 0)
        vectors, _ = model.dance(latent, asked, unseen, initial_state(model.decoder.state_specs(), 1))
        danced = staged(model, vectors)[0].numpy()
        windows = danced[(own - first)[:, None] + np.arange(config.window)]
        found.append(judge(windows))
        speed = np.linalg.norm(np.diff(windows, axis=1), axis=-1).mean((1, 2)) * config.rate
        moving.append(speed > STILL)
    return np.concatenate(found), np.concatenate(moving)


def _put(buffer: Tensor, values: Tensor) -> None:
    """The values at the beginning of a buffer, zeros behind them."""
    buffer.zero_()
    buffer[: len(values)] = values.to(buffer.dtype)


def _principal(values: Tensor, count: int) -> Tensor:
    """The first ``count`` principal axes (K, count) of values (N, K)."""
    axes: Tensor = torch.linalg.svd(values - values.mean(0), full_matrices=False)[2]
    return axes[:count].T


def _usual(points: Tensor, starts: Index, hop: int) -> Tensor:
    """The usual (median) distance of points (N, K) to their near neighbours among other moments."""
    nearest = []
    at = torch.as_tensor(starts)
    for first in range(0, len(points), CHUNK):
        apart = torch.cdist(points[first : first + CHUNK], points)
        same = (at[first : first + CHUNK, None] - at).abs() <= APART * hop
        nearest.append(apart.masked_fill(same, torch.inf).sort(-1).values[:, min(NEIGHBOUR, len(points)) - 1])
    found = torch.cat(nearest)
    found = found[found.isfinite()]
    return found.median().clamp_min(1e-3) if len(found) else points.new_ones(())
