"""A small model of when nods begin: the chance of each tick, from columns of classes.

Each class of each column has a row of numbers; the rows of a tick are added up, once straight to the logit (a logistic
regression) and once through a layer of tanh, so that columns can act together. It is fitted on all nods and one tick in
:data:`EVERY` without, which a constant in the logit makes good (King & Zeng 2001, Political Analysis 9), and stops when
people it does not learn from are foretold no better. Fitting takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

EVERY = 12
HIDDEN, RATE, DECAY, PASSES, PATIENCE = 12, 4e-3, 3e-2, 40, 4
BATCH, LEAST_STEPS = 2048, 32
"""Ticks of a step at most, and steps of a pass at least: few ticks are learned in small steps."""


class Ticks(NamedTuple):
    """Ticks to fit on: classes (N, columns), whether a nod begins (N,)."""

    columns: NDArray[np.int64]
    nods: NDArray[np.bool_]


class Chances(nn.Module):
    """Logit of a nod at a tick, from the classes of its columns; ``sizes`` are their numbers of classes."""

    starts: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        starts = np.cumsum([0, *sizes])
        self.register_buffer("starts", torch.from_numpy(starts[:-1].astype(np.int64)), persistent=False)
        self.rows = nn.Embedding(int(starts[-1]), 1 + HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(self.rows.weight)
        with torch.no_grad():
            self.rows.weight[:, 1:].normal_(0.0, 0.1)

    def added(self, columns: Tensor) -> Tensor:
        """The rows (N, 1 + hidden) of ``columns`` (N, columns) added up."""
        rows: Tensor = self.rows(columns + self.starts)
        return rows.sum(1)

    def logits(self, added: Tensor) -> Tensor:
        """Logits (N,) of added rows."""
        through: Tensor = self.out(torch.tanh(added[:, 1:]))
        return added[:, 0] + through[:, 0]

    def forward(self, columns: Tensor) -> Tensor:
        """Logits (N,) of ``columns`` (N, columns)."""
        return self.logits(self.added(columns))


@dataclass(frozen=True)
class Fitted:
    """A fitted model as plain arrays: rows of each column's classes, and what puts them together."""

    rows: tuple[NDArray[np.float32], ...]
    weight: NDArray[np.float32]
    bias: float

    def added(self, columns: NDArray[np.integer], first: int = 0) -> NDArray[np.float32]:
        """The rows of ``columns`` (N, some), which are those from ``first`` on, added up: (N, 1 + hidden)."""
        total = np.zeros((len(columns), self.rows[0].shape[1]), np.float32)
        for place, column in enumerate(columns.T, first):
            total += self.rows[place][column]
        return total

    def logits(self, added: NDArray[np.float32]) -> NDArray[np.float64]:
        """Logits of added rows (..., 1 + hidden)."""
        return np.asarray(added[..., 0] + np.tanh(added[..., 1:]) @ self.weight + self.bias, np.float64)


def fit(sizes: Sequence[int], learn: Ticks, check: Ticks, seed: int) -> Fitted:
    """The model of columns with ``sizes`` classes, fitted on ``learn`` as long as ``check`` gains by it; of both only
    some ticks without a nod are used."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Chances(sizes)
    columns, nods = _thinned(learn, rng)
    check_columns, check_nods = _thinned(check, rng)
    with torch.no_grad():
        share = nods.mean().clamp(1e-4, 1 - 1e-4)
        model.out.bias.fill_(torch.log(share / (1 - share)).item())
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    measure = nn.BCEWithLogitsLoss()
    best, kept, waited = np.inf, {k: v.clone() for k, v in model.state_dict().items()}, 0
    batch = min(BATCH, max(1, len(nods) // LEAST_STEPS))
    for _ in range(PASSES):
        for places in torch.from_numpy(rng.permutation(len(nods))).split(batch):
            optimizer.zero_grad()
            measure(model(columns[places]), nods[places]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = float(measure(model(check_columns), check_nods))
        if loss < best - 1e-5:
            best, kept, waited = loss, {k: v.clone() for k, v in model.state_dict().items()}, 0
        elif (waited := waited + 1) == PATIENCE:
            break
    model.load_state_dict(kept)
    table = model.rows.weight.detach().numpy()
    rows = tuple(np.split(table, np.cumsum(sizes)[:-1]))
    bias = float(model.out.bias.detach()) - float(np.log(EVERY))
    return Fitted(rows, model.out.weight.detach().numpy()[0].copy(), bias)


def _thinned(ticks: Ticks, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """All ticks with a nod and one in :data:`EVERY` without, drawn."""
    kept = ticks.nods | (rng.integers(EVERY, size=len(ticks.nods)) == 0)
    return torch.from_numpy(ticks.columns[kept]), torch.from_numpy(ticks.nods[kept].astype(np.float32))
