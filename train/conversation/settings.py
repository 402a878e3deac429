"""What decides the outcome of training the conversation model; defaults are those of the shipped bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from train.run.settings import CHECKED, RunSettings


@dataclass(frozen=True, config=CHECKED)
class Settings(RunSettings):
    """Lengths in frames of the stream (30 a second), rates in 1 / step."""

    stage: Literal["stream", "distil", "windowed"] = Field(
        "stream",
        description="stream: the model; distil: its heads to one step; windowed: mouths of whole windows, offline",
    )
    part: Literal["both", "lips", "acts"] = Field("both", description="which of the two networks is trained")
    steps: int = Field(1600, ge=1, description="of the whole run; the learning rate's schedule ends there")
    rate: float = Field(1.5e-3, gt=0, description="highest learning rate of AdamW")
    average: float = Field(0.995, ge=0, lt=1, description="decay of a running mean of the weights; 0: none")
    threads: int = Field(1, ge=1, description="of torch on the CPU; another number rounds sums otherwise")
    lookahead: int = Field(-1, ge=-1, description="frames that are heard ahead; -1: the size's own")
    head: Literal["", "flow", "rolling"] = Field("", description="what draws a frame; empty: the size's own")
    head_steps: int = Field(0, ge=0, description="steps of the flow; 0: the size's own")
    lip_rows: int = Field(48, ge=1, description="pieces drawn for a step of the lips")
    lip_segment: int = Field(48, ge=4, description="frames of each")
    lip_burn: int = Field(14, ge=0, description="frames at their start that are not judged")
    act_rows: int = Field(16, ge=1, description="pieces drawn for a step of the acts")
    act_segment: int = Field(120, ge=8, description="frames of each")
    act_burn: int = Field(20, ge=0, description="frames at their start that are not judged")
    draws: int = Field(2, ge=1, description="draws of noise for each frame")
    recorded: float = Field(0.7, ge=0, le=1, description="share of the lips' pieces that are whole recordings")
    gain: float = Field(0.5, ge=0, description="spread of a piece's level, log power")
    tilt: float = Field(0.4, ge=0, description="spread of its spectrum's slope")
    hiss: float = Field(0.3, ge=0, description="noise on the features of sound")
    warp: float = Field(0.15, ge=0, lt=0.5, description="share by which spectra are stretched, as if by another throat")
    mask: float = Field(0.4, ge=0, le=1, description="share of pieces that lack a band of the spectrum")
    cut: float = Field(0.1, ge=0, le=1, description="share of pieces whose own voice is cut off")
    alone: float = Field(0.08, ge=0, le=1, description="share of pieces without a partner")
    unseen: float = Field(0.25, ge=0, le=1, description="share of pieces whose partner is not seen")
    astray: float = Field(1.0, ge=0, description="how far pieces begin beside where the avatar was, in deviations")
    astray_head: float = Field(1.0, ge=0, description="share of it by which the head's turn begins beside")
    astray_body: float = Field(0.8, ge=0, description="share of it by which trunk and hands begin beside")
    busy: float = Field(0.0, ge=0, description="how much more frames count in which a planned movement is made")
    rounds: int = Field(16, ge=0, description="free runs by which movements are calibrated after training")
    acts: float = Field(1.0, ge=0, description="weight of the acts' head")
    plans: float = Field(10.0, ge=0, description="weight of the plans' cross-entropy")
    sizes: float = Field(0.5, ge=0, description="weight of how much each number is about to move")
    lips: float = Field(1.0, ge=0, description="weight of the lips' head")
    closings: float = Field(2.0, ge=0, description="weight of the cross-entropy of b, p and m")
