"""The guide: a transformer that draws the tokens of a pose each second from what is heard, one after the other.

What is heard goes through two blocks of six convolutions (38.8 of its 40.3 million numbers), once for a clip; keys and
values of what was drawn are kept. The published program encodes all sound again for every token and keeps none.

As published the guide sees the whole clip: the pose at a second is chosen with the sound that follows. ``causal``
makes the one that extrapolates: the tokens of second k are drawn from the sound before second k, in attention and in
the mean that FiLM is told; where there is none yet, the learned rows for nothing stand.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.conversation.a2p.denoiser import pooled_projection, rows_of
from train.conversation.a2p.layers import FilmLayer, Memory, Size

DILATIONS = (1, 2, 3, 1, 2, 3)
SLOPE, DROPOUT = 0.2, 0.2
SHRINK = 2 * sum(DILATIONS)
"""Rows by which a block of convolutions without padding is shorter than its input."""


class Heard(NamedTuple):
    """What is heard, for every layer; ``hidden`` (B, 1 or K * depth, width) for FiLM; ``mask`` (K * depth, N) says
    which row each token may look at, None where it is all."""

    memories: list[Memory]
    hidden: Tensor
    mask: Tensor | None


class Guide(nn.Module):
    """Draws ``depth`` tokens of ``count`` a second from features (B, N, heard)."""

    def __init__(
        self, size: Size, count: int, depth: int, heard: int, audio_layers: int, table: int, causal: bool
    ) -> None:
        super().__init__()
        width = size.width
        self.tokens = nn.Embedding(count + 1, width)  # the last one begins
        convs: list[nn.Module] = []
        for dilation in DILATIONS * audio_layers:
            convs += [nn.Conv1d(heard, heard, 3, dilation=dilation), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT)]
        self.pre_audio = nn.Sequential(*convs, nn.Conv1d(heard, heard, 1))
        self.cond_projection, self.norm_cond = nn.Linear(heard, width), nn.LayerNorm(width)
        self.null_cond_embed = nn.Parameter(torch.randn(1, table, width))
        self.null_cond_hidden = nn.Parameter(torch.randn(1, width))
        self.non_attn_cond_projection = pooled_projection(width)
        self.layers = nn.ModuleList(FilmLayer(size) for _ in range(size.layers))
        self.final_layer = nn.Linear(width, count)
        self.count, self.depth, self.causal, self.shrink = count, depth, causal, SHRINK * audio_layers

    def hear(self, features: Tensor, keep: Tensor, known: Tensor) -> Heard:
        """Of features (B, N, heard), dropped where ``keep`` (B,) is false; ``known`` (K,) says how many features are
        made of the sound before each second."""
        short = self.shrink if self.causal else max(0, self.shrink + 1 - features.shape[1])
        x = self.pre_audio(functional.pad(features.transpose(1, 2), (short, 0))).transpose(1, 2)
        tokens = self.norm_cond(self.cond_projection(x))
        tokens = torch.where(keep[:, None, None], tokens, rows_of(self.null_cond_embed, tokens.shape[1]))
        if not self.causal:
            hidden = self.non_attn_cond_projection(tokens.mean(1, keepdim=True))
            hidden = torch.where(keep[:, None, None], hidden, self.null_cond_hidden)
            return Heard(self._memories(tokens), hidden, None)
        count = tokens.shape[1]
        known = known.to(tokens.device).clamp(0, count)
        # One mean for every second, of the features before it.
        sums = functional.pad(tokens.cumsum(1), (0, 0, 1, 0))[:, known]
        hidden = self.non_attn_cond_projection(sums / known.clamp_min(1)[:, None])
        nothing = (known == 0)[None, :, None] | ~keep[:, None, None]
        hidden = torch.where(nothing, self.null_cond_hidden, hidden).repeat_interleave(self.depth, 1)
        before = rows_of(self.null_cond_embed, 1).expand(len(tokens), -1, -1)
        mask = torch.arange(-1, count, device=tokens.device) < known[:, None]
        return Heard(self._memories(torch.cat([before, tokens], 1)), hidden, mask.repeat_interleave(self.depth, 0))

    def forward(self, tokens: Tensor, heard: Heard) -> Tensor:
        """Logits (B, L, count) of every token of ``tokens`` (B, L), second by second, from those before it."""
        start = torch.full_like(tokens[:, :1], self.count)
        x = self.tokens(torch.cat([start, tokens[:, :-1]], 1))
        length = tokens.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        for layer, memory in zip(self.layers, heard.memories, strict=True):
            x = layer(
                x,
                heard.hidden[:, :length],
                memory,
                mask=mask,
                heard_mask=None if heard.mask is None else heard.mask[:length],
            ).rows
        return torch.as_tensor(self.final_layer(x))

    @torch.no_grad()
    def generate(self, heard: Heard, draws: Tensor, top_p: float) -> Tensor:
        """Tokens (B, L) drawn by numbers ``draws`` (B, L) in 0..1 from the nucleus of each chance."""
        rows, length = draws.shape
        newest = torch.full((rows, 1), self.count, device=draws.device)
        past: list[Memory | None] = [None] * len(self.layers)
        made = []
        for at in range(length):
            logits = self.step(newest, at, heard, past)
            newest = drawn(nucleus(logits.softmax(-1), top_p), draws[:, at])[:, None]
            made.append(newest)
        return torch.cat(made, 1)

    def step(self, newest: Tensor, at: int, heard: Heard, past: list[Memory | None]) -> Tensor:
        """Logits (B, count) of token ``at`` from the newest token (B, 1); ``past`` takes up its keys and values."""
        x = self.tokens(newest)
        hidden = heard.hidden if heard.hidden.shape[1] == 1 else heard.hidden[:, at : at + 1]
        mask = None if heard.mask is None else heard.mask[at : at + 1]
        for number, (layer, memory) in enumerate(zip(self.layers, heard.memories, strict=True)):
            found = layer(x, hidden, memory, past=past[number], heard_mask=mask)
            x, past[number] = found.rows, found.own
        return torch.as_tensor(self.final_layer(x[:, 0]))

    def _memories(self, tokens: Tensor) -> list[Memory]:
        found = []
        for layer in self.layers:
            assert isinstance(layer, FilmLayer)
            found.append(layer.cross.memory(tokens))
        return found


def nucleus(chances: Tensor, top_p: float) -> Tensor:
    """Chances (B, N) of the fewest tokens that together have at least ``top_p`` (Holtzman et al. 2020), as one."""
    ordered, place = chances.sort(stable=True, dim=-1, descending=True)
    kept = torch.where(ordered.cumsum(-1) - ordered < top_p, ordered, 0.0)
    found = torch.zeros_like(chances).scatter(-1, place, kept)
    return found / found.sum(-1, keepdim=True)


def drawn(chances: Tensor, draws: Tensor) -> Tensor:
    """The token (B,) of chances (B, N) at which their sum passes a number (B,) in 0..1."""
    sums = chances.double().cumsum(-1)
    last = (chances > 0).to(torch.uint8).flip(-1).argmax(-1)
    found = torch.searchsorted(sums, draws.double()[:, None], right=True)[:, 0]
    return torch.minimum(found, chances.shape[-1] - 1 - last)
