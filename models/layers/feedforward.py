"""The frame-wise network between attentions; it carries nothing."""

from __future__ import annotations

from torch import Tensor, nn


class FeedForward(nn.Module):
    """``channels`` -> ``hidden`` -> ``channels`` on every frame by itself, with GELU (Hendrycks & Gimpel 2016)."""

    def __init__(self, channels: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.widen = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., channels) mapped."""
        mapped: Tensor = self.narrow(self.dropout(nn.functional.gelu(self.widen(x))))
        return mapped
