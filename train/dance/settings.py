"""What decides the outcome of training a dancer, in one frozen record that travels with checkpoints and weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from train.run.resume import must_equal

OBJECTIVES = ("m2", "literal")
EFFORTS = ("time", "space")
KEPT = ("last", "best")


@dataclass(frozen=True)
class Settings:
    """Lengths in frames of the stream, rates in 1 / step. Defaults are those of the shipped bundle."""

    config: str = "small"  #: name in `models.dance.SIZES`
    effort: str = "time"  #: the effort that is learned and steered
    seed: int = 0
    steps: int = 2600
    rows: int = 40  #: dances drawn for a step
    segment: int = 100  #: frames of each
    windows: int = 8  #: single windows drawn for the objective of M2, labelled and unlabelled alike
    fraction_label: float = 0.789  #: share of the labels that are shown, as in PirouNet_dance
    objective: str = "m2"  #: m2: as Kingma et al. 2014; literal: as PirouNet's code computes it
    continuation: float = 1.0  #: weight of whole dances beside single windows; 0 trains on windows alone, as published
    alpha: float = 0.1  #: weight of the classifier's own loss, times unlabelled windows per labelled one
    kl_weight: float = 0.0001  #: of the latent's divergence (nats) beside the mean squared error
    joints: float = 40.0  #: weight of a joint's squared distance (m^2)
    velocity: float = 1000.0  #: of its difference from frame to frame
    acceleration: float = 3000.0  #: of the difference of those: what makes a movement sudden
    course: float = 2.0  #: of where half a second of travel leads
    bones: float = 0.0  #: of the squared relative error of bone lengths, for a body told by positions
    blind: float = 0.4  #: share of dances in which a partner is hidden
    mirror: bool = True  #: add every take with left and right exchanged
    turned: int = 0  #: add so many copies of every take turned about the vertical, for a model without travel
    smooth: float = 0.3  #: seconds of the filter that takes the markers' tremor out of what the decoder is to dance
    dropout: float = 0.2  #: of the classifier
    rate: float = 2e-3  #: highest learning rate of Adam
    warmup: int = 50
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.0  #: decay of the running mean of the weights; 0: none
    finish: int = 500  #: steps in which the classifier is fitted anew on labelled windows alone; 0: none
    keep: str = "last"  #: which weights are handed out: last, or best by validation (see `train/dance/command.py`)
    check_every: int = 200
    precision: str = "32"
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("steps", "rows", "segment", "windows", "check_every", "threads"):
            if getattr(self, name) < 1:
                raise EngineError(f"{name} {getattr(self, name)} must be at least 1")
        for name in ("rate", "clip"):
            if not getattr(self, name) > 0:
                raise EngineError(f"{name} {getattr(self, name)} must be above 0")
        for name in ("fraction_label", "blind", "dropout", "average"):
            if not 0 <= getattr(self, name) <= 1:
                raise EngineError(f"{name} {getattr(self, name)} is a share: give 0 to 1")
        weights = ("continuation", "alpha", "kl_weight", "joints", "velocity", "acceleration", "course", "bones")
        for name in (*weights, "turned", "smooth", "finish", "warmup", "decay"):
            if getattr(self, name) < 0:
                raise EngineError(f"{name} {getattr(self, name)} cannot be negative")
        for name, known in (
            ("objective", OBJECTIVES),
            ("effort", EFFORTS),
            ("keep", KEPT),
            ("precision", ("32", "bf16")),
        ):
            if getattr(self, name) not in known:
                raise EngineError(f"{name} {getattr(self, name)!r} is unknown; there is {', '.join(known)}")
        if self.steps % self.check_every:
            raise EngineError(
                f"steps {self.steps} is no multiple of check_every {self.check_every}, so the last weights would go "
                f"unchecked; give {-(-self.steps // self.check_every) * self.check_every}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and checkpoints."""
        return dataclasses.asdict(self)

    def must_equal(self, other: dict[str, Any], path: object) -> None:
        """Raises :class:`EngineError` naming what differs from the settings of the run at ``path``."""
        must_equal(self.to_dict(), other, path)


def from_mapping(values: dict[str, Any]) -> Settings:
    """Settings from names and values (a config file, the command line). Raises :class:`EngineError` naming what is
    unknown or of the wrong kind."""
    known = {field.name: field for field in dataclasses.fields(Settings)}
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise EngineError(f"no setting {', '.join(unknown)}; there is {', '.join(known)}")
    made = {}
    for name, value in values.items():
        kind = type(known[name].default)
        try:
            made[name] = _parsed(value, kind)
        except (TypeError, ValueError) as error:
            raise EngineError(f"{name} = {value!r} is no {kind.__name__}") from error
    return Settings(**made)


def _parsed(value: Any, kind: type) -> Any:
    if kind is bool:
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() not in words:
            raise ValueError(value)
        return words[str(value).lower()]
    number = kind(value)
    if kind is int and isinstance(value, float) and number != value:
        raise ValueError(value)
    return number
