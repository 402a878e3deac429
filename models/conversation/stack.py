"""A few residual convolutions over the frames before: what both networks hear through."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part
from models.layers import CausalConv1d, Layer, LayerNorm


class ConvStack(Layer):
    """(B, T, channels) to the same: each layer sees this frame and two before it, as far apart as ``dilations`` say."""

    def __init__(self, channels: int, dilations: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(LayerNorm(channels) for _ in dilations)
        self.convs = nn.ModuleList(CausalConv1d(channels, channels, 3, dilation) for dilation in dilations)
        self.dropout = nn.Dropout(dropout)
        self.tails = [StateSpec((2 * dilation, channels)) for dilation in dilations]

    def state_specs(self) -> dict[str, StateSpec]:
        """What each layer convolves."""
        return {f"conv{number}.tail": tail for number, tail in enumerate(self.tails)}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """``x`` through all layers."""
        updates: Tensors = {}
        for number, (norm, conv) in enumerate(zip(self.norms, self.convs, strict=True)):
            more, kept = conv(nn.functional.gelu(norm(x)), part(state, f"conv{number}"))
            x = x + self.dropout(more)
            updates |= named(f"conv{number}", kept)
        return x, updates
