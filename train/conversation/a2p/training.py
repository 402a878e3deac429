"""What ``python -m train a2p train`` does of its own: read a person's folder, build a stage, measure what it needs.

Everything else (steps, validation, stopping, resuming, what is written) is the trainer of all families,
:mod:`train.run.command`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.errors import EngineError
from train.conversation.a2p.settings import Settings
from train.run.command import Prepared
from train.run.settings import RunSettings

if TYPE_CHECKING:
    from train.conversation.a2p.batches import Take
    from train.conversation.a2p.config import Config
    from train.conversation.a2p.models import A2PModel, CodecModel


class A2PTraining:
    """Trains one of the five models (:class:`train.run.command.Training`)."""

    settings: type[RunSettings] = Settings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``--data``, and the files that a stage needs."""
        add = parser.add_argument
        add("--data", type=Path, required=True, metavar="PERSON", help="a person's folder in audio2photoreal's layout")
        add(
            "--partner", type=Path, metavar="PERSON", help="the other person's folder: train on that body (flip_person)"
        )
        add("--codec", type=Path, metavar="FILE", help="weights of stage codec: stage guide needs them")
        add("--lips", type=Path, metavar="FILE", help="weights of stage lips, for stage face; without, lips are zeros")
        add("--wav2vec", type=Path, metavar="FILE", help="fairseq's weights, for hearing=wav2vec")

    def prepare(self, args: argparse.Namespace, settings: Settings, before: dict[str, Any] | None) -> Prepared:
        """The model of a stage and crops of the person's scenes."""
        from train.conversation.a2p.batches import A2PBatches, Source, Validation, fingerprint, takes_of
        from train.conversation.a2p.layout import PersonFolder
        from train.conversation.a2p.models import GuideModel, build
        from train.conversation.a2p.recipes import RECIPES, GuideRecipe
        from train.run.resume import weights_of

        folder = PersonFolder(args.data, args.partner, settings.yaw)
        if settings.stage == "lips":
            for scene in (*folder.split("train"), *folder.split("val")):
                scene.vertices(0, 1)
        codec = _codec(args.codec, settings)
        config = config_for(settings, None if codec is None else codec.fingerprint, args.lips)
        model = build(config)
        data = {f"{split} scenes": fingerprint(folder, split) for split in ("train", "val")}
        data |= {"--codec": config.codec, "--lips": "" if config.lips is None else "heard"}
        others = [name for name in data if before is not None and before["data"].get(name) != data[name]]
        if others:
            raise EngineError(f"{args.out} was begun with other {', '.join(others)}; give those, or another --out")
        if before is None:
            model.person.set(folder.stats)
            if model.ears is not None:
                model.ears.load(args.wav2vec)
        else:
            model.load_state_dict(weights_of(before))
        stats = model.person.stats
        takes = {split: takes_of(folder, split, model.ears, stats) for split in ("train", "val")}
        if before is None:
            measure(model, takes["train"], args.lips)
        if codec is not None:
            assert isinstance(model, GuideModel)
            recipe: Any = GuideRecipe(model, settings, data, codec)
        else:
            recipe = cast(Any, RECIPES[settings.stage])(model, settings, data)
        source = Source(settings.stage, stats, model.ears)
        trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
        told = "; no lips are given, what the face hears of them is zeros" if _without_lips(config) else ""
        left = f"; left out, no face code: {', '.join(folder.skipped)}" if folder.skipped else ""
        return Prepared(
            recipe=recipe,
            batches=A2PBatches(takes["train"], source, settings),
            validation=Validation(takes["val"], source, settings),
            frames=settings.rows * settings.segment,
            summary=f"{len(takes['train'])} scenes to train on, {len(takes['val'])} to check; stage {settings.stage}, "
            f"{trained:,} parameters{told}{left}",
            record={
                "stage": settings.stage,
                "scenes": {split: [take.scene.name for take in found] for split, found in takes.items()},
                "left_out": list(folder.skipped),
                "lips": "zeros" if _without_lips(config) else "heard" if config.lips else "none",
            },
        )


def config_for(settings: Settings, codec: str | None, lips: Path | None) -> Config:
    """The configuration of a stage. Raises :class:`EngineError` for files that the stage has no use for."""
    from train.conversation.a2p.config import Config
    from train.conversation.a2p.models import load

    inner = None
    if lips is not None:
        if settings.stage != "face":
            raise EngineError(f"--lips goes with stage face, not {settings.stage}; leave it out")
        inner = load(lips, "lips").config
        if (inner.hearing, inner.size) != (settings.hearing, settings.config):
            raise EngineError(
                f"{lips} hears by {inner.hearing} in size {inner.size}, the face by {settings.hearing} in size "
                f"{settings.config}; give hearing={inner.hearing} config={inner.size}, or other lips"
            )
    return Config(
        stage=settings.stage,
        size=settings.config,
        hearing=settings.hearing,
        literal=settings.literal,
        causal=settings.causal,
        diffusion_steps=settings.diffusion_steps,
        segment=settings.segment,
        audio_layers=settings.audio_layers,
        expiry=settings.expiry,
        codec=codec or "",
        lips=None if inner is None else dict(inner.to_dict()),
    )


def measure(model: A2PModel, takes: list[Take], lips: Path | None) -> None:
    """Statistics of what is heard, the lips of a face, and the mean and spread of lips to be learned."""
    import torch

    from train.conversation.a2p.models import DiffusionModel, LipModel, load

    if model.ears is not None:
        model.ears.fit([take.rows for take in takes if take.rows is not None])
    if isinstance(model, DiffusionModel) and model.lips is not None and lips is not None:
        model.lips.load_state_dict(cast(LipModel, load(lips, "lips")).net.state_dict())
    if isinstance(model, LipModel):
        every = torch.cat([torch.from_numpy(take.scene.vertices()[::10]) for take in takes])
        model.net.mean.copy_(every.mean(0))
        model.net.scale.copy_((every - every.mean(0)).square().mean().sqrt().clamp_min(1e-6))


def _codec(path: Path | None, settings: Settings) -> CodecModel | None:
    from train.conversation.a2p.models import CodecModel, load

    if settings.stage != "guide":
        if path is not None:
            raise EngineError(f"--codec goes with stage guide, not {settings.stage}; leave it out")
        return None
    if path is None:
        raise EngineError("stage guide learns the tokens of a codec: give --codec FILE, the model of stage codec")
    codec = cast(CodecModel, load(path, "codec"))
    if codec.config.size != settings.config:
        raise EngineError(f"{path} is of size {codec.config.size}; give config={codec.config.size}, or another codec")
    return codec


def _without_lips(config: Config) -> bool:
    return config.stage == "face" and config.lips is None


TRAINING = A2PTraining()
