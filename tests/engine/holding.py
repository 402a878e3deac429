"""A small bundle whose step shows what is held: phrases of three elements, a prompt, and two fields read in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper

from engine.bundle import Bundle, EncoderFiles
from engine.spec import InputSpec, OutputSpec, StreamSpec
from tests.engine.text.made import TOKENS, WIDTH, graph, model, text_bundle, word_level

HOLD = InputSpec(
    "hold",
    "control",
    (4,),
    -1,
    2,
    -1,
    names=(
        "left elbow {}|left arm {}",
        "hands {}|left hand and right hand {}",
        "left hand {} head",
        "left hand {} hip",
    ),
    choices=(
        ("straight", "bent to 90|at a right angle", "bent to 10.5"),
        ("together|touching, almost", "apart"),
        ("below", "above|over"),
        ("behind", "in front of"),
    ),
)
SPEC = StreamSpec(
    "holder",
    20.0,
    (
        HOLD,
        InputSpec("gain", "control", (), 0.0, 2.0, 1.0),
        InputSpec("prompt", "text", (WIDTH,), -100.0, 100.0, validity="prompted"),
        InputSpec("prompted", "validity"),
        InputSpec("left_arm", "text", (WIDTH,), -100.0, 100.0, follows="prompt", validity="armed"),
        InputSpec("armed", "validity"),
        InputSpec("mood", "text", (WIDTH,), -100.0, 100.0, follows="prompt"),
    ),
    (OutputSpec("out", (4,)),),
    quantum=4,
)
WORDS = ("[UNK]", "raises", "the", "left", "arm", "happily", "walks", "waves", "sadly")


def hold_bundle(folder: Path) -> Bundle:
    """The bundle of :data:`SPEC`; its output is what is held."""
    held = (TensorProto.FLOAT, ["batch", 1, 4])
    inputs: Any = {item.name: (TensorProto.FLOAT, ["batch", 1, *item.shape]) for item in SPEC.inputs}
    clock: Any = {"cursor": (TensorProto.INT64, ["batch"]), "age": (TensorProto.INT64, ["batch"])}
    active: Any = {"active": (TensorProto.BOOL, ["batch"])}
    step = model([helper.make_node("Identity", ["hold"], ["out"])], inputs | clock | active, {"out": held}, {})  # type: ignore[dict-item]
    encoders = {item.name: EncoderFiles("encode.onnx", "tokenizer.json", TOKENS) for item in SPEC.texts}
    bundle = dataclasses.replace(
        text_bundle(folder), name="holder", path=folder / "holder", spec=SPEC, encoders=encoders
    )
    return bundle.write(step, "holder\n", {"encode.onnx": graph(), "tokenizer.json": word_level(WORDS[:6])})
