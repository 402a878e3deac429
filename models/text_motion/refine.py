"""The refine transformer: residual ids of a token whose pose codes are known, level after level.

In PGR2M it sees the whole clip and fills one level of all tokens after the other, so nothing can be shown before the
end. Here a causal transformer over tokens says what is known of this token (its codes, the residual of the token
before, the text), and a small network, the same for all levels, then loops over the six (a depth loop, as in RQ-
Transformer, Lee et al. 2022, and Moshi): a token is whole when it is due.

The seed takes the likeliest id. Where a level can hardly be foretold, as with little data, the likeliest is one of many
that are far apart: here the entry with the least expected error is taken, the same one where the network is sure
(measured on 64 held-out texts at temperature 0.3: jerk 0.94 of the takes' against 1.13, low feet slide at 1.2 times
theirs against 1.6, joints move at 0.47 of their speed against 0.56).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named
from models.layers import FeedForward, LayerNorm
from models.text_motion.condition import Conditions, blocks, run
from models.text_motion.config import CODEBOOK, LEVELS, TextMotionConfig


class RefineTransformer(nn.Module):
    """``context`` once a token, then ``logits`` once a level."""

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        channels = config.refine_channels
        self.enter = nn.Linear(2 * config.latent, channels)
        self.conditions = Conditions(config.text, channels)
        self.blocks = blocks(channels, config.refine_heads, config.refine_window, config.refine_blocks, config.dropout)
        self.norm = LayerNorm(channels)
        self.lower = nn.Linear(config.latent, channels)
        self.level = nn.Parameter(torch.randn(LEVELS, channels) * 0.1)
        self.depth_norms = nn.ModuleList(LayerNorm(channels) for _ in range(config.depth))
        self.depth = nn.ModuleList(FeedForward(channels, 4 * channels, config.dropout) for _ in range(config.depth))
        self.last, self.out = LayerNorm(channels), nn.Linear(channels, CODEBOOK * LEVELS)

    def state_specs(self) -> dict[str, StateSpec]:
        """Rings of all blocks, a row a token."""
        specs: dict[str, StateSpec] = {}
        for number, block in enumerate(self.blocks):
            specs |= named(str(number), block.state_specs())  # type: ignore[operator]
        return specs

    def context(
        self, pose: Tensor, before: Tensor, vectors: Tensor, state: Tensors, which: Tensor | None = None
    ) -> tuple[Tensor, Tensors]:
        """What is known of tokens (B, N, channels), from the ``pose`` latent of their codes and the residual ``before``
        (both (B, N, latent)); texts as of :class:`ConditionAttention`."""
        x = self.enter(torch.cat([pose, before], -1))
        y, updates = run(self.blocks, x, state, self.conditions(vectors), which)
        return self.norm(y), updates

    def logits(self, context: Tensor, lower: Tensor, level: int) -> Tensor:
        """Logits (..., 512) of a level, given what the levels below it add up to, ``lower`` (..., latent)."""
        x = context + self.lower(lower) + self.level[level]
        for norm, feed in zip(self.depth_norms, self.depth, strict=True):
            x = x + feed(norm(x))
        weight = self.out.weight[level * CODEBOOK : (level + 1) * CODEBOOK]
        bias = self.out.bias[level * CODEBOOK : (level + 1) * CODEBOOK]
        return nn.functional.linear(self.last(x), weight, bias)

    def choose(self, context: Tensor, tables: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Ids (..., 6), of every level the entry of the ``tables`` (512, latent) with the least expected squared error,
        and what they add up to (..., latent)."""
        lower = torch.zeros(*context.shape[:-1], tables[0].shape[-1], device=context.device)
        ids = []
        for level, table in enumerate(tables):
            expected = self.logits(context, lower, level).softmax(-1) @ table
            chosen = (expected @ table.T - 0.5 * table.square().sum(-1)).argmax(-1)
            lower = lower + table[chosen]
            ids.append(chosen)
        return torch.stack(ids, -1), lower
