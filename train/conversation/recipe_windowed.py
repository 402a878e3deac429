"""How windowed lips are trained: the diffusion of audio2photoreal on windows of captured mouths."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from train.conversation.settings import Settings
from train.conversation.windowed import WindowedLips
from train.run.recipe import LOG_EVERY, Batch, Recipe


class WindowedRecipe(Recipe):
    """Trains :class:`train.conversation.windowed.WindowedLips`."""

    family = "conversation"
    model: WindowedLips
    settings: Settings

    def __init__(self, model: WindowedLips, settings: Settings, data: Mapping[str, str]) -> None:
        super().__init__(model, settings, data)
        self._checked: list[Tensor] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """One batch of windows."""
        torch.manual_seed(batch["seed"])
        loss = self._loss(batch)
        if self.global_step % LOG_EVERY == 0:
            self.write({"train/loss": loss, "train/rate": self.current_rate})
        return self.finite(loss)

    def _loss(self, batch: Batch) -> Tensor:
        mask = batch["lips.known"] > 0.0
        return self.model.loss(batch["lips.own"], batch["lips.capture"], batch["lips.mouth"], mask).mean()

    def on_validation_start(self) -> None:
        """Forget the last validation."""
        self._checked = []
        torch.manual_seed(self.settings.seed)

    def validation_step(self, batch: Batch, _: int) -> None:
        """The same loss, without faults and dropout."""
        self._checked.append(self._loss(batch).cpu())

    def on_validation_epoch_end(self) -> None:
        """The mean over the windows."""
        self.checked({"loss": float(torch.stack(self._checked).mean())})
        self.write({"val/loss": self.check["loss"]})
