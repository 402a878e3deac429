"""A very small dancer: it turns about itself, at a rate that its effort sets, and tells where it sees its partner."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch

from engine.body.motion import Motion, forward_kinematics
from engine.body.skeleton import Skeleton
from engine.body.write import write_bvh
from engine.bundle import STEP, Bundle, OnnxFile
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import Graph, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors

STICK = Skeleton(
    name="stick",
    joints=("hip", "chest", "head", "lHand", "rHand"),
    parents=(-1, 0, 1, 1, 1),
    rest=((0.0, 1.0, 0.0), (0.0, 0.4, 0.0), (0.0, 0.3, 0.0), (0.6, 0.0, 0.0), (-0.6, 0.0, 0.0)),
)
EFFORTS = ("low", "medium", "high")
TURN = 0.1
"""Radians a frame at low effort."""
RATE = 30.0


class Dancer(StreamModel):
    """``body`` and ``rotations`` of a stick that turns; ``seen`` is the partner's hip, or zeros."""

    card, licence, data = "A tiny dancer.", "Apache-2.0", "none"

    def __init__(self) -> None:
        super().__init__()
        joints = len(STICK.joints)
        self.register_buffer("rest", torch.tensor(STICK.rest_positions()))
        self.spec = StreamSpec(
            name="dancer",
            rate=RATE,
            inputs=(
                InputSpec(
                    *("partner_body", "body", (joints, 3), -50.0, 50.0),
                    validity="partner_valid",
                    age="partner_age",
                    unit="m",
                    skeleton="stick",
                    of="partner",
                ),
                InputSpec("partner_valid", "validity", low=0.0, high=1.0),
                InputSpec("partner_age", "age", low=0.0, high=1e3, missing=1e3),
                InputSpec("effort", "control", (), 0.0, 2.0, 0.0, names=EFFORTS),
                InputSpec("speed", "control", (), 0.25, 2.0, 1.0),
            ),
            outputs=(
                OutputSpec("body", (joints, 3), skeleton="stick", codec="joints"),
                OutputSpec("rotations", (joints, 4), skeleton="stick", codec="quaternions"),
                OutputSpec("seen", (3,), ("x", "y", "z"), ("m", "m", "m")),
                BAD_INPUT,
            ),
            state={"angle": StateSpec(())},
            skeletons=(STICK,),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Turned by so much more in every frame."""
        angle = state["angle"][:, None] + (TURN * (1.0 + inputs["effort"]) * inputs["speed"]).cumsum(1)
        x, y, z = self.rest.unbind(-1)
        cos, sin = angle.cos()[..., None], angle.sin()[..., None]
        body = torch.stack([cos * x + sin * z, y.expand_as(cos * x), cos * z - sin * x], -1)
        root = torch.stack([0.0 * angle, (angle / 2).sin(), 0.0 * angle, (angle / 2).cos()], -1)
        others = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(*angle.shape, len(STICK.joints) - 1, 4)
        seen = inputs["partner_body"][..., 0, :] * inputs["partner_valid"][..., None]
        rotations = torch.cat([root[..., None, :], others], -2)
        return {"body": body, "rotations": rotations, "seen": seen}, {"angle": angle[:, -1]}


@functools.cache
def graph() -> Graph:
    """The dancer's graph; tracing takes seconds, so once per test session."""
    return to_onnx(Dancer().eval())


def dancer_bundle(folder: Path) -> Bundle:
    """The dancer as a bundle in ``folder``."""
    made = graph()
    return Bundle(
        path=folder,
        name="dancer",
        version="0.1.0",
        spec=Dancer().spec,
        onnx=OnnxFile(STEP, made.opset, made.ir, "fp32"),
        licence="Apache-2.0",
        description="A tiny dancer.",
        training_data="none",
        credits="none",
        command="python -m export dancer dancer",
        commit="unknown",
        tolerance={"onnx_fp32": 1e-4},
        parity={"onnx free-running": 1e-6},
    ).write(made.content, "# dancer\n")


def walk(frames: int, rate: float = RATE, skeleton: Skeleton = STICK) -> Motion:
    """A stick that walks along x, a centimetre a frame, and swings its chest."""
    swing = 0.5 * np.sin(np.arange(frames) / 5)
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, len(skeleton.joints), 3, 3)).copy()
    rotations[:, 1, 0, 0] = rotations[:, 1, 1, 1] = np.cos(swing)
    rotations[:, 1, 1, 0], rotations[:, 1, 0, 1] = np.sin(swing), -np.sin(swing)
    root = np.stack([0.01 * np.arange(frames), np.ones(frames), np.zeros(frames)], -1).astype(np.float32)
    return Motion(skeleton, rate, forward_kinematics(skeleton, root, rotations), rotations)


def take(path: Path, frames: int = 60, rate: float = RATE) -> Path:
    """A BVH file of :func:`walk`."""
    write_bvh(walk(frames, rate), path)
    return path
