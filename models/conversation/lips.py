"""The mouth of speech: from the own voice alone, through a narrow window in time, and not from its own past.

Talking needs a narrow window, listening a wide one (Beyond Monologue, arXiv:2604.10367). A mouth that sees its own past
learns to go on as before and to listen less; one that does not cannot drift and is closed where there is no voice. That
its frames still hang together comes from the noise, which wanders slowly: near noise gives near mouths.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import AGE, StateSpec
from models.contract import Tensors, finite, named, part
from models.conversation.config import CAPTURES, MOUTH, RATE, ConversationConfig
from models.conversation.heads import even, gaussian, head
from models.conversation.stack import ConvStack

CAPTURE_WIDTH = 8
WANDER_S = 0.5
"""Correlation time (s) of the noise."""
CALM = 0.5
"""Share of the noise at a temperature of 1: a mouth is better told than guessed. Correlation and error of held-out
mouths are best near it, and still they move (a share of 0 gives means)."""


class LipNetwork(nn.Module):
    """Mouths of raw features of the own voice (B, T, ``heard``)."""

    mean: Tensor
    analysis: Tensor
    synthesis: Tensor

    def __init__(self, heard: int, config: ConversationConfig) -> None:
        super().__init__()
        self.config = config
        width, parts = config.lips, config.parts
        self.enter = nn.Linear(heard, width)
        self.stack = ConvStack(width, config.dilations, config.dropout)
        self.capture = nn.Embedding(len(CAPTURES), CAPTURE_WIDTH)
        self.given = width + CAPTURE_WIDTH
        self.head = head(parts, self.given, config)
        self.register_buffer("mean", torch.zeros(len(MOUTH)))
        self.register_buffer("analysis", torch.zeros(len(MOUTH), parts))
        self.register_buffer("synthesis", torch.zeros(parts, len(MOUTH)))
        self.draws = even(parts)

    def state_specs(self) -> dict[str, StateSpec]:
        """What is convolved, where the noise is, and what the head carries."""
        specs = named("stack", self.stack.state_specs()) | named("head", self.head.state_specs())
        return specs | {"wander": StateSpec((self.config.parts,))}

    def fit(self, mouths: Tensor) -> None:
        """Take the principal components of mouths (N, 27). Small components keep their share: each number is scaled by
        its own deviation, but no less than a tenth of the largest."""
        self.mean.copy_(mouths.mean(0))
        values, axes = torch.linalg.eigh(torch.cov((mouths - self.mean).T.double()))
        axes, spread = axes.flip(-1)[:, : self.config.parts], values.flip(-1)[: self.config.parts].clamp_min(0).sqrt()
        spread = spread.clamp_min(0.1 * float(spread[0]))
        self.analysis.copy_(axes / spread)
        self.synthesis.copy_((axes * spread).T)

    def numbers(self, mouths: Tensor) -> Tensor:
        """Mouths (..., 27) as numbers (..., parts)."""
        return (mouths - self.mean) @ self.analysis

    def weights(self, numbers: Tensor) -> Tensor:
        """The inverse of :meth:`numbers`, within 0 and 1."""
        return (numbers @ self.synthesis + self.mean).clamp(0.0, 1.0)

    def listen(self, raw: Tensor, capture: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """What the head is given (B, T, given) for raw features and ``capture`` (B, T), and updates of the convs."""
        y, kept = self.stack(self.enter(raw), part(state, "stack"))
        return torch.cat([y, self.capture(capture)], -1), named("stack", kept)

    def forward(
        self, raw: Tensor, capture: Tensor, uniforms: Tensor, temperature: Tensor, state: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Mouths (B, T, 27) for raw features (B, T, heard), ``capture`` and ``temperature`` (B, T), and ``uniforms``
        (B, T, draws)."""
        given, updates = self.listen(raw, capture, state)
        keep = math.exp(-1.0 / (RATE * WANDER_S))
        fresh = gaussian(uniforms)[..., : self.config.parts]
        wander, carried = state["wander"], part(state, "head")
        drawn = []
        for t in range(raw.shape[1]):
            moved = keep * wander + math.sqrt(1.0 - keep * keep) * fresh[:, t]
            begins = (state[AGE] == 0)[:, None] & (t == 0)
            wander = torch.where(begins, fresh[:, t], moved)
            numbers, kept = self.head(CALM * temperature[:, t, None] * wander, given[:, t], carried)
            carried = {**carried, **kept}
            drawn.append(numbers)
        numbers = torch.stack(drawn, 1)
        updates |= {"wander": finite(wander)} | named("head", {name: finite(carried[name]) for name in kept})
        return self.weights(numbers), updates
