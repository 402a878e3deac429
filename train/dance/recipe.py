"""How the dancer is trained: PirouNet's objective on single windows, and whole dances that never start anew.

A window alone is what PirouNet is trained on: its latent is constant, the decoder begins from nothing. Live, the
latent walks and the decoder carries on; so whole dances are decoded as well, from latents of their overlapping windows,
between which a frame's latent is mixed exactly as the served walk mixes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.bodies.heading import turned, turned_back
from models.contract import initial_state
from models.dance.model import Dance
from train.dance.batches import path
from train.dance.objective import classification, divergence, m2
from train.dance.settings import Settings
from train.run.recipe import LOG_EVERY, Batch, Recipe

LAG = 15
"""Frames over which the course of a body is compared."""


class DanceRecipe(Recipe):
    """Trains a dancer. ``check`` holds beside the loss its terms and the classifier's ``accuracy``."""

    family = "dance"
    lowest = 0.03
    model: Dance
    settings: Settings

    def __init__(self, model: Dance, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self._checked: list[dict[str, Tensor]] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One batch of dances and windows."""
        torch.manual_seed(batch["seed"])
        settings = self.settings
        loss, figures = self.windows(batch)
        if settings.continuation:
            terms = self.dances(batch, noise=True)
            loss = loss + settings.continuation * (terms["error"] + settings.kl_weight * terms["divergence"])
            figures |= terms
        if self.global_step % LOG_EVERY == 0:
            self.write({f"train/{name}": value for name, value in {"loss": loss, **figures}.items()})
            self.write({"train/rate": self.current_rate})
        return self.finite(loss)

    def windows(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The objective of M2 on single windows, and what it is made of."""
        settings, model = self.settings, self.model
        literal = settings.objective == "literal"
        view = model.look(batch["window_positions"])
        levels = batch["window_levels"][:, 0]
        given = (levels >= 0).nonzero()[:, 0]
        other = (levels < 0).nonzero()[:, 0]
        efforts = torch.nn.functional.one_hot(levels[given], model.config.labels).float()
        rows = torch.arange(len(levels), device=view.device, dtype=view.dtype)[:, None]
        carried = torch.cat([view.flatten(1), rows], 1)  # a window's number goes along to what it is to become

        def bound(windows: Tensor, effort: Tensor) -> tuple[Tensor, Tensor]:
            number = windows[:, -1].long()
            mean, spread = model.encoder(windows[:, :-1].unflatten(1, view.shape[1:]), effort)
            latent = mean + torch.randn_like(mean) * (0.5 * spread).exp()
            length = model.config.window
            held, asked = (x[:, None].expand(-1, length, -1) for x in (latent, effort))
            target = batch["window_vectors"][number]
            unseen = torch.zeros_like(batch["window_view"][number])
            vectors, _ = model.dance(
                held, asked, unseen, initial_state(model.decoder.state_specs(), len(number), view.device)
            )
            return self.error(vectors, target, torch.zeros_like(target[..., 0])), divergence(mean, spread, literal)

        def classify(windows: Tensor) -> Tensor:
            logits: Tensor = model.classifier(windows[:, :-1].unflatten(1, view.shape[1:]))
            return logits

        terms = m2(
            classify, bound, (carried[given], efforts), carried[other], settings.kl_weight, settings.alpha, literal
        )
        parts = {"labelled": terms.labelled, "unlabelled": terms.unlabelled, "classification": terms.classification}
        return terms.loss, parts

    def dances(self, batch: Batch, noise: bool) -> dict[str, Tensor]:
        """Mean error and divergence of whole dances, decoded from the latents of their windows; where a window has no
        label the classifier's chances stand for it."""
        model, config = self.model, self.model.config
        length, count = batch["vectors"].shape[1], batch["levels"].shape[1]
        starts = torch.arange(count, device=self.device)[:, None] * config.hop + torch.arange(
            config.window, device=self.device
        )
        view = model.look(batch["positions"][:, starts]).flatten(0, 1)
        levels = batch["levels"].flatten()
        given = torch.nn.functional.one_hot(levels.clamp_min(0), config.labels).float()
        with torch.no_grad():
            guess = model.classifier(view).softmax(-1)
        effort = torch.where((levels >= 0)[:, None], given, guess)
        mean, spread = model.encoder(view, effort)
        latent = mean + torch.randn_like(mean) * (0.5 * spread).exp() if noise else mean
        held, asked = (path(x.unflatten(0, (-1, count)), config, length) for x in (latent, effort))
        state = initial_state(model.decoder.state_specs(), len(batch["vectors"]), self.device)
        vectors, _ = model.dance(held, asked, batch["view"], state)
        return {
            "error": self.error(vectors, batch["vectors"], batch["seen"]).mean(),
            "divergence": divergence(mean, spread).mean(),
        }

    def error(self, vectors: Tensor, target: Tensor, placed: Tensor) -> Tensor:
        """Squared error (N,) of pose vectors (N, T, width): standardised numbers, joints and their first two
        differences in time, course, and bones; ``placed`` (N, T) says where the place beside a partner is known."""
        pose, settings = self.model.pose, self.settings
        apart = (pose.standardised(vectors) - pose.standardised(target)).square()
        place = pose.slices["place"]
        weight = torch.ones_like(apart)
        weight[..., place] = placed[..., None]
        error = (apart * weight).mean((1, 2))
        ours, theirs = (pose.joints(pose.part(value, "body")) for value in (vectors, target))
        if settings.joints:
            error = error + settings.joints * (ours - theirs).square().mean((1, 2, 3))
        if settings.velocity:
            error = error + settings.velocity * (ours - theirs).diff(dim=1).square().mean((1, 2, 3))
        if settings.acceleration:
            error = error + settings.acceleration * (ours - theirs).diff(n=2, dim=1).square().mean((1, 2, 3))
        if settings.course and self.model.config.travel:
            error = error + settings.course * self._course(vectors, target)
        bones = self.model.config.skeleton.bones
        if settings.bones and bones:
            a, b = (list(ends) for ends in zip(*bones, strict=True))
            lengths = [(value[:, :, a] - value[:, :, b]).square().sum(-1).add(1e-8).sqrt() for value in (ours, theirs)]
            error = error + settings.bones * (lengths[0] / lengths[1] - 1.0).square().mean((1, 2))
        return error

    def _course(self, vectors: Tensor, target: Tensor) -> Tensor:
        """Squared error (N,) of where half a second leads: by what angle (rad) the body turns and, twice counted, how
        far it goes (m), as seen from where it was. Errors of single frames hardly tell a spin from a stance."""
        pose, lag = self.model.pose, min(LAG, vectors.shape[1] - 1)
        led = []
        for value in (vectors, target):
            travel = pose.part(value, "travel")
            angle = travel[..., 2].clamp(-0.999, 0.999).asin().cumsum(-1)
            facing = torch.stack([angle.cos(), angle.sin()], -1)
            at = turned(travel[..., :2], facing).cumsum(-2)
            way = turned_back(at[:, lag:] - at[:, :-lag], facing[:, :-lag])
            led.append(torch.cat([(angle[:, lag:] - angle[:, :-lag])[..., None], 2.0 * way], -1))
        return (led[0] - led[1]).square().sum(-1).mean(-1)

    def on_validation_start(self) -> None:
        """Forget the last validation."""
        self._checked = []

    def validation_step(self, batch: Batch, _: int) -> None:
        """Dances without noise, the partner seen where there is one, and the classifier on their windows."""
        terms = self.dances(batch, noise=False)
        config = self.model.config
        view = self.model.look(batch["positions"][:, : config.window])
        levels = batch["levels"][:, 0]
        known = levels >= 0
        logits = self.model.classifier(view)[known]
        given = torch.nn.functional.one_hot(levels[known], config.labels).float()
        right = (logits.argmax(-1) == levels[known]).float()
        terms["classification"] = classification(logits, given) if len(right) else logits.new_zeros(())
        terms["accuracy"] = right.mean() if len(right) else logits.new_zeros(())
        self._checked.append({**terms, "rows": torch.tensor(float(len(levels)))})

    def on_validation_epoch_end(self) -> None:
        """Means over the dances; the error and the divergence are what checkpoints are chosen by."""
        rows = torch.stack([item["rows"] for item in self._checked])
        means = {
            name: float((torch.stack([item[name].cpu() for item in self._checked]) * rows).sum() / rows.sum())
            for name in self._checked[0]
            if name != "rows"
        }
        settings = self.settings
        loss = means["error"] + settings.kl_weight * means["divergence"] + settings.alpha * means["classification"]
        self.checked({"loss": loss, **means})
        self.write({f"val/{name}": value for name, value in self.check.items() if name != "step"})
