"""One sitting of a run of the learned listener: its recipe and its crops, given to the trainer that families share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from models.reaction import Reaction
from train.reaction.recipe import Recipe
from train.reaction.settings import Settings
from train.reaction.streams import Streams
from train.reaction.walk import Checks, Crops
from train.run.callbacks import Report
from train.run.trainer import sit


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
    """Train until the steps are done or it is time to stop, as :func:`train.run.trainer.sit` says."""
    recipe = Recipe(model, settings, {"train": train.fingerprint, "val": val.fingerprint})
    crops, checks = Crops(train, settings, model.codes), Checks(val, settings, model.codes)
    frames = settings.rows * settings.crop
    return sit(recipe, settings, crops, checks, frames, out, device, resume, until, checked)
