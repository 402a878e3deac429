"""Toy motions that are told apart by a few words, a set of them, and a toy bundle that moves by these words."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.body.skeleton import skeleton
from engine.bundle import STEP, Bundle, EncoderFiles, OnnxFile
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from engine.text.fields import FIELDS
from export.step import Graph, to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors
from models.text_motion.posecodes.table import GROUPS, phrases
from tests.engine.text.made import graph, word_level
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


class Mover(StreamModel):
    """Does what the prompt's words say; its right foot is lifted while that is held. A prompt acts at once."""

    card, licence, data = "A toy.", "Apache-2.0", "none"

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rest", torch.tensor(REST))
        moves = torch.zeros(3, 22, 3)
        moves[DOES.index("wave")][ARM, 1] = 0.3
        moves[DOES.index("bow")][TRUNK, 2] = 0.3
        lifts = torch.zeros(22, 3)
        lifts[FOOT, 1] = LIFT_M
        self.register_buffer("moves", moves)
        self.register_buffer("lifts", lifts)
        self.lifted, self.at = phrases()[LIFTED]
        words = [InputSpec("prompt", "text", (len(WORDS),))]
        words += [InputSpec(name, "text", (len(WORDS),), follows="prompt") for name in FIELDS]
        self.spec = StreamSpec(
            name="mover",
            rate=RATE,
            inputs=(
                *words,
                InputSpec("hold", "control", (len(GROUPS),), -1.0, 17.0, -1.0),
                InputSpec("temperature", "control", (), 0.0, 2.0, 1.0),
                InputSpec("noise", "noise", (1,), 0.0, 1.0, 0.5),
            ),
            outputs=(OutputSpec("body", (22, 3), skeleton="humanml3d"), BAD_INPUT),
            state={"angle": StateSpec(()), "along": StateSpec(())},
            skeletons=(BODY,),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """One frame further."""
        said = inputs["prompt"]
        does = said[..., 1 : 1 + len(DOES)]
        fast = 1.0 + 2.0 * (said[..., WORDS.index("quickly")] > 0)
        angle = state["angle"][:, None] + (0.3 * fast * (0.8 + 0.4 * inputs["noise"][..., 0])).cumsum(1)
        along = state["along"][:, None] + (0.05 * fast * does[..., 0] * inputs["temperature"]).cumsum(1)
        # Fields are given too, but this toy reads the prompt alone; the sum keeps them in the graph.
        heard = sum(inputs[name].sum(-1) for name in FIELDS)
        swing = angle.sin()[..., None, None, None] * (does[..., None, None] * self.moves)
        body = self.rest + swing.sum(-3)
        held = (inputs["hold"][..., self.lifted] == self.at).float()
        body = body + held[..., None, None] * self.lifts + 0.0 * heard[..., None, None]
        body = body + along[..., None, None] * torch.tensor([0.0, 0.0, 1.0])
        return {"body": body}, {"angle": angle[:, -1], "along": along[:, -1]}


@functools.cache
def _graph() -> Graph:
    return to_onnx(Mover().eval())


def mover(folder: Path) -> Bundle:
    """The toy as a bundle in ``folder``."""
    made = _graph()
    texts = ("prompt", *FIELDS)
    bundle = Bundle(
        path=folder,
        name="mover",
        version="0.1.0",
        spec=Mover().spec,
        onnx=OnnxFile(STEP, made.opset, made.ir, "fp32"),
        licence="Apache-2.0",
        description="A toy.",
        training_data="none",
        credits="none",
        command="python -m export mover mover",
        commit="unknown",
        tolerance={"onnx_fp32": 1e-4},
        parity={"onnx free-running": 1e-6},
        encoders={name: EncoderFiles("encode.onnx", "tokenizer.json", 6) for name in texts},
    )
    more = {"encode.onnx": graph(TABLE, 6), "tokenizer.json": word_level(WORDS)}
    return bundle.write(made.content, "# mover\n", more)
