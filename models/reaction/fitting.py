"""Fits a :class:`FaceTokenizer` to listeners' faces: principal axes, then momentum, step and growth by a small search.

Axes are the leading eigenvectors of each group's covariance, channels scaled by what people see: a radian of head
rotation, a tenth of a metre and a full weight count alike. For each latent the search runs the closed coding loop over
a stretch of the data with every candidate side by side and keeps the one with the smallest cost: relative error plus
how far jerk (mean absolute third difference) and mean speed are from the original's, on a log scale. A face whose ids
twitch or freeze looks wrong long before its error does.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineError
from models.reaction.config import FOLDED_NAMES

if TYPE_CHECKING:
    from models.reaction.tokenizer import FaceTokenizer

SAMPLE = 24_000
"""Frames the search looks at, in stretches of :data:`STRETCH`."""
STRETCH = 750
REACHES = (0.35, 0.6, 1.0)
"""Candidates for the outermost level, as shares of the largest usual innovation (its 99.95th percentile)."""
GROWTHS = (1.6, 2.0, 2.5, 3.2)
MOMENTA = (0.0, 0.5, 0.75, 0.9)
JERK_WEIGHT, SPEED_WEIGHT = 0.3, 0.3


def fit(tokenizer: FaceTokenizer, faces: Sequence[NDArray[np.floating]]) -> None:
    """Fill the tokenizer's buffers. Raises :class:`EngineError` for faces that are no finite (T, 58) arrays."""
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
    """Momentum, step and growth of each latent from ``sample`` (pieces, frames, latents)."""
    quantizer = tokenizer.quantizer
    usual = torch.quantile(sample.diff(dim=1).abs().flatten(0, 1)[:200_000], 0.9995, dim=0).clamp_min(1e-5)
    largest = sample.abs().flatten(0, 1).amax(0).clamp_min(1e-4)
    half = (quantizer.levels - 1) / 2.0
    best = torch.full((tokenizer.latents,), torch.inf)
    chosen = {"momentum": tokenizer.momentum, "step": quantizer.step, "growth": quantizer.growth}
    kept = {name: value.clone() for name, value in chosen.items()}
    for momentum, reach, growth in itertools.product(MOMENTA, REACHES, GROWTHS):
        within = torch.where(tokenizer.predictive > 0, reach * usual, reach * largest)
        rate = torch.where(tokenizer.predictive > 0, torch.full_like(half, growth), torch.ones_like(half))
        outermost = torch.where(rate > 1, (rate**half - 1) / (rate - 1).clamp_min(1e-9), half)
        tokenizer.momentum.fill_(momentum)
        quantizer.growth.copy_(rate)
        quantizer.step.copy_(within / outermost)
        cost = _cost(sample, _coded(tokenizer, sample))
        better = cost < best
        best = torch.where(better, cost, best)
        for name, value in chosen.items():
            kept[name] = torch.where(better, value, kept[name])
    for name, value in chosen.items():
        value.copy_(kept[name])


def _coded(tokenizer: FaceTokenizer, sample: Tensor) -> Tensor:
    """The sample after the closed loop."""
    latent = speed = sample.new_zeros(sample.shape[0], tokenizer.latents)
    rows = []
    table = tokenizer.quantizer.table().reshape(-1)
    offset = torch.arange(tokenizer.latents) * tokenizer.quantizer.most
    for t in range(sample.shape[1]):
        levels = tokenizer.quantizer.quantise(sample[:, t] - tokenizer.foretell(latent, speed))
        latent, speed = tokenizer.advance(table[levels + offset], latent, speed)
        rows.append(latent)
    return torch.stack(rows, 1)


def _cost(wanted: Tensor, got: Tensor) -> Tensor:
    """(latents,) relative error plus the log ratios of jerk and speed."""
    error = (got - wanted).square().mean((0, 1)) / wanted.var((0, 1)).clamp_min(1e-12)

    def ratio(order: int) -> Tensor:
        mine, theirs = (value.diff(n=order, dim=1).abs().mean((0, 1)) for value in (got, wanted))
        return ((mine + 1e-9) / (theirs + 1e-9)).log().abs()

    return error.sqrt() + JERK_WEIGHT * ratio(3) + SPEED_WEIGHT * ratio(1)
