"""What `python -m train reaction` does of its own: fit the tokenizer, read the talks, prepare the recipe.

The folder is one that `python -m train simulate` wrote, or another in the same layout (:mod:`train.reaction.react`).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from train.reaction.settings import Settings
from train.run.command import Prepared

log = logging.getLogger(__name__)


class ReactionTraining:
    """Trains the learned listener (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data``."""
        parser.add_argument(
            "--data", type=Path, required=True, help="folder of talks, as `python -m train simulate` writes it"
        )

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Streams of the talks under the fitted tokenizer."""
        from models.reaction import Reaction
        from models.reaction.config import configuration
        from train.reaction.crops import Crops, Validation
        from train.reaction.fitting import fit_tokenizer
        from train.reaction.react import ReactData
        from train.reaction.recipe import ReactionRecipe
        from train.reaction.streams import read
        from train.reaction.tokens import statistics
        from train.run.resume import weights_of

        model = Reaction(configuration(settings.config))
        data = ReactData(args.data)
        talks = {split: data.talks(split) for split in ("train", "val")}
        if before is None:
            log.info("fitting the tokenizer")
            fit_tokenizer(model.tokenizer, [talk.listener(name) for talk in talks["train"] for name in talk.listeners])
        else:
            model.load_state_dict(weights_of(before))
        train, val = (read(model, talks[split], f"{args.data}, split {split}") for split in ("train", "val"))
        return Prepared(
            recipe=ReactionRecipe(model, settings, {"train": train.fingerprint, "val": val.fingerprint}),
            batches=Crops(train, settings, model.codes),
            validation=Validation(val, settings, model.codes),
            frames=settings.rows * settings.crop,
            summary=f"{len(train.frames)} streams, {train.minutes:.0f} min, to train on; {len(val.frames)}, "
            f"{val.minutes:.0f} min, to check; {sum(p.numel() for p in model.parameters()):,} parameters",
            record={
                "data": {"folder": str(args.data), "layout": data.layout},
                "minutes": {"train": train.minutes, "val": val.minutes},
                "ids": statistics(train, val, model.levels),
            },
        )


TRAINING = ReactionTraining()
