"""What `python -m train text_motion` does of its own: read a set, join it to streams, and train one of three stages.

The stages come one after the other, each from the weights of the one before: ``--set stage=tokenizer``, then
``--set stage=base --from runs/tokenizer/model.safetensors``, then ``--set stage=refine --from runs/base/...``. Every
run hands out the whole model.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.run.command import Prepared
from train.text_motion.settings import Settings

SEEDS = {"train": 1, "val": 2}
CHECKED_MINUTES = 8.0
"""Minutes of joined streams of the validation clips."""


class TextMotionTraining:
    """Trains text to motion (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data``, the encoder, and the weights of the stage before."""
        add = parser.add_argument
        add(
            "--data", type=Path, required=True, help="folder of a set in HumanML3D's layout (`python -m train motions`)"
        )
        add("--from", dest="before", type=Path, help="weights of the stage before: base and refine need them")
        add("--encoder", type=Path, help="folder of the text encoder, as `python -m export encoder` makes it")

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Streams of the clips, as tokens for the later stages."""
        from models import checkpoint
        from models.text_motion import SIZES, build
        from train.run.resume import weights_of
        from train.text_motion.batches import Source, TextMotionBatches, Validation
        from train.text_motion.data import MotionSet
        from train.text_motion.motions.weights import weights
        from train.text_motion.recipes import RECIPES
        from train.text_motion.streams import clips, fields_of, joined, residual_ids, vectors

        if settings.config not in SIZES:
            raise EngineError(f"no config {settings.config!r}; there is {', '.join(SIZES)}")
        data = MotionSet(args.data)
        model = build(settings.config)
        if model.config.body.name != data.layout.name:
            raise EngineError(
                f"config {settings.config} is for {model.config.body.name}, {args.data} holds {data.layout.name}"
            )
        texts: list[str] = []
        share = weights(args.data)
        paces = {"train": settings.stretch, "val": 0.0}
        made = {split: clips(data, split, share, texts, paces[split], settings.seed) for split in SEEDS}
        minutes = {"train": settings.minutes, "val": min(CHECKED_MINUTES, settings.minutes)}
        streams = {
            split: joined(made[split], data, texts, minutes[split], settings.seed + seed)
            for split, seed in SEEDS.items()
        }
        if before is not None:
            model.load_state_dict(weights_of(before))
        elif args.before is not None:
            kept = checkpoint.load(args.before)
            if dict(kept.config) != model.config.to_dict():
                raise EngineError(f"{args.before} has another configuration than {settings.config}; give that one")
            model.load_state_dict(kept.state)
        elif settings.stage != "tokenizer":
            raise EngineError(f"stage {settings.stage} goes on from weights: give --from FILE of the stage before")
        if before is None and settings.stage == "tokenizer":
            standardise(model, streams["train"].rows)
        sources = {split: Source(item) for split, item in streams.items()}
        if settings.stage != "tokenizer":
            if not texts:
                raise EngineError(
                    f"{args.data} has no texts, which stage {settings.stage} learns from; write texts/*.txt"
                )
            if args.encoder is None:
                raise EngineError(f"stage {settings.stage} reads texts: give --encoder FOLDER")
            from train.text_motion.vectors import Vectors

            encoder = Vectors(args.encoder)
            if encoder.width != model.config.text:
                raise EngineError(f"{args.encoder} gives {encoder.width} numbers, config has {model.config.text}")
            said = vectors(texts, encoder.encode, fields_of(data, SEEDS))
            sources = {
                split: Source(item, said, residual_ids(model.tokenizer, item) if settings.stage == "refine" else None)
                for split, item in streams.items()
            }
        recipe = RECIPES[settings.stage](model, settings, {k: item.fingerprint for k, item in streams.items()})
        trained = sum(value.numel() for value in recipe.trained().parameters())
        return Prepared(
            recipe=recipe,
            batches=TextMotionBatches(sources["train"], settings),
            validation=Validation(sources["val"], settings),
            frames=4 * settings.rows * settings.segment,
            summary=f"{len(made['train'])} clips in {settings.minutes:g} minutes of streams to train on, "
            f"{len(made['val'])} to check, {len(texts)} texts; {settings.stage} of {trained:,} parameters, "
            f"{sum(p.numel() for p in model.parameters()):,} in all",
            record={"stage": settings.stage, "clips": {split: len(item) for split, item in made.items()}},
        )


def standardise(model: Any, rows: Any) -> None:
    """Fit mean and deviation of features; numbers that hardly move, and those of 0 and 1, are not blown up."""
    tokenizer, layout = model.tokenizer, model.config.body
    deviation = rows.std(0)
    for name in ("ric", "rot6d", "local_velocity", "velocity"):
        group = layout.slices[name]
        deviation[group] = deviation[group].clamp_min(float(deviation[group].mean()) * 0.3)
    tokenizer.mean.copy_(rows.mean(0))
    tokenizer.std.copy_(deviation.clamp_min(1e-3))


TRAINING = TextMotionTraining()
