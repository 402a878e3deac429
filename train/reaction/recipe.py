"""How the reaction network is trained: truncated backpropagation through carried state, cross-entropy over its heads,
and beside it the cues that its streams of the speaker are to notice.

Rows walk long streams crop by crop; the state a row ends a crop with, cut off from the gradient, begins the next one,
so that the network learns at the ages it will be served at (Williams & Peng 1990). The carried state is part of a
checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import EngineError
from models.contract import Tensors, commit, initial_state, reset
from models.reaction import Reaction
from models.reaction.model import Noticed
from train.reaction.settings import Settings
from train.run.recipe import LOG_EVERY, Batch, Recipe


class ReactionRecipe(Recipe):
    """Trains a listener. ``check`` holds beside the loss per head ``losses`` and ``accuracy``."""

    family = "reaction"
    betas = (0.9, 0.95)
    model: Reaction
    settings: Settings
    head_weights: Tensor
    known: Tensor

    def __init__(self, model: Reaction, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        weights = settings.head_weights or (1.0,) * model.heads
        if len(weights) != model.heads or not sum(weights):
            raise EngineError(f"head_weights {weights}: the model has {model.heads} heads; give each one, not all 0")
        self.register_buffer("head_weights", torch.tensor(weights) / sum(weights), persistent=False)
        levels = torch.tensor(model.levels)[:, None]
        self.register_buffer("known", torch.arange(model.codes) < levels, persistent=False)
        self.carried: Tensors = {}
        self._checking: Tensors = {}
        self._checked: list[tuple[Tensor, Tensor]] = []

    def forward(self, batch: Batch, state: Tensors) -> tuple[Noticed, Tensors]:
        """What the network makes of a batch, and the state after it, cut off from the gradient."""
        state = reset(self.model.react_state, state, batch["new"])
        noticed = self.model.notice(batch["streams"], batch["previous"], state, batch["own"])
        with torch.no_grad():
            kept = {name: value.detach() for name, value in noticed.updates.items()}
            return noticed, commit(self.model.react_state, state, kept, noticed.logits.shape[1])

    def on_fit_start(self) -> None:
        """Begin with rows that have seen nothing, unless a checkpoint brought theirs."""
        carried = self.carried or initial_state(self.model.react_state, self.settings.rows)
        self.carried = {name: value.to(self.device) for name, value in carried.items()}

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One crop of every row."""
        torch.manual_seed(batch["seed"])
        (logits, cues, _), self.carried = self(batch, self.carried)
        losses = head_losses(logits, batch["ids"], self.known, self.settings.smoothing)
        missed = cue_loss(cues, batch["cues"])
        loss = self.finite((losses * self.head_weights).sum() + self.settings.cue_weight * missed)
        if self.global_step % LOG_EVERY == 0:
            heads = _by_head("train", losses, accuracy(logits, batch["ids"]))
            self.write({"train/loss": loss, "train/cues": missed, "train/rate": self.current_rate, **heads})
        return loss

    def on_validation_start(self) -> None:
        """Validation walks its own rows."""
        self._checking, self._checked = {}, []

    def validation_step(self, batch: Batch, _: int) -> None:
        """One crop of every validation row."""
        rows = len(batch["new"])
        state = self._checking or initial_state(self.model.react_state, rows, self.device)
        (logits, _, _), self._checking = self(batch, state)
        self._checked.append((head_losses(logits, batch["ids"], self.known), accuracy(logits, batch["ids"])))

    def on_validation_epoch_end(self) -> None:
        """Means over the crops; the loss is what checkpoints are chosen by."""
        losses, right = (torch.stack(values).mean(0) for values in zip(*self._checked, strict=True))
        loss = (losses * self.head_weights).sum().item()
        self.checked({"loss": loss, "losses": losses.tolist(), "accuracy": right.tolist()})
        self.write({"val/loss": loss, **_by_head("val", losses, right)})
        self._checking, self._checked = {}, []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The carried state goes along."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["carried"] = self.carried

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the carried state back."""
        self.carried = checkpoint["carried"]


def _by_head(stage: str, losses: Tensor, right: Tensor) -> dict[str, float]:
    """Figures of each head for the loggers, from losses and accuracies (heads,)."""
    named: dict[str, float] = {}
    for head, (one, share) in enumerate(zip(losses.tolist(), right.tolist(), strict=True)):
        named[f"{stage}_loss/head{head}"] = one
        named[f"{stage}_perplexity/head{head}"] = math.exp(one)
        named[f"{stage}_accuracy/head{head}"] = share
    return named


def head_losses(logits: Tensor, ids: Tensor, known: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats of each head (heads,): ``logits`` (B, T, heads, codes), ``ids`` (B, T, heads).
    ``smoothing`` is spread over the codes that a head has, which ``known`` (heads, codes) tells."""
    logged = logits.float().log_softmax(-1)
    losses = -logged.gather(-1, ids[..., None])[..., 0].mean((0, 1))
    if smoothing:
        spread = logged.masked_fill(~known, 0.0).sum(-1) / known.sum(-1)
        losses = (1 - smoothing) * losses - smoothing * spread.mean((0, 1))
    return losses


def cue_loss(odds: Tensor, known: Tensor) -> Tensor:
    """Mean binary cross-entropy in nats of log-odds (B, T, kinds) that a cue becomes known, over the frames in which
    ``known`` is 1 or 0; 0 where nobody knows (-1)."""
    told = (known >= 0).float()
    losses = functional.binary_cross_entropy_with_logits(odds, known.clamp_min(0).float(), reduction="none")
    return (losses * told).sum() / told.sum().clamp_min(1.0)


def accuracy(logits: Tensor, ids: Tensor) -> Tensor:
    """Share of frames (heads,) in which the likeliest id is the true one."""
    return (logits.detach().argmax(-1) == ids).float().mean((0, 1))
