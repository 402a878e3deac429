"""The walk through latent space that makes a dance without end: along landmarks, where dances are dense.

PirouNet samples latents from tiles of the latent plane in which many training dances of one effort lie. Live, a dance
is a path: the latents of overlapping windows of the training takes are *landmarks*, each with the one that came after
it in its take. The walk follows a take for a while and then *leaps* to a landmark near where it is, likelier to one
that goes on to show the effort asked for, where the partner moved as the partner moves now, and where it has not been
lately: a kernel estimate of what dancers do next. Near means near in units of ``width``, the usual distance between
neighbours. What a leap leaves between here and there is carried along and fades, so that no latent jumps.
"""

from __future__ import annotations

from typing import NamedTuple

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


class WalkPlace(NamedTuple):
    """Where walks are."""

    landmark: Tensor  #: (B,) int64: the landmark whose latent was reached
    left: Tensor  #: (B, latent): what of the last leap remains
    trail: Tensor  #: (B, axes): the mean of where the walk has been


class Request(NamedTuple):
    """What is asked of walks."""

    effort: Tensor  #: (B, labels)
    variety: Tensor  #: (B,)
    mode: Tensor  #: (B,): 1 at the beginning, 0.5 where the walk must leap, 0 where it may go on


class PartnerGlimpse(NamedTuple):
    """What walks see of a partner, (B, view), and whether one is there, (B,)."""

    view: Tensor
    seen: Tensor


class Leg(NamedTuple):
    """One hop of walks: latents (B, latent) to start from and to go to, and the place after it. The start is where the
    walk is, unless it is the beginning."""

    start: Tensor
    goal: Tensor
    place: WalkPlace


class LatentWalk(nn.Module):
    """Landmarks: ``latents`` (N, latent), ``following`` (N,) indices, ``chances`` (N, labels) of each one's effort,
    ``contexts`` (N, context) of the partner, ``used`` (N,) 1 where one follows that moves. ``basis`` (latent, axes)
    projects to where distance is measured, ``lens`` (view, context) projects a partner's view, ``spread`` (latent,) is
    how unsure the encoder is. All are fitted after training."""

    latents: Tensor
    following: Tensor
    chances: Tensor
    used: Tensor
    basis: Tensor
    spread: Tensor
    width: Tensor
    contexts: Tensor
    lens: Tensor
    context_width: Tensor

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

    def forward(self, noise: Tensor, here: Tensor, place: WalkPlace, request: Request, partner: PartnerGlimpse) -> Leg:
        """Where to go from ``here`` (B, latent); ``noise`` (B, 2 + latent) is uniform."""
        first = (request.mode > 0.75)[:, None]
        after = self.chances[self.following]
        landmark = place.landmark
        wanted = (request.effort * after[landmark]).sum(-1)
        chance = torch.where(wanted > 0.5, LEAPS[0] + LEAPS[1] * request.variety, ASTRAY)
        leap = (noise[:, 0] < chance) | (request.mode > 0.25) | (self.used[landmark] < 0.5)
        found = self._draw(noise[:, 1:2], here, first, place.trail, request, partner)
        landmark = torch.where(leap, found, landmark)
        start = torch.where(first, self.latents[landmark], here)
        uniform = noise[:, 2:].clamp(1e-4, 1.0 - 1e-4)
        shaken = SHAKE * request.variety[:, None] * LOGISTIC * (uniform / (1.0 - uniform)).log() * self.spread
        left = FADE * torch.where(leap[:, None], start - self.latents[landmark] + shaken, place.left)
        landmark = self.following[landmark]
        reached = self.latents[landmark]
        at = reached @ self.basis
        trail = torch.where(first, at, TRAIL * place.trail + (1.0 - TRAIL) * at)
        return Leg(start, reached + left, WalkPlace(landmark, left, trail))

    def _draw(
        self, noise: Tensor, here: Tensor, first: Tensor, trail: Tensor, request: Request, partner: PartnerGlimpse
    ) -> Tensor:
        """A landmark (B,) to go on from."""
        points = self.latents @ self.basis
        kernel = (WIDTHS[0] + WIDTHS[1] * request.variety) * self.width
        near = -0.5 * _squared(here @ self.basis, points) / kernel[:, None].square()
        new = AVOID * (0.5 * _squared(trail, points).sqrt() / self.width).clamp_max(1.0)
        after = self.chances[self.following]
        wanted = STEER * (request.effort @ after.transpose(0, 1) + FAINTEST).log()
        score = torch.where(first, 0.0, near + new) + wanted + (self.used + 1e-30).log()
        if self.contexts.shape[1]:
            apart = _squared(partner.view @ self.lens, self.contexts) / self.context_width.square()
            score = score - 0.5 * partner.seen[:, None] * apart
        weights = (score - score.amax(-1, keepdim=True)).exp().cumsum(-1)
        return (weights <= noise * weights[:, -1:]).sum(-1).clamp_max(self.latents.shape[0] - 1)


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances (B, N) of rows (B, K) and (N, K)."""
    return (a.square().sum(-1, keepdim=True) - 2.0 * a @ b.transpose(0, 1) + b.square().sum(-1)).clamp_min(0.0)
