"""Sizes of the gesture model: who gestures in it, what it hears, and how wide its networks are.

``small`` is what ships, ``tiny`` is for tests. A checkpoint carries the configuration it was trained with; the names of
the gesturers come from the data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.body.skeleton import skeleton
from engine.errors import EngineError
from models.sizes import sized

BODY = skeleton("cmu")
MOVING = (
    "hip",
    "abdomen",
    "chest",
    "neck",
    "head",
    "rShldr",
    "rForeArm",
    "rHand",
    "lShldr",
    "lForeArm",
    "lHand",
)
"""Joints that turn in a body that gestures, the root first; legs, collars and fingers stay as they are at rest."""
RATE, SAMPLE_RATE = 15.0, 12000
"""Frames a second, as PATS has them, and samples a second: a low rate with whole hops that
holds what accents are told by."""
HOP = int(SAMPLE_RATE / RATE)
CLUSTERS = 8
"""Decoders of the mixture, as in AISLe."""


@dataclass(frozen=True)
class GestureConfig:
    """``styles`` names the gesturers. ``kinds`` shapes of strokes are told apart. ``bands`` of the mel spectrum;
    ``words`` newest words are seen, each as ``word`` numbers. ``hidden`` units of the network that listens,
    ``planner`` of the one that decides, ``decoder`` of the one that moves, whose mixture has ``mixture`` channels a
    decoder. ``dropout`` in training."""

    styles: tuple[str, ...] = ("anyone",)
    kinds: int = 96
    bands: int = 40
    words: int = 3
    word: int = 24
    hearing: int = 96
    hidden: int = 192
    planner: int = 96
    decoder: int = 224
    mixture: int = 48
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if not self.styles or len(set(self.styles)) != len(self.styles):
            raise EngineError(f"styles {self.styles}: give one name or more, each once")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {**dataclasses.asdict(self), "styles": list(self.styles)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GestureConfig:
        """The configuration that :meth:`to_dict` wrote."""
        try:
            return cls(**{**data, "styles": tuple(data["styles"])})
        except (KeyError, TypeError) as error:
            raise EngineError(f"a gesture configuration does not read ({error}); train the model again") from error


CONFIGS = {
    "small": GestureConfig(),
    "tiny": GestureConfig(
        kinds=4,
        bands=12,
        words=2,
        word=4,
        hearing=8,
        hidden=12,
        planner=8,
        decoder=12,
        mixture=4,
        styles=("one", "other"),
    ),
}


def configuration(size: str | Mapping[str, Any] | GestureConfig = "small") -> GestureConfig:
    """A configuration by name, or from the plain values of one. Raises :class:`EngineError` naming what there is."""
    return sized(size, CONFIGS, "gesture model")
