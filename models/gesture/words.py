"""Words as numbers: what the model knows of a word that its avatar says, from the moment it begins or becomes known.

A frozen table holds for every word of the list ``words.txt`` some numbers of its meaning and how common it is, so a
word that training never met stands near those like it. A word may come late, as recognisers bring them; the model sees
how long ago it began.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor, nn

LIST = Path(__file__).with_name("words.txt")
RECENT = (0.15, 0.5, 1.5)
"""Time constants (s) of the traces of how long ago a word began."""


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """The words of the list; the first line stands for every word that is not on it."""
    return tuple(LIST.read_text("utf-8").splitlines())


class WordFeatures(nn.Module):
    """Rows (B, T, count, 4) of :data:`engine.roles.WORD` to features (B, T, ``width``)."""

    table: Tensor

    def __init__(self, count: int, numbers: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("table", torch.zeros(len(vocabulary()), numbers))
        self.width = count * (numbers + len(RECENT) + 2)

    def forward(self, rows: Tensor) -> Tensor:
        """The newest word last. A word that is not there is zeros."""
        ids = rows[..., 0].round().long().clamp(0, self.table.shape[0] - 1)
        begun, ended, there = rows[..., 1:2], rows[..., 2:3], rows[..., 3:4]
        traces = [torch.exp(-begun.clamp(min=0.0) / tau) for tau in RECENT]
        spoken = (ended < 0.0).to(rows.dtype)
        told = torch.cat([self.table[ids] * traces[-1], *traces, spoken, torch.ones_like(spoken)], -1)
        return (told * there).flatten(-2)
