"""The cross-modal block: one stream attends to its own past and, through a gate, to another stream's.

``y = SA(norm x); x + y + gate CA(norm y, norm context)``, then feed-forward, as in FIBER (Dou et al. 2022,
arXiv:2206.07643), which the AIS system took over. There both streams became one tensor after the first block, so all
later blocks attended to themselves; here each stream keeps its own output and every block sees the other modality.
Causal over a window, by the rings of :class:`WindowedAttention`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part
from models.layers import FeedForward, Layer, LayerNorm, WindowedAttention

FIRST_GATE = 0.5
"""FIBER starts its gates at 0 to leave pretrained towers undisturbed; ours are trained from nothing."""


class CrossModalBlock(Layer):
    """``x`` (B, T, channels) and ``context`` (B, T, channels) to the next ``x``."""

    def __init__(self, channels: int, heads: int, window: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.context_norm = LayerNorm(channels), LayerNorm(channels)
        self.cross_norm, self.feed_norm = LayerNorm(channels), LayerNorm(channels)
        self.attention = WindowedAttention(channels, heads, window)
        self.cross = WindowedAttention(channels, heads, window, channels)
        self.gate = nn.Parameter(torch.full((1,), FIRST_GATE))
        self.feed = FeedForward(channels, hidden, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.memory = window

    def state_specs(self) -> dict[str, StateSpec]:
        """Rings of both attentions, under ``self.`` and ``cross.``."""
        return named("self", self.attention.state_specs()) | named("cross", self.cross.state_specs())

    def forward(self, x: Tensor, state: Tensors, context: Tensor) -> tuple[Tensor, Tensors]:
        """One block."""
        attended, own = self.attention(self.norm(x), part(state, "self"))
        crossed, other = self.cross(self.cross_norm(attended), part(state, "cross"), self.context_norm(context))
        x = x + self.dropout(attended) + self.gate * self.dropout(crossed)
        return x + self.dropout(self.feed(self.feed_norm(x))), named("self", own) | named("cross", other)
