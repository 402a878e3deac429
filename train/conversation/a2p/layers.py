"""The layers of audio2photoreal's transformers: rotary attention, FiLM, and layers of an encoder and of a decoder.

Positions are rotary over the whole width, turned before the queries and keys are projected (as EDGE, Tseng et al. 2023,
which the system builds on); so keys of what does not change are projected once (:class:`Memory`). Layers are pre-norm;
in a decoder's every part is scaled and shifted by a condition (FiLM, Perez et al. 2018) before it is added.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Size(NamedTuple):
    """Of a transformer: ``width``, ``hidden`` units between, ``layers``, ``heads``, share of ``dropout``."""

    width: int
    hidden: int
    layers: int
    heads: int
    dropout: float = 0.1


class Memory(NamedTuple):
    """Keys and values (B, heads, N, width of a head)."""

    key: Tensor
    value: Tensor

    def joined(self, other: Memory) -> Memory:
        """These rows, then those of ``other``."""
        return Memory(torch.cat([self.key, other.key], 2), torch.cat([self.value, other.value], 2))

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.key.shape[2])


def rotated(x: Tensor, start: int = 0) -> Tensor:
    """Rows (B, N, width) turned by their positions from ``start`` on, numbers in pairs (Su et al. 2021)."""
    width = x.shape[-1]
    rate = 10000.0 ** (-torch.arange(0, width, 2, device=x.device, dtype=torch.float32) / width)
    angle = torch.arange(start, start + x.shape[1], device=x.device, dtype=torch.float32)[:, None] * rate
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2)


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sines, then cosines (N, width) of positions (N,)."""
    half = width // 2
    rate = 10000.0 ** (-torch.arange(half, device=positions.device, dtype=torch.float32) / max(half - 1, 1))
    angle = positions.float()[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], -1)


class Attention(nn.Module):
    """Attention of rows to a :class:`Memory`; ``rotary``: their positions turn queries and keys."""

    def __init__(self, size: Size, rotary: bool = True) -> None:
        super().__init__()
        self.heads, self.dropout, self.rotary = size.heads, size.dropout, rotary
        self.query, self.key, self.value, self.out = (nn.Linear(size.width, size.width) for _ in range(4))
        bound = (6.0 / (4 * size.width)) ** 0.5  # as torch's own layer, whose three maps are one
        for part in (self.query, self.key, self.value):
            nn.init.uniform_(part.weight, -bound, bound)
        for part in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(part.bias)

    def memory(self, source: Tensor, start: int = 0) -> Memory:
        """Of rows (B, N, width) at positions from ``start`` on."""
        placed = rotated(source, start) if self.rotary else source
        return Memory(self._split(self.key(placed)), self._split(self.value(source)))

    def forward(self, x: Tensor, memory: Memory, start: int = 0, mask: Tensor | None = None) -> Tensor:
        """For rows (B, T, width) at positions from ``start`` on; ``mask`` (T, N) is true where a row may look."""
        query = self._split(self.query(rotated(x, start) if self.rotary else x))
        dropout = self.dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, memory.key, memory.value, mask, dropout)
        return torch.as_tensor(self.out(found.transpose(1, 2).flatten(2)))

    def _split(self, rows: Tensor) -> Tensor:
        split: Tensor = rows.unflatten(-1, (self.heads, -1))
        return split.transpose(1, 2)


class Film(nn.Module):
    """(scale + 1) x + shift, both from a condition."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Mish(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """For ``x`` (B, T, width) and a condition (B, 1 or T, width)."""
        scale, shift = self.block(condition).chunk(2, -1)
        return torch.as_tensor((scale + 1.0) * x + shift)


class Feed(nn.Sequential):
    """Two maps with ``activation`` between."""

    def __init__(self, size: Size, activation: nn.Module) -> None:
        super().__init__(
            nn.Linear(size.width, size.hidden),
            activation,
            nn.Dropout(size.dropout),
            nn.Linear(size.hidden, size.width),
            nn.Dropout(size.dropout),
        )


class EncoderLayer(nn.Module):
    """Attention among rows, then two maps, each normalised before and added."""

    def __init__(self, size: Size, activation: nn.Module, rotary: bool = True) -> None:
        super().__init__()
        self.attention, self.feed = Attention(size, rotary), Feed(size, activation)
        self.norm1, self.norm2 = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """For rows (B, N, width); ``mask`` (N, N) is true where a row may look."""
        normed = self.norm1(x)
        x = x + self.dropout(self.attention(normed, self.attention.memory(normed), mask=mask))
        return torch.as_tensor(x + self.feed(self.norm2(x)))


class Step(NamedTuple):
    """What a decoder's layer gives: rows (B, T, width), and the memory of all rows so far."""

    rows: Tensor
    own: Memory


class FilmLayer(nn.Module):
    """A decoder's layer: attention among its rows, to what is heard and, if ``guided``, to guide poses, then two maps,
    each under FiLM."""

    def __init__(self, size: Size, guided: bool = False) -> None:
        super().__init__()
        width, parts = size.width, 4 if guided else 3
        self.own, self.cross = Attention(size), Attention(size)
        self.guide = Attention(size) if guided else None
        self.feed = Feed(size, nn.GELU())
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(parts))
        self.films = nn.ModuleList(Film(width) for _ in range(parts))
        self.dropout = nn.Dropout(size.dropout)

    def forward(
        self,
        x: Tensor,
        condition: Tensor,
        heard: Memory,
        guide: Memory | None = None,
        past: Memory | None = None,
        mask: Tensor | None = None,
        heard_mask: Tensor | None = None,
    ) -> Step:
        """For ``x`` (B, T, width), whose first row comes after those of ``past``; ``condition`` (B, 1 or T, width);
        masks (T, N) are true where a row may look."""
        start = 0 if past is None else past.rows
        norms, films = iter(self.norms), iter(self.films)
        normed = next(norms)(x)
        own = self.own.memory(normed, start)
        own = own if past is None else past.joined(own)
        x = x + next(films)(self.dropout(self.own(normed, own, start, mask)), condition)
        x = x + next(films)(self.dropout(self.cross(next(norms)(x), heard, start, heard_mask)), condition)
        if self.guide is not None and guide is not None:
            x = x + next(films)(self.dropout(self.guide(next(norms)(x), guide, start)), condition)
        x = x + next(films)(self.feed(next(norms)(x)), condition)
        return Step(x, own)
