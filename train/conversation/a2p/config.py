"""What a model is built from: its stage and size, what it hears with, and what it was trained beside.

Mended here: the published guide never wrote ``num_audio_layers`` to its ``args.json``, from which it was to be built
again; here the whole configuration goes with the weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass

from engine.errors import EngineError
from train.conversation.a2p.layers import Size
from train.conversation.a2p.wav2vec import WIDTH
from train.run.settings import CHECKED

Stage = Literal["lips", "face", "codec", "guide", "pose"]
Hears = Literal["mel", "wav2vec"]
STAGES: tuple[Stage, ...] = ("lips", "face", "codec", "guide", "pose")


class Sizes(NamedTuple):
    """Of the five models: four transformers; ``sound`` numbers of a voice; ``codes`` a level, ``code`` numbers each, in
    ``depth`` levels; ``encoders`` of what the face hears."""

    lips: Size
    face: Size
    pose: Size
    guide: Size
    sound: int
    codes: int
    code: int
    depth: int
    encoders: int = 2


SIZES = {
    "a2p": Sizes(
        lips=Size(512, 1024, 4, 4),
        face=Size(512, 1024, 8, 8),
        pose=Size(256, 1024, 6, 8),
        guide=Size(64, 1024, 6, 4),
        sound=WIDTH,
        codes=1024,
        code=64,
        depth=4,
    ),
    "tiny": Sizes(
        lips=Size(16, 24, 1, 2),
        face=Size(16, 24, 2, 2),
        pose=Size(16, 24, 2, 2),
        guide=Size(16, 24, 2, 2),
        sound=8,
        codes=16,
        code=8,
        depth=4,
    ),
}
"""``a2p`` is as published."""


@dataclass(frozen=True, config=CHECKED)
class Config:
    """``size`` of :data:`SIZES`; ``segment`` frames were trained on at a time. ``literal``: wav2vec is normalised by
    the whole clip; ``causal``: of lips and guide; ``codec``: the fingerprint of the codec whose tokens a guide draws;
    ``lips``: the configuration of the lip regressor inside a face, None where lips are zeros."""

    stage: Stage
    size: str = "a2p"
    hearing: Hears = "mel"
    literal: bool = False
    causal: bool = False
    diffusion_steps: int = Field(default=1000, ge=1, le=100_000)
    segment: int = Field(default=600, ge=2, le=100_000)
    audio_layers: int = Field(default=2, ge=1, le=8)
    expiry: float = Field(default=2.0, ge=0)
    codec: str = ""
    lips: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise EngineError(f"no config {self.size!r}; there is {', '.join(SIZES)}")

    @property
    def sizes(self) -> Sizes:
        """Of its parts."""
        return SIZES[self.size]

    def to_dict(self) -> Mapping[str, Any]:
        """Plain values for a file."""
        return dataclasses.asdict(self)
