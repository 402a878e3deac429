"""What decides the outcome of training a stage of text to motion; defaults are those of the shipped bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from train.run.settings import CHECKED, RunSettings


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """Lengths in tokens of four frames, rates in 1 / step."""

    stage: Literal["tokenizer", "base", "refine"] = Field("tokenizer", description="what is trained, in this order")
    steps: int = Field(1600, ge=1, description="of the whole run; the learning rate's schedule ends there")
    rate: float = Field(6e-4, gt=0, description="highest learning rate of AdamW")
    warmup: int = Field(50, ge=0, description="steps of linear warm-up")
    decay: float = Field(0.02, ge=0, description="weight decay of parameters with two or more dimensions")
    average: float = Field(0.98, ge=0, lt=1, description="decay of a running mean of the weights; 0: none")
    keep: Literal["best", "last"] = Field("last", description="weights handed out: best by validation, or last")
    minutes: float = Field(90.0, gt=0, description="of joined streams to train on")
    stretch: float = Field(0.2, ge=0, lt=1, description="every clip also at another pace, by up to this share")
    rows: int = Field(24, ge=1, description="pieces of streams drawn for a step")
    segment: int = Field(16, ge=2, description="tokens of each")
    velocity: float = Field(0.5, ge=0, description="weight of the error of joints' steps beside that of places")
    joints: float = Field(1.0, ge=0, description="weight of the error of the body's joints, in decimetres")
    quantiser: float = Field(0.02, ge=0, description="weight of the quantiser's own losses")
    level_dropout: float = Field(0.2, ge=0, le=1, description="share of rows that use fewer residual levels")
    bare: float = Field(0.15, ge=0, le=1, description="share of rows without residual, as edited spans are decoded")
    corrupt: float = Field(0.5, ge=0, le=1, description="share of rows whose past codes are partly wrong")
    fields: float = Field(0.5, ge=0, le=1, description="share of rows that are given the fields of a text")
    fresh: float = Field(0.25, ge=0, le=1, description="share of rows that begin from nothing")
    smoothing: float = Field(0.05, ge=0, lt=1, description="label smoothing of pose codes")
