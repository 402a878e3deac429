"""The base transformer: which pose codes come next, from the codes before and the text.

Tokens are sums of pose codes (one bin in each of 70 groups, or nothing before the first). Causal, over a window of past
tokens in rings, positions by distance alone: there is no block of 62 as in the seed, and no end. Beside the codes each
token knows for how long its text has been asked for. ``END`` says that what the text asks for is done.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named
from models.layers import LayerNorm
from models.text_motion.condition import Conditions, blocks, run
from models.text_motion.config import TextMotionConfig
from models.text_motion.posecodes.table import CODES, END

CLOCK = 8
"""Numbers that tell how long a text has been in force."""
LONGEST = 300.0
"""Tokens (a minute) beyond which the time of a text is not told apart."""


class BaseTransformer(nn.Module):
    """``(previous codes, time of the text, text)`` to logits of 392 codes and ``END``."""

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        channels = config.base_channels
        self.enter = nn.Linear(CODES + CLOCK, channels)
        self.conditions = Conditions(config.text, channels)
        self.blocks = blocks(channels, config.base_heads, config.base_window, config.base_blocks, config.dropout)
        self.norm, self.out = LayerNorm(channels), nn.Linear(channels, END + 1)
        self.dropout = nn.Dropout(config.dropout)

    def state_specs(self) -> dict[str, StateSpec]:
        """Rings of all blocks, a row a token."""
        specs: dict[str, StateSpec] = {}
        for number, block in enumerate(self.blocks):
            specs |= named(str(number), block.state_specs())  # type: ignore[operator]
        return specs

    def forward(
        self, previous: Tensor, since: Tensor, vectors: Tensor, state: Tensors, which: Tensor | None = None
    ) -> tuple[Tensor, Tensors]:
        """Logits (B, N, 393) and new rows.

        ``previous`` (B, N, 392): the K-hot codes of the token before each; ``since`` (B, N): tokens since its text was
        set; ``vectors`` (B, S, 12, text) and ``which`` (B, N) as of :class:`ConditionAttention`.
        """
        x = self.dropout(self.enter(torch.cat([previous, clock(since)], -1)))
        y, updates = run(self.blocks, x, state, self.conditions(vectors), which)
        logits: Tensor = self.out(self.norm(y))
        return logits, updates


def clock(since: Tensor) -> Tensor:
    """(..., CLOCK) sines and cosines of the logarithm of a time (...,) in tokens."""
    share = since.clamp(0.0, LONGEST).log1p() / math.log1p(LONGEST)
    turns = share[..., None] * math.pi * torch.arange(1, CLOCK // 2 + 1, device=since.device, dtype=since.dtype)
    return torch.cat([turns.sin(), turns.cos()], -1)
