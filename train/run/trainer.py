"""One sitting of a run: Lightning's trainer around a family's recipe, the callbacks, and the folder they write to."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from engine.errors import EngineError
from train.run.callbacks import BEST, LAST, Average, Keeper, Report, Stopped

ACCELERATORS = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}


class Schedule(Protocol):
    """What a sitting needs to know of a recipe's settings."""

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        ...

    @property
    def check_every(self) -> int:
        """Steps between validations."""
        ...

    @property
    def average(self) -> float:
        """Decay of the running mean of the weights; 0: none."""
        ...

    @property
    def precision(self) -> str:
        """A key of :data:`PRECISIONS`."""
        ...


def sit(
    recipe: L.LightningModule,
    settings: Schedule,
    batches: Any,
    checks: Any,
    frames: int,
    out: Path,
    device: str,
    resume: bool,
    until: float | None,
    checked: Callable[[Report], None],
    wandb: str | None = None,
) -> tuple[int, str]:
    """Train until the steps are done or it is time to stop; the step reached and why it ended there.

    ``frames`` are walked in a step. ``until`` is a time of `time.monotonic`. ``checked`` is called after every
    validation. ``wandb`` names a Weights & Biases project to log to beside TensorBoard.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its greetings, not its errors
    report = Report(frames)
    best = ModelCheckpoint(out, Path(BEST).stem, monitor="val_loss", enable_version_counter=False)
    keeper = Keeper(out, best, until, lambda: checked(report))
    bar = [TQDMProgressBar()] if sys.stderr.isatty() else []
    average = [Average(settings.average)] if settings.average else []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = L.Trainer(
            accelerator=ACCELERATORS[device],
            devices=1,
            precision=PRECISIONS[settings.precision],
            max_steps=settings.steps,
            max_epochs=-1,
            val_check_interval=settings.check_every,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            logger=[TensorBoardLogger(out, name="logs", version=""), *_wandb(wandb, out)],
            callbacks=[report, *average, *bar, best, keeper],
            enable_progress_bar=bool(bar),
            enable_model_summary=False,
        )
        try:
            trainer.fit(recipe, batches, checks, ckpt_path=out / LAST if resume else None, weights_only=True)
        except Stopped as stop:
            return trainer.global_step, f"{stop}: stopped, go on with --resume"
    return trainer.global_step, "done"


def _wandb(project: str | None, out: Path) -> list[Logger]:
    if project is None:
        return []
    from lightning.pytorch.loggers import WandbLogger

    try:
        return [WandbLogger(project=project, name=out.name, save_dir=out)]
    except ModuleNotFoundError as error:
        raise EngineError("--wandb needs the wandb package: pip install -e '.[wandb]', then `wandb login`") from error
    except Exception as error:  # its client raises many kinds; all mean the same to the user
        reason = " ".join(str(error).split())[:200]
        raise EngineError(f"--wandb {project}: {reason}; run `wandb login`, or set WANDB_MODE=offline") from error
