"""What decides the outcome of training the windowed form; names and defaults are those of the paper's job.

They are written into ``PREFIX_args.args`` with what was found in the data, and read from there when weights are loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from engine.errors import EngineError
from engine.plain import PlainError, read
from train.files import FileError
from train.gesture.aisle.generator import SIZES, Kind
from train.run.settings import CHECKED, default

Words = Literal["auto", "w2v", "static", "table", "bert"]
NAMES: dict[str, Kind] = {
    "JointLateClusterSoftTransformer12_G": "aisle",
    "JointLateClusterSoftTransformer8_G": "no_attention",
    "Speech2Gesture_G": "speech2gesture",
    "GestLate_G": "gesticulator",
}
"""What the seed calls the models."""
EXP, SPEAKERS, FINGERPRINT = "exp", "speakers", "fingerprint"
"""What ``PREFIX_args.args`` has beside settings."""


@dataclass(frozen=True, config=CHECKED)
class Settings:
    """Steps are batches; an epoch has ``weighted`` or ``num_training_iters`` of them, or every window once."""

    model: Kind = Field("aisle", description="aisle, no_attention, speech2gesture or gesticulator, or the seed's names")
    size: Literal["paper", "small", "tiny"] = Field("small", description="paper, small (a 16th of the cost) or tiny")
    speaker: tuple[str, ...] = Field((), description="whose gestures; none given: everybody's")
    words: Words = Field(
        "auto",
        description="tokens: the set's vectors, the data folder's, learned, BERT's; auto: the first there is",
    )
    bert: str = Field("", description="folder of a BERT, for words=bert")
    audio: Literal["time", "seventh", "average"] = Field(
        "time", description="mel rows of frames: the nearest in time, or the seed's every 7th, or means of 7"
    )
    weighted: int = Field(400, ge=0, description="AISLe: batches an epoch, drawn by importance; 0: without AISLe")
    num_training_iters: int = Field(0, ge=0, description="without weighted: batches an epoch; 0: every window once")
    num_iters: int = Field(20, ge=1, description="batches of a check on the dev split; the paper has 100")
    num_epochs: int = Field(100, ge=1, description="epochs")
    min_epochs: int = Field(50, ge=0, description="epochs before stopping early")
    early_stopping: bool = Field(False, description="stop when dev_key got worse stop_thresh times in a row")
    stop_thresh: int = Field(3, ge=1, description="see early_stopping")
    dev_key: str = Field("dev_spatialNorm", description="what the best weights are chosen by; less is better")
    batch_size: int = Field(32, ge=2, description="windows of a batch")
    time: int = Field(64, ge=32, multiple_of=32, description="frames of a window")
    window_hop: int = Field(5, ge=1, description="frames from a window to the next")
    gan: bool = Field(True, description="train against a discriminator of velocities (not gesticulator)")
    dg_iter_ratio: float = Field(1.0, ge=0, description="discriminator's steps for one of the generator")
    lambda_gan: float = Field(1.0, ge=0, description="weight of deceiving the discriminator; grows to 2")
    lambda_D: float = Field(1.0, ge=0, description="weight of what is made in the discriminator's loss; grows to 2")
    loss_weights: Literal["ones", "importance"] = Field(
        "ones",
        description="in the generator's loss: ones, as published, or 1 / importance, as its formula has",
    )
    scores: bool = Field(False, description="without weighted: a score a patch with the pose's loss, as published")
    feedforward: int = Field(0, ge=0, description="units inside the attention; 0: the size's own; published: 2")
    double: bool = Field(False, description="64-bit numbers, as published")
    dropout: float = Field(0.1, ge=0, lt=1, description="inside the attention")
    lr: float = Field(0.0, ge=0, description="learning rate of AdamW; 0: the size's own (paper 1e-4)")
    gamma: float = Field(0.99, gt=0, le=1, description="factor of the learning rates after an epoch")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    cpk: str = Field("aisle", max_length=40, description="name in PREFIX")
    note: str = Field("", max_length=40, description="note in PREFIX")
    seed: int = Field(11212, ge=0, description="of everything that is drawn")

    @property
    def rate(self) -> float:
        """The generator's and the discriminator's learning rate."""
        return self.lr or SIZES[self.size].rate

    @property
    def adversarial(self) -> bool:
        """Whether there is a discriminator."""
        return self.gan and self.model != "gesticulator"

    @property
    def importance(self) -> bool:
        """Whether windows are drawn by importance."""
        return self.adversarial and self.weighted > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()
        }


def settings_of(values: dict[str, Any]) -> Settings:
    """Settings by name, those not given at their defaults. Raises :class:`EngineError` naming what is wrong."""
    usual = {field.name: default(field) for field in dataclasses.fields(Settings)}
    unknown = sorted(values.keys() - usual.keys())
    if unknown:
        raise EngineError(f"no setting {', '.join(unknown)[:200]}; there is {', '.join(usual)}")
    given = {**values, "model": NAMES.get(str(values.get("model", "aisle")), values.get("model", "aisle"))}
    try:
        settings = read(Settings, given)
    except PlainError as error:
        raise EngineError(f"settings: {error}") from None
    if settings.words == "bert" and not settings.bert:
        raise EngineError("words=bert needs the folder of a BERT: --bert FOLDER")
    if settings.weighted and settings.scores:
        raise EngineError("importance is read off two classes, scores=1 has one; give --weighted 0 with it")
    return settings


def settings_of_args(args: Mapping[str, Any], path: Path) -> Settings:
    """The settings in ``PREFIX_args.args``, which is at ``path``. Raises :class:`FileError`."""
    try:
        return settings_of({name: value for name, value in args.items() if name not in (EXP, SPEAKERS, FINGERPRINT)})
    except EngineError as error:
        raise FileError(f"{path}: {error}; give the file that training wrote") from None
