"""What decides the outcome of training a dancer; defaults are those of the shipped bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from train.run.settings import CHECKED, RunSettings


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """Lengths in frames of the stream, rates in 1 / step."""

    steps: int = Field(2600, ge=1, description="of the whole run; the learning rate's schedule ends there")
    rate: float = Field(2e-3, gt=0, description="highest learning rate of AdamW")
    warmup: int = Field(50, ge=0, description="steps of linear warm-up")
    decay: float = Field(0.01, ge=0, description="weight decay of parameters with two or more dimensions")
    keep: Literal["best", "last"] = Field("last", description="weights handed out: best by validation, or last")
    effort: Literal["time", "space"] = Field("time", description="the effort that is learned and steered")
    rows: int = Field(40, ge=1, description="dances drawn for a step")
    segment: int = Field(100, ge=1, description="frames of each")
    windows: int = Field(8, ge=1, description="single windows for the objective of M2, labelled and unlabelled alike")
    fraction_label: float = Field(0.789, ge=0, le=1, description="share of labels shown, as in PirouNet_dance")
    objective: Literal["m2", "literal"] = Field("m2", description="of Kingma et al. 2014, or as PirouNet's code has it")
    continuation: float = Field(1.0, ge=0, description="weight of whole dances; 0: single windows alone, as published")
    alpha: float = Field(0.1, ge=0, description="weight of the classifier, times unlabelled windows per labelled")
    kl_weight: float = Field(0.0001, ge=0, description="of the latent's divergence (nats) beside the squared error")
    joints: float = Field(40.0, ge=0, description="weight of a joint's squared distance (m^2)")
    velocity: float = Field(1000.0, ge=0, description="of its difference from frame to frame")
    acceleration: float = Field(3000.0, ge=0, description="of the difference of those: what makes a movement sudden")
    course: float = Field(2.0, ge=0, description="of where half a second of travel leads")
    bones: float = Field(0.0, ge=0, description="of bone lengths' squared relative error, for a body of positions")
    blind: float = Field(0.4, ge=0, le=1, description="share of dances in which a partner is hidden")
    mirror: bool = Field(True, description="add every take with left and right exchanged")
    turned: int = Field(0, ge=0, description="add so many copies turned about the vertical, for a model without travel")
    smooth: float = Field(0.3, ge=0, description="seconds of the filter that takes the markers' tremor out")
    dropout: float = Field(0.2, ge=0, lt=1, description="of the classifier")
    finish: int = Field(500, ge=0, description="steps of the classifier on labelled windows alone, in the end; 0: none")
