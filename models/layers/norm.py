"""Normalisation over the channels of one frame: nothing is shared between frames or rows, so nothing is carried."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerNorm(nn.Module):
    """Zero mean, unit variance over the last axis, then gain and bias (Ba et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., channels) normalised."""
        return nn.functional.layer_norm(x, self.gain.shape, self.gain, self.bias)
