"""What the gesture model hears of its avatar's voice: the shared features, and a learned part over three frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, named, part
from models.gesture.config import RATE, SAMPLE_RATE
from models.layers import CausalConv1d
from models.listening.voice import SUBFRAMES, VoiceFeatures

__all__ = ["SUBFRAMES", "Hearing"]


class Hearing(VoiceFeatures):
    """PCM hops (B, T, hop) and their validity (B, T) to features (B, T, ``width``)."""

    def __init__(self, bands: int, width: int) -> None:
        super().__init__(SAMPLE_RATE, RATE, bands)
        self.width = width
        self.enter = nn.Linear(self.raw_width, width)
        self.conv = CausalConv1d(width, width, 3)

    def state_specs(self) -> dict[str, StateSpec]:
        """Beside the features' state what is convolved."""
        return super().state_specs() | named("conv", self.conv.state_specs())

    def forward(self, raw: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """``raw`` (B, T, ``raw_width``) of :meth:`features` through the learned part, and the update of ``conv``."""
        entered = torch.nn.functional.gelu(self.enter(raw))
        y, convolved = self.conv(entered, part(state, "conv"))
        return torch.nn.functional.gelu(y) + entered, named("conv", convolved)
