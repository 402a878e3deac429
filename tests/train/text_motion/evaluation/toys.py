"""Toy motions that are told apart by a few words, a set of them, and a toy bundle that moves by these words."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.body.skeleton import skeleton
from engine.bundle import STEP, Bundle, EncoderFiles, OnnxFile
from engine.runtime.protocol import graph_signature
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from engine.text.fields import FIELDS
from models.contract import BAD_INPUT
from models.text_motion.posecodes.table import GROUPS, phrases
from tests.engine.text.made import IR, OPSET, graph, model, word_level
from train.text_motion.evaluation.rows import Ask
from train.text_motion.texts import Caption
from train.text_motion.write import write_set

Array = NDArray[np.float32]

BODY = skeleton("humanml3d")
REST = BODY.rest_positions() - np.array([0.0, BODY.rest_positions()[:, 1].min(), 0.0], np.float32)
RATE = 20.0
DOES = ("walk", "wave", "bow")
HOW = ("slowly", "quickly")
WORDS = ("[UNK]", *DOES, *HOW, "then")
TABLE = np.eye(len(WORDS), dtype=np.float32)
LIFTED = "right foot off the ground"
FOOT = BODY.index("r_foot")
LIFT_M = 0.3
ARM = [BODY.index(f"l_{joint}") for joint in ("elbow", "wrist")]
TRUNK = [BODY.index(joint) for joint in ("spine2", "spine3", "neck", "head")]


def vectors(texts: Sequence[str]) -> Array:
    """Texts as the bundle's encoder has them: the mean of their words' rows."""
    return np.stack([TABLE[[WORDS.index(w) if w in WORDS else 0 for w in text.split()]].mean(0) for text in texts])


def motion(does: str, how: str = "slowly", frames: int = 60, seed: int = 0) -> Array:
    """A body that walks, waves its left arm or bows, at 20 frames a second."""
    rng = np.random.default_rng(seed)
    angle = (1.0 if how == "slowly" else 3.0) * 2.0 * np.pi * np.arange(frames) / RATE + rng.uniform(0.0, 6.0)
    made = np.repeat(REST[None], frames, 0).astype(np.float32)
    if does == "walk":
        made[..., 2] += (0.5 if how == "slowly" else 1.5) * np.arange(frames)[:, None] / RATE
        for side, sign in (("l", 1.0), ("r", -1.0)):
            foot = [BODY.index(f"{side}_ankle"), BODY.index(f"{side}_foot")]
            made[:, foot, 1] += 0.1 * np.maximum(sign * np.sin(angle), 0.0)[:, None]
    elif does == "wave":
        made[:, ARM, 1] += np.array([0.1, 0.3]) * np.sin(angle)[:, None] + np.array([0.1, 0.4])
    else:
        made[:, TRUNK, 2] += np.linspace(0.1, 0.5, len(TRUNK)) * (1.0 + np.sin(angle))[:, None]
    return made


def asks(count: int = 12, seed: int = 0) -> list[Ask]:
    """Asks of all kinds in turn, each of a take of its own."""
    found = []
    for number in range(count):
        does, how = DOES[number % len(DOES)], HOW[number // len(DOES) % len(HOW)]
        caption = Caption(f"{does} {how}", (f"{does}/VERB", f"{how}/ADV"))
        take = f"{seed}{number:02d}"
        found.append(Ask(take, take, caption, motion(does, how, 50 + number, seed + number)))
    return found


@dataclass(frozen=True)
class Clip:
    name: str
    joints: Array
    captions: tuple[Caption, ...]
    split: str


@functools.cache
def clips() -> tuple[Clip, ...]:
    """Six training takes of every kind and three held-out ones."""
    made: list[Clip] = []
    for split, takes in (("train", 6), ("test", 3), ("val", 1)):
        for does in DOES:
            for how in HOW:
                for take in range(takes):
                    seed = 100 * len(made) + take
                    captions = (Caption(f"{does} {how}"), Caption(f"{does} {how} then {does}", (), 0.0, 2.5))
                    made.append(Clip(f"{split}{does}{how}{take}", motion(does, how, 56, seed), captions, split))
    return tuple(made)


def toy_set(folder: Path) -> Path:
    """The takes as a set."""
    write_set(folder, clips())
    return folder


TEXTS = ("prompt", *FIELDS)
SPEC = StreamSpec(
    name="mover",
    rate=RATE,
    inputs=(
        *(InputSpec(name, "text", (len(WORDS),), follows="" if name == "prompt" else "prompt") for name in TEXTS),
        InputSpec("hold", "control", (len(GROUPS),), -1.0, 17.0, -1.0),
        InputSpec("temperature", "control", (), 0.0, 2.0, 1.0),
        InputSpec("noise", "noise", (1,), 0.0, 1.0, 0.5),
    ),
    outputs=(OutputSpec("body", (22, 3), skeleton="humanml3d"), BAD_INPUT),
    state={"angle": StateSpec(()), "along": StateSpec(())},
    skeletons=(BODY,),
)


def step() -> bytes:
    """The toy's step, node by node (an export takes seconds): the prompt's words swing arm or trunk, or walk as fast as
    the temperature says; the right foot is lifted while that is held. A prompt acts at once."""
    moves = np.zeros((len(DOES), 22, 3), np.float32)
    moves[DOES.index("wave")][ARM, 1] = moves[DOES.index("bow")][TRUNK, 2] = 0.3
    lifts = np.zeros((22, 3), np.float32)
    lifts[FOOT, 1] = LIFT_M
    lifted, bin_ = phrases()[LIFTED]
    constants: dict[str, Any] = {
        "does.at": np.arange(1, 1 + len(DOES)),
        "quick.at": np.array(WORDS.index("quickly")),
        "walks.at": np.array(DOES.index("walk")),
        "lifted.at": np.array(lifted),
        "lifted.bin": np.float32(bin_),
        "first": np.array([1]),
        "last": np.array([2]),
        "lasts": np.array([2, 3]),
        "shape": np.array([-1, 1, 22, 3]),
        "moves": moves.reshape(len(DOES), -1),
        "lifts": lifts,
        "rest": REST,
        "ahead": np.array([0.0, 0.0, 1.0], np.float32),
        **{f"{value:g}": np.float32(value) for value in (0.0, 0.05, 0.3, 0.4, 0.8, 1.0, 2.0)},
    }
    nodes = [
        ("Gather", "prompt does.at", "does", {"axis": 2}),
        ("Gather", "prompt quick.at", "quick", {"axis": 2}),
        ("Gather", "does walks.at", "walks", {"axis": 2}),
        ("Gather", "hold lifted.at", "held", {"axis": 2}),
        ("Greater", "quick 0", "is_quick", {}),
        ("Cast", "is_quick", "quicker", {"to": TensorProto.FLOAT}),
        ("Mul", "quicker 2", "twice", {}),
        ("Add", "twice 1", "fast", {}),
        ("Squeeze", "noise last", "drawn", {}),
        ("Mul", "drawn 0.4", "scaled", {}),
        ("Add", "scaled 0.8", "uneven", {}),
        ("Mul", "uneven fast", "rate", {}),
        ("Mul", "rate 0.3", "turn", {}),
        ("Unsqueeze", "state.angle first", "angle.before", {}),
        ("Add", "angle.before turn", "angle", {}),
        ("Squeeze", "angle first", "next.angle", {}),
        ("Mul", "walks fast", "strides", {}),
        ("Mul", "strides temperature", "warm", {}),
        ("Mul", "warm 0.05", "stride", {}),
        ("Unsqueeze", "state.along first", "along.before", {}),
        ("Add", "along.before stride", "along", {}),
        ("Squeeze", "along first", "next.along", {}),
        ("Sin", "angle", "sine", {}),
        ("Unsqueeze", "sine last", "swings", {}),
        ("Mul", "does swings", "swung", {}),
        ("MatMul", "swung moves", "swing.flat", {}),
        ("Reshape", "swing.flat shape", "swing", {}),
        ("Equal", "held lifted.bin", "is_held", {}),
        ("Cast", "is_held", "is_lifted", {"to": TensorProto.FLOAT}),
        ("Unsqueeze", "is_lifted lasts", "lifted", {}),
        ("Mul", "lifted lifts", "lift", {}),
        ("Unsqueeze", "along lasts", "far", {}),
        ("Mul", "far ahead", "walked", {}),
        ("Sum", "rest swing lift walked", "body", {}),
        ("Mul", "temperature 0", BAD_INPUT.name, {}),
    ]
    inputs, outputs = graph_signature(SPEC)
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
    ends: list[dict[str, Any]] = [
        {name: (kinds[dtype], ["batch", *shape]) for name, (dtype, shape) in items.items()}
        for items in (inputs, outputs)
    ]
    made = [helper.make_node(kind, names.split(), [output], **more) for kind, names, output, more in nodes]
    return model(made, *ends, {name: np.asarray(value) for name, value in constants.items()})


def mover(folder: Path) -> Bundle:
    """The toy as a bundle in ``folder``."""
    bundle = Bundle(
        path=folder,
        name="mover",
        version="0.1.0",
        spec=SPEC,
        onnx=OnnxFile(STEP, OPSET, IR, "fp32"),
        licence="Apache-2.0",
        description="A toy.",
        training_data="none",
        credits="none",
        command="python -m export mover mover",
        commit="unknown",
        encoders={name: EncoderFiles("encode.onnx", "tokenizer.json", 6) for name in TEXTS},
    )
    return bundle.write(step(), "# mover\n", {"encode.onnx": graph(TABLE, 6), "tokenizer.json": word_level(WORDS)})
