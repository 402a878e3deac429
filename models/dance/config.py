"""Sizes of the dance model: the body it moves, what it says of a pose, and how wide and deep its networks are.

``pirounet`` is the seed as published (Papillon, Pettee & Miolane 2022): 53 markers without travel, latent 256, LSTMs of
100; ``small`` is what ships: rotations on the CMU skeleton, travel, contacts of the feet and a partner; ``tiny`` is for
tests. A checkpoint carries the configuration it was trained with, so a body of one's own needs no code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.body.skeleton import Skeleton, skeleton
from engine.errors import EngineError

LEVELS = ("low", "medium", "high")
CMU_STILL = ("leftEye", "rightEye", "rCollar", "rMid1", "lCollar", "lMid1", "rButtock", "lButtock")


@dataclass(frozen=True)
class DanceConfig:
    """Frames are at ``rate`` a second. ``moving`` lists the joints that turn (the root first) of a body told by
    rotations; empty, the body is told by positions. ``travel``: the model walks over the stage and turns; without it
    the body stays centred, as in PirouNet. ``partner``: it may see a partner's body. ``hop`` frames lie between the
    latents of a dance, each of which speaks of ``window`` frames. ``bounded``: the last LSTM's hidden state is the
    pose, as published; otherwise a linear map of it and of what the decoder is told. ``encoder_layers`` counts LSTMs,
    as published; with 0 a perceptron reads the whole window, which learns much faster. ``landmarks`` latents are kept
    to walk among, ``context`` numbers of the partner's pose with each."""

    skeleton: Skeleton
    moving: tuple[int, ...] = ()
    effort: str = "time"
    rate: float = 30.0
    window: int = 40
    hop: int = 20
    latent: int = 256
    encoder_layers: int = 5
    encoder_hidden: int = 100
    decoder_layers: int = 5
    decoder_hidden: int = 100
    classifier_layers: int = 3
    classifier_hidden: int = 100
    bounded: bool = True
    travel: bool = False
    partner: bool = False
    landmarks: int = 1024
    context: int = 16

    def __post_init__(self) -> None:
        if self.moving and (not self.skeleton.is_tree or self.moving[0] != 0):
            raise EngineError(
                f"skeleton {self.skeleton.name!r}: rotations need a tree whose root (joint 0) moves; "
                "leave `moving` empty to tell the body by positions"
            )
        if self.travel and not self.skeleton.across:
            raise EngineError(f"skeleton {self.skeleton.name!r} names no hips (`across`), which travel needs to turn")
        if not 2 <= self.hop <= self.window:
            raise EngineError(f"hop {self.hop} is outside 2 to the window's {self.window} frames")

    @property
    def labels(self) -> int:
        """Levels of effort."""
        return len(LEVELS)

    @property
    def feet(self) -> tuple[int, ...]:
        """Joints whose contact with the ground holds a travelling body in place."""
        return tuple(self.skeleton.index(joint) for joint in self.skeleton.feet) if self.travel else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {**dataclasses.asdict(self), "skeleton": self.skeleton.to_dict(), "moving": list(self.moving)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DanceConfig:
        """The configuration that :meth:`to_dict` wrote."""
        try:
            body = Skeleton.from_dict(data["skeleton"])
            return cls(**{**data, "skeleton": body, "moving": tuple(data["moving"])})
        except (KeyError, TypeError) as error:
            raise EngineError(f"a dance configuration does not read ({error}); train the model again") from error


Config = str | Mapping[str, Any] | DanceConfig


def named(size: Config = "small") -> DanceConfig:
    """A configuration by name, or from the plain values of one. Raises :class:`EngineError` naming what there is."""
    if isinstance(size, DanceConfig):
        return size
    if not isinstance(size, str):
        return DanceConfig.from_dict(size)
    if size not in _SIZES:
        raise EngineError(f"no dance configuration {size!r}; there is {', '.join(_SIZES)}")
    chosen = dict(_SIZES[size])
    body = skeleton(chosen.pop("skeleton"))
    if chosen.pop("rotations"):
        chosen["moving"] = tuple(j for j, joint in enumerate(body.joints) if joint not in CMU_STILL + body.feet[1::2])
    return DanceConfig(skeleton=body, **chosen)


_SMALL: dict[str, Any] = {
    "skeleton": "cmu",
    "rotations": True,
    "travel": True,
    "partner": True,
    "bounded": False,
    "hop": 5,
    "latent": 64,
    "encoder_layers": 0,
    "encoder_hidden": 256,
    "decoder_layers": 2,
    "decoder_hidden": 256,
    "landmarks": 9216,
}
_TINY = {
    "latent": 8,
    "encoder_hidden": 16,
    "decoder_layers": 2,
    "decoder_hidden": 24,
    "classifier_hidden": 16,
    "landmarks": 32,
    "context": 4,
}
_SIZES: dict[str, dict[str, Any]] = {
    "small": _SMALL,
    "positions": _SMALL | {"rotations": False},
    "tiny": _SMALL | _TINY,
    "pirounet": {"skeleton": "pirounet", "rotations": False},
}
SIZES = tuple(_SIZES)
