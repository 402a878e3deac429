"""What decides the outcome of training a stage; what is left at 0 is as published for that stage (:data:`USUAL`)."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from engine.errors import EngineError
from train.conversation.a2p.config import SIZES, Hears, Stage
from train.conversation.a2p.layout import FPS, Yaw
from train.run.settings import CHECKED, RunSettings

FREE = 1e6
"""A norm of the gradient that is never reached: the published stages but the guide do not clip."""
_DIFFUSED = {"steps": 800_000, "rate": 1e-4, "warmup": 0, "decay": 0.0, "clip": FREE}
USUAL: dict[Stage, dict[str, Any]] = {
    "lips": _DIFFUSED | {"steps": 200_000},
    "face": _DIFFUSED,
    "codec": {"steps": 300_000, "rate": 1e-3, "warmup": 1000, "decay": 0.0, "clip": FREE},
    "guide": {"steps": 100_000, "rate": 2e-4, "warmup": 5000, "decay": 0.1, "clip": 1.0},
    "pose": _DIFFUSED,
}
"""For the lips, of which only weights are published, the face's with the number of steps in their file's name."""
ONLY = {"causal": "stage lips or guide", "literal": "hearing=wav2vec"}
VELOCITY: dict[Stage, float] = {"pose": 2.0}


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """A negative number stands for the stage's own; ``steps`` and ``rate`` have it at 0."""

    config: str = Field("a2p", description=f"size of the models: {', '.join(SIZES)}")
    stage: Stage = Field("face", description="which model: lips, face, codec, guide or pose")
    steps: int = Field(0, ge=0, description="of the whole run; 0: as published for the stage")
    rate: float = Field(0.0, ge=0, description="learning rate of AdamW; 0: as published for the stage")
    warmup: int = Field(-1, ge=-1, description="steps of linear warm-up; -1: as published for the stage")
    decay: float = Field(-1.0, ge=-1, description="weight decay of matrices; -1: as published for the stage")
    clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0: as published for the stage")
    check_every: int = Field(5000, ge=1, description="steps between validations")
    rows: int = Field(4, ge=1, description="crops of a step")
    segment: int = Field(600, ge=2, description="frames of a crop, zeros where it is shorter")
    shortest: int = Field(400, ge=1, description="least frames of a crop")
    checked: int = Field(16, ge=1, description="windows of the val scenes that a validation looks at")
    hearing: Hears = Field("mel", description="mel, or wav2vec with --wav2vec FILE")
    literal: bool = Field(False, description="wav2vec normalised by each whole clip, as published")
    causal: bool = Field(False, description="lips and guide hear what is past alone")
    diffusion_steps: int = Field(1000, ge=1, description="of face and pose")
    condition_dropout: float = Field(0.2, ge=0, lt=1, description="share of crops without sound; without guide poses")
    velocity: float = Field(-1.0, ge=-1, description="weight of differences of frames; -1: as published (pose 2)")
    commit: float = Field(0.02, ge=0, description="codec: weight of the commitment")
    expiry: float = Field(
        2.0, ge=0, description="codec: a code that fewer rows come to, in a running mean, is replaced"
    )
    smoothing: float = Field(0.1, ge=0, lt=1, description="guide: of the labels")
    audio_layers: int = Field(2, ge=1, le=8, description="guide: blocks of convolutions over what is heard")
    yaw: Yaw = Field("auto", description="re-wrap the root's angle: auto (PXB184, RLW104), wrap or keep")

    def __post_init__(self) -> None:
        usual = USUAL[self.stage] | {"velocity": VELOCITY.get(self.stage, 0.0)}
        own = {"steps": 0, "rate": 0.0, "warmup": -1, "decay": -1.0, "clip": 0.0, "velocity": -1.0}
        for name, value in own.items():
            given = getattr(self, name)
            if given == value:
                object.__setattr__(self, name, usual[name])
            elif given < 0:
                raise EngineError(f"settings: {name} {given:g}: give 0 or more, or {value:g} for the stage's own")
        if self.shortest > self.segment:
            raise EngineError(f"settings: shortest {self.shortest} is more than segment {self.segment}; give less")
        if self.stage in ("codec", "guide") and self.shortest < 2 * FPS:
            raise EngineError(
                f"settings: shortest {self.shortest}: a crop has a pose each {FPS} frames, give {2 * FPS}"
            )
        for name, goes in (("causal", self.stage in ("lips", "guide")), ("literal", self.hearing == "wav2vec")):
            if getattr(self, name) and not goes:
                raise EngineError(f"settings: {name} goes with {ONLY[name]}; leave it out")
        if self.config not in SIZES:
            raise EngineError(f"no config {self.config!r}; there is {', '.join(SIZES)}")
        super().__post_init__()
