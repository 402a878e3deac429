"""The five models as they are trained and kept: a network, what it hears with, and the person's means and deviations.

All numbers that sampling needs are in the file of a model, so no training data have to be there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineError
from engine.plain import PlainError, read
from models import checkpoint
from train.conversation.a2p.codec import Codec
from train.conversation.a2p.config import Config, Stage
from train.conversation.a2p.denoiser import Denoiser
from train.conversation.a2p.guide import Guide
from train.conversation.a2p.hearing import Hearing, Mel, Speech
from train.conversation.a2p.layout import CODES, FPS, POSE, VERTICES, Stats
from train.conversation.a2p.lips import LipRegressor

FAMILY = "a2p"
FEATURES: dict[Stage, int] = {"lips": 3 * VERTICES, "face": CODES, "codec": POSE, "guide": POSE, "pose": POSE}
"""Numbers of a frame of what a stage makes, or makes tokens of."""


class Scale(NamedTuple):
    """Mean and deviation of the numbers of a frame."""

    mean: Tensor
    deviation: Tensor


class Person(nn.Module):
    """Means and deviations of codes (256), poses (104) and sound (2 and 1)."""

    audio_std_flat: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, width in zip(Stats._fields, (CODES, CODES, POSE, POSE, 2, 1), strict=True):
            self.register_buffer(name, torch.full((width,), float("std" in name)))

    def set(self, stats: Stats) -> None:
        """Take a person's."""
        for name, value in stats._asdict().items():
            getattr(self, name).copy_(torch.from_numpy(np.array(value)))

    @property
    def stats(self) -> Stats:
        """As arrays."""
        return Stats(*(getattr(self, name).cpu().numpy() for name in Stats._fields))

    def scale(self, features: int) -> Scale:
        """Mean and deviation of frames of so many numbers; lips (1014) stay as they are."""
        kind = {CODES: "code", POSE: "pose"}.get(features)
        if kind is None:
            return Scale(torch.zeros_like(self.audio_std_flat), torch.ones_like(self.audio_std_flat))
        return Scale(getattr(self, f"{kind}_mean"), getattr(self, f"{kind}_std"))


class A2PModel(nn.Module):
    """Base of the five. ``trained`` counts the steps."""

    trained: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config, self.person = config, Person()
        self.register_buffer("trained", torch.zeros((), dtype=torch.long))

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.trained.device

    @property
    def ears(self) -> Hearing | None:
        """What it hears with; None for one that does not."""
        return None

    @property
    def features(self) -> int:
        """Numbers of a frame."""
        return FEATURES[self.config.stage]

    def standard(self, frames: Tensor) -> Tensor:
        """Frames (..., F) less the person's mean, over the deviation."""
        scale = self.person.scale(self.features)
        return (frames - scale.mean) / scale.deviation

    def restored(self, frames: Tensor) -> Tensor:
        """What :meth:`standard` made, as it was."""
        scale = self.person.scale(self.features)
        return frames * scale.deviation + scale.mean


class LipModel(A2PModel):
    """Lips of the own voice."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.net = LipRegressor(config.sizes.lips, hearing_of(config, channels=1), config.causal)

    @property
    def ears(self) -> Hearing:
        """What its network hears with."""
        return self.net.hearing


class DiffusionModel(A2PModel):
    """A denoiser of codes or poses. A face also hears where the lips are, as ``lips`` makes it of the own voice;
    without them these numbers are zeros."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        sizes, face = config.sizes, config.stage == "face"
        self.hearing = hearing_of(config, channels=2)
        self.lips: LipRegressor | None = None
        if config.lips is not None:
            lips = config_of(config.lips)
            self.lips = LipRegressor(lips.sizes.lips, hearing_of(lips, channels=1), lips.causal).requires_grad_(False)
        self.net = Denoiser(
            sizes.face if face else sizes.pose,
            self.features,
            2 * sizes.sound + (3 * VERTICES if face else 0),
            sizes.encoders if face else 0,
            self.hearing.features(config.segment),
            0 if face else seconds_of(config.segment),
        )

    @property
    def ears(self) -> Hearing:
        """What it hears with."""
        return self.hearing

    def hear(self, rows: Tensor, frames: int) -> Tensor:
        """Features (B, N, heard) of rows of sound, once for a clip."""
        heard: Tensor = self.hearing(rows)
        if self.config.stage != "face":
            return heard
        if self.lips is None:
            lips = heard.new_zeros(*heard.shape[:2], 3 * VERTICES)
        else:
            with torch.no_grad():
                # Dropout of the frozen regressor would only be noise in what is heard.
                made = (self.lips.eval()(rows, frames) - self.lips.mean) / self.lips.scale
            at = (torch.arange(heard.shape[1], device=rows.device) + 0.5) * frames / heard.shape[1]
            lips = made[:, at.long().clamp_max(frames - 1)]  # the frame that is nearest to each feature
        return torch.cat([heard, lips], -1)


class CodecModel(A2PModel):
    """The codec of a pose each second."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        sizes = config.sizes
        self.net = Codec(POSE, sizes.code, sizes.codes, sizes.depth, config.expiry)

    @property
    def fingerprint(self) -> str:
        """Of its numbers: a guide draws the tokens of this codec alone."""
        digest = hashlib.sha256()
        for name, value in sorted(self.net.state_dict().items()):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


class GuideModel(A2PModel):
    """The guide."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        sizes = config.sizes
        self.hearing = hearing_of(config, channels=2)
        table = max(1, self.hearing.features(config.segment))
        self.net = Guide(
            sizes.guide, sizes.codes, sizes.depth, 2 * sizes.sound, config.audio_layers, table, config.causal
        )

    @property
    def ears(self) -> Hearing:
        """What it hears with."""
        return self.hearing

    def known(self, seconds: int) -> Tensor:
        """How many features (seconds,) are made of the sound before each second."""
        return torch.tensor([self.hearing.known(FPS * second) for second in range(seconds)], device=self.device)


KINDS: dict[Stage, type[A2PModel]] = {
    "lips": LipModel,
    "face": DiffusionModel,
    "codec": CodecModel,
    "guide": GuideModel,
    "pose": DiffusionModel,
}


def hearing_of(config: Config, channels: int) -> Hearing:
    """What a model of this configuration hears with; a lip regressor hears wav2vec's large model."""
    width = config.sizes.sound
    if config.hearing == "mel":
        return Mel(width, channels)
    return Speech(width, channels, config.literal, aggregated=config.stage == "lips")


def seconds_of(frames: int) -> int:
    """Seconds that begin within so many frames: there are as many guide poses."""
    return -(-frames // FPS)


def build(config: Config) -> A2PModel:
    """A model with random weights."""
    return KINDS[config.stage](config)


def config_of(values: object) -> Config:
    """A configuration of plain values. Raises :class:`EngineError`."""
    try:
        return read(Config, values)
    except PlainError as error:
        raise EngineError(f"configuration: {error}") from None


def load(path: Path, *stages: Stage) -> A2PModel:
    """The model in a file of :mod:`models.checkpoint`, in evaluation mode. Raises :class:`EngineError` for one that is
    of none of ``stages``."""
    kept = checkpoint.load(path)
    if kept.family != FAMILY:
        raise EngineError(f"{path} holds weights of family {kept.family!r}; give a file of `python -m train a2p train`")
    try:
        config = config_of(dict(kept.config))
        if config.stage not in stages:
            raise EngineError(f"holds stage {config.stage}, {' or '.join(stages)} is due; give that stage's file")
        model = build(config)
        model.load_state_dict(kept.state)
    except (RuntimeError, EngineError) as error:
        raise EngineError(f"{path}: {' '.join(str(error).split())[:300]}") from None
    return model.eval()
