"""Sizes of the conversation model: what it hears, how far it looks ahead, how a frame is drawn.

``small`` is what ships, ``tiny`` is for tests. A checkpoint carries the configuration it was trained with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.body.skeleton import skeleton
from engine.channels import FACE_NAMES, HEAD_NAMES
from engine.errors import EngineError
from models.listening.folded_names import FOLDED_NAMES
from models.sizes import sized

BODY = skeleton("cmu")
RATE, SAMPLE_RATE = 30.0, 15_000
"""Frames and samples a second: the lowest rate with whole hops that holds what fricatives are told by."""
HOP = int(SAMPLE_RATE / RATE)
MOUTH_NAMES = tuple(name for name in FACE_NAMES if name.startswith(("jaw", "mouth")))
"""The 27 channels that speech moves."""
MOUTH = tuple(FACE_NAMES.index(name) for name in MOUTH_NAMES)
CAPTURES = ("captured", "tracked")
"""How a mouth was recorded: by a face capture, or by a webcam's tracker. They tell one movement by other numbers."""
MOODS = ("reserved", "friendly", "cheerful")
"""Thirds of the talks by how much their avatar smiles."""
TRUNK = (
    "abdomen",
    "chest",
    "rShldr",
    "rForeArm",
    "rHand",
    "lShldr",
    "lForeArm",
    "lHand",
)
"""Joints of the body that are drawn; neck and head turn as the face says."""
UPPER_NAMES = ("abdomen", "chest", "neck", "head", *TRUNK[2:])
NECK_SHARE = 0.4
"""Of the head's turn the neck makes so much, the head the rest."""
PLANS = ("nod", "smile", "brow", "blink", "stroke", "away", "back")
"""Movements that are decided on before they are made, each a yes or no in every frame; ``away`` and ``back`` are looks
away from the partner and back."""


@dataclass(frozen=True)
class Group:
    """Numbers of face or body that share ``parts`` principal components."""

    name: str
    channels: tuple[str, ...]
    parts: int


def _starting(*beginnings: str) -> tuple[str, ...]:
    return tuple(name for name in FOLDED_NAMES if name.startswith(beginnings))


EYES = ("gaze", "eye")
FACE_GROUPS = (
    Group("rotation", HEAD_NAMES[:3], 3),
    Group("translation", HEAD_NAMES[3:], 3),
    Group("eyes", _starting(*EYES), 7),
    Group("brows", _starting("brow"), 3),
    Group("mouth", tuple(n for n in FOLDED_NAMES if n not in (*HEAD_NAMES, *_starting(*EYES, "brow"))), 4),
)
BODY_GROUP = Group("body", tuple(f"{joint}.{number}" for joint in TRUNK for number in range(6)), 14)
GROUPS = (*FACE_GROUPS, BODY_GROUP)
ACTS = sum(group.parts for group in GROUPS)
"""Numbers that expression and body are drawn as."""


@dataclass(frozen=True)
class ConversationConfig:
    """``styles`` names whose manner of moving a body has. ``lookahead`` frames by which what is shown lags what is
    heard. ``bands`` of the mel spectrum. Lips: ``lips`` channels of a convolution over the own voice, whose
    ``dilations`` make a narrow window in time, and ``closing`` channels of another, which hears b, p and m. Acts:
    ``channels`` of a transformer over both voices and the own past, whose ``window`` (frames) is wide.

    ``head`` draws a frame: ``flow`` in ``steps`` steps of its flow, or ``rolling`` diffusion over ``roll`` frames; it
    has ``head_layers`` layers of ``head_channels``.
    """

    styles: tuple[str, ...] = ("anyone",)
    lookahead: int = 1
    bands: int = 40
    lips: int = 128
    dilations: tuple[int, ...] = (1, 2, 4)
    closing: int = 64
    channels: int = 128
    heads: int = 4
    window: int = 90
    blocks: int = 3
    hidden: int = 320
    head: Literal["flow", "rolling"] = "flow"
    steps: int = 8
    roll: int = 6
    head_layers: int = 3
    head_channels: int = 192
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.head not in ("flow", "rolling"):
            raise EngineError(f"head {self.head!r}: give flow or rolling")
        if not self.styles or len(set(self.styles)) != len(self.styles):
            raise EngineError(f"styles {self.styles}: give one name or more, each once")
        if self.lookahead < 0 or self.steps < 1 or self.roll < 1:
            raise EngineError("lookahead, steps and roll: give 0 or more, 1 or more, 1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {**dataclasses.asdict(self), "dilations": list(self.dilations), "styles": list(self.styles)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConversationConfig:
        """The configuration that :meth:`to_dict` wrote."""
        try:
            return cls(**{**data, "dilations": tuple(data["dilations"]), "styles": tuple(data["styles"])})
        except (KeyError, TypeError) as error:
            raise EngineError(f"a conversation configuration does not read ({error}); train the model again") from error


CONFIGS = {
    "small": ConversationConfig(),
    "tiny": ConversationConfig(
        styles=("one", "other"),
        bands=16,
        lips=16,
        closing=8,
        dilations=(1, 2),
        channels=16,
        heads=2,
        window=12,
        blocks=1,
        hidden=24,
        head_layers=1,
        head_channels=16,
        roll=3,
        steps=2,
    ),
}


def configuration(size: str | Mapping[str, Any] | ConversationConfig = "small") -> ConversationConfig:
    """A configuration by name, or from the plain values of one. Raises :class:`EngineError` naming what there is."""
    return sized(size, CONFIGS, "conversation model")
