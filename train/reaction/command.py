"""What `python -m train reaction` does of its own: fit the tokenizer, read the talks, prepare the recipe.

The folder is one that `python -m train simulate` wrote, or another in the same layout (:mod:`train.reaction.react`).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.reaction.settings import Settings
from train.run.command import Prepared

log = logging.getLogger(__name__)


class ReactionTraining:
    """Trains the learned listener (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data`` and ``--init``."""
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            action="append",
            help="folder of talks, as `python -m train simulate` writes it; give it again for several",
        )
        parser.add_argument(
            "--init",
            type=Path,
            metavar="WEIGHTS",
            help="begin with the weights and the tokenizer of another run, not anew",
        )

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Streams of the talks under the fitted tokenizer."""
        from models.reaction import Reaction
        from models.reaction.config import configuration
        from models.registry import create
        from train.reaction.crops import Crops, Validation
        from train.reaction.fitting import fit_tokenizer
        from train.reaction.react import ReactData
        from train.reaction.recipe import ReactionRecipe
        from train.reaction.streams import nod_rates, read
        from train.reaction.tokens import statistics
        from train.run.resume import weights_of

        model = Reaction(configuration(settings.config))
        sets = [ReactData(folder) for folder in args.data]
        # Talks of like lengths are read side by side: beside a long one a short one is mostly padding.
        found = {
            split: [sorted(data.talks(split), key=lambda talk: talk.frames) for data in sets]
            for split in ("train", "val")
        }
        rates = nod_rates(found["train"], args.data)
        talks = {split: [talk for group in groups for talk in group] for split, groups in found.items()}
        told = {
            split: [rate for rate, group in zip(rates, groups, strict=True) for _ in group]
            for split, groups in found.items()
        }
        places = ", ".join(map(str, args.data))
        if before is None and args.init is not None:
            begun = create("reaction", args.init)
            if begun.config != model.config:
                raise EngineError(f"--init {args.init}: is not of config={settings.config}; name its own with --set")
            model.load_state_dict(begun.state_dict())
        elif before is None:
            log.info("fitting the tokenizer")
            fit_tokenizer(model.tokenizer, [talk.listener(name) for talk in talks["train"] for name in talk.listeners])
        else:
            model.load_state_dict(weights_of(before))
        where = f"{places}, split"
        train = read(model, talks["train"], f"{where} train", settings.rooms, settings.seed, told["train"])
        val = read(model, talks["val"], f"{where} val", nod_rates=told["val"])
        return Prepared(
            recipe=ReactionRecipe(model, settings, {"train": train.fingerprint, "val": val.fingerprint}),
            batches=Crops(train, settings, model.codes),
            validation=Validation(val, settings, model.codes),
            frames=settings.rows * settings.crop,
            summary=f"{len(train.frames)} streams, {train.minutes:.0f} min, to train on; {len(val.frames)}, "
            f"{val.minutes:.0f} min, to check; {sum(p.numel() for p in model.parameters()):,} parameters",
            record={
                "data": [
                    {"folder": str(data.root), "nod_rate": rate, "layout": data.layout}
                    for data, rate in zip(sets, rates, strict=True)
                ],
                "init": None if args.init is None else str(args.init),
                "minutes": {"train": train.minutes, "val": val.minutes},
                "ids": statistics(train, val, model.levels),
            },
        )


TRAINING = ReactionTraining()
