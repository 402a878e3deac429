"""Causal convolution over frames with its tail as explicit state (as in van den Oord et al., WaveNet, 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, finite
from models.layers.base import Layer


class CausalConv1d(Layer):
    """A convolution (B, T, channels) -> (B, T, outputs) whose newest tap is the current frame.

    ``kernel`` taps, ``dilation`` frames apart. Before the first frame lie zeros. The last (kernel - 1) * dilation input
    frames are carried; a kernel of 1 carries nothing.
    """

    def __init__(self, channels: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, outputs, kernel, dilation=dilation)
        self.channels, self.tail = channels, (kernel - 1) * dilation
        self.memory = self.tail

    def state_specs(self) -> dict[str, StateSpec]:
        """``tail``: input frames, oldest first."""
        return {"tail": StateSpec((self.tail, self.channels))} if self.tail else {}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Convolution of ``x`` (B, T, channels) behind the carried frames."""
        x = finite(x)
        if self.tail:
            x = torch.cat([state["tail"], x], 1)
        y = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return y, ({"tail": x[:, x.shape[1] - self.tail :]} if self.tail else {})
