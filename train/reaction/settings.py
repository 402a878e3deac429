"""What decides the outcome of training the learned listener; defaults are those of the shipped bundle."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from engine.errors import EngineError
from train.run.settings import CHECKED, RunSettings


def _parts(value: Any) -> Any:
    """A text such as ``2,1,1`` as its parts."""
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """Rates in 1 / step, lengths in frames of 40 ms unless the name says otherwise."""

    rows: int = Field(32, ge=1, description="streams that a step walks side by side")
    crop: int = Field(125, ge=1, description="frames of each in a step; gradients reach back this far")
    smoothing: float = Field(0.0, ge=0, lt=1, description="share of label smoothing")
    head_weights: Annotated[tuple[float, ...], BeforeValidator(_parts)] = Field(
        (), description="weight of each head's loss, such as 2,1,1,1,1,1,1,1; empty: all alike"
    )
    face_off: float = Field(0.15, ge=0, lt=1, description="share of time without the partner's face")
    audio_off: float = Field(0.1, ge=0, lt=1, description="share of time without the partner's voice")
    own_off: float = Field(0.1, ge=0, lt=1, description="share of crops in which the listener's own past is hidden")
    rooms: int = Field(2, ge=0, description="rooms in which each talk is heard beside the one it was made in")
    trackers: float = Field(0.8, ge=0, le=1, description="share of visits whose face comes from a drawn tracker")
    cue_weight: float = Field(0.5, ge=0, description="weight of the loss of noticing cues")
    check_minutes: float = Field(2.0, gt=0, description="minutes of each validation stream that are walked")

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(weight < 0 for weight in self.head_weights):
            raise EngineError(f"head_weights {self.head_weights}: a weight cannot be negative")
