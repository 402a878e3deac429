"""Streams made by hand for the tests of the reaction recipe: cheap, and with something in them to learn."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import checkpoint
from models.reaction import Reaction
from train.reaction.settings import Settings
from train.reaction.streams import Streams


def save(path: Path, model: Reaction) -> Path:
    """The model as a checkpoint at ``path``."""
    checkpoint.save(path, checkpoint.Checkpoint("reaction", model.config.to_dict(), model.state_dict()))
    return path


def settings(**changes: Any) -> Settings:
    """A short run on few small rows."""
    usual = Settings(
        config="tiny",
        seed=1,
        steps=12,
        rows=3,
        crop=25,
        rate=1e-2,
        warmup=2,
        decay=0.01,
        clip=1.0,
        smoothing=0.0,
        average=0.0,
        keep="best",
        head_weights=(),
        face_off=0.2,
        audio_off=0.1,
        own_off=0.2,
        check_every=1,
        check_minutes=0.1,
        precision="fp32",
        threads=1,
    )
    return dataclasses.replace(usual, **changes)


def toy(streams: int = 3, frames: int = 200, seed: int = 0, model: Reaction | None = None) -> Streams:
    """Streams of one talk each.

    The voice's first feature says which of two states it is in, and changes with a chance of 1 / 20; the first id is
    that state. The second id stays with a chance of 0.9, else it is one of four. A cue becomes known as the state turns
    to 1. Stream k stands for a nod rate of 1 + k / 10. For ``model``, features and heads are as many as its own,
    further heads always 0.
    """
    rng = np.random.default_rng(seed)
    width, heads = (model.hearing.width, model.heads) if model else (4, 2)
    total = streams * frames
    heard = rng.standard_normal((total, width)).astype(np.float32) * 0.1
    told = np.cumsum(rng.random(total) < 1 / 20) % 2
    heard[:, 0] = 2.0 * told - 1.0
    ids = np.zeros((total, heads), np.int16)
    ids[:, 0] = told
    for frame in range(1, total):
        ids[frame, 1] = ids[frame - 1, 1] if rng.random() < 0.9 else rng.integers(4)
    start = np.arange(streams) * frames
    kinds = len(model.config.cues) if model else 2
    return Streams(
        heard=torch.from_numpy(heard)[None],
        face=torch.from_numpy(rng.random((total, 58)).astype(np.float32)),
        cues=torch.from_numpy(np.repeat(np.diff(told, prepend=0)[:, None] == 1, kinds, 1).astype(np.int8)),
        ids=torch.from_numpy(ids),
        controls=torch.ones(total, 2),
        nod_rate=1.0 + torch.arange(streams) / 10,
        talk_start=start,
        start=start,
        frames=np.full(streams, frames),
        fingerprint=f"toy {seed}",
    )
