"""The frame-wise network between attentions: wide, gated or plain; it carries nothing."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional


class FeedForward(nn.Module):
    """``channels`` -> ``hidden`` (default four times as wide) -> ``channels`` on every frame by itself.

    ``kind``: ``gelu`` (Hendrycks & Gimpel 2016) or ``swiglu``, a SiLU-gated product (Shazeer 2020), whose first map
    is twice ``hidden`` wide.
    """

    def __init__(
        self,
        channels: int,
        hidden: int | None = None,
        kind: Literal["gelu", "swiglu"] = "gelu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        hidden = hidden or 4 * channels
        self.gated = kind == "swiglu"
        self.widen = nn.Linear(channels, 2 * hidden if self.gated else hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., channels) mapped."""
        wide = self.widen(x)
        if self.gated:
            gate, value = wide.chunk(2, -1)
            return self.narrow(self.dropout(functional.silu(gate) * value))
        return self.narrow(self.dropout(functional.gelu(wide)))
