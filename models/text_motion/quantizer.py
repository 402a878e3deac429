"""Residual quantisation with soft choices: six codebooks, each coding what the levels before it left over.

As in PGR2M every level scores the codebook by a product of normalised projections, takes the best entry, and lets the
gradient through the softmax (straight-through). Levels have codebooks of their own, learned by gradient alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

ENTROPY_TEMPERATURE = 0.01
ENTROPY_WEIGHT = 0.5
"""Beside the losses of distance; with the quantiser's own weight of 0.02 this is the seed's 0.01."""
COMMITMENT = 0.25
"""Weight of pulling the codebook towards the residual beside pulling the residual towards the codebook."""


class Quantised(NamedTuple):
    """``values`` (..., latent) summed over levels, ``ids`` (..., levels), and the ``loss`` of the quantiser."""

    values: Tensor
    ids: Tensor
    loss: Tensor


class SoftQuantizer(nn.Module):
    """One level: ``codes`` entries of ``latent`` numbers."""

    def __init__(self, latent: int, codes: int) -> None:
        super().__init__()
        self.scale = latent**-0.5
        self.codebook = nn.Parameter(torch.randn(codes, latent) * 0.3)
        self.query, self.key = nn.Linear(latent, latent), nn.Linear(latent, latent)
        self.value = nn.Linear(latent, latent)
        self.query_norm, self.key_norm = nn.RMSNorm(latent), nn.RMSNorm(latent)
        nn.init.eye_(self.value.weight)
        self.value.weight.data += 0.02 * torch.randn_like(self.value.weight)

    def logits(self, residual: Tensor) -> Tensor:
        """Scores (..., codes) of the entries for a residual (..., latent)."""
        scores: Tensor = self.query_norm(self.query(residual)) @ self.key_norm(self.key(self.codebook)).T
        scaled: Tensor = scores * self.scale
        return scaled

    def entries(self) -> Tensor:
        """What each id adds, (codes, latent)."""
        table: Tensor = self.value(self.codebook)
        return table


class ResidualQuantizer(nn.Module):
    """``levels`` of :class:`SoftQuantizer`."""

    def __init__(self, latent: int, levels: int, codes: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(SoftQuantizer(latent, codes) for _ in range(levels))

    def forward(self, residual: Tensor, used: Tensor | None = None) -> Quantised:
        """Quantise residuals (B, N, latent); ``used`` (B,) counts the levels that each row uses (training)."""
        left, total, ids = residual, torch.zeros_like(residual), []
        loss = residual.new_zeros(())
        for number, level in enumerate(self.levels):
            assert isinstance(level, SoftQuantizer)
            logits = level.logits(left)
            chosen, table = logits.argmax(-1), level.entries()
            hard = table[chosen]
            if self.training:
                soft = logits.softmax(-1)
                through = (nn.functional.one_hot(chosen, logits.shape[-1]) + soft - soft.detach()) @ table
                off = (through - left).square().mean() + (hard.detach() - left).square().mean()
                loss = loss + off + COMMITMENT * (hard - left.detach()).square().mean()
                loss = loss + ENTROPY_WEIGHT * _entropy(logits)
            else:
                through = hard
            if used is not None:
                through = through * (used > number)[:, None, None]
                hard = hard * (used > number)[:, None, None]
            total, left = total + through, left - hard.detach()
            ids.append(chosen)
        return Quantised(total, torch.stack(ids, -1), loss)

    def tables(self) -> list[Tensor]:
        """What each id of each level adds, (codes, latent) a level."""
        return [level.entries() for level in self.levels if isinstance(level, SoftQuantizer)]

    def decode(self, ids: Tensor) -> Tensor:
        """Values (..., latent) of ids (..., levels)."""
        return torch.stack([table[ids[..., number]] for number, table in enumerate(self.tables())]).sum(0)


def _entropy(logits: Tensor) -> Tensor:
    """Mean entropy of single choices less that of the batch: low where choices are sure and all entries are used."""
    sharp = (logits / ENTROPY_TEMPERATURE).flatten(0, -2).log_softmax(-1)
    single = -(sharp.exp() * sharp).sum(-1).mean()
    mean = sharp.exp().mean(0)
    return single + (mean * mean.clamp_min(1e-8).log()).sum()
