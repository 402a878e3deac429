"""AISLe's adaptive importance sampler (Ahuja et al. 2020, section 4.3): windows that the generator does not reach yet
are drawn more often.

How real the discriminator finds what is made of a window's words and sound stands for how well the window is reached:
w = p(made) / p(real). Within an epoch windows that were drawn get their new weight; when it ends, all are brought to
mean 1 and clipped. Weights act through drawing alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

LOWEST, HIGHEST = 0.1, 10.0


def importance(logits: Tensor) -> Tensor:
    """Weights (B,) of the discriminator's logits (B, patches, 2) on what was made: the chances of the classes averaged
    over patches, made over real, at most 10. One that is no number makes all of the batch 1."""
    chance = logits.softmax(-1).mean(1)
    weight = chance[:, 0] / chance[:, 1]
    if not torch.isfinite(weight).all():
        return torch.ones_like(weight)
    return weight.clamp(max=HIGHEST)


class Sampler:
    """``weights`` (W,) of the windows, all 1 at first."""

    def __init__(self, windows: int) -> None:
        self.weights = torch.ones(windows, dtype=torch.float64)

    def draw(self, count: int, seed: int) -> Tensor:
        """``count`` numbers of windows, with replacement."""
        chance = torch.Generator().manual_seed(seed)
        return torch.multinomial(self.weights, count, replacement=True, generator=chance)

    def update(self, index: Tensor, weight: Tensor) -> None:
        """New weights (B,) of windows ``index`` (B,), at least .1; of one that is drawn twice the last counts."""
        for place, value in zip(index.tolist(), weight.double().clamp(min=LOWEST).tolist(), strict=True):
            self.weights[place] = value

    def end_epoch(self) -> None:
        """All weights to mean 1 and deviation 1, clipped to .1 .. 10; where they do not vary, all 1."""
        spread = (self.weights - self.weights.mean()) / self.weights.std() + 1.0
        self.weights = spread.clamp(LOWEST, HIGHEST) if spread.isfinite().all() else torch.ones_like(self.weights)
