"""The codec of guide poses: a pose each second becomes a few tokens, by residual vector quantisation, and comes back.

Encoder and decoder are causal convolutions that see 8 seconds (TemporalVertexCodec). Codes follow running means of what
they stand for (van den Oord et al. 2017), begin as the clusters of the first batch, and those that hardly anything
comes to are replaced; gradients pass straight through.

Mended in :func:`codec_loss`: the published velocity term took differences over the 104 numbers of a pose, not over
time. Left out: a projection of a mean shape in the decoder, 6720 numbers which nothing reads.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

DECAY, EXPIRY, ROUNDS, SLOPE = 0.99, 2.0, 10, 0.2
DILATIONS = (1, 2, 3, 1)
LEFT = sum(DILATIONS)
"""Poses before a pose that reach it, in the encoder and again in the decoder."""


class Quantised(NamedTuple):
    """``values`` (B, K, width) for the decoder, with the encoder's gradient; ``ids`` (B, K, depth); ``commitment`` is
    how far the encoder is from the codes."""

    values: Tensor
    ids: Tensor
    commitment: Tensor


class Codebook(nn.Module):
    """``count`` codes (count, width). A code to which fewer than ``expiry`` rows come in a running mean is replaced by
    a row at hand."""

    codes: Tensor
    counts: Tensor
    sums: Tensor
    begun: Tensor

    def __init__(self, count: int, width: int, expiry: float) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(count, width))
        self.register_buffer("counts", torch.zeros(count))
        self.register_buffer("sums", torch.zeros(count, width))
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool))
        self.expiry = expiry

    def nearest(self, rows: Tensor) -> Tensor:
        """The numbers (N,) of the codes nearest to rows (N, width)."""
        return torch.cdist(rows, self.codes).argmin(-1)

    @torch.no_grad()
    def begin(self, rows: Tensor) -> None:
        """Clusters of rows (N, width), where there are no codes yet."""
        if bool(self.begun) or not len(rows):
            return
        means = clusters(rows, len(self.codes))
        self.codes.copy_(means)
        found = torch.bincount(self.nearest(rows), minlength=len(self.codes)).to(rows)
        self.counts.copy_(found)
        self.sums.copy_(means * found[:, None])
        self.begun.fill_(True)

    @torch.no_grad()
    def learn(self, rows: Tensor, ids: Tensor) -> None:
        """Move the codes to the running means of the rows (N, width) that came to them, replace those that die."""
        if not len(rows):
            return
        chosen = functional.one_hot(ids, len(self.codes)).to(rows)
        self.counts.lerp_(chosen.sum(0), 1 - DECAY)
        self.sums.lerp_(chosen.T @ rows, 1 - DECAY)
        means = self.sums / self.counts.clamp_min(1e-5)[:, None]
        self.codes.copy_(torch.where(self.counts[:, None] > 1e-5, means, self.codes))
        dead = self.counts < self.expiry
        if bool(dead.any()):
            fresh = rows[torch.randint(len(rows), (int(dead.sum()),), device=rows.device)]
            self.codes[dead], self.sums[dead] = fresh, fresh * self.expiry
            self.counts[dead] = self.expiry


class Codec(nn.Module):
    """Poses (B, K, ``features``), one a second, as ``depth`` tokens each."""

    def __init__(self, features: int, width: int, count: int, depth: int, expiry: float = EXPIRY) -> None:
        super().__init__()
        self.first = nn.Conv1d(features, width, 1)
        self.encoder = nn.ModuleList(nn.Conv1d(width, width, 2, dilation=dilation) for dilation in DILATIONS)
        self.books = nn.ModuleList(Codebook(count, width, expiry) for _ in range(depth))
        self.decoder = nn.ModuleList(nn.Conv1d(width, width, 2, dilation=dilation) for dilation in DILATIONS)
        self.last = nn.Conv1d(width, features, 1)
        self.depth, self.count = depth, count

    def encode(self, poses: Tensor) -> Tensor:
        """Latents (B, K, width)."""
        x = self.first(functional.pad(poses.transpose(1, 2), (LEFT, 0)))
        for layer in self.encoder:
            x = layer(functional.leaky_relu(x, SLOPE))
        return torch.as_tensor(x.transpose(1, 2))

    def quantise(self, latents: Tensor, known: Tensor) -> Quantised:
        """Codes for latents (B, K, width). In training the codes learn from those that are ``known`` (B, K)."""
        rest, total, ids = latents, torch.zeros_like(latents), []
        commitment = latents.new_zeros(())
        for book in self.books:
            assert isinstance(book, Codebook)
            rows = rest.detach()[known]
            if self.training:
                book.begin(rows)
            chosen = book.nearest(rest.detach().flatten(0, 1)).unflatten(0, rest.shape[:2])
            value = book.codes[chosen]
            commitment = commitment + ((value - rest).square().mean(-1) * known).sum() / known.sum().clamp_min(1)
            if self.training:
                book.learn(rows, chosen[known])
            rest, total = rest - value, total + value
            ids.append(chosen)
        values = latents + (total - latents).detach()
        return Quantised(values, torch.stack(ids, -1), commitment / self.depth)

    def decode(self, values: Tensor) -> Tensor:
        """Poses (B, K, features) of values (B, K, width)."""
        x = functional.pad(values.transpose(1, 2), (LEFT, 0))
        for layer in self.decoder:
            x = functional.leaky_relu(layer(x), SLOPE)
        return torch.as_tensor(self.last(x).transpose(1, 2))

    def tokens(self, poses: Tensor) -> Tensor:
        """Tokens (B, K, depth) of poses."""
        latents = self.encode(poses)
        return self.quantise(latents, torch.ones(latents.shape[:2], dtype=torch.bool, device=poses.device)).ids

    def poses(self, ids: Tensor) -> Tensor:
        """Poses (B, K, features) of tokens (B, K, depth)."""
        parts = []
        for level, book in enumerate(self.books):
            assert isinstance(book, Codebook)
            parts.append(book.codes[ids[..., level]])
        return self.decode(torch.stack(parts).sum(0))


def clusters(rows: Tensor, count: int) -> Tensor:
    """Means (count, width) of clusters of rows (N, width), by k-means of 10 rounds from rows drawn at random; where
    there are fewer rows than clusters, rows are drawn more than once."""
    few = len(rows) < count
    drawn = torch.randint(len(rows), (count,)) if few else torch.randperm(len(rows))[:count]
    means = rows[drawn.to(rows.device)].clone()
    for _ in range(ROUNDS):
        chosen = functional.one_hot(torch.cdist(rows, means).argmin(-1), count).to(rows)
        sizes = chosen.sum(0)
        means = torch.where(sizes[:, None] > 0, (chosen.T @ rows) / sizes.clamp_min(1)[:, None], means)
    return means


def codec_loss(
    made: Tensor, poses: Tensor, known: Tensor, commitment: Tensor, commit: float, velocity: float
) -> Tensor:
    """Smooth L1 of poses (B, K, F) where they are ``known`` (B, K), ``velocity`` times that of their differences in
    time, and ``commit`` times the commitment."""

    def smooth(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        apart = functional.smooth_l1_loss(a, b, reduction="none").mean(-1)
        return (apart * mask).sum() / mask.sum().clamp_min(1)

    loss = smooth(made, poses, known) + commit * commitment
    if velocity:
        loss = loss + velocity * smooth(made.diff(dim=1), poses.diff(dim=1), known[:, 1:] & known[:, :-1])
    return loss
