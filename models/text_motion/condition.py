"""What a text asks for, as twelve tokens that base and refine transformer attend to.

As in PGR2M (after CoMo): one of the whole text and one of each of eleven *fields*, what the text says of a part of the
body or of the mood. A field of which nothing is said has a learned vector of its own; with no text at all the body
stands idle.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from engine.text.fields import FIELDS
from models.contract import Tensors, part
from models.layers import Layer, LayerNorm, TransformerBlock

PROMPT = "prompt"
CONDITIONS = 1 + len(FIELDS)
PRESENT = 1e-3
"""Length beyond which a vector is one of a text."""


class Conditions(nn.Module):
    """Vectors of texts (..., 12, text) to tokens (..., 12, channels)."""

    def __init__(self, text: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Linear(text, channels)
        self.places = nn.Parameter(torch.randn(CONDITIONS, channels) * 0.1)
        self.absent = nn.Parameter(torch.randn(CONDITIONS, channels) * 0.1)
        self.norm = LayerNorm(channels)

    def forward(self, vectors: Tensor) -> Tensor:
        """Tokens; a vector of zeros is an absent one."""
        said = vectors.square().sum(-1, keepdim=True) > PRESENT**2
        scaled = vectors * vectors.shape[-1] ** 0.5 / vectors.square().sum(-1, keepdim=True).sqrt().clamp_min(PRESENT)
        tokens: Tensor = self.norm(torch.where(said, self.enter(scaled), self.absent) + self.places)
        return tokens


class ConditionAttention(nn.Module):
    """Attention of each token to the twelve of its text. It carries nothing."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, channels // heads
        self.query = nn.Linear(channels, channels, bias=False)
        self.key, self.value = (nn.Linear(channels, channels, bias=False) for _ in range(2))
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, texts: Tensor, which: Tensor | None = None) -> Tensor:
        """``x`` (B, N, channels) after attending to ``texts`` (B, S, 12, channels), of which token n has the one
        numbered ``which`` (B, N); without it there are as many texts as tokens, one each."""
        query = x.unflatten(-1, (self.heads, self.width)) * self.width**-0.5
        keys = self.key(texts).unflatten(-1, (self.heads, self.width))
        values = self.value(texts).unflatten(-1, (self.heads, self.width))
        if which is None:
            weights = (query[:, :, None] * keys).sum(-1).softmax(2)
            attended = (weights[..., None] * values).sum(2)
        else:
            scores = torch.einsum("bnhc,bskhc->bnhsk", query, keys)
            own = torch.nn.functional.one_hot(which, texts.shape[1]).bool()[:, :, None, :, None]
            weights = scores.masked_fill(~own, -torch.inf).flatten(-2).softmax(-1).unflatten(-1, scores.shape[-2:])
            attended = torch.einsum("bnhsk,bskhc->bnhc", weights, values)
        out: Tensor = self.out(attended.flatten(-2))
        return out


class ConditionedBlock(Layer):
    """A :class:`TransformerBlock` over past tokens with attention to the text before it."""

    def __init__(self, channels: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.text_norm, self.text = LayerNorm(channels), ConditionAttention(channels, heads)
        self.block = TransformerBlock(channels, heads, window, 4 * channels, dropout)
        self.memory = window

    def state_specs(self) -> dict[str, StateSpec]:
        """Rings of the self-attention."""
        return self.block.state_specs()

    def forward(self, x: Tensor, state: Tensors, texts: Tensor, which: Tensor | None) -> tuple[Tensor, Tensors]:
        """One block over tokens ``x`` (B, N, channels)."""
        x = x + self.text(self.text_norm(x), texts, which)
        y, updates = self.block(x, state)
        return y, updates


def blocks(channels: int, heads: int, window: int, count: int, dropout: float) -> nn.ModuleList:
    """``count`` blocks."""
    return nn.ModuleList(ConditionedBlock(channels, heads, window, dropout) for _ in range(count))


def run(
    layers: nn.ModuleList, x: Tensor, state: Tensors, texts: Tensor, which: Tensor | None
) -> tuple[Tensor, Tensors]:
    """All blocks over ``x``; states under ``0.``, ``1.``, ..."""
    updates: Tensors = {}
    for number, layer in enumerate(layers):
        x, fresh = layer(x, part(state, str(number)), texts, which)
        updates |= {f"{number}.{key}": value for key, value in fresh.items()}
    return x, updates
