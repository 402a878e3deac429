"""One sitting of a run: Lightning's trainer around the recipe, its callbacks, and the folder they write to."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

from models.reaction import Reaction
from train.reaction.callbacks import BEST, LAST, Average, Keeper, Report, Stopped
from train.reaction.recipe import Recipe
from train.reaction.settings import Settings
from train.reaction.streams import Streams
from train.reaction.walk import Checks, Crops

ACCELERATORS = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}


def fit(
    model: Reaction,
    settings: Settings,
    train: Streams,
    val: Streams,
    out: Path,
    device: str,
    resume: bool,
    until: float | None,
    checked: Callable[[Report], None],
) -> tuple[int, str]:
    """Train until the steps are done or it is time to stop; the step reached and why it ended there.

    ``until`` is a time of `time.monotonic`. ``checked`` is called after every validation.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its greetings, not its errors
    report = Report(settings.rows * settings.crop)
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
            logger=TensorBoardLogger(out, name="logs", version=""),
            callbacks=[report, *average, *bar, best, keeper],
            enable_progress_bar=bool(bar),
            enable_model_summary=False,
        )
        recipe = Recipe(model, settings, {"train": train.fingerprint, "val": val.fingerprint})
        crops, checks = Crops(train, settings, model.codes), Checks(val, settings, model.codes)
        try:
            trainer.fit(recipe, crops, checks, ckpt_path=out / LAST if resume else None, weights_only=True)
        except Stopped as stop:
            return trainer.global_step, f"{stop}: stopped, go on with --resume"
    return trainer.global_step, "done"
