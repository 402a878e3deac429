"""One session of a run: Lightning's trainer around a family's recipe, the callbacks, and the folder they write to."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from engine.errors import EngineError
from train.run.callbacks import Average, History, Keeper, Stopped
from train.run.recipe import Batches, Recipe
from train.run.resume import BEST, LAST

ACCELERATORS = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True)
class Session:
    """Where and for how long a run is worked on; nothing of it changes the outcome. ``device`` is a key of
    :data:`ACCELERATORS`, ``until`` a time of `time.monotonic`, ``wandb`` a Weights & Biases project to log to beside
    TensorBoard."""

    out: Path
    device: str = "auto"
    resume: bool = False
    until: float | None = None
    wandb: str | None = None


@dataclass(frozen=True)
class Ended:
    """The step that a session reached, and why it ended there."""

    step: int
    reason: str


def fit(
    recipe: Recipe,
    batches: Batches,
    validation: Iterable[Any],
    frames: int,
    session: Session,
    checked: Callable[[History], None],
) -> Ended:
    """Train until the steps are done or it is time to stop. ``frames`` are walked in a step; ``checked`` is called
    after every validation."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its greetings, not its errors
    settings, out = recipe.settings, session.out
    history = History(frames)
    best = ModelCheckpoint(out, Path(BEST).stem, monitor="val_loss", enable_version_counter=False)
    keeper = Keeper(out, best, session.until, lambda: checked(history))
    bar = [TQDMProgressBar()] if sys.stderr.isatty() else []
    average = [Average(settings.average)] if settings.average else []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer = L.Trainer(
            accelerator=ACCELERATORS[session.device],
            devices=1,
            precision=PRECISIONS[settings.precision],  # type: ignore[arg-type]  # literals of Lightning
            max_steps=settings.steps,
            max_epochs=-1,
            val_check_interval=settings.check_every,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            logger=[TensorBoardLogger(out, name="logs", version=""), *_wandb(session)],
            callbacks=[history, *average, *bar, best, keeper],
            enable_progress_bar=bool(bar),
            enable_model_summary=False,
        )
        try:
            path = out / LAST if session.resume else None
            trainer.fit(recipe, batches, validation, ckpt_path=path, weights_only=True)
        except Stopped as stop:
            return Ended(trainer.global_step, f"{stop}: stopped, go on with --resume")
    return Ended(trainer.global_step, "done")


def _wandb(session: Session) -> list[Logger]:
    if session.wandb is None:
        return []
    from lightning.pytorch.loggers import WandbLogger

    try:
        return [WandbLogger(project=session.wandb, name=session.out.name, save_dir=session.out)]
    except ModuleNotFoundError as error:
        raise EngineError("--wandb needs the wandb package: pip install -e '.[wandb]', then `wandb login`") from error
    except Exception as error:  # its client raises many kinds; all mean the same to the user
        reason = " ".join(str(error).split())[:200]
        raise EngineError(f"--wandb {session.wandb}: {reason}; run `wandb login`, or set WANDB_MODE=offline") from error
