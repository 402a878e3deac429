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
        from train.conversation.calibrate import calibrate
        from train.conversation.recipe import ConversationRecipe
        from train.conversation.recipe_distil import DistilRecipe
        from train.conversation.recipe_windowed import WindowedRecipe
        from train.conversation.streams import fingerprint, fit, fit_usual, read, styles_of, with_moods
        from train.run.recipe import Recipe
        from train.run.resume import weights_of

        if settings.config not in CONFIGS:
            raise EngineError(f"no config {settings.config!r}; there is {', '.join(CONFIGS)}")
        given: dict[str, Any] = {"lookahead": settings.lookahead} if settings.lookahead >= 0 else {}
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
        windows = settings.stage == "windowed"
        if windows:  # a window sees what comes: a mouth stands beside what is heard with it
            config = dataclasses.replace(config, lookahead=0)
        model = build(config)
        if settings.lip_segment <= settings.lip_burn or settings.act_segment <= settings.act_burn:
            raise EngineError("lip_burn and act_burn must be shorter than the pieces: give longer segments")
        # Windows are of mouths alone; the settings that are kept with the run stay as they were given.
        drawn = dataclasses.replace(settings, part="lips") if windows else settings
        parts = with_moods({split: read(model, args.data, split) for split in ("train", "dev")})
        if before is not None and not windows:
            model.load_state_dict(weights_of(before))
        elif kept is not None:
            model.load_state_dict(kept.state)
        else:
            fit(model, parts["train"])
            fit_usual(model, parts["train"])
        if args.windowed is not None:  # after what is fitted, which is captured mouths' alone
            teacher = windowed.load(args.windowed)
            parts = {
                split: windowed.labelled(items, teacher, TRACKED_SHARE, settings.seed) for split, items in parts.items()
            }
        data = {split: fingerprint(items) for split, items in parts.items()}
        recipe: Recipe
        if windows:
            lips = windowed.WindowedLips(
                windowed.WindowedConfig(heard=model.voice.raw_width, segment=settings.lip_segment)
            )
            lips.codec.load_state_dict(model.lips.codec.state_dict())
            if before is not None:
                lips.load_state_dict(weights_of(before))
            recipe = WindowedRecipe(lips, settings, data)
        else:
            recipe = (DistilRecipe if settings.stage == "distil" else ConversationRecipe)(model, settings, data)
        minutes = {split: sum(item.frames for item in items) / 1800 for split, items in parts.items()}
        voices = sorted({item.voice for item in parts["train"]})
        told = sum(bool(item.spelt.any()) for item in parts["train"])

        def finish(trained: Any) -> str:
            if drawn.part == "lips":
                return ""
            return calibrate(trained, [*parts["dev"], *parts["train"]], settings)

        return Prepared(
            recipe=recipe,
            finish=finish,
            batches=ConversationBatches(parts["train"], model, drawn),
            validation=Validation(parts["dev"], model, drawn),
            frames=settings.lip_rows * settings.lip_segment * (drawn.part != "acts")
            + settings.act_rows * settings.act_segment * (drawn.part != "lips"),
            summary=f"{len(parts['train'])} talks of {len(voices)} voices, {minutes['train']:.0f} min, to train on "
            f"({told} tell when b, p and m are said); "
            f"{len(parts['dev'])}, {minutes['dev']:.0f} min, to check; "
            f"{sum(p.numel() for p in recipe.model.parameters()):,} parameters",
            record={"stage": settings.stage, "minutes": minutes, "voices": voices},
        )


TRAINING = ConversationTraining()
