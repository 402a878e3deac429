"""Sizes of the text-to-motion model: the tokenizer, the base and the refine transformer.

``paper`` has the sizes of PGR2M (Jeong & Choi 2025, arXiv:2512.22464: 512 channels in the tokenizer, 1024 in the
transformers, 18 and 6 blocks), with convolutions that run frame by frame; ``small`` is what ships and runs on one CPU
core; ``tiny`` is for tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from models.text_motion.layout import LAYOUTS, Layout

TOKEN = 4
"""Frames of one token."""
LEVELS, CODEBOOK = 6, 512
"""Residual levels, and entries of the codebook of each."""


@dataclass(frozen=True)
class TextMotionConfig:
    """``layout`` names the features (:data:`LAYOUTS`), ``text`` is the width of a text's vector.

    Tokenizer: ``width`` channels of its convolutions, ``latent`` numbers of a token, dilations of the residual blocks
    of encoder and decoder. ``causal``: left-padded, as it is served; without it both see the future, as in the seed,
    and the model is a yardstick that cannot be served. Base and refine transformer: channels, blocks, heads, and the
    ``window`` of past tokens they attend to; ``depth`` blocks of the loop over residual levels."""

    layout: str = "humanml3d"
    text: int = 384
    causal: bool = True
    width: int = 128
    latent: int = 128
    encoder_dilations: tuple[int, ...] = (1, 3, 9)
    decoder_dilations: tuple[int, ...] = (1, 3, 9, 1, 3)
    base_channels: int = 192
    base_blocks: int = 4
    base_heads: int = 6
    base_window: int = 48
    refine_channels: int = 128
    refine_blocks: int = 2
    refine_heads: int = 4
    refine_window: int = 24
    depth: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise EngineError(f"no layout {self.layout!r}; there is {', '.join(LAYOUTS)}")
        for name in ("base", "refine"):
            channels, heads = getattr(self, f"{name}_channels"), getattr(self, f"{name}_heads")
            if channels % heads:
                raise EngineError(f"{name}: {channels} channels do not divide over {heads} heads; choose a divisor")

    @property
    def body(self) -> Layout:
        """The layout of the features."""
        return LAYOUTS[self.layout]

    @property
    def servable(self) -> bool:
        """Whether it can run live: nothing in it sees the future, and the stage knows its body."""
        return self.causal and self.layout == "humanml3d"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {key: list(item) if isinstance(item, tuple) else item for key, item in vars(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextMotionConfig:
        """The configuration that :meth:`to_dict` wrote."""
        known = {field.name for field in dataclasses.fields(cls)}
        if data.keys() - known:
            raise EngineError(f"a text_motion configuration has {sorted(data.keys() - known)}; train the model again")
        values: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in data.items()}
        return cls(**values)


_TINY: dict[str, Any] = {
    "width": 16,
    "latent": 16,
    "encoder_dilations": (1, 3),
    "decoder_dilations": (1, 3),
    "base_channels": 16,
    "base_blocks": 1,
    "base_heads": 2,
    "base_window": 6,
    "refine_channels": 16,
    "refine_blocks": 1,
    "refine_heads": 2,
    "refine_window": 4,
    "depth": 1,
    "text": 8,
}
_PAPER: dict[str, Any] = {
    "text": 512,
    "width": 512,
    "latent": 512,
    "encoder_dilations": (9, 3, 1, 9, 3, 1),
    "decoder_dilations": (9, 3, 1, 9, 3, 1),
    "base_channels": 1024,
    "base_blocks": 18,
    "base_heads": 16,
    "refine_channels": 1024,
    "refine_blocks": 6,
    "refine_heads": 8,
    "refine_window": 48,
    "dropout": 0.1,
}
_SIZES: dict[str, dict[str, Any]] = {
    "small": {},
    "tiny": _TINY,
    "paper": _PAPER,
    "kit": {"layout": "kit"},
    "small_future": {"causal": False},
}
SIZES = tuple(_SIZES)
Config = str | Mapping[str, Any] | TextMotionConfig


def named(size: Config = "small") -> TextMotionConfig:
    """A configuration by name, or from the plain values of one. Raises :class:`EngineError` naming what there is."""
    if isinstance(size, TextMotionConfig):
        return size
    if not isinstance(size, str):
        return TextMotionConfig.from_dict(size)
    if size not in _SIZES:
        raise EngineError(f"no text_motion configuration {size!r}; there is {', '.join(_SIZES)}")
    return TextMotionConfig(**_SIZES[size])
