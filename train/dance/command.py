"""What `python -m train dance` does of its own: read takes and labels, fit the pose, and in the end the latent walk.

The folder holds BVH files or PirouNet's arrays (:mod:`train.dance.takes`). The last weights are handed out unless
`keep=best` is set: a dance walks among the latents of the training takes, so what counts is what the decoder makes of
those.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from train.dance.options import add_take_arguments, how
from train.dance.settings import Settings
from train.run.command import Prepared

TAKES = "body_cmu_bvh30"


class DanceTraining:
    """Trains the dancer (:class:`train.run.command.Training`)."""

    settings = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data`` and ``--labels``, and how takes are read."""
        parser.add_argument("--data", type=Path, help=f"folder of takes (default $ENGINE_DATA/{TAKES})")
        parser.add_argument("--labels", type=Path, help="labels that people gave with `python -m train label`")
        add_take_arguments(parser)

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """Streams of the takes under the fitted pose."""
        from models.dance import SIZES, build
        from models.dance.config import named
        from train.dance.batches import DanceBatches, Validation
        from train.dance.data import judged_by, read_data
        from train.dance.finish import finish_classifier
        from train.dance.landmarks import fit_walk
        from train.dance.recipe import DanceRecipe
        from train.dance.streams import config_of, fit_pose, fit_sight, read
        from train.run.resume import weights_of

        if settings.config not in SIZES:
            raise EngineError(f"no config {settings.config!r}; there is {', '.join(SIZES)}")
        data = read_data(folder(args.data), args.labels, args.splits, settings, how(args))
        parts = {split: [take for take in data.takes if take.split == split] for split in ("train", "val")}
        model = build(config_of(named(settings.config), parts["train"], settings.effort))
        if before is None:
            fit_pose(model, parts["train"])
        else:
            model.load_state_dict(weights_of(before))
        streams = read(
            model,
            parts["train"],
            data.levels,
            smooth=settings.smooth,
            mirror=settings.mirror,
            turns=settings.turned,
            seed=settings.seed,
        )
        val = read(model, parts["val"], data.levels, smooth=settings.smooth)
        if before is None:
            fit_sight(model, streams)

        def finish(trained: Any) -> str:
            finish_classifier(trained, streams, settings)
            return f"{fit_walk(trained, streams, data.judge or judged_by(trained))} landmarks"

        return Prepared(
            recipe=DanceRecipe(model, settings, {"train": streams.fingerprint, "val": val.fingerprint}),
            batches=DanceBatches(streams, model.config, settings),
            validation=Validation(val, model.config, settings),
            frames=settings.rows * settings.segment + settings.windows * model.config.window,
            summary=f"{len(parts['train'])} takes, {streams.minutes:.1f} min with mirror images, to train on; "
            f"{len(parts['val'])}, {val.minutes:.1f} min, to check; "
            f"{sum(p.numel() for p in model.parameters()):,} parameters",
            record={
                "takes": {take.name: take.split for take in data.takes},
                "styles": dict(Counter(f"{take.style} {take.split}" for take in data.takes)),
                "labels": data.record,
                "minutes": {"train": streams.minutes, "val": val.minutes},
            },
            finish=finish,
        )


def folder(given: Path | None) -> Path:
    """The folder of takes. Raises :class:`EngineError` where none is given and `$ENGINE_DATA` has none."""
    if given is not None:
        return given
    root = os.environ.get("ENGINE_DATA", "")
    if not root or not (Path(root) / TAKES).is_dir():
        raise EngineError(f"--data is missing, and $ENGINE_DATA holds no {TAKES}; give a folder of BVH takes")
    return Path(root) / TAKES


TRAINING = DanceTraining()
