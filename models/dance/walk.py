"""The walk through latent space that makes a dance without end: from landmark to landmark, where dances are dense.

PirouNet samples latents from tiles of the latent plane in which many training dances of one effort lie. Live, a dance
is a path: the latents of overlapping windows of the training takes are kept as landmarks, each with the one that came
after it in its take and the chances of its efforts. The next latent is drawn as the successor of a landmark near the
present latent, likelier where the successor has the effort asked for and the partner moved as the partner moves now: a
kernel estimate of what dancers do next. Near means near in units of ``width``, the usual distance between neighbours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.dance.config import DanceConfig

STEER = 4.0
"""How strongly the effort asked for weighs: a log chance counts this many times."""
FAINTEST = 0.01
LEAST_WIDTH = 0.25
"""Widest and narrowest kernels, in units of the usual distance, at variety 2 and 0: this and this plus 2."""
LOGISTIC = 0.5513
"""Scale of a logistic variable whose standard deviation is 1."""


class LatentWalk(nn.Module):
    """Landmarks: ``latents`` (N, latent), ``following`` (N,) indices, ``chances`` (N, labels) of each one's effort,
    ``contexts`` (N, context) of the partner, ``used`` (N,) 1 where a successor is known. ``basis`` (latent, axes)
    projects to where distance is measured, ``lens`` (view, context) projects a partner's view, ``spread`` (latent,) is
    how unsure the encoder is. All are fitted after training."""

    def __init__(self, config: DanceConfig, view: int) -> None:
        super().__init__()
        count, latent = config.landmarks, config.latent
        axes = min(latent, 32)
        self.register_buffer("latents", torch.zeros(count, latent))
        self.register_buffer("following", torch.zeros(count, dtype=torch.int64))
        self.register_buffer("chances", torch.full((count, config.labels), 1.0 / config.labels))
        self.register_buffer("used", torch.ones(count))
        self.register_buffer("basis", torch.eye(latent, axes))
        self.register_buffer("spread", torch.ones(latent))
        self.register_buffer("width", torch.ones(()))
        self.register_buffer("contexts", torch.zeros(count, config.context if config.partner else 0))
        self.register_buffer("lens", torch.zeros(view, config.context if config.partner else 0))
        self.register_buffer("context_width", torch.ones(()))

    def forward(
        self, noise: Tensor, here: Tensor, effort: Tensor, view: Tensor, seen: Tensor, variety: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Where to start and where to go, (B, latent) both; the start is ``here`` unless it is the ``first`` frame.

        ``noise`` (B, 1 + latent) uniform, ``here`` (B, latent), ``effort`` (B, labels) wanted, ``view`` (B, view) of
        the partner, ``seen`` (B,), ``variety`` (B,), ``first`` (B,) bool."""
        kernel = (LEAST_WIDTH + variety) * self.width
        near = -0.5 * self._squared(here @ self.basis, self.latents @ self.basis) / kernel[:, None].square()
        near = torch.where(first[:, None], 0.0, near)
        after: Tensor = self.chances[self.following]
        wanted = STEER * (effort @ after.transpose(0, 1) + FAINTEST).log()
        score = near + wanted + (self.used + 1e-30).log()
        if self.contexts.shape[1]:
            apart = self._squared(view @ self.lens, self.contexts) / self.context_width.square()
            score = score - 0.5 * seen[:, None] * apart
        weights = (score - score.amax(-1, keepdim=True)).exp().cumsum(-1)
        chosen = (weights <= noise[:, :1] * weights[:, -1:]).sum(-1).clamp_max(self.latents.shape[0] - 1)
        uniform = noise[:, 1:].clamp(1e-4, 1.0 - 1e-4)
        shaken = LOGISTIC * (uniform / (1.0 - uniform)).log() * self.spread
        start = torch.where(first[:, None], self.latents[chosen], here)
        return start, self.latents[self.following[chosen]] + variety[:, None] * shaken

    @staticmethod
    def _squared(a: Tensor, b: Tensor) -> Tensor:
        """Squared distances (B, N) of rows (B, K) and (N, K)."""
        whole = a.square().sum(-1, keepdim=True) - 2.0 * a @ b.transpose(0, 1) + b.square().sum(-1)
        return whole.clamp_min(0.0)
