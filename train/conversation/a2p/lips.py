"""The lip regressor: where the lips are, from the own voice alone, in chunks of 4 s.

The published system has its weights and no program that trains it. An encoder hears, a decoder that begins with zeros
and knows its frames by sinusoidal positions asks. ``causal`` (there, off as published): no frame hears what comes after
it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.conversation.a2p.hearing import Hearing
from train.conversation.a2p.layers import Attention, EncoderLayer, Feed, Size, sinusoids
from train.conversation.a2p.layout import VERTICES

CHUNK = 120
"""Frames."""
ENCODERS = 2


class LipLayer(nn.Module):
    """A decoder's layer: among frames, to what is heard, two maps; each normalised before and added."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.own, self.cross = Attention(size, rotary=False), Attention(size, rotary=False)
        self.feed = Feed(size, nn.ReLU())
        self.norms = nn.ModuleList(nn.LayerNorm(size.width) for _ in range(3))
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, heard: Tensor, mask: Tensor | None, heard_mask: Tensor | None) -> Tensor:
        """For frames (B, T, width) and what is heard (B, N, width)."""
        normed = self.norms[0](x)
        x = x + self.dropout(self.own(normed, self.own.memory(normed), mask=mask))
        x = x + self.dropout(self.cross(self.norms[1](x), self.cross.memory(heard), mask=heard_mask))
        return torch.as_tensor(x + self.feed(self.norms[2](x)))


class LipRegressor(nn.Module):
    """Lips (B, T, 1014) of rows of sound, in chunks of 120 frames; ``scale`` brings the output to metres."""

    mean: Tensor
    scale: Tensor

    def __init__(self, size: Size, hearing: Hearing, causal: bool) -> None:
        super().__init__()
        self.hearing, self.causal = hearing, causal
        self.encoder = nn.ModuleList(EncoderLayer(size, nn.ReLU(), rotary=False) for _ in range(ENCODERS))
        self.decoder = nn.ModuleList(LipLayer(size) for _ in range(size.layers))
        self.norm_encoded, self.norm_decoded = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.project = nn.Linear(hearing.width, size.width)
        self.out = nn.Linear(size.width, 3 * VERTICES)
        self.dropout = nn.Dropout(size.dropout)
        self.width = size.width
        self.register_buffer("mean", torch.zeros(3 * VERTICES))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, rows: Tensor, frames: int) -> Tensor:
        """Lips (B, frames, 1014) of the rows (B, n, 2, ...) of so many frames; only channel 0 is heard."""
        count = -(-frames // CHUNK)
        each = self.hearing.row(CHUNK)
        wanted = [self.hearing.row(number * CHUNK) for number in range(count)]
        missing = wanted[-1] + each - rows.shape[1]
        ends = (0, 0) * (rows.ndim - 2)
        padded = functional.pad(rows, (*ends, 0, max(0, missing)), value=self.hearing.silence)
        chunks = torch.stack([padded[:, first : first + each] for first in wanted], 1).flatten(0, 1)
        made = self._chunk(chunks).unflatten(0, (len(rows), count))
        return torch.as_tensor(made.flatten(1, 2)[:, :frames] * self.scale + self.mean)

    def _chunk(self, rows: Tensor) -> Tensor:
        heard = self.project(self.hearing(rows))
        count, device = heard.shape[1], rows.device
        mask = lower = heard_mask = None
        if self.causal:
            # Feature j of a frame's sound is known by the end of that frame, the newest one that it may hear.
            known = torch.tensor([self.hearing.known(frame + 1) for frame in range(CHUNK)], device=device)
            heard_mask = torch.arange(count, device=device) < known.clamp_min(1)[:, None]
            lower = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=device).tril()
            mask = torch.ones(count, count, dtype=torch.bool, device=device).tril()
        heard = self.dropout(heard + sinusoids(torch.arange(count, device=device), self.width))
        for encoder in self.encoder:
            heard = encoder(heard, mask)
        heard = self.norm_encoded(heard)
        x = sinusoids(torch.arange(CHUNK, device=device), self.width).expand(len(rows), -1, -1)
        for layer in self.decoder:
            x = layer(x, heard, lower, heard_mask)
        return torch.as_tensor(self.out(self.norm_decoded(x)))


def lip_error(made: Tensor, truth: Tensor) -> float:
    """Meshtalk's lip error (Richard et al. 2021) of lips (T, 338, 3): both centred frame by frame, the largest distance
    of a vertex, mean over the frames. Units are those of the vertices."""
    apart = (made - made.mean(-2, keepdim=True)) - (truth - truth.mean(-2, keepdim=True))
    return float(apart.norm(dim=-1).amax(-1).mean())
