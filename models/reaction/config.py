"""Sizes of the learned listener: how a face is cut into ids, and how wide and deep the predictor is.

``small`` is served on one CPU core; ``full`` has the size of the AIS laboratory's REACT2024 system (360 channels, 12
heads, 8 cross-modal levels, 256 frames; theirs has 86.1 M parameters in the predictor); ``ais`` is that system's token,
one id of levels [8, 5, 5, 5] for all 58 numbers, coded absolutely, kept as the yardstick of the tokenizer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.channels import HEAD_NAMES
from engine.errors import EngineError
from models.listening.folded_names import FOLDED_NAMES
from models.sizes import sized


def _starting(*beginnings: str) -> tuple[str, ...]:
    return tuple(name for name in FOLDED_NAMES if name.startswith(beginnings))


@dataclass(frozen=True)
class Group:
    """Channels that share one id: ``levels`` of each latent number, most important first (their product is the number
    of codes). ``predictive``: ids code the difference from what the past ids foretell, not the value itself.
    ``leashed``: what strays farther than listeners do is drawn back, so that errors of the drawn ids cannot add up."""

    name: str
    channels: tuple[str, ...]
    levels: tuple[int, ...]
    predictive: bool = True
    leashed: bool = False


EYES = _starting("eye", "gaze")
BROWS = _starting("brow")
MOUTH = tuple(name for name in FOLDED_NAMES if name not in (*EYES, *BROWS, *HEAD_NAMES))
DEFAULT_GROUPS = (
    Group("rotation", HEAD_NAMES[:3], (9, 9, 7)),
    Group("translation", HEAD_NAMES[3:], (5, 5, 5), leashed=True),
    Group("eyes", EYES, (7, 9, 9)),
    Group("brows", BROWS, (7, 5)),
    Group("mouth", MOUTH, (9, 5, 5)),
)
PLANS = ("nod", "smile", "ease", "brow", "away", "back")
"""Movements that the listener decides on before it makes them, each a yes or no of its own in every frame. ``ease``
lets a smile go; ``away`` and ``back`` begin and end a look away."""
CUES = ("end", "low", "smile")
"""What the network is taught to notice in the frame in which it can be known: the end of a phrase, low pitch, a smile
of the partner."""
AIS_GROUPS = (Group("face", FOLDED_NAMES, (8, 5, 5, 5), predictive=False),)


@dataclass(frozen=True)
class ReactionConfig:
    """Sizes; ``window`` and rates in frames of 40 ms. ``single_blocks`` self-attention blocks come before the crossing
    in each of the four streams (voice, face, own past, fused speaker), ``speaker_blocks`` cross voice and face,
    ``listener_blocks`` cross the own past with the speaker."""

    groups: tuple[Group, ...] = DEFAULT_GROUPS
    plans: tuple[str, ...] = PLANS
    cues: tuple[str, ...] = CUES
    channels: int = 128
    heads: int = 4
    window: int = 96
    single_blocks: int = 0
    speaker_blocks: int = 2
    listener_blocks: int = 3
    hidden: int = 384
    bands: int = 40
    dropout: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ReactionConfig:
        """The configuration that :meth:`to_dict` wrote, also after a way through JSON."""
        try:
            groups = tuple(
                Group(**{**group, "channels": tuple(group["channels"]), "levels": tuple(group["levels"])})
                for group in data["groups"]
            )
            return cls(**{**data, "groups": groups, "plans": tuple(data["plans"]), "cues": tuple(data["cues"])})
        except (KeyError, TypeError) as error:
            raise EngineError(f"a reaction configuration does not read ({error}); train the model again") from error


CONFIGS = {
    "tiny": ReactionConfig(channels=32, heads=2, window=24, speaker_blocks=1, listener_blocks=1, hidden=48, bands=16),
    "small": ReactionConfig(),
    "full": ReactionConfig(
        channels=360, heads=12, window=256, single_blocks=6, speaker_blocks=8, listener_blocks=8, hidden=1440
    ),
}


def configuration(size: str | Mapping[str, Any] | ReactionConfig = "small") -> ReactionConfig:
    """A configuration by name, or from the plain values of one. Raises :class:`EngineError` naming what there is."""
    return sized(size, CONFIGS, "learned listener")
