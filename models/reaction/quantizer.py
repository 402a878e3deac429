"""Finite scalar quantisation of many numbers, several of them to one id.

As in FSQ (Mentzer et al. 2024) every number is squeezed, rounded to one of a few levels, and an id is the mixed-radix
number of the levels: no codebook to learn and none to collapse. Here the squeeze is logarithmic instead of tanh, since
what is coded is mostly an innovation: near zero levels lie densely, so that a resting head rests, and far out widely,
so that a blink or a saccade is reached in a frame. Level ``k`` stands for ``sign(k) step (growth^|k| - 1) / (growth -
1)``; with ``growth`` 1 the levels are even. An even number of levels puts them at half-integers, without a zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

EVEN = 1e-3
"""Growth closer to 1 than this counts as even spacing."""


class Quantizer(nn.Module):
    """``groups`` of levels, one tuple per id. ``step`` and ``growth`` (latents,) are buffers to be fitted."""

    step: Tensor
    growth: Tensor
    levels: Tensor
    radix: Tensor
    head: Tensor
    places: Tensor

    def __init__(self, groups: Sequence[Sequence[int]]) -> None:
        super().__init__()
        levels = [level for group in groups for level in group]
        if min(levels) < 2:
            raise ValueError(f"levels {tuple(map(tuple, groups))}: each latent needs at least 2")
        self.groups = tuple(tuple(group) for group in groups)
        self.codes = tuple(_product(group) for group in groups)
        self.latents = len(levels)
        self.register_buffer("step", torch.ones(self.latents))
        self.register_buffer("growth", torch.full((self.latents,), 2.0))
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        radix = [_product(group[:place]) for group in groups for place in range(len(group))]
        self.register_buffer("radix", torch.tensor(radix), persistent=False)
        heads = [head for head, group in enumerate(groups) for _ in group]
        self.register_buffer("head", torch.tensor(heads), persistent=False)
        member = torch.tensor(heads)[:, None] == torch.arange(len(groups))
        self.register_buffer("places", member * torch.tensor(radix)[:, None], persistent=False)

    def quantise(self, value: Tensor) -> Tensor:
        """Level numbers (..., latents), int64 from 0, of ``value`` (..., latents): nearest on the squeezed scale."""
        rate = (self.growth - 1.0).clamp_min(EVEN)
        size = torch.log1p(value.abs() * rate / self.step) / torch.log1p(rate)
        half = (self.levels - 1) / 2.0
        level = torch.round(torch.copysign(size, value) + half)
        return torch.minimum(level.clamp_min(0.0), 2.0 * half).long()

    def pack(self, levels: Tensor) -> Tensor:
        """Ids (..., heads) of level numbers (..., latents)."""
        return (levels[..., None] * self.places).sum(-2)

    def unpack(self, ids: Tensor) -> Tensor:
        """Level numbers (..., latents) of ids (..., heads); an id beyond its head's codes wraps, and stays a level."""
        return torch.remainder(torch.div(ids[..., self.head], self.radix, rounding_mode="floor"), self.levels)

    def value(self, levels: Tensor) -> Tensor:
        """What level numbers (..., latents) stand for."""
        k = levels - (self.levels - 1) / 2.0
        rate = (self.growth - 1.0).clamp_min(EVEN)
        return torch.sign(k) * self.step * torch.expm1(k.abs() * torch.log1p(rate)) / rate


def _product(numbers: Sequence[int]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result
