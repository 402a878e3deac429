"""What decides the outcome of training the gesture model; defaults are those of the shipped bundle."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from train.run.settings import CHECKED, RunSettings


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """Lengths in frames of the stream (15 a second), rates in 1 / step."""

    steps: int = Field(1000, ge=1, description="of the whole run; the learning rate's schedule ends there")
    rate: float = Field(2e-3, gt=0, description="highest learning rate of AdamW")
    average: float = Field(0.995, ge=0, lt=1, description="decay of a running mean of the weights; 0: none")
    threads: int = Field(1, ge=1, description="of torch on the CPU; another number rounds sums otherwise")
    rows: int = Field(40, ge=1, description="pieces of talks drawn for a step")
    segment: int = Field(90, ge=8, description="frames of each")
    burn: int = Field(15, ge=0, description="frames at a piece's start that what is heard and said is not judged by")
    wordless: float = Field(0.25, ge=0, le=1, description="share of pieces without words")
    late: float = Field(0.4, ge=0, le=1, description="share of pieces whose words come late, as recognisers bring them")
    lateness: float = Field(0.7, ge=0, description="seconds by which such words come late at most")
    deaf: float = Field(0.03, ge=0, le=1, description="share of pieces without sound")
    hiss: float = Field(0.2, ge=0, description="noise on the features of sound")
    plan: float = Field(1.0, ge=0, description="weight of the decisions' cross-entropy")
    waiting: float = Field(4.0, gt=0, description="weight of a frame whose hand is prepared: when does it strike?")
    told: float = Field(3.0, ge=0, description="weight of the cross-entropy of where stresses fall and speech is over")
    pose: float = Field(1.0, ge=0, description="weight of the absolute error of standardised poses")
    joints: float = Field(6.0, ge=0, description="weight of a joint's absolute distance along an axis (m)")
    velocity: float = Field(40.0, ge=0, description="of its difference from frame to frame")
    nods: float = Field(0.5, ge=0, description="weight of the absolute error of neck and head while they nod")
    cluster: float = Field(0.1, ge=0, description="weight of the cross-entropy of the mixture's clusters")
