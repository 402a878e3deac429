"""From decisions to poses: a recurrent network and a mixture of eight decoders, as AISLe has them, but causal.

AISLe (Ahuja et al. 2020) mixes eight decoders by the chances that a classifier gives to clusters of poses, so that rare
poses have a decoder of their own and are not averaged away. Here the classifier and the decoders stand on a recurrent
network that is told what was decided, what is heard, who gestures, and the pose before.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, finite, named, part
from models.gesture.config import CLUSTERS, GestureConfig
from models.layers import LSTM

SMALL = 0.1
"""A decoder that has learned nothing hardly departs from the course."""


class Mixture(nn.Module):
    """Eight decoders side by side, each a network of its own with one hidden layer, mixed by given chances."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, CLUSTERS * hidden)
        self.leave = nn.Parameter(torch.randn(CLUSTERS, hidden, outputs) * SMALL / hidden**0.5)
        self.bias = nn.Parameter(torch.zeros(CLUSTERS, outputs))

    def forward(self, x: Tensor, chances: Tensor) -> Tensor:
        """(..., outputs) of ``x`` (..., inputs) and ``chances`` (..., 8)."""
        hidden = torch.nn.functional.gelu(self.enter(x)).unflatten(-1, (CLUSTERS, -1))
        # Weighing the hidden units first turns eight products and a sum into one product.
        weighed = (hidden * chances[..., None]).flatten(-2)
        mixed: Tensor = weighed @ self.leave.flatten(0, 1) + chances @ self.bias
        return mixed


class PoseDecoder(nn.Module):
    """Standardised pose vectors (B, width), frame by frame: of conditions (B, conditions) and of the pose that is its
    turn on the course."""

    def __init__(self, config: GestureConfig, conditions: int, width: int) -> None:
        super().__init__()
        self.lstm = LSTM(conditions + 2 * width, config.decoder)
        self.classify = nn.Linear(config.decoder, CLUSTERS)
        self.mixture = Mixture(config.decoder + 2 * width, config.mixture, width)

    def state_specs(self) -> dict[str, StateSpec]:
        """The cells of the network."""
        return named("lstm", self.lstm.state_specs())

    def forward(
        self, conditions: Tensor, before: Tensor, course: Tensor, state: Tensors
    ) -> tuple[Tensor, Tensor, Tensors]:
        """Pose (B, width) after the pose ``before``, with ``course`` as its turn is; the logits (B, 8) of its cluster,
        and the updates."""
        way = torch.cat([course, before - course], -1)
        y, cells = self.lstm(torch.cat([conditions, way], -1)[:, None], part(state, "lstm"))
        y = y[:, 0]
        logits = self.classify(y)
        beside = self.mixture(torch.cat([y, way], -1), logits.softmax(-1))
        return course + beside, logits, named("lstm", {name: finite(cell) for name, cell in cells.items()})
