"""The pose-guided tokenizer: pose codes and six residual ids a token, and back to motion, causal and bounded.

A token is four frames at 20 a second. Its pose codes (one of the bins in each of 70 groups, read from its first frame)
are summed embeddings; what they leave open is coded by a residual quantiser, as in PGR2M. Unlike there encoder and
decoder run at the rate of the frames with convolutions that see the past alone (``causal``), so a stream of motion is
read, and a stream of tokens decoded, frame by frame. Features are the backward form of :mod:`.features`.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from engine.spec import StateSpec
from models.contract import Tensors, initial_state, named, part
from models.layers import CausalConv1d, Layer
from models.text_motion.config import CODEBOOK, LEVELS, TOKEN, TextMotionConfig
from models.text_motion.posecodes.codes import khot
from models.text_motion.posecodes.table import CODES
from models.text_motion.quantizer import Quantised, ResidualQuantizer


class Conv(Layer):
    """A convolution over frames (B, T, channels): causal with its tail as state, or centred for whole sequences."""

    def __init__(self, channels: int, outputs: int, kernel: int, dilation: int = 1, causal: bool = True) -> None:
        super().__init__()
        self.inner: Layer | nn.Conv1d
        if causal:
            self.inner = CausalConv1d(channels, outputs, kernel, dilation)
        else:
            self.inner = nn.Conv1d(channels, outputs, kernel, dilation=dilation, padding="same")

    def state_specs(self) -> dict[str, StateSpec]:
        """The tail of the causal one."""
        return self.inner.state_specs() if isinstance(self.inner, Layer) else {}

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """The convolution of ``x``."""
        if isinstance(self.inner, Layer):
            return cast(tuple[Tensor, Tensors], self.inner(x, state))
        return self.inner(x.transpose(1, 2)).transpose(1, 2), {}


class ResidualBlock(Layer):
    """``x + narrow(relu(conv(relu x)))`` (as in T2M-GPT's Resnet1D)."""

    def __init__(self, channels: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.conv = Conv(channels, channels, 3, dilation, causal)
        self.narrow = nn.Linear(channels, channels)

    def state_specs(self) -> dict[str, StateSpec]:
        """That of the convolution."""
        return self.conv.state_specs()

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """One block over ``x`` (B, T, channels)."""
        y, updates = self.conv(x.relu(), state)
        return x + self.narrow(y.relu()), updates


class Stack(Layer):
    """Layers one after the other; states under ``0.``, ``1.``, ..."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def state_specs(self) -> dict[str, StateSpec]:
        """Those of all layers."""
        specs: dict[str, StateSpec] = {}
        for number, layer in enumerate(self.layers):
            specs |= named(str(number), cast(Layer, layer).state_specs())
        return specs

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """All of them over ``x`` (B, T, channels)."""
        updates: Tensors = {}
        for number, layer in enumerate(self.layers):
            x, fresh = layer(x, part(state, str(number)))
            updates |= named(str(number), fresh)
        return x, updates


class Encoder(Layer):
    """Standardised features (B, T, width) to a latent (B, T, latent) a frame, of which that of a token's last frame
    speaks for the token."""

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        width, causal = config.width, config.causal
        blocks = [ResidualBlock(width, dilation, causal) for dilation in config.encoder_dilations]
        self.stack = Stack([Conv(config.body.width, width, 3, 1, causal), *blocks])
        self.token = CausalConv1d(width, config.latent, TOKEN)

    def state_specs(self) -> dict[str, StateSpec]:
        """Tails of all convolutions."""
        return named("stack", self.stack.state_specs()) | named("token", self.token.state_specs())

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """Latents (B, T, latent)."""
        y, stack = self.stack(x, part(state, "stack"))
        latent, token = self.token(y.relu(), part(state, "token"))
        return latent, named("stack", stack) | named("token", token)


class Decoder(Layer):
    """A token's latent (B, T, latent), the same in its four frames, and the number of the frame in its token (B, T) to
    standardised features (B, T, width)."""

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        width, causal = config.width, config.causal
        self.phases = nn.Parameter(torch.randn(TOKEN, width) * 0.1)
        blocks = [ResidualBlock(width, dilation, causal) for dilation in config.decoder_dilations]
        self.enter = nn.Linear(config.latent, width)
        self.stack = Stack([Conv(width, width, 3, 1, causal), *blocks, Conv(width, width, 3, 1, causal)])
        self.leave = nn.Linear(width, config.body.width)

    def state_specs(self) -> dict[str, StateSpec]:
        """Tails of all convolutions."""
        return self.stack.state_specs()

    def forward(self, latent: Tensor, state: Tensors, phase: Tensor) -> tuple[Tensor, Tensors]:
        """Features of every frame."""
        x = self.enter(latent) + self.phases[phase]
        y, updates = self.stack(x, state)
        return self.leave(y.relu()), updates


class Tokens(NamedTuple):
    """A clip as tokens: ``bins`` (..., N, 70) and residual ``ids`` (..., N, 6)."""

    bins: Tensor
    ids: Tensor


class Tokenizer(nn.Module):
    """See the module docstring. ``mean`` and ``std`` (width,) standardise features, fitted on training takes."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(CODES, config.latent, bias=False)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quantizer = ResidualQuantizer(config.latent, LEVELS, CODEBOOK)
        self.register_buffer("mean", torch.zeros(config.body.width))
        self.register_buffer("std", torch.ones(config.body.width))

    def pose_latent(self, bins: Tensor) -> Tensor:
        """What pose codes alone say, (..., latent), of bins (..., 70)."""
        latent: Tensor = self.embed(khot(bins))
        return latent

    def quantise(self, features: Tensor, bins: Tensor, used: Tensor | None = None) -> Quantised:
        """Residuals of features (B, 4 N, width) that bins (B, N, 70) leave open."""
        state = initial_state(self.encoder.state_specs(), len(features), features.device)
        latents, _ = self.encoder((features - self.mean) / self.std, state)
        left = latents[:, TOKEN - 1 :: TOKEN] - self.pose_latent(bins).detach()
        quantised: Quantised = self.quantizer(left, used)
        return quantised

    def encode(self, features: Tensor, bins: Tensor) -> Tokens:
        """Tokens of backward features (B, T, width), N = T // 4, whose first frames show ``bins`` (B, N, 70)."""
        count = features.shape[1] // TOKEN
        return Tokens(bins[:, :count], self.quantise(features[:, : TOKEN * count], bins[:, :count]).ids)

    def latent(self, tokens: Tokens, edited: Tensor | None = None) -> Tensor:
        """Latents (..., N, latent) of tokens; where ``edited`` (..., N) is True the residual is dropped."""
        residual = self.quantizer.decode(tokens.ids)
        if edited is not None:
            residual = residual * (~edited)[..., None]
        return self.pose_latent(tokens.bins) + residual

    def decode(self, tokens: Tokens, edited: Tensor | None = None) -> Tensor:
        """Backward features (B, 4 N, width) of tokens; where ``edited`` (B, N) is True the residual is dropped."""
        return self.frames(self.latent(tokens, edited))

    def frames(self, latent: Tensor) -> Tensor:
        """Backward features (B, 4 N, width) of latents (B, N, latent)."""
        each = latent.repeat_interleave(TOKEN, 1)
        phase = torch.arange(each.shape[1], device=each.device) % TOKEN
        state = initial_state(self.decoder.state_specs(), len(each), each.device)
        rows: Tensor
        rows, _ = self.decoder(each, state, phase.expand(len(each), -1))
        return rows * self.std + self.mean
