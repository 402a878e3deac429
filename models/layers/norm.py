"""Normalisation over the channels of one frame: nothing is shared between frames or rows, so nothing is carried."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerNorm(nn.Module):
    """Zero mean, unit variance over the last axis, then gain and bias (Ba et al. 2016)."""

    def __init__(self, channels: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., channels) normalised."""
        return nn.functional.layer_norm(x, self.gain.shape, self.gain, self.bias, self.epsilon)


class RMSNorm(nn.Module):
    """Unit root mean square over the last axis, then gain (Zhang & Sennrich 2019). Written out, not as torch's own
    function, so that it exports to plain operators that every runtime has."""

    def __init__(self, channels: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (..., channels) normalised."""
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.gain
