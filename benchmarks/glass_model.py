"""The model of ``benchmarks glass``: it answers at once and from one frame alone, so what is measured is the way there.

A *click* (any sample of the frame's hop above :data:`LOUD`) opens the mouth, a *flash* (the partner's mouth is open by
more than :data:`OPEN`) makes it smile, each wholly and in that frame; otherwise the mouth is exactly at rest, so that
every changed pixel of it is an answer. The eyes never rest: no two frames are the same, as with every living listener,
and the page has to draw them all. It waits for what every listener here waits for: the end of its 40 ms of sound. It is
a real bundle, written by the export that writes all others.
"""

from __future__ import annotations

from pathlib import Path

import torch

from engine.bundle import STEP, Bundle, OnnxFile
from engine.channels import FACE_NAMES, FACE_UNITS
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors

NAME = "glass"
RATE, SAMPLE_RATE = 25.0, 16000
LOUD, OPEN = 0.05, 0.2
"""A sample's size, and the weight of jawOpen, from which on it answers."""
CLICKED, FLASHED, RESTLESS = ("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"), ("eyeLookOutLeft", "eyeLookInRight")
"""What moves in answer to a click and to a flash, and what moves always."""
GLANCE = 16
"""Frames of a glance to the side and back."""


class Glass(StreamModel):
    """See the module."""

    card, licence, data = "Answers a click and a flash at once. For measuring alone.", "Apache-2.0", "none"

    def __init__(self) -> None:
        super().__init__()
        self.spec = StreamSpec(
            name=NAME,
            rate=RATE,
            sample_rate=SAMPLE_RATE,
            inputs=(
                InputSpec("partner_audio", "audio", (round(SAMPLE_RATE / RATE),), -1.0, 1.0, of="partner"),
                InputSpec("partner_face", "face", (58,), -3.2, 3.2, validity="face_valid", of="partner"),
                InputSpec("face_valid", "validity", low=0.0, high=1.0),
            ),
            outputs=(
                OutputSpec("face", (58,), FACE_NAMES, FACE_UNITS, -3.2, 3.2, codec="arkit58"),
                BAD_INPUT,
            ),
            state={"glance": StateSpec(())},
        )
        for name, moved in (("click", CLICKED), ("flash", FLASHED), ("side", RESTLESS)):
            weights = torch.zeros(len(FACE_NAMES))
            weights[[FACE_NAMES.index(each) for each in moved]] = 1.0
            self.register_buffer(name, weights)
        self._jaw = FACE_NAMES.index("jawOpen")

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The answers of each frame, and the eyes on their way."""
        loud = (inputs["partner_audio"].abs().amax(-1) > LOUD).float()
        open_ = (inputs["partner_face"][..., self._jaw] > OPEN).float() * inputs["face_valid"]
        glance = (state["glance"][:, None] + torch.ones_like(loud).cumsum(1)) % GLANCE
        aside = (glance / GLANCE - 0.5).abs()
        face = loud[..., None] * self.click + open_[..., None] * self.flash + aside[..., None] * self.side
        return {"face": face}, {"glance": glance[:, -1]}


def glass_bundle(folder: Path) -> Bundle:
    """The model as a bundle in ``folder``."""
    model = Glass().eval()
    made = to_onnx(model)
    return Bundle(
        path=folder,
        name=NAME,
        version="0.1.0",
        spec=model.spec,
        onnx=OnnxFile(STEP, made.opset, made.ir, "fp32"),
        licence=model.licence,
        description=model.card,
        training_data="none",
        credits="none",
        command="python -m benchmarks glass",
        commit="unknown",
        tolerance={"onnx_fp32": 1e-4},
        parity={"onnx free-running": 1e-6},
    ).write(made.content, f"# {NAME}\n")
