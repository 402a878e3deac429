"""What `python -m train conversation` does of its own: read a set, hear it, and train one of three stages.

``--set stage=windowed`` trains mouths of whole windows, which label voices nobody captured: ``--windowed FILE`` of the
next. ``stage=stream`` (the default) trains the model; ``stage=distil --from FILE`` makes one step of its heads' flow.
The seed's own four models are trained with ``python -m train a2p``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.conversation.settings import Settings
from train.run.command import Prepared

TRACKED_SHARE = 0.25
"""Of the voices that are labelled, so many as a tracker would tell their mouths."""


class ConversationTraining:
    """Trains the conversation model (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data``, and weights that a stage goes on from."""
        add = parser.add_argument
        add(
            "--data",
            type=Path,
            required=True,
            help="a set in the layout `talks` (`python -m train simulate dialogues`)",
        )
        add("--windowed", type=Path, metavar="FILE", help="weights of stage=windowed, which label voices")
        add("--from", dest="before", type=Path, metavar="FILE", help="weights to go on from; stage=distil needs them")

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Talks of train and dev in memory, and the model with its fitted parts."""
        import dataclasses

        from models import checkpoint
        from models.conversation.config import CONFIGS, configuration
        from models.conversation.model import build
        from train.conversation import windowed
        from train.conversation.batches import ConversationBatches, Validation
        from train.conversation.recipe import ConversationRecipe
        from train.conversation.recipe_distil import DistilRecipe
        from train.conversation.recipe_windowed import WindowedRecipe
        from train.conversation.streams import fingerprint, fit, read, styles_of, with_moods
        from train.run.recipe import Recipe
        from train.run.resume import weights_of

        if settings.config not in CONFIGS:
            raise EngineError(f"no config {settings.config!r}; there is {', '.join(CONFIGS)}")
        given: dict[str, Any] = {"lookahead": settings.lookahead, "guide": settings.guide}
        given = {name: value for name, value in given.items() if value >= 0}
        given |= {"head": settings.head} if settings.head else {}
        given |= {"steps": settings.head_steps} if settings.head_steps else {}
        config = dataclasses.replace(configuration(settings.config), **given)
        config = dataclasses.replace(config, styles=styles_of(args.data))
        kept = None
        if args.before is not None and before is None:
            kept = checkpoint.load(args.before)
            config = dataclasses.replace(configuration(kept.config), **given)
        if settings.stage == "distil":
            if args.before is None:
                raise EngineError("stage=distil goes on from a trained flow: give --from FILE")
            config = dataclasses.replace(config, steps=1)
        model = build(config)
        if settings.stage == "windowed" or settings.lip_segment <= settings.lip_burn:
            settings = dataclasses.replace(settings, part="lips") if settings.stage == "windowed" else settings
        parts = with_moods({split: read(model, args.data, split) for split in ("train", "dev")})
        if args.windowed is not None:
            teacher = windowed.load(args.windowed)
            parts = {
                split: windowed.labelled(items, teacher, TRACKED_SHARE, settings.seed) for split, items in parts.items()
            }
        if before is not None and settings.stage != "windowed":
            model.load_state_dict(weights_of(before))
        elif kept is not None:
            model.load_state_dict(kept.state)
        else:
            fit(model, parts["train"])
        data = {split: fingerprint(items) for split, items in parts.items()}
        recipe: Recipe
        if settings.stage == "windowed":
            lips = windowed.WindowedLips(
                windowed.WindowedConfig(heard=model.voice.raw_width, segment=settings.lip_segment, parts=config.parts)
            )
            for name in ("mean", "analysis", "synthesis"):
                getattr(lips, name).copy_(getattr(model.lips, name))
            if before is not None:
                lips.load_state_dict(weights_of(before))
            recipe = WindowedRecipe(lips, settings, data)
        else:
            recipe = (DistilRecipe if settings.stage == "distil" else ConversationRecipe)(model, settings, data)
        minutes = {split: sum(item.frames for item in items) / 1800 for split, items in parts.items()}
        voices = sorted({item.voice for item in parts["train"]})
        return Prepared(
            recipe=recipe,
            batches=ConversationBatches(parts["train"], model, settings),
            validation=Validation(parts["dev"], model, settings),
            frames=settings.lip_rows * settings.lip_segment * (settings.part != "acts")
            + settings.act_rows * settings.act_segment * (settings.part != "lips"),
            summary=f"{len(parts['train'])} talks of {len(voices)} voices, {minutes['train']:.0f} min, to train on; "
            f"{len(parts['dev'])}, {minutes['dev']:.0f} min, to check; "
            f"{sum(p.numel() for p in recipe.model.parameters()):,} parameters",
            record={"stage": settings.stage, "minutes": minutes, "voices": voices},
        )


TRAINING = ConversationTraining()
