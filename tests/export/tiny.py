"""A very small model with every kind of state and input, and models that break the contract in one way each."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.bundle import STEP, Bundle, OnnxFile
from engine.spec import AGE, CURSOR, InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import Graph, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors

HOP, TAIL, WINDOW, WIDTH = 160, 16, 5, 6
FACE = InputSpec("face", "face", (58,), -2.0, 2.0, validity="face_valid", of="partner")


class Tiny(StreamModel):
    """Audio through a convolution (small state), a windowed mean of its past (ring), a drawn event counted in int64."""

    card = "A tiny model.\n\nFor tests alone."
    licence, data = "Apache-2.0", "none: random weights"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.conv = nn.Conv1d(1, WIDTH, TAIL + 1)
        self.face, self.out = nn.Linear(58, WIDTH), nn.Linear(2 * WIDTH, 4)
        self.spec = StreamSpec(
            name="tiny",
            rate=25.0,
            sample_rate=4000,
            inputs=(
                InputSpec("audio", "audio", (HOP,), -1.0, 1.0, of="partner"),
                FACE,
                InputSpec("face_valid", "validity", low=0.0, high=1.0),
                InputSpec("gain", "control", low=0.0, high=2.0, missing=1.0),
                InputSpec("noise", "noise", (1,), 0.0, 1.0, missing=0.5),
            ),
            outputs=(OutputSpec("pose", (4,)), OutputSpec("count", dtype="int64"), BAD_INPUT),
            state={
                "tail": StateSpec((TAIL,)),
                "hits": StateSpec((), dtype="int64", initial=3),
                "past": StateSpec((WINDOW, WIDTH), "ring"),
                "faces": StateSpec((WINDOW, WIDTH), "ring"),
            },
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Pose from the frame and the mean of the window before it."""
        signal = torch.cat([state["tail"], inputs["audio"].flatten(1)], 1)
        heard = self.conv(signal[:, None])[..., HOP - 1 :: HOP].transpose(1, 2).tanh()
        seen = self.face(inputs["face"]) * inputs["face_valid"][..., None]
        past, faces = (window_mean(state[name], rows, state) for name, rows in (("past", heard), ("faces", seen)))
        pose = self.out(torch.cat([heard + past, seen + faces], -1)) * inputs["gain"][..., None]
        hits = (inputs["noise"][..., 0] < pose[..., 0].sigmoid()).to(torch.int64)
        total = state["hits"][:, None] + hits.cumsum(1)
        return {"pose": pose, "count": total}, {
            "tail": signal[:, -TAIL:],
            "hits": total[:, -1],
            "past": heard,
            "faces": seen,
        }


def window_mean(ring: Tensor, rows: Tensor, state: Tensors) -> Tensor:
    """Mean of up to WINDOW rows before each of ``rows`` (B, T, width), 0 where there is none yet."""
    slots = (state[CURSOR][:, None] + torch.arange(WINDOW)) % WINDOW
    ordered = ring.gather(1, slots[..., None].expand(-1, -1, ring.shape[-1]))
    there = torch.arange(WINDOW, 0, -1) <= state[AGE][:, None]
    values = torch.cat([torch.where(there[..., None], ordered, 0.0), rows], 1)
    weights = torch.cat([there.float(), torch.ones_like(rows[..., 0])], 1)
    length = rows.shape[1]
    total = torch.stack([values[:, k : k + length] for k in range(WINDOW)]).sum(0)
    count = torch.stack([weights[:, k : k + length] for k in range(WINDOW)]).sum(0)
    return total / count.clamp_min(1.0)[..., None]


class Threshold(StreamModel):
    """``flag`` is whether the sum of the face reaches 0.5; its graph is ``offset`` off, as if rounded."""

    offset = 1e-6

    def __init__(self) -> None:
        super().__init__()
        self.spec = StreamSpec(
            "threshold",
            25.0,
            (FACE, InputSpec("face_valid", "validity", low=0.0, high=1.0)),
            (OutputSpec("flag"), BAD_INPUT),
            {"held": StateSpec(())},
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The flag, and how often it was up: a decision that the state keeps."""
        value = inputs["face"].sum(-1) - (self.offset if torch.compiler.is_exporting() else 0.0)
        flag = (value >= 0.5).float()
        held = state["held"][:, None] + flag.cumsum(1)
        return {"flag": flag + 0.01 * held}, {"held": held[:, -1]}


class Lying(Threshold):
    """A graph that is nowhere near its model."""

    offset = 0.4


class Uneven(Threshold):
    """Not chunk-proof: an output depends on the frames that came in the same call."""

    offset = 0.0

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The flag of the mean over the call."""
        mean = inputs["face"].sum(-1).mean(1, keepdim=True).expand(-1, inputs["face"].shape[1])
        return {"flag": mean}, {"held": mean[:, -1]}


class Floor(Threshold):
    """The logarithm of silence: a small constant that an optimiser must not take for nothing."""

    offset = 0.0

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """log10 of the energy above a floor of -100 dB."""
        level = (inputs["face"].sum(-1).square() * 0.0 + 1e-10).log10()
        return {"flag": level}, {"held": level[:, -1]}


class Wrong(Threshold):
    """Returns a shape that its spec does not name."""

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """The flag with an axis too many."""
        outputs, updates = super().frames(inputs, state)
        return {"flag": outputs["flag"][..., None]}, updates


class Fixed(Threshold):
    """Works for the batch size at which it was traced only."""

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """A shape decided by a batch size."""
        outputs, updates = super().frames(inputs, state)
        return {"flag": outputs["flag"].reshape(2, -1)}, updates


@functools.cache
def exported() -> Graph:
    """The tiny model's graph; tracing takes seconds, so once per test session."""
    return to_onnx(Tiny().eval())


def tiny_bundle(folder: Path, spec: StreamSpec | None = None, content: bytes | None = None) -> Bundle:
    """A bundle of the tiny model, or of another spec or graph in its place."""
    graph = exported()
    return Bundle(
        path=folder,
        name="tiny",
        version="0.1.0",
        spec=spec or Tiny().spec,
        onnx=OnnxFile(STEP, graph.opset, graph.ir, "fp32"),
        licence="Apache-2.0",
        description="A tiny model.",
        training_data="none",
        credits="none",
        command="python -m export tiny tiny",
        commit="unknown",
        tolerance={"onnx_fp32": 1e-4},
        parity={"onnx free-running": 1e-6},
    ).write(graph.content if content is None else content, "# tiny\n")
