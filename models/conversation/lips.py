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
CALM = 0.3
"""Share of the noise at a temperature of 1: a mouth is better told than guessed. Correlation and error of held-out
mouths are best near it and below, and with it they move as much as captured ones."""
LEAST = 0.1
"""Share of the largest deviation that every channel is scaled by at least: what hardly moves counts less."""


class MouthCodec(nn.Module):
    """Mouths (..., 27) as numbers (..., 27) around nought, and back. Channel by channel, so that one which a recording
    did not solve can be left out there."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(MOUTH)))
        self.register_buffer("scale", torch.ones(len(MOUTH)))

    def fit(self, mouths: Tensor, known: Tensor) -> None:
        """Mean and deviation of each channel of mouths (N, 27) where it is ``known`` (N, 27), the deviation no less
        than a tenth of the largest."""
        count = known.sum(0).clamp_min(1.0)
        mean = (mouths * known).sum(0) / count
        spread = ((mouths - mean).square() * known).sum(0).div(count).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(spread.clamp_min(LEAST * float(spread.max())).clamp_min(1e-6))

    def numbers(self, mouths: Tensor) -> Tensor:
        """Of mouths."""
        return (mouths - self.mean) / self.scale

    def weights(self, numbers: Tensor) -> Tensor:
        """The inverse of :meth:`numbers`, within 0 and 1."""
        return (numbers * self.scale + self.mean).clamp(0.0, 1.0)


class LipNetwork(nn.Module):
    """Mouths of raw features of the own voice (B, T, ``heard``)."""

    def __init__(self, heard: int, config: ConversationConfig) -> None:
        super().__init__()
        self.config = config
        width, count = config.lips, len(MOUTH)
        self.enter = nn.Linear(heard, width)
        self.stack = ConvStack(width, config.dilations, config.dropout)
        self.capture = nn.Embedding(len(CAPTURES), CAPTURE_WIDTH)
        self.given = width + CAPTURE_WIDTH
        self.head = head(count, self.given, config)
        self.codec = MouthCodec()
        self.draws = even(count)

    def state_specs(self) -> dict[str, StateSpec]:
        """What is convolved, where the noise is, and what the head carries."""
        specs = named("stack", self.stack.state_specs()) | named("head", self.head.state_specs())
        return specs | {"wander": StateSpec((len(MOUTH),))}

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
        fresh = gaussian(uniforms)[..., : len(MOUTH)]
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
        return self.codec.weights(numbers), updates
