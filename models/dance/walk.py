"""The walk through latent space that makes a dance without end: along landmarks, where dances are dense.

PirouNet samples latents from tiles of the latent plane in which many training dances of one effort lie. Live, a dance
is a path: the latents of overlapping windows of the training takes are *landmarks*, each with the one that came after
it in its take. The walk follows a take for a while and then *leaps* to a landmark near where it is, likelier to one
that goes on to show the effort asked for, where the partner moved as the partner moves now, and where it has not been
lately: a kernel estimate of what dancers do next. Near means near in units of ``width``, the usual distance between
neighbours. What a leap leaves between here and there is carried along and fades, so that no latent jumps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.dance.config import DanceConfig

STEER = 4.0
"""How strongly the effort asked for weighs: a log chance counts this many times."""
FAINTEST = 0.01
WIDTHS = (0.4, 0.6)
"""Width of the kernel at variety 0, and what a variety of 1 adds, in usual distances."""
LEAPS = (0.05, 0.1)
"""Chance a hop of leaving the take, at variety 0, and what a variety of 1 adds."""
ASTRAY = 0.5
"""The same where the take goes on to show another effort than is asked for."""
FADE = 0.7
"""Share of what a leap left that remains after a hop."""
SHAKE = 0.5
"""Posterior standard deviations that a leap adds by chance at variety 1."""
AVOID = 4.0
TRAIL = 0.97
"""The walk keeps a mean of where it has been, losing this share a hop; a landmark two usual distances or more away from
it is likelier by ``AVOID`` (log) than one right there."""
LOGISTIC = 0.5513
"""Scale of a logistic variable whose standard deviation is 1."""


class LatentWalk(nn.Module):
    """Landmarks: ``latents`` (N, latent), ``following`` (N,) indices, ``chances`` (N, labels) of each one's effort,
    ``contexts`` (N, context) of the partner, ``used`` (N,) 1 where one follows that moves. ``basis`` (latent, axes)
    projects to where distance is measured, ``lens`` (view, context) projects a partner's view, ``spread`` (latent,) is
    how unsure the encoder is. All are fitted after training."""

    def __init__(self, config: DanceConfig, view: int) -> None:
        super().__init__()
        count, latent = config.landmarks, config.latent
        self.axes = min(latent, 32)
        self.register_buffer("latents", torch.zeros(count, latent))
        self.register_buffer("following", torch.zeros(count, dtype=torch.int64))
        self.register_buffer("chances", torch.full((count, config.labels), 1.0 / config.labels))
        self.register_buffer("used", torch.ones(count))
        self.register_buffer("basis", torch.eye(latent, self.axes))
        self.register_buffer("spread", torch.ones(latent))
        self.register_buffer("width", torch.ones(()))
        self.register_buffer("contexts", torch.zeros(count, config.context if config.partner else 0))
        self.register_buffer("lens", torch.zeros(view, config.context if config.partner else 0))
        self.register_buffer("context_width", torch.ones(()))

    def forward(
        self, noise: Tensor, here: Tensor, place: tuple[Tensor, Tensor, Tensor], asked: tuple[Tensor, Tensor, Tensor],
        partner: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:  # fmt: skip
        """Where to start and where to go, (B, latent) both, and the new ``place``. The start is ``here`` (B, latent)
        unless it is the first frame.

        ``noise`` (B, 2 + latent) uniform. ``place``: the landmark (B,) int64 whose latent was reached, what of the last
        leap remains (B, latent), and the mean of where the walk has been (B, axes). ``asked``: the effort (B, labels),
        the variety (B,), and whether the walk is at its beginning (1), must leap (0.5) or may go on (0), (B,).
        ``partner``: what is seen of it (B, view), and whether it is (B,)."""
        landmark, left, trail = place
        effort, variety, mode = asked
        first = (mode > 0.75)[:, None]
        after: Tensor = self.chances[self.following]
        wanted = (effort * after[landmark]).sum(-1)
        chance = torch.where(wanted > 0.5, LEAPS[0] + LEAPS[1] * variety, ASTRAY)
        leap = (noise[:, 0] < chance) | (mode > 0.25) | (self.used[landmark] < 0.5)
        found = self._draw(noise[:, 1:2], here, effort, variety, first, trail, partner)
        landmark = torch.where(leap, found, landmark)
        start = torch.where(first, self.latents[landmark], here)
        uniform = noise[:, 2:].clamp(1e-4, 1.0 - 1e-4)
        shaken = SHAKE * variety[:, None] * LOGISTIC * (uniform / (1.0 - uniform)).log() * self.spread
        left = FADE * torch.where(leap[:, None], start - self.latents[landmark] + shaken, left)
        landmark = self.following[landmark]
        reached = self.latents[landmark]
        at = reached @ self.basis
        trail = torch.where(first, at, TRAIL * trail + (1.0 - TRAIL) * at)
        return start, reached + left, (landmark, left, trail)

    def _draw(
        self, noise: Tensor, here: Tensor, effort: Tensor, variety: Tensor, first: Tensor, trail: Tensor,
        partner: tuple[Tensor, Tensor],
    ) -> Tensor:  # fmt: skip
        """A landmark (B,) to go on from."""
        view, seen = partner
        points = self.latents @ self.basis
        kernel = (WIDTHS[0] + WIDTHS[1] * variety) * self.width
        near = -0.5 * _squared(here @ self.basis, points) / kernel[:, None].square()
        new = AVOID * (0.5 * _squared(trail, points).sqrt() / self.width).clamp_max(1.0)
        after: Tensor = self.chances[self.following]
        wanted = STEER * (effort @ after.transpose(0, 1) + FAINTEST).log()
        score = torch.where(first, 0.0, near + new) + wanted + (self.used + 1e-30).log()
        if self.contexts.shape[1]:
            apart = _squared(view @ self.lens, self.contexts) / self.context_width.square()
            score = score - 0.5 * seen[:, None] * apart
        weights = (score - score.amax(-1, keepdim=True)).exp().cumsum(-1)
        return (weights <= noise * weights[:, -1:]).sum(-1).clamp_max(self.latents.shape[0] - 1)


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances (B, N) of rows (B, K) and (N, K)."""
    return (a.square().sum(-1, keepdim=True) - 2.0 * a @ b.transpose(0, 1) + b.square().sum(-1)).clamp_min(0.0)
