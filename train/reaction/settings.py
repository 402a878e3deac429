"""What decides the outcome of a training run, in one frozen record that travels in checkpoints and `training.json`.

A run is continued only under the settings it was begun with; what may differ between sittings (wall-clock budget,
output) is not in here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError
from train.run.resume import must_equal


@dataclass(frozen=True)
class Settings:
    """Rates in 1 / step, lengths in frames of 40 ms unless the name says otherwise."""

    config: str  #: name in `models.reaction.CONFIGS`
    seed: int
    steps: int  #: the cosine schedule ends here, whatever the clock says
    rows: int  #: streams walked side by side
    crop: int  #: frames a row walks in one step; gradients reach back this far
    rate: float  #: highest learning rate of AdamW
    warmup: int  #: steps of linear warm-up
    decay: float  #: weight decay of parameters with two or more dimensions
    clip: float  #: largest norm of the gradient
    smoothing: float  #: share of label smoothing
    average: float  #: decay of the running mean of the weights; 0: none
    head_weights: tuple[float, ...]  #: weight of each head's loss; empty: all alike
    face_off: float  #: share of time without the partner's face
    audio_off: float  #: share of time without the partner's voice
    own_off: float  #: share of crops in which the listener's own past is hidden
    check_every: int  #: steps between validations
    check_minutes: float  #: minutes of each validation stream that are walked
    precision: str  #: "32" or "bf16"
    threads: int  #: of torch: sums are rounded differently with another number

    def __post_init__(self) -> None:
        for name in ("steps", "rows", "crop", "check_every", "threads"):
            if getattr(self, name) < 1:
                raise EngineError(f"--{_option(name)} {getattr(self, name)} must be at least 1")
        for name in ("rate", "clip", "check_minutes"):
            if not getattr(self, name) > 0:
                raise EngineError(f"--{_option(name)} {getattr(self, name)} must be above 0")
        for name in ("smoothing", "average", "face_off", "audio_off", "own_off"):
            if not 0 <= getattr(self, name) < 1:
                raise EngineError(f"--{_option(name)} {getattr(self, name)} is a share: give 0 to 1, 1 left out")
        if self.warmup < 0 or self.decay < 0 or any(weight < 0 for weight in self.head_weights):
            raise EngineError("--warmup, --decay and --head-weights cannot be negative")
        if self.steps % self.check_every:
            raise EngineError(
                f"--steps {self.steps} is no multiple of --check-every {self.check_every}, so the last weights would "
                f"go unchecked; give --steps {-(-self.steps // self.check_every) * self.check_every}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and checkpoints."""
        return {**dataclasses.asdict(self), "head_weights": list(self.head_weights)}

    def must_equal(self, other: dict[str, Any], path: object) -> None:
        """Raises :class:`EngineError` naming what differs from the settings of the run at ``path``."""
        must_equal(self.to_dict(), other, path, lambda name: f"--{_option(name)}")


def _option(name: str) -> str:
    return name.replace("_", "-")
