"""Attention over a window of past frames, keys and values in rings: self-attention and attention to another stream.

**Positions.** A learned score per head and distance, started as ALiBi's slopes (Press et al. 2022), not rotary: with
keys kept unrotated, rotary positions would have to turn the whole ring on every step, which costs as much as reading it
again, while a table of ``window + 1`` numbers a head is looked up once. Only distances enter, so a stream may run for
ever.

**Rings.** One key and one value ring per layer, never stacked: runtimes copy a stacked cache apart on every step. Ring
and new rows are scored apart and share one softmax, so the ring is never copied to append one row to it.
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

    def state_specs(self) -> dict[str, StateSpec]:
        """``keys`` and ``values``: rings of ``window`` rows."""
        ring = StateSpec((self.window, self.channels), kind="ring")
        return {"keys": ring, "values": ring}

    def forward(self, x: Tensor, state: Tensors, context: Tensor | None = None) -> tuple[Tensor, Tensors]:
        """Attended values for ``x`` (B, T, channels); ``context`` (B, T, context_channels) if the layer has one."""
        source = x if context is None else context
        keys, values = finite(self.key(source)), finite(self.value(source))
        query = self.split(self.query(x)) * self.width**-0.5
        past, present = self.past_distances(state, x.shape[1]), self.present_distances(x)
        old_keys, old_values = (self.rows(state[name], state, x.shape[1]) for name in ("keys", "values"))
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

    def past_distances(self, state: Tensors, frames: int) -> Distances:
        """Of ``frames`` queries to the rows of :meth:`rows`.

        Slot ``j`` of the ring was written ``(cursor - 1 - j) % window`` frames before the newest row, and belongs to
        this stream if that is less than the row's age.
        """
        steps = torch.arange(frames, device=state[AGE].device)
        slots = torch.arange(self.window, device=state[AGE].device)
        behind = slots[None] if frames > 1 else (state[CURSOR][:, None] - 1 - slots) % self.window
        past = behind[:, None] + 1 + steps[:, None]
        return Distances(past, (behind < state[AGE][:, None])[:, None] & (past <= self.window))

    def present_distances(self, x: Tensor) -> Distances:
        """Of the queries of ``x`` (B, T, channels) to the new rows."""
        steps = torch.arange(x.shape[1], device=x.device)
        behind = steps[:, None] - steps
        return Distances(behind, (behind >= 0) & (behind <= self.window))

    def rows(self, ring: Tensor, state: Tensors, frames: int) -> Tensor:
        """The ring as one step reads it, in place; for more frames newest row first, since then all rows share one
        table of distances, whose gradient would otherwise cost a quarter of a training step."""
        if frames == 1:
            return ring
        slots = (state[CURSOR][:, None] - 1 - torch.arange(self.window, device=ring.device)) % self.window
        return ring.gather(1, slots[..., None].expand(-1, -1, ring.shape[-1]))

    def scored(self, scores: Tensor, distances: Distances) -> Tensor:
        """Scores (B, heads, T, keys) plus the bias of their distance; minus infinity where a key does not count."""
        bias = self.bias[distances.frames.clamp(0, self.window)].movedim(-1, -3)
        return torch.where(distances.counts.unsqueeze(-3), scores + bias, -torch.inf)

    def split(self, rows: Tensor) -> Tensor:
        """(B, rows, channels) -> (B, heads, rows, width)."""
        if rows.shape[1] == 1:  # nothing to reorder: one node of a graph instead of two, and no copy
            return rows.reshape(-1, self.heads, 1, self.width)
        split: Tensor = rows.unflatten(-1, (self.heads, self.width))
        return split.transpose(1, 2)

    def joined(self, y: Tensor) -> Tensor:
        """(B, heads, rows, width) -> (B, rows, channels)."""
        if y.shape[2] == 1:
            return y.reshape(-1, 1, self.channels)
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
