"""The denoiser of faces and of poses (FiLMTransformer): noised frames and what is heard in, clean frames out.

What does not change between the steps of a diffusion (:class:`Given`: the features through their encoder, keys and
values of every layer) is made once. The published programs encode all sound at every step, twice under guidance.

Mended here: the table that stands for unheard sound was of 1998 features, so only 600 frames would do; now it is as
long as the trained segment and is gone through again from its beginning where a clip is longer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.conversation.a2p.layers import Attention, EncoderLayer, FilmLayer, Memory, Size, sinusoids

DILATIONS = (1, 2, 3, 1, 2, 3)
POST_WIDTH, SLOPE = 256, 0.2


class Given(NamedTuple):
    """What is known beside the noised frames: ``hidden`` (B, width), and for every layer what is ``heard`` and the
    ``guide`` poses (empty without)."""

    hidden: Tensor
    heard: list[Memory]
    guide: list[Memory]


class Keys(NamedTuple):
    """Guide poses (B, K, features), one a second, and which of them are known (B, K)."""

    poses: Tensor
    known: Tensor


class PostConvs(nn.Module):
    """Six causal convolutions over frames, whose layers that keep the width are averaged with their input, then a map.
    24 frames before a frame reach it, none after it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = (features, max(POST_WIDTH, features), *[features] * (len(DILATIONS) - 1))
        self.layers = nn.ModuleList(
            nn.Conv1d(widths[k], widths[k + 1], 3, dilation=dilation) for k, dilation in enumerate(DILATIONS)
        )
        self.out = nn.Conv1d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """For frames (B, T, features)."""
        x = x.transpose(1, 2)
        for dilation, layer in zip(DILATIONS, self.layers, strict=True):
            y = functional.leaky_relu(layer(functional.pad(x, (2 * dilation, 0))), SLOPE)
            x = (x + y) / 2.0 if x.shape == y.shape else y
        return torch.as_tensor(self.out(x).transpose(1, 2))


class Denoiser(nn.Module):
    """Clean frames (B, T, ``features``) of noised ones. Of what is heard (B, N, ``heard``) ``encoders`` layers make
    something first; a ``table`` of rows stands for it where a condition is dropped. ``keys`` > 0: there are guide poses
    and so many rows in their table."""

    def __init__(self, size: Size, features: int, heard: int, encoders: int, table: int, keys: int) -> None:
        super().__init__()
        width = size.width
        self.time_mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.Mish())
        self.to_time_cond, self.to_time_tokens = nn.Linear(4 * width, width), nn.Linear(4 * width, 2 * width)
        self.null_cond_embed = nn.Parameter(torch.randn(1, table, width))
        self.null_cond_hidden = nn.Parameter(torch.randn(1, width))
        self.norm_cond = nn.LayerNorm(width)
        self.cond_projection = nn.Linear(heard, width)
        self.cond_encoder = nn.ModuleList(EncoderLayer(size, nn.GELU()) for _ in range(encoders))
        self.non_attn_cond_projection = pooled_projection(width)
        self.input_projection = nn.Linear(features, width)
        self.layers = nn.ModuleList(FilmLayer(size, guided=keys > 0) for _ in range(size.layers))
        self.final_layer = nn.Linear(width, features)
        self.width, self.guided = width, keys > 0
        if keys:
            self.key_projection, self.norm_keys = nn.Linear(features, width), nn.LayerNorm(width)
            self.null_pose_embed = nn.Parameter(torch.randn(1, keys, width))
            self.post = PostConvs(features)

    def given(self, heard: Tensor, keep: Tensor, keys: Keys | None = None, keep_keys: Tensor | None = None) -> Given:
        """Of features (B, N, heard) and guide poses; where ``keep`` (B,) or ``keep_keys`` (B,) is false the learned
        rows for nothing stand in their place."""
        tokens = self.cond_projection(heard)
        for layer in self.cond_encoder:
            tokens = layer(tokens)
        tokens = torch.where(keep[:, None, None], tokens, rows_of(self.null_cond_embed, tokens.shape[1]))
        hidden = self.non_attn_cond_projection(tokens.mean(1))
        hidden = torch.where(keep[:, None], hidden, self.null_cond_hidden)
        guide = None
        if keys is not None:
            guide = self.norm_keys(self.key_projection(keys.poses * keys.known[..., None]))
            null = rows_of(self.null_pose_embed, guide.shape[1])
            guide = guide if keep_keys is None else torch.where(keep_keys[:, None, None], guide, null)
        return self._memories(hidden, tokens, guide)

    def nothing(self, batch: int, features: int, keys: int) -> Given:
        """What is given where sound and guide are dropped: of so many features and guide poses."""
        tokens = rows_of(self.null_cond_embed, features).expand(batch, -1, -1)
        guide = rows_of(self.null_pose_embed, keys).expand(batch, -1, -1) if self.guided else None
        return self._memories(self.null_cond_hidden.expand(batch, -1), tokens, guide)

    def forward(self, x: Tensor, step: Tensor, given: Given) -> Tensor:
        """Clean frames of ``x`` (B, T, features) at diffusion steps (B,)."""
        time = self.time_mlp(sinusoids(step, self.width))
        condition = (self.to_time_cond(time) + given.hidden)[:, None]
        tokens = self.norm_cond(self.to_time_tokens(time).unflatten(1, (2, -1)))
        x = self.input_projection(x)
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, FilmLayer)
            heard = given.heard[number]
            heard = heard.joined(layer.cross.memory(tokens, heard.rows))
            x = layer(x, condition, heard, given.guide[number] if given.guide else None).rows
        x = self.final_layer(x)
        return torch.as_tensor(self.post(x) if self.guided else x)

    def _memories(self, hidden: Tensor, tokens: Tensor, guide: Tensor | None) -> Given:
        normed = self.norm_cond(tokens)
        heard, guides = [], []
        for layer in self.layers:
            assert isinstance(layer, FilmLayer)
            heard.append(layer.cross.memory(normed))
            if guide is not None:
                assert isinstance(layer.guide, Attention)
                guides.append(layer.guide.memory(guide))
        return Given(hidden, heard, guides)


def pooled_projection(width: int) -> nn.Sequential:
    """From the mean of what is heard to what FiLM is told."""
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))


def rows_of(table: Tensor, count: int) -> Tensor:
    """The first ``count`` rows of a table (1, N, width), from its beginning again where it ends."""
    if count <= table.shape[1]:
        return table[:, :count]
    return table[:, torch.arange(count, device=table.device) % table.shape[1]]
