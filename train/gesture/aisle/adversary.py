"""One step of the seed's adversarial training (``GANWeighted``), and of its plain training.

By a coin the discriminator learns to tell made from real velocities, or the generator to deceive it, to be near the
true pose (L1) and to foretell the cluster. With importance, how the discriminator sees what is made weighs windows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from train.gesture.aisle.data import Batch
from train.gesture.aisle.generator import Made
from train.gesture.aisle.gesticulator import Gesticulator
from train.gesture.aisle.importance import importance
from train.gesture.aisle.layers import Discriminator, velocity
from train.gesture.aisle.settings import Settings

GROWTH, EVERY, MOST = 0.1, 300, 2.0
"""The weights of both adversarial losses grow by so much, after so many steps, up to this."""
MADE, REAL = 0, 1
VELOCITY = 0.6
"""Weight of velocities in Gesticulator's loss."""


class Losses(NamedTuple):
    """``total`` is to be made less by whom ``generator`` says; ``parts`` by name; ``weight`` (B,) of the windows, None
    without importance."""

    total: Tensor
    generator: bool
    parts: dict[str, float]
    weight: Tensor | None


def grown(start: float, step: int) -> float:
    """A weight of an adversarial loss at a step."""
    return min(start + GROWTH * (step // EVERY), max(MOST, start))


class Adversary:
    """Losses of a generator and, where there is one, its discriminator, whose steps have ``chance``."""

    def __init__(self, generator: nn.Module, critic: Discriminator | None, settings: Settings) -> None:
        self.generator, self.critic, self.settings = generator, critic, settings
        self.chance = settings.dg_iter_ratio / (settings.dg_iter_ratio + 1.0) if critic is not None else 0.0

    def losses(self, batch: Batch, step: int, coin: float) -> Losses:
        """Those of a step, ``coin`` in 0..1 drawn for it. With importance what is made in training mode weighs the
        windows: in a generator's step what it works on anyway, in a discriminator's step made for that alone."""
        if self.critic is None:
            return self._plain(batch)
        return self._critic(batch, step) if coin < self.chance else self._generator(batch, step)

    def _critic(self, batch: Batch, step: int) -> Losses:
        assert self.critic is not None
        weight = None
        with torch.no_grad():
            if self.settings.importance:
                weight = importance(self.critic(velocity(self.generator(batch.heard).pose)))
            self.generator.eval()
            made = self.generator(batch.heard).pose
        self.generator.train()
        fake = self._judged(self.critic(velocity(made)), MADE).mean()
        real = self._judged(self.critic(velocity(batch.pose)), REAL).mean()
        total = real + grown(self.settings.lambda_D, step) * fake
        return Losses(total, False, {"real_D": real.item(), "fake_D": fake.item()}, weight)

    def _generator(self, batch: Batch, step: int) -> Losses:
        assert self.critic is not None
        made = self.generator(batch.heard)
        scores = self.critic(velocity(made.pose))
        weight = importance(scores.detach()) if self.settings.importance else None
        each = batch.pose.new_ones(len(batch.pose))
        if weight is not None and self.settings.loss_weights == "importance":
            each = 1.0 / weight
        pose = ((made.pose - batch.pose).abs().mean((1, 2)) * each).mean()
        gan = (self._judged(scores, REAL).mean(1) * each).mean()
        total = pose + grown(self.settings.lambda_gan, step) * gan
        return _with_cluster(total, {"pose": pose.item(), "G_gan": gan.item()}, made, batch, weight)

    def _judged(self, scores: Tensor, target: int) -> Tensor:
        """Loss (B, patches) of the discriminator's answers: cross-entropy of two classes, or, as published without
        importance, the distance of one score."""
        if scores.shape[-1] == 1:
            return (scores[..., 0] - float(target)).abs()
        wanted = torch.full(scores.shape[:2], target, device=scores.device)
        return nn.functional.cross_entropy(scores.transpose(1, 2), wanted, reduction="none")

    def _plain(self, batch: Batch) -> Losses:
        if isinstance(self.generator, Gesticulator):
            made = self.generator(batch.heard, batch.pose)
            apart = made.pose - batch.pose
            pose = apart.square().mean() + VELOCITY * apart.diff(dim=1).square().mean()
            return Losses(pose, True, {"pose": pose.item()}, None)
        made = self.generator(batch.heard)
        pose = (made.pose - batch.pose).abs().mean()
        return _with_cluster(pose, {"pose": pose.item()}, made, batch, None)


def _with_cluster(total: Tensor, parts: dict[str, float], made: Made, batch: Batch, weight: Tensor | None) -> Losses:
    """A generator's losses, that of the cluster added where the model foretells one."""
    if made.logits is None:
        return Losses(total, True, parts, weight)
    cluster = nn.functional.cross_entropy(made.logits.flatten(0, 1), batch.cluster.flatten())
    return Losses(total + cluster, True, {**parts, "cluster": cluster.item()}, weight)
