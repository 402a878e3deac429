"""What draws a frame from what is known: a flow in a few steps, or rolling diffusion. Both are small networks a frame.

The transformer gives one vector a frame; a small network with the vector as its condition draws the frame's numbers,
as in DyStream (arXiv:2512.24408) and in Kyutai's continuous audio models (arXiv:2509.06926): no tokens, one small
call a step of the flow.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors
from models.conversation.config import ConversationConfig
from models.layers import LayerNorm

WAVES = 8
"""Sines and cosines that tell a head how far the flow has come."""


def gaussian(uniforms: Tensor) -> Tensor:
    """Standard normals (..., n) from as many uniforms in [0, 1), n even (Box & Muller 1958)."""
    radius, turn = uniforms.chunk(2, -1)
    far, angle = (-2.0 * (1.0 - radius).clamp_min(1e-7).log()).sqrt(), 2.0 * math.pi * turn
    return torch.cat([far * angle.cos(), far * angle.sin()], -1)


def even(count: int) -> int:
    """Uniforms that ``count`` normals take."""
    return count + count % 2


class _Layer(nn.Module):
    """A residual layer whose norm is shifted, scaled and gated by the condition (AdaLN, Peebles & Xie 2023)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)
        self.shape = nn.Linear(channels, 3 * channels)
        self.widen, self.narrow = nn.Linear(channels, channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.shape.weight)
        nn.init.zeros_(self.shape.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale, gate = self.shape(condition).chunk(3, -1)
        y = self.norm(x) * (1.0 + scale) + shift
        return torch.as_tensor(x + gate * self.narrow(nn.functional.silu(self.widen(y))))


class Denoiser(nn.Module):
    """``outputs`` numbers of ``numbers`` noisy ones, a condition (..., ``given``) and how far the flow is (...)."""

    def __init__(self, numbers: int, given: int, config: ConversationConfig) -> None:
        super().__init__()
        channels = config.head_channels
        self.enter, self.leave = nn.Linear(numbers, channels), nn.Linear(channels, numbers)
        self.given, self.time = nn.Linear(given, channels), nn.Linear(2 * WAVES, channels)
        self.layers = nn.ModuleList(_Layer(channels) for _ in range(config.head_layers))
        self.norm = LayerNorm(channels)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def condition(self, given: Tensor) -> Tensor:
        """The part of the condition that is the same in all steps."""
        return torch.as_tensor(self.given(given))

    def forward(self, x: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        """Of ``x`` (..., numbers) with :meth:`condition` (..., channels) at ``time`` (...) from 0, noise, to 1."""
        angles = time[..., None] * (math.pi * 2.0 ** torch.arange(WAVES, device=x.device) / 4.0)
        waves = torch.cat([angles.sin(), angles.cos()], -1)
        shown = nn.functional.silu(condition + self.time(waves))
        y = self.enter(x)
        for layer in self.layers:
            y = layer(y, shown)
        return torch.as_tensor(self.leave(self.norm(y)))


class FlowHead(nn.Module):
    """Flow matching (Lipman et al. 2023): the straight way from noise to the frame, walked in ``steps`` steps.
    Distilled to one step it is a consistency model (Song et al. 2023) and the same network."""

    def __init__(self, numbers: int, given: int, config: ConversationConfig) -> None:
        super().__init__()
        self.numbers, self.steps = numbers, config.steps
        self.net = Denoiser(numbers, given, config)

    def state_specs(self) -> dict[str, StateSpec]:
        """Nothing is carried."""
        return {}

    def forward(self, noise: Tensor, given: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """A frame's numbers (B, numbers) of ``noise`` (B, numbers), standard normal, and ``given`` (B, given)."""
        condition = self.net.condition(given)
        x = noise
        for step in range(self.steps):
            time = torch.full_like(x[..., 0], step / self.steps)
            x = x + self.net(x, condition, time) / self.steps
        return x, {}

    def loss(self, wanted: Tensor, given: Tensor, noise: Tensor, time: Tensor, known: Tensor) -> Tensor:
        """Squared error (...) of the flow's direction at ``time`` (...), mean over the numbers; of those that are not
        ``known`` (..., numbers of 0 and 1) the network sees noise, and nothing is asked."""
        wanted = torch.where(known > 0.0, wanted, noise)
        x = (1.0 - time[..., None]) * noise + time[..., None] * wanted
        made = self.net(x, self.net.condition(given), time)
        return _mean((made - (wanted - noise)).square(), known)


class RollingHead(nn.Module):
    """Rolling diffusion (Ruhe et al. 2024): ``window`` frames wait at rising levels of noise; every call tells what all
    of them are, lowers their noise by one level and gives the front; noise joins at the back. One call a frame."""

    levels: Tensor

    def __init__(self, numbers: int, given: int, config: ConversationConfig) -> None:
        super().__init__()
        self.numbers, self.window = numbers, config.roll
        self.net = Denoiser(numbers * self.window, given, config)
        levels = torch.arange(1, self.window + 1, dtype=torch.float32) / self.window
        self.register_buffer("levels", levels[:, None], persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """``plan``: the frames that wait but for the last, which is all noise."""
        return {"plan": StateSpec((self.window - 1, self.numbers))} if self.window > 1 else {}

    def forward(self, noise: Tensor, given: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """A frame's numbers (B, numbers); ``noise`` (B, numbers) joins."""
        plan = torch.cat([state["plan"], noise[:, None]], 1) if self.window > 1 else noise[:, None]
        guess = self.guess(plan, given)
        lower = self.levels - 1.0 / self.window
        left = (1.0 - lower) * guess + lower * (plan - (1.0 - self.levels) * guess) / self.levels
        return left[:, 0], ({"plan": left[:, 1:]} if self.window > 1 else {})

    def guess(self, plan: Tensor, given: Tensor) -> Tensor:
        """The clean frames (..., window, numbers) of a plan."""
        time = torch.zeros_like(plan[..., 0, 0])
        flat = self.net(plan.flatten(-2), self.net.condition(given), time)
        return torch.as_tensor(flat.unflatten(-1, (self.window, self.numbers)))

    def loss(self, wanted: Tensor, given: Tensor, noise: Tensor, known: Tensor) -> Tensor:
        """Squared error (...) of what the waiting frames are, the front as much as all others together. ``wanted``,
        ``noise`` and ``known`` as :meth:`FlowHead.loss` has them, (..., window, numbers)."""
        wanted = torch.where(known > 0.0, wanted, noise)
        plan = (1.0 - self.levels) * wanted + self.levels * noise
        apart = _mean((self.guess(plan, given) - wanted).square(), known)
        return 0.5 * apart[..., 0] + 0.5 * apart.mean(-1)


def _mean(error: Tensor, known: Tensor) -> Tensor:
    """Mean (...) over the numbers (..., n) that are known."""
    return (error * known).sum(-1) / known.sum(-1).clamp_min(1.0)


def head(numbers: int, given: int, config: ConversationConfig) -> FlowHead | RollingHead:
    """The head that a configuration names."""
    if config.head == "rolling":
        return RollingHead(numbers, given, config)
    return FlowHead(numbers, given, config)
