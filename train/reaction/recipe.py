"""How the reaction network is trained: truncated backpropagation through carried state, cross-entropy over its heads.

Rows walk long streams crop by crop; the state a row ends a crop with, cut off from the gradient, begins the next one,
so that the network learns at the ages it will be served at (Williams & Peng 1990). AdamW and a warmed-up cosine
(Loshchilov & Hutter 2017, 2019). All that a step draws at random comes from (seed, step), and the carried state is part
of a checkpoint: a continued run is bit for bit the one that was never stopped.
"""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor

from engine.errors import EngineError
from models.contract import Tensors, commit, initial_state, reset
from models.reaction import Reaction
from train.reaction.settings import Settings
from train.reaction.walk import Batch

BETAS = (0.9, 0.95)
LOWEST = 0.05  # the cosine ends at this share of the rate
LOG_EVERY = 10


class Recipe(L.LightningModule):
    """Trains ``model`` by ``settings`` on the data with the fingerprints ``data`` (by split).

    ``check`` holds the means of the last validation: ``loss``, and per head ``losses`` and ``accuracy``.
    """

    def __init__(self, model: Reaction, settings: Settings, data: dict[str, str]) -> None:
        super().__init__()
        self.model, self.settings, self.data = model, settings, data
        weights = settings.head_weights or (1.0,) * model.heads
        if len(weights) != model.heads or not sum(weights):
            raise EngineError(f"--head-weights {weights}: the model has {model.heads} heads; give each one, not all 0")
        self.register_buffer("head_weights", torch.tensor(weights) / sum(weights), persistent=False)
        levels = torch.tensor(model.levels)[:, None]
        self.register_buffer("known", torch.arange(model.codes) < levels, persistent=False)
        self.carried: Tensors = {}
        self.check: dict[str, Any] = {}
        self._checking: Tensors = {}
        self._checked: list[tuple[Tensor, Tensor]] = []

    def forward(self, batch: Batch, state: Tensors) -> tuple[Tensor, Tensors]:
        """Logits (R, T, heads, codes) of a batch, and the state after it, cut off from the gradient."""
        state = reset(self.model.react_state, state, batch["new"])
        logits, updates = self.model.react(batch["streams"], batch["previous"], state, batch["own"])
        with torch.no_grad():
            kept = {name: value.detach() for name, value in updates.items()}
            return logits, commit(self.model.react_state, state, kept, logits.shape[1])

    def on_fit_start(self) -> None:
        """Begin with rows that have seen nothing, unless a checkpoint brought theirs."""
        carried = self.carried or initial_state(self.model.react_state, self.settings.rows)
        self.carried = {name: value.to(self.device) for name, value in carried.items()}

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One crop of every row."""
        torch.manual_seed(batch["seed"])
        logits, self.carried = self(batch, self.carried)
        losses = head_losses(logits, batch["ids"], self.known, self.settings.smoothing)
        loss = (losses * self.head_weights).sum()
        if not torch.isfinite(loss):
            raise EngineError(f"the loss is {loss.item()} at step {self.global_step}; try a lower --rate or --clip")
        self.log("loss", loss, prog_bar=True, logger=False)
        if self.global_step % LOG_EVERY == 0:
            right = accuracy(logits, batch["ids"])
            self._write("train", {"loss": loss.item(), "rate": self.optimizers().param_groups[0]["lr"]}, losses, right)
        return loss

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        """Clip to the norm of the settings, and log what the norm was."""
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        if self.global_step % LOG_EVERY == 0:
            self._write("train", {"gradient_norm": norm.item()})

    def on_validation_start(self) -> None:
        """Validation walks its own rows."""
        self._checking, self._checked = {}, []

    def validation_step(self, batch: Batch, _: int) -> None:
        """One crop of every validation row."""
        rows = len(batch["new"])
        state = self._checking or initial_state(self.model.react_state, rows, self.device)
        logits, self._checking = self(batch, state)
        self._checked.append((head_losses(logits, batch["ids"], self.known), accuracy(logits, batch["ids"])))

    def on_validation_epoch_end(self) -> None:
        """Means over the crops; the loss is what checkpoints are chosen by."""
        losses, right = (torch.stack(values).mean(0) for values in zip(*self._checked, strict=True))
        loss = (losses * self.head_weights).sum()
        self.check = {
            "step": self.global_step,
            "loss": loss.item(),
            "losses": losses.tolist(),
            "accuracy": right.tolist(),
        }
        self.log("val_loss", loss, prog_bar=True, logger=False)
        self._write("val", {"loss": loss.item()}, losses, right)
        self._checking, self._checked = {}, []

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, decaying matrices alone, and the schedule by step."""
        trained = [value for value in self.model.parameters() if value.requires_grad]
        groups = [
            {"params": [value for value in trained if value.ndim >= 2], "weight_decay": self.settings.decay},
            {"params": [value for value in trained if value.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.settings.rate, betas=BETAS)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share_of_rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What the run is, and the carried state, go along."""
        checkpoint["settings"], checkpoint["data"] = self.settings.to_dict(), self.data
        checkpoint["carried"] = self.carried

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the carried state back."""
        self.carried = checkpoint["carried"]

    def _share_of_rate(self, step: int) -> float:
        warmup, steps = self.settings.warmup, self.settings.steps
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        return LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * done))

    def _write(
        self, stage: str, figures: dict[str, float], losses: Tensor | None = None, right: Tensor | None = None
    ) -> None:
        """To the logger at once: Lightning's own gathering costs more than the numbers."""
        if self.logger is None:
            return
        named = {f"{stage}/{name}": value for name, value in figures.items()}
        if losses is not None and right is not None:
            for head, (one, share) in enumerate(zip(losses.tolist(), right.tolist(), strict=True)):
                named[f"{stage}_loss/head{head}"] = one
                named[f"{stage}_perplexity/head{head}"] = math.exp(one)
                named[f"{stage}_accuracy/head{head}"] = share
        self.logger.log_metrics(named, self.global_step)


def head_losses(logits: Tensor, ids: Tensor, known: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats of each head (heads,): ``logits`` (B, T, heads, codes), ``ids`` (B, T, heads).
    ``smoothing`` is spread over the codes that a head has, which ``known`` (heads, codes) tells."""
    logged = logits.float().log_softmax(-1)
    losses = -logged.gather(-1, ids[..., None])[..., 0].mean((0, 1))
    if smoothing:
        spread = logged.masked_fill(~known, 0.0).sum(-1) / known.sum(-1)
        losses = (1 - smoothing) * losses - smoothing * spread.mean((0, 1))
    return losses


def accuracy(logits: Tensor, ids: Tensor) -> Tensor:
    """Share of frames (heads,) in which the likeliest id is the true one."""
    return (logits.detach().argmax(-1) == ids).float().mean((0, 1))
