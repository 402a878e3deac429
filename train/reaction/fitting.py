"""Fits a :class:`FaceTokenizer` to listeners' faces: principal axes, then momentum, step and growth by a small search.

Axes are the leading eigenvectors of each group's covariance, channels scaled by what people see: a radian of head
rotation, a tenth of a metre and a full weight count alike. For each latent the search runs the closed coding loop over
a stretch of the data with every candidate side by side and keeps the one with the smallest cost: relative error plus
how far jerk (mean absolute third difference) and speed (root mean square, so that nods and blinks count) are from the
original's, on a log scale, plus a little of the levels' entropy: what is noise in the ids must be learnt and drawn as
noise. A face whose ids twitch or freeze looks wrong long before its error does.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.listening.folded_names import FOLDED_NAMES
from models.reaction.tokenizer import FaceTokenizer

SAMPLE = 12_000
"""Frames the search looks at, in stretches of :data:`STRETCH`."""
STRETCH = 300
REACHES = (0.06, 0.12, 0.25, 0.5, 1.0)
"""Candidates for the outermost level, as shares of the largest usual innovation (its 99.95th percentile)."""
GROWTHS = (1.6, 2.2, 3.2)
PULLS = (0.04, 0.1, 0.25, 0.5, 1.0)
BLENDS = (0.0, 0.5)
MOMENTA = (0.0, 0.5, 0.75, 0.9, 0.97)
JERK_WEIGHT, SPEED_WEIGHT, ENTROPY_WEIGHT = 0.6, 1.5, 0.1


@torch.no_grad()
def fit_tokenizer(tokenizer: FaceTokenizer, faces: Sequence[NDArray[np.floating]]) -> None:
    """Set axes, momentum, steps and growth from listeners' faces, each (T, 58). A second call fits anew. Raises
    :class:`EngineError` for faces that are no finite (T, 58) arrays."""
    for index, face in enumerate(faces):
        if face.ndim != 2 or face.shape[1] != 58 or not np.isfinite(face).all():
            raise EngineError(f"face {index} of {len(faces)} is {face.shape}, wanted finite (T, 58): leave it out")
    if not faces or max(len(face) for face in faces) < STRETCH:
        raise EngineError(f"no face is {STRETCH} frames long: give at least one longer recording")
    folded = [torch.from_numpy(np.asarray(face, np.float32)) @ tokenizer.fold for face in faces]
    everything = torch.cat(folded)
    tokenizer.mean.copy_(everything.mean(0))
    _axes(tokenizer, everything - tokenizer.mean)
    pieces = [piece for face in folded for piece in face.split(STRETCH) if len(piece) == STRETCH]
    every = max(1, len(pieces) * STRETCH // SAMPLE)
    sample = (torch.stack(pieces[::every]) - tokenizer.mean) @ tokenizer.analysis
    tokenizer.spread.copy_(((everything - tokenizer.mean) @ tokenizer.analysis).std(0).clamp_min(1e-5))
    tokenizer.pace.copy_(sample.diff(dim=1).std((0, 1)).clamp_min(1e-6))
    _search(tokenizer, sample)


def _axes(tokenizer: FaceTokenizer, centred: Tensor) -> None:
    """Principal axes per group; the synthesis is the least-squares map back from the latents."""
    tokenizer.analysis.zero_()
    tokenizer.synthesis.zero_()
    first = 0
    for group in tokenizer.groups:
        columns = torch.tensor([FOLDED_NAMES.index(name) for name in group.channels])
        scale = torch.tensor([10.0 if name in ("headX", "headY", "headZ") else 1.0 for name in group.channels])
        values = centred[:, columns] * scale
        _, axes = torch.linalg.eigh(values.T @ values / len(values))
        count = len(group.levels)
        chosen = axes[:, -count:].flip(-1)
        # An axis and its opposite are the same axis: the sign is fixed so that two fits agree.
        chosen = chosen * torch.sign(chosen.gather(0, chosen.abs().argmax(0, keepdim=True)))
        tokenizer.analysis[columns[:, None], torch.arange(first, first + count)] = scale[:, None] * chosen
        tokenizer.synthesis[torch.arange(first, first + count)[:, None], columns] = chosen.T / scale
        first += count


def _search(tokenizer: FaceTokenizer, sample: Tensor) -> None:
    """Momentum, pull, blend, step and growth of each latent from ``sample`` (pieces, frames, latents)."""
    quantizer, predictive = tokenizer.quantizer, tokenizer.predictive > 0
    usual = torch.quantile(sample.diff(dim=1).abs().flatten(0, 1), 0.9995, dim=0).clamp_min(1e-5)
    largest = sample.abs().flatten(0, 1).amax(0).clamp_min(1e-4)
    half = (quantizer.levels - 1) / 2.0
    grid = torch.tensor(list(itertools.product(MOMENTA, PULLS, REACHES, GROWTHS)))
    momentum, pull, reach, growth = (column[:, None, None] for column in grid.unbind(-1))
    rate = torch.where(predictive, growth, 1.0)
    outermost = torch.where(rate > 1, (rate**half - 1) / (rate - 1).clamp_min(1e-9), half)
    step = torch.where(predictive, reach * usual, reach * largest) / outermost
    # All candidates run side by side, as rows of one batch.
    candidates = {"momentum": momentum + 0 * step, "pull": pull + 0 * step, "blend": 0 * step}
    tokenizer.momentum, tokenizer.pull, tokenizer.blend = candidates.values()
    quantizer.step, quantizer.growth = step, rate
    rows = sample.new_zeros(len(grid), len(sample), tokenizer.latents)
    start = dict.fromkeys(tokenizer.initial_state(1), rows)
    tracked, _ = tokenizer.track(sample, start)
    entropy = _entropy(tracked.levels)
    found = {"momentum": candidates["momentum"], "pull": candidates["pull"], "step": step, "growth": rate}
    costs = torch.stack(
        [_cost(sample, _blended(tracked.reached, blend)) + ENTROPY_WEIGHT * entropy for blend in BLENDS]
    )
    best = costs.flatten(0, 1).argmin(0)
    latents = torch.arange(tokenizer.latents)
    chosen = {name: value[best % len(grid), 0, latents] for name, value in found.items()}
    tokenizer.momentum, tokenizer.pull = chosen["momentum"], chosen["pull"]
    tokenizer.blend = torch.tensor(BLENDS)[best // len(grid)]
    quantizer.step, quantizer.growth = chosen["step"], chosen["growth"]


def _entropy(levels: Tensor) -> Tensor:
    """Entropy in nats, (candidates, latents), of level numbers (candidates, pieces, frames, latents)."""
    total = torch.zeros(levels.shape[0], levels.shape[-1])
    for level in range(int(levels.max()) + 1):
        share = (levels == level).float().mean((1, 2))
        total -= torch.special.xlogy(share, share)
    return total


def _blended(coded: Tensor, blend: float) -> Tensor:
    """``coded`` (candidates, pieces, frames, latents) with a share of the frame before."""
    return torch.cat([coded[:, :, :1], (1 - blend) * coded[:, :, 1:] + blend * coded[:, :, :-1]], 2)


def _cost(wanted: Tensor, got: Tensor) -> Tensor:
    """(candidates, latents) of ``got`` (candidates, pieces, frames, latents) against ``wanted`` (pieces, frames,
    latents): relative error plus the log ratios of jerk and of root-mean-square speed."""
    error = (got - wanted).square().mean((1, 2)) / wanted.var((0, 1)).clamp_min(1e-12)

    def ratio(order: int, power: int) -> Tensor:
        mine = got.diff(n=order, dim=2).abs().pow(power).mean((1, 2))
        theirs = wanted.diff(n=order, dim=1).abs().pow(power).mean((0, 1))
        return ((mine + 1e-9) / (theirs + 1e-9)).log().abs() / power

    return error.sqrt() + JERK_WEIGHT * ratio(3, 1) + SPEED_WEIGHT * ratio(1, 2)
