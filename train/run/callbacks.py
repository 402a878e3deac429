"""What watches a run: stops it in good order, keeps its state and best weights, says how it goes."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, ModelCheckpoint, WeightAveraging
from torch import Tensor

from models import checkpoint
from train.run.recipe import Recipe
from train.run.resume import BEST_WEIGHTS, LAST, state, weights_of

log = logging.getLogger(__name__)


class Stopped(Exception):
    """Raised out of ``fit`` once the last state is on disk; says why."""


class Keeper(Checkpoint):
    """Keeps the run on disk: ``last.ckpt`` after every validation and before it stops, ``best.safetensors`` with every
    new best. Stops at ``until`` (`time.monotonic`) or on Ctrl-C and SIGTERM, after the step; a second Ctrl-C does not
    wait.

    Stands after ``best`` among the callbacks, so that its judgement is part of ``last.ckpt``. ``checked`` is called
    after every validation.
    """

    def __init__(self, out: Path, best: ModelCheckpoint, until: float | None, checked: Callable[[], None]) -> None:
        self.out, self.best, self.until, self.checked, self.reason = out, best, until, checked, ""
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen to signals, where this is the main thread."""
        for number, reason in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
            try:
                self._handlers[number] = signal.signal(number, self._asked(reason))
            except ValueError:  # signals are for the main thread alone
                return

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Stop between validations; where one is due, :meth:`on_validation_end` does."""
        if trainer.global_step % trainer.val_check_interval:
            self._stop(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep weights and state, and stop if it is time."""
        assert isinstance(pl_module, Recipe)
        if self.best.best_model_score == trainer.callback_metrics["val_loss"]:
            kept = weights_of(state(Path(self.best.best_model_path)))
            checkpoint.save(self.out / BEST_WEIGHTS, pl_module.checkpoint(kept))
        self.checked()
        trainer.save_checkpoint(self.out / LAST)
        if trainer.global_step < trainer.max_steps:
            self._stop(trainer)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Give the signals back."""
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _asked(self, reason: str) -> Callable[..., None]:
        def handle(number: int, _: object) -> None:
            self.reason = reason
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

        return handle

    def _stop(self, trainer: L.Trainer) -> None:
        if not self.reason and self.until is not None and time.monotonic() >= self.until:
            self.reason = "the time is over"
        if self.reason:
            trainer.save_checkpoint(self.out / LAST)
            raise Stopped(self.reason)


class History(Callback):
    """Speed and validations of the run over all its sessions: a line at each, ``checks`` for the record."""

    def __init__(self, frames_a_step: int) -> None:
        self.frames_a_step = frames_a_step
        self.checks: list[dict[str, Any]] = []
        self.seconds = 0.0  #: spent on training steps
        self._since = self._step_seconds = 0.0
        self._losses: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        """Validations and time so far, and the losses since the last validation."""
        return {"history": self.checks, "seconds": self.seconds, "losses": self._losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with them."""
        self.checks, self.seconds = state_dict["history"], state_dict["seconds"]
        self._losses = state_dict["losses"]

    def on_train_batch_start(self, *_: Any) -> None:
        """Start the clock of a step."""
        self._since = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        """Take the time of a step."""
        took = time.monotonic() - self._since
        self.seconds += took
        self._step_seconds = 0.9 * self._step_seconds + 0.1 * took if self._step_seconds else took
        self._losses.append(outputs["loss"].detach())
        pl_module.log("frames_per_s", self.frames_a_step / self._step_seconds, prog_bar=True, logger=False)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """One line, and one entry of the record."""
        assert isinstance(pl_module, Recipe)
        trained = torch.stack(self._losses).mean().item() if self._losses else float("nan")
        speed, self._losses = self.frames_a_step / max(self._step_seconds, 1e-9), []
        self.checks.append({**pl_module.check, "train_loss": trained})
        loss, left = pl_module.check["loss"], (trainer.max_steps - trainer.global_step) * self._step_seconds / 60
        log.info(
            f"step {trainer.global_step}/{trainer.max_steps}: loss {trained:.4f}, validation {loss:.4f}, "
            f"{speed:.0f} frames/s, {left:.1f} min of steps to go",
            extra={"step": trainer.global_step, "train_loss": trained, "val_loss": loss, "frames_per_s": speed},
        )


def warming(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """How a running mean goes on (``avg_fn`` of torch's ``AveragedModel``): its decay grows to ``decay`` with the
    steps, so that the random start is soon forgotten."""

    def blend(average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
        return average.lerp(current, 1 - min(decay, (1 + int(count)) / (10 + int(count))))

    return blend


class Average(WeightAveraging):
    """A running mean of the weights (:func:`warming`): what is validated and handed out."""

    def __init__(self, decay: float) -> None:
        super().__init__(use_buffers=False, avg_fn=warming(decay))
