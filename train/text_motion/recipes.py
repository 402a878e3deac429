"""How the three stages of text to motion are trained: the tokenizer, then the base, then the refine transformer.

As in PGR2M (Jeong & Choi 2025): smooth-L1 of features and of joints' steps and the soft quantiser's losses for the
tokenizer; past codes that are partly wrong for the base transformer, so that it can go on from its own mistakes. Unlike
there, codes are learned by the cross-entropy of each group, the probability that is sampled, and streams of joined
clips are what is learned from (:mod:`.joins`).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.contract import initial_state
from models.text_motion.model import TextMotion
from models.text_motion.posecodes.table import END, SIZES, STARTS
from train.run.recipe import LOG_EVERY, Batch, Recipe
from train.text_motion.settings import Settings

DECIMETRES = 10.0


class StageRecipe(Recipe):
    """Trains one stage; the parameters of the others stay as they are."""

    family = "text_motion"
    betas = (0.9, 0.99)
    model: TextMotion
    settings: Settings

    def __init__(self, model: TextMotion, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        for value in model.parameters():
            value.requires_grad_(False)
        for value in self.trained().parameters():
            value.requires_grad_(True)
        self._checked: list[dict[str, Tensor]] = []

    def trained(self) -> nn.Module:
        """The part of the model that is trained."""
        raise NotImplementedError

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The ``loss`` of a batch and what it is made of."""
        raise NotImplementedError

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One batch."""
        torch.manual_seed(batch["seed"])
        self.model.eval()
        self.trained().train()
        terms = self.terms(batch)
        if self.global_step % LOG_EVERY == 0:
            self.write({f"train/{name}": value for name, value in terms.items()})
            self.write({"train/rate": self.current_rate})
        return self.finite(terms["loss"])

    def validation_step(self, batch: Batch, _: int) -> None:
        """One batch of validation."""
        self.model.eval()
        self._checked.append(self.terms(batch))

    def on_validation_epoch_end(self) -> None:
        """The means."""
        means = {name: torch.stack([item[name] for item in self._checked]).mean().item() for name in self._checked[0]}
        self._checked.clear()
        self.write({f"val/{name}": value for name, value in means.items()})
        self.checked(means)


class TokenizerRecipe(StageRecipe):
    """Features to tokens and back."""

    def trained(self) -> nn.Module:
        """The tokenizer."""
        return self.model.tokenizer

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Errors of features and joints, and the quantiser's losses; ``mpjpe`` in millimetres."""
        settings, tokenizer, layout = self.settings, self.model.tokenizer, self.model.config.body
        rows, bins = batch["rows"], batch["bins"]
        used = batch.get("used")
        quantised = tokenizer.quantise(rows, bins, used)
        residual = quantised.values
        if "bare" in batch:
            residual = residual * (~batch["bare"])[:, None, None]
        made = tokenizer.frames(tokenizer.pose_latent(bins) + residual)
        scaled, wanted = (made - tokenizer.mean) / tokenizer.std, (rows - tokenizer.mean) / tokenizer.std
        ric = layout.slices["ric"]
        loss_rows = nn.functional.smooth_l1_loss(scaled, wanted)
        steps = nn.functional.smooth_l1_loss(scaled[..., ric].diff(dim=1), wanted[..., ric].diff(dim=1))
        places = DECIMETRES * (made[..., ric] - rows[..., ric])
        joints = nn.functional.smooth_l1_loss(places, torch.zeros_like(places))
        step_joints = (4 * places.diff(dim=1)).square().mean()
        loss = loss_rows + settings.velocity * (steps + step_joints) + settings.joints * joints
        loss = loss + settings.quantiser * quantised.loss
        mpjpe = places.unflatten(-1, (-1, 3)).norm(dim=-1).mean() * 100.0
        return {"loss": loss, "rows": loss_rows, "steps": steps, "mpjpe": mpjpe, "quantiser": quantised.loss}


class BaseRecipe(StageRecipe):
    """Texts and codes to the codes that follow."""

    def trained(self) -> nn.Module:
        """The base transformer."""
        return self.model.base

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy a group (nats), of the end, and how many groups are right."""
        base, bins = self.model.base, batch["bins"]
        state = initial_state(base.state_specs(), len(bins), bins.device)
        logits, _ = base(batch["previous"], batch["since"], batch["vectors"], state, batch["which"])
        smoothing = self.settings.smoothing if base.training else 0.0
        losses, right = [], []
        for group, (start, size) in enumerate(zip(STARTS, SIZES, strict=True)):
            own, wanted = logits[..., start : start + size], bins[..., group]
            losses.append(nn.functional.cross_entropy(own.flatten(0, 1), wanted.flatten(), label_smoothing=smoothing))
            right.append((own.argmax(-1) == wanted).float().mean())
        end = nn.functional.binary_cross_entropy_with_logits(logits[..., END], batch["last"])
        codes = torch.stack(losses).mean()
        return {"loss": codes + 0.2 * end, "codes": codes, "end": end, "right": torch.stack(right).mean()}


class RefineRecipe(StageRecipe):
    """Codes to residual ids."""

    def trained(self) -> nn.Module:
        """The refine transformer."""
        return self.model.refine

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy a level (nats) and how many ids are right."""
        model, refine = self.model, self.model.refine
        bins, ids = batch["bins"], batch["ids"]
        with torch.no_grad():
            tables = model.tokenizer.quantizer.tables()
            parts = [table[ids[..., level]] for level, table in enumerate(tables)]
            whole = torch.stack(parts).sum(0)
            before = torch.cat([torch.zeros_like(whole[:, :1]), whole[:, :-1]], 1) * batch["kept"]
            pose = model.tokenizer.pose_latent(bins)
        state = initial_state(refine.state_specs(), len(bins), bins.device)
        context, _ = refine.context(pose, before, batch["vectors"], state, batch["which"])
        lower, losses, right = torch.zeros_like(whole), [], []
        for level, value in enumerate(parts):
            logits = refine.logits(context, lower, level)
            wanted = ids[..., level]
            losses.append(nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten()))
            right.append((logits.argmax(-1) == wanted).float().mean())
            lower = lower + value
        found = {f"right{level}": value for level, value in enumerate(right[:2])}
        return {"loss": torch.stack(losses).mean(), **found}


RECIPES: dict[str, type[StageRecipe]] = {"tokenizer": TokenizerRecipe, "base": BaseRecipe, "refine": RefineRecipe}
