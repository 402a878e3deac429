"""What `python -m train gesture` does of its own: read a set, find kinds of strokes and clusters, prepare the recipe.

The set is one of `python -m train simulate gestures`. The seed's own form, which makes whole windows, is trained with
`python -m train aisle`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.gesture.settings import Settings
from train.run.command import Prepared


class GestureTraining:
    """Trains the gesture model (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data``."""
        parser.add_argument("--data", type=Path, required=True, help="a set of `python -m train simulate gestures`")

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Talks of train and dev in memory, labels and the model's fitted parts."""
        import dataclasses

        import torch

        from models.gesture.config import CONFIGS, configuration
        from models.gesture.model import build
        from train.gesture.batches import GestureBatches, Validation
        from train.gesture.calibrate import calibrate
        from train.gesture.courses import fit_courses, fit_liking, followed
        from train.gesture.labels import SIDE, fit_kinds
        from train.gesture.pats.clusters import Clusters
        from train.gesture.recipe import GestureRecipe
        from train.gesture.streams import fingerprint, intervals_of, poses_of, read, shapes_in
        from train.gesture.words import word_table
        from train.run.resume import weights_of

        if settings.config not in CONFIGS:
            raise EngineError(f"no config {settings.config!r}; there is {', '.join(CONFIGS)}")
        found = {split: intervals_of(args.data, split) for split in ("train", "dev")}
        styles = tuple(sorted({interval.speaker for interval in found["train"]}))
        model = build(dataclasses.replace(configuration(settings.config), styles=styles))
        shapes, hands = shapes_in(model, found["train"])
        kinds = fit_kinds(shapes, hands, model.config.kinds, settings.seed)
        if before is None:
            root = os.environ.get("ENGINE_DATA", "")
            model.words.table.copy_(word_table(Path(root) if root else None, model.config.word))
            model.hands.copy_(torch.tensor([SIDE[int(hand)] for hand in kinds.hands]))
            model.poses.fit(torch.cat([poses_of(interval.read("live/rotations")) for interval in found["train"]]))
        else:
            model.load_state_dict(weights_of(before))
        clusters = Clusters.fit_set(found["train"], settings.seed)
        parts = {split: read(model, kinds, intervals, clusters.label) for split, intervals in found.items()}
        if before is None:
            fit_rest(model, parts["train"])
            fit_courses(model, parts["train"])
            fit_liking(model, parts["train"])
        parts = {split: followed(model, items) for split, items in parts.items()}
        minutes = {split: sum(item.frames for item in items) / (60 * 15) for split, items in parts.items()}

        def finish(trained: Any) -> str:
            return calibrate(trained, parts["dev"], settings.seed)

        return Prepared(
            recipe=GestureRecipe(model, settings, {split: fingerprint(items) for split, items in parts.items()}),
            batches=GestureBatches(parts["train"], model.config, settings),
            validation=Validation(parts["dev"], model.config, settings),
            frames=settings.rows * settings.segment,
            finish=finish,
            summary=f"{len(parts['train'])} performances of {len(styles)} gesturers, {minutes['train']:.0f} min, to "
            f"train on; {len(parts['dev'])}, {minutes['dev']:.0f} min, to check; {len(shapes)} strokes; "
            f"{sum(p.numel() for p in model.parameters()):,} parameters",
            record={
                "styles": list(styles),
                "minutes": minutes,
                "strokes": len(shapes),
                "talks": {split: len({item.talk for item in items}) for split, items in parts.items()},
            },
        )


def fit_rest(model: Any, performances: Any) -> None:
    """How each gesturer stands at rest: the median pose of its frames of rest."""
    import torch

    from models.gesture.plan import REST

    for style in range(len(model.config.styles)):
        own = [item.pose[item.ids[:, 0] == REST] for item in performances if item.style == style]
        frames = torch.cat(own) if own else torch.empty(0, model.poses.mean.numel())
        model.poses.rest[style] = frames.median(0).values if len(frames) else model.poses.mean


TRAINING = GestureTraining()
