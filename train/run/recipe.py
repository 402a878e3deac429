"""What the recipes of all families share: AdamW under a warmed-up cosine, clipped gradients, what a checkpoint says.

A family's recipe adds its losses (``training_step``) and its validation, which leaves the means in ``check``. All that
a step draws at random follows from (seed, step) and the batches know the step that comes next, so a run that is
continued is bit for bit the one that was never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import lightning as L
import torch
from torch import Tensor, nn

from engine.errors import EngineError
from models.checkpoint import Checkpoint
from train.run.settings import RunSettings

LOG_EVERY = 10
Batch = dict[str, Any]
"""Tensors by name, batch on axis 0, and in training ``seed`` of the step's random numbers."""


class Recipe(L.LightningModule):
    """Trains ``model`` by ``settings`` on the data with the fingerprints ``data`` (by split). ``check`` holds the means
    of the last validation, among them ``loss`` and ``step``."""

    family: ClassVar[str]
    """Name in :data:`models.registry.FAMILIES`."""
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)
    lowest: ClassVar[float] = 0.05
    """The cosine (Loshchilov & Hutter 2017) ends at this share of the rate."""

    def __init__(self, model: nn.Module, settings: RunSettings, data: Mapping[str, str]) -> None:
        super().__init__()
        self.model, self.settings, self.data = model, settings, dict(data)
        self.check: dict[str, Any] = {}

    def checkpoint(self, state: dict[str, Tensor]) -> Checkpoint:
        """A state dict of the model as a file that says what it is."""
        config: Any = self.model.config
        return Checkpoint(self.family, config.to_dict(), state)

    def configure_optimizers(self) -> Any:
        """AdamW (Loshchilov & Hutter 2019), decaying matrices alone, and the schedule by step."""
        trained = [value for value in self.model.parameters() if value.requires_grad]
        groups = [
            {"params": [value for value in trained if value.ndim >= 2], "weight_decay": self.settings.decay},
            {"params": [value for value in trained if value.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.settings.rate, betas=self.betas)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share_of_rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        """Clip to the norm of the settings, and log what the norm was."""
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        if self.global_step % LOG_EVERY == 0:
            self.write({"train/gradient_norm": norm})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What the run is goes along."""
        checkpoint["settings"], checkpoint["data"] = self.settings.to_dict(), self.data

    def finite(self, loss: Tensor) -> Tensor:
        """The loss, logged. Raises :class:`EngineError` where it is not a number."""
        if not torch.isfinite(loss):
            raise EngineError(f"the loss is {loss.item()} at step {self.global_step}; try a lower rate or clip")
        self.log("loss", loss, prog_bar=True, logger=False)
        return loss

    def checked(self, check: Mapping[str, Any]) -> None:
        """Keep the means of a validation; ``loss`` is what checkpoints are chosen by."""
        self.check = {"step": self.global_step, **check}
        self.log("val_loss", torch.tensor(check["loss"]), prog_bar=True, logger=False)

    @property
    def current_rate(self) -> float:
        """The learning rate of this step."""
        optimizer: Any = self.optimizers()
        return float(optimizer.param_groups[0]["lr"])

    def write(self, figures: Mapping[str, Tensor | float]) -> None:
        """To the loggers at once: Lightning's own gathering costs more than the numbers."""
        plain = {name: float(value.detach() if isinstance(value, Tensor) else value) for name, value in figures.items()}
        for logger in self.loggers:
            logger.log_metrics(plain, self.global_step)

    def _share_of_rate(self, step: int) -> float:
        warmup, steps = self.settings.warmup, self.settings.steps
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        return self.lowest + (1 - self.lowest) * 0.5 * (1 + math.cos(math.pi * done))


class TermsRecipe(Recipe):
    """A recipe whose loss is a weighed sum of terms. A family gives :meth:`terms` and :meth:`total`; ``check`` holds
    beside the loss the mean of every term over the rows of a validation."""

    def __init__(self, model: nn.Module, settings: RunSettings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self._checked: list[dict[str, Tensor]] = []

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of a batch, by name."""
        raise NotImplementedError

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighed sum."""
        raise NotImplementedError

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One batch."""
        torch.manual_seed(batch["seed"])
        terms = self.terms(batch)
        loss = self.total(terms)
        if self.global_step % LOG_EVERY == 0:
            self.write({f"train/{name}": value for name, value in {"loss": loss, **terms}.items()})
            self.write({"train/rate": self.current_rate})
        return self.finite(loss)

    def on_validation_start(self) -> None:
        """Forget the last validation; what is drawn in it is the same every time."""
        self._checked = []
        torch.manual_seed(self.settings.seed)

    def validation_step(self, batch: Batch, _: int) -> None:
        """The same terms, without faults and dropout."""
        rows = len(next(value for value in batch.values() if isinstance(value, Tensor)))
        self._checked.append({**self.terms(batch), "rows": torch.tensor(float(rows))})

    def on_validation_epoch_end(self) -> None:
        """Means over the rows; their weighed sum is what checkpoints are chosen by."""
        rows = torch.stack([item["rows"] for item in self._checked])
        means = {
            name: (torch.stack([item[name].cpu() for item in self._checked]) * rows).sum() / rows.sum()
            for name in self._checked[0]
            if name != "rows"
        }
        self.checked({"loss": float(self.total(means)), **{name: float(value) for name, value in means.items()}})
        self.write({f"val/{name}": value for name, value in self.check.items() if name != "step"})


class Batches:
    """The training batches from a step on; Lightning asks it where it is and sets it back there. A family gives
    :meth:`batch`, which follows from the settings and the step alone."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings, self.step = settings, 0

    def __len__(self) -> int:
        return self.settings.steps

    def __iter__(self) -> Iterator[Batch]:
        while self.step < len(self):
            self.step += 1
            yield self.batch(self.step - 1)

    def batch(self, step: int) -> Batch:
        """The batch of ``step``."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, int]:
        """The step that comes next."""
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on at that step."""
        self.step = state["step"]
