"""A small set of simulated gesturers, and a toy bundle whose hand goes by its own voice and words."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.bundle import STEP, Bundle, OnnxFile
from engine.runtime.protocol import graph_signature
from engine.spec import InputSpec, OutputSpec, StreamSpec
from models.contract import BAD_INPUT
from models.gesture.config import BODY
from models.gesture.pats import PATS_JOINTS
from tests.engine.text.made import IR, OPSET, model
from tests.train.simulate.gestures.talks import spoken
from train.gesture.pats import pose
from train.gesture.pats.layout import PCM, RATE
from train.gesture.pats.writer import PatsWriter
from train.simulate.gestures.build import gesture, image
from train.simulate.gestures.library import load_library
from train.simulate.gestures.persona import PERSONAS
from train.simulate.gestures.plan import HANDS
from train.speech.talk import Talk

Array = NDArray[np.float64]

WHO = tuple(dataclasses.replace(PERSONAS[place], rate=24.0, nods=8.0) for place in (0, 4))
TALKS = {"train": ("t0", "t1"), "test": ("v0-ES2009a-A-01", "v1-ES2009b-A-02", "v2-IS1002b-C-00")}
REST = np.zeros((52, 2))
"""A body (points) at rest: arms hang."""
REST[[1, 2, 3], 0], REST[[4, 5, 6], 0] = -167.0, 167.0
REST[[2, 5], 1], REST[[3, 6], 1] = 200.0, 400.0
REST[10:31], REST[31:] = REST[6], REST[3]
WRISTS = {"right": [3, *range(31, 52)], "left": [6, *range(10, 31)]}


def talk(name: str, split: str) -> Talk:
    """A talk of four phrases; the voice is the beginning of the name."""
    made = spoken(4, name=name)
    rng = np.random.default_rng(list(name.encode()))
    by = float(rng.uniform(0.0, 0.3))
    words = tuple(dataclasses.replace(word, start=word.start + by, end=word.end + by) for word in made.words)
    stresses = tuple(dataclasses.replace(stress, time=stress.time + by) for stress in made.stresses)
    pcm = np.concatenate([np.zeros(round(by * 16_000), np.float32), made.pcm])
    return dataclasses.replace(made, voice=name.partition("-")[0], split=split, pcm=pcm, words=words, stresses=stresses)


def small_set(folder: Path) -> Path:
    """Two gesturers of each of five talks."""
    library = load_library(None)
    talks = [talk(name, split) for split, names in TALKS.items() for name in names]
    writer = PatsWriter(folder, {"talks": {one.name: one.voice for one in talks}})
    for one in talks:
        for persona in WHO:
            built = gesture(one, persona, library, 0)
            data = image(built.body, persona)
            arrays: dict[str, NDArray[Any]] = {
                "pose/data": data,
                "pose/normalize": pose.normalised(data),
                PCM: np.round(one.pcm * 32767).astype(np.int16),
                "events/stresses": np.array([(s.time, s.strength, s.word) for s in one.stresses], np.float32),
                "body/rotations": built.body.rotations,
                "live/rotations": built.live.rotations,
                "events/gestures": np.array(
                    [
                        (HANDS.index(g.hands), 0, g.prep, g.stroke, g.apex, g.retract, g.rest, g.size)
                        for g in built.planned.gestures
                    ],
                    np.float32,
                ).reshape(-1, 8),
                "events/nods": np.array(
                    [(n.start, n.apex, n.end, n.size) for n in built.planned.nods], np.float32
                ).reshape(-1, 4),
            }
            writer.add(f"{one.name}.{persona.name}", persona.name, one.split, one.name, arrays, one.words)
    writer.finish()
    return folder


def eased(times: Array, start: float, end: float) -> Array:
    """0 before ``start``, 1 after ``end``, least jerk between."""
    share = np.clip((times - start) / (end - start), 0.0, 1.0)
    return np.asarray(share**3 * (10.0 - 15.0 * share + 6.0 * share**2))


def striking(moments: list[float], seconds: float, hands: tuple[str, ...] = ("right",), noise: float = 0.0) -> Array:
    """Points (T, 52, 2) of a body that strikes so that each stroke ends at one of ``moments``: 0.4 s to raise the hand,
    0.3 s to strike, held for 0.6 s, 0.5 s back."""
    times = (np.arange(round(seconds * RATE)) + 0.5) / RATE
    made = np.repeat(REST[None], len(times), 0)
    way = np.zeros((len(times), 2))
    for moment in moments:
        up = eased(times, moment - 0.75, moment - 0.35)
        down = eased(times, moment - 0.3, moment)
        back = eased(times, moment + 0.6, moment + 1.1)
        way += (up - back)[:, None] * np.array([40.0, -300.0]) + (down - back)[:, None] * np.array([-60.0, 160.0])
    for hand in hands:
        made[:, WRISTS[hand]] += (way * (1.0 if hand == "right" else np.array([-1.0, 1.0])))[:, None]
    return made + np.random.default_rng(0).normal(0.0, noise, made.shape)


HOP = 800
SPEC = StreamSpec(
    name="waver",
    rate=15.0,
    sample_rate=12_000,
    inputs=(
        InputSpec("voice", "audio", (HOP,), -1.0, 1.0, validity="heard", of="self"),
        InputSpec("heard", "validity", low=0.0, high=1.0),
        InputSpec("said", "words", (2, 4), -600.0, 600.0, of="self"),
        InputSpec("who", "control", (), 0.0, 1.0, names=tuple(sorted(one.name for one in WHO))),
        InputSpec("amplitude", "control", (), 0.0, 2.0, 1.0),
        InputSpec("noise", "noise", (1,), 0.0, 1.0, 0.5),
    ),
    outputs=(
        OutputSpec(
            "figure",
            (52, 2),
            tuple(f"{j}.{a}" for j in PATS_JOINTS for a in "xy"),
            ("px",) * 104,
            -4000.0,
            4000.0,
            codec="points:pats52",
        ),
        OutputSpec("body", (27, 3), BODY.channels, ("m",) * 81, skeleton="cmu", codec="joints"),
        BAD_INPUT,
    ),
    skeletons=(BODY,),
)


def step() -> bytes:
    """The right hand goes up with the loudest sample that is heard, down with the id of the newest word as long as it
    is young (a second), and to the side by the gesturer; the noise moves the neck's point."""
    ways = np.zeros((5, 52, 2), np.float32)
    ways[0, WRISTS["right"], 1] = -1000.0  # voice
    ways[1, WRISTS["right"], 1] = 10.0  # word
    ways[2, WRISTS["left"], 0] = 50.0  # who
    ways[3, 0, 0] = 1.0  # chance
    ways[4, WRISTS["left"], 1] = 5.0  # whether anything is to be heard
    constants: dict[str, Any] = {
        "newest": np.array([1]),
        "id": np.array([0]),
        "age.at": np.array([1]),
        "there": np.array([3]),
        "last": np.array([-1]),
        "shape": np.array([-1, 1, 52, 2]),
        "ways": ways.reshape(5, -1),
        "rest": REST.astype(np.float32),
        "joints": BODY.rest_positions().astype(np.float32),
        "zero": np.float32(0.0),
        "one": np.float32(1.0),
        "three": np.array([2, 3]),
    }
    nodes = [
        ("Abs", "voice", "loud", {}),
        ("ReduceMax", "loud last", "peak", {"keepdims": 1}),
        ("Unsqueeze", "heard last", "valid", {}),
        ("Mul", "peak valid", "voiced", {}),
        ("Gather", "said newest", "word", {"axis": 2}),
        ("Gather", "word id", "id.now", {"axis": 3}),
        ("Gather", "word age.at", "age.now", {"axis": 3}),
        ("Gather", "word there", "there.now", {"axis": 3}),
        ("Less", "age.now one", "is_young", {}),
        ("Cast", "is_young", "young", {"to": TensorProto.FLOAT}),
        ("Mul", "id.now young", "told", {}),
        ("Mul", "told there.now", "spoken", {}),
        ("Squeeze", "spoken last", "worded", {}),
        ("Unsqueeze", "who last", "style", {}),
        ("Concat", "voiced worded style noise valid", "all", {"axis": 2}),
        ("MatMul", "all ways", "flat", {}),
        ("Reshape", "flat shape", "moved", {}),
        ("Unsqueeze", "amplitude three", "size", {}),
        ("Mul", "moved size", "sized", {}),
        ("Add", "sized rest", "figure", {}),
        ("Mul", "size zero", "nothing", {}),
        ("Add", "nothing joints", "body", {}),
        ("Mul", "amplitude zero", BAD_INPUT.name, {}),
    ]
    inputs, outputs = graph_signature(SPEC)
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
    ends: list[dict[str, Any]] = [
        {name: (kinds[dtype], ["batch", *shape]) for name, (dtype, shape) in items.items()}
        for items in (inputs, outputs)
    ]
    made = [helper.make_node(kind, names.split(), [output], **more) for kind, names, output, more in nodes]
    return model(made, *ends, {name: np.asarray(value) for name, value in constants.items()})


VOCABULARY = ("?", "the", "river", "mountain", "wonderful", "places", "visit")


def waver(folder: Path) -> Bundle:
    """The toy as a bundle in ``folder``."""
    bundle = Bundle(
        path=folder,
        name="waver",
        version="0.1.0",
        spec=SPEC,
        onnx=OnnxFile(STEP, OPSET, IR, "fp32"),
        licence="Apache-2.0",
        description="A toy.",
        training_data="none",
        credits="none",
        command="python -m export waver waver",
        commit="unknown",
        vocabulary="words.txt",
    )
    return bundle.write(step(), "# waver\n", {"words.txt": "\n".join(VOCABULARY).encode()})
