"""Attention over a window of past frames, keys and values in rings: self-attention and attention to another stream.

**Positions.** A learned score per head and distance, started as ALiBi's slopes (Press et al. 2022), not rotary: with
keys kept unrotated, rotary positions would have to turn the whole ring on every step, which costs as much as reading it
again, while a table of ``window + 1`` numbers a head is looked up once. Only distances enter, so a stream may run for
ever.

**Rings.** One key and one value ring per layer, never stacked: runtimes copy a stacked cache apart on every step. Ring
and new rows are scored apart and share one softmax, so the ring is never copied to append one row to it.

**One frame** (what is served) is computed apart: there a step costs what it reads, not what it multiplies. Rings are
multiplied as they lie, all channels at once, by queries in which the channels of other heads are 0: that is ``heads``
times the products, but no ring is turned around to bring heads apart, which took longer than all products together.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.spec import AGE, CURSOR, StateSpec
from models.contract import Tensors, finite, named, part
from models.layers.base import Layer
from models.layers.feedforward import FeedForward
from models.layers.norm import LayerNorm


class Distances(NamedTuple):
    """Frames between queries and keys, and whether a key counts, (B or 1, T, keys) or (T, keys)."""

    frames: Tensor
    counts: Tensor


class WindowedAttention(Layer):
    """Each frame attends to itself and the ``window`` frames before it.

    ``channels`` in and out, split over ``heads``. Without ``context_channels`` keys and values come from ``x``; with it
    from a second stream (B, T, context_channels) that runs frame by frame beside ``x``, its current frame included.
    """

    own: Tensor

    def __init__(self, channels: int, heads: int, window: int, context_channels: int | None = None) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels do not divide over {heads} heads; choose a divisor")
        self.channels, self.heads, self.window, self.memory = channels, heads, window, window
        self.width = channels // heads
        source = channels if context_channels is None else context_channels
        self.query = nn.Linear(channels, channels, bias=False)
        self.key, self.value = (nn.Linear(source, channels, bias=False) for _ in range(2))
        self.out = nn.Linear(channels, channels)
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        self.bias = nn.Parameter(-torch.arange(window + 1)[:, None] * slopes)
        owner = torch.arange(channels) // self.width
        self.register_buffer("own", (owner == torch.arange(heads)[:, None]).float(), persistent=False)

    def state_specs(self) -> dict[str, StateSpec]:
        """``keys`` and ``values``: rings of ``window`` rows."""
        ring = StateSpec((self.window, self.channels), kind="ring")
        return {"keys": ring, "values": ring}

    def forward(self, x: Tensor, state: Tensors, context: Tensor | None = None) -> tuple[Tensor, Tensors]:
        """Attended values for ``x`` (B, T, channels); ``context`` (B, T, context_channels) if the layer has one."""
        source = x if context is None else context
        if x.shape[1] == 1:
            return self.step(x, source, state)
        keys, values = finite(self.key(source)), finite(self.value(source))
        query = self.split(self.query(x)) * self.width**-0.5
        past, present = self.past_distances(state, x.shape[1]), self.present_distances(x)
        old_keys, old_values = (self.rows(state[name], state) for name in ("keys", "values"))
        scores = torch.cat(
            [
                self.scored(query @ self.split(old_keys).transpose(-1, -2), past),
                self.scored(query @ self.split(keys).transpose(-1, -2), present),
            ],
            -1,
        )
        weights = scores.softmax(-1)
        ring, new = weights[..., : self.window], weights[..., self.window :]
        y = ring @ self.split(old_values) + new @ self.split(values)
        return self.out(self.joined(y)), {"keys": keys, "values": values}

    def step(self, x: Tensor, source: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """The same for one frame of ``x`` (B, 1, channels) and ``source`` (B, 1, context_channels)."""
        both = finite(nn.functional.linear(source, torch.cat([self.key.weight, self.value.weight])))
        key, value = both[..., : self.channels], both[..., self.channels :]
        query = self.query(x) * (self.own * self.width**-0.5)
        slots = torch.arange(self.window, device=x.device)
        behind = (state[CURSOR][:, None] - 1 - slots) % self.window
        # Rows that do not count stand at the end of the table.
        distances = torch.where(behind < state[AGE][:, None], behind + 1, self.window + 1)
        table = torch.cat([self.bias, torch.full_like(self.bias[:1], -torch.inf)])
        past = query @ state["keys"].transpose(-1, -2) + nn.functional.embedding(distances, table).transpose(-1, -2)
        present = query @ key.transpose(-1, -2) + self.bias[0][:, None]
        weights = torch.cat([past, present], -1).softmax(-1)
        mixed = weights[..., : self.window] @ state["values"] + weights[..., self.window :] * value
        return self.out((mixed * self.own).sum(1, keepdim=True)), {"keys": key, "values": value}

    def past_distances(self, state: Tensors, frames: int) -> Distances:
        """Of ``frames`` queries to the rows of :meth:`rows`, which belong to this stream up to the row's age."""
        steps = torch.arange(frames, device=state[AGE].device)
        slots = torch.arange(self.window, device=state[AGE].device)
        past = slots[None, None] + 1 + steps[:, None]
        return Distances(past, (slots < state[AGE][:, None])[:, None] & (past <= self.window))

    def present_distances(self, x: Tensor) -> Distances:
        """Of the queries of ``x`` (B, T, channels) to the new rows."""
        steps = torch.arange(x.shape[1], device=x.device)
        behind = steps[:, None] - steps
        return Distances(behind, (behind >= 0) & (behind <= self.window))

    def rows(self, ring: Tensor, state: Tensors) -> Tensor:
        """The ring, newest row first: all rows of a batch then share one table of distances, whose gradient would
        otherwise cost a quarter of a training step. Slot ``j`` was written ``(cursor - 1 - j) % window`` frames before
        the newest row."""
        slots = (state[CURSOR][:, None] - 1 - torch.arange(self.window, device=ring.device)) % self.window
        return ring.gather(1, slots[..., None].expand(-1, -1, ring.shape[-1]))

    def scored(self, scores: Tensor, distances: Distances) -> Tensor:
        """Scores (B, heads, T, keys) plus the bias of their distance; minus infinity where a key does not count."""
        bias = self.bias[distances.frames.clamp(0, self.window)].movedim(-1, -3)
        return torch.where(distances.counts.unsqueeze(-3), scores + bias, -torch.inf)

    def split(self, rows: Tensor) -> Tensor:
        """(B, rows, channels) -> (B, heads, rows, width)."""
        split: Tensor = rows.unflatten(-1, (self.heads, self.width))
        return split.transpose(1, 2)

    def joined(self, y: Tensor) -> Tensor:
        """(B, heads, rows, width) -> (B, rows, channels)."""
        return y.transpose(1, 2).flatten(2)


class TransformerBlock(Layer):
    """Self-attention and feed-forward, each normalised before and added to its input (pre-norm, Xiong et al. 2020).

    The arguments are those of :class:`WindowedAttention` and :class:`FeedForward`.
    """

    def __init__(self, channels: int, heads: int, window: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.attention = LayerNorm(channels), WindowedAttention(channels, heads, window)
        self.feed_norm, self.feed = LayerNorm(channels), FeedForward(channels, hidden, dropout)
        self.dropout = nn.Dropout(dropout)
        self.memory = window

    def state_specs(self) -> dict[str, StateSpec]:
        """Rings of the attention, under ``self.``."""
        return named("self", self.attention.state_specs())

    def forward(self, x: Tensor, state: Tensors) -> tuple[Tensor, Tensors]:
        """One block over ``x`` (B, T, channels)."""
        attended, updates = self.attention(self.norm(x), part(state, "self"))
        x = x + self.dropout(attended)
        return x + self.dropout(self.feed(self.feed_norm(x))), named("self", updates)
