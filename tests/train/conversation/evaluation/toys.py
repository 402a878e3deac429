"""Small talks whose answers are known: voices that are bursts of tone, mouths that open with them, a swaying head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.body.skeleton import skeleton
from engine.bundle import STEP, Bundle, OnnxFile
from engine.channels import FACE, FACE_NAMES, FACE_UNITS
from engine.runtime.protocol import graph_signature
from engine.spec import InputSpec, OutputSpec, StreamSpec
from models.contract import BAD_INPUT
from models.conversation.config import CAPTURES
from tests.engine.text.made import IR, OPSET, model
from train.conversation.evaluation.cases import Case, Shown
from train.conversation.talks.layout import FPS, MOUTH, MOUTH_NAMES, Told, Voices
from train.conversation.talks.layout import TalkWriter as Writer

Array = NDArray[np.floating]
Face = NDArray[np.float32]

RATE = 16_000
BODY = skeleton("cmu")


def voice(spans: list[tuple[float, float]], seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    """A tone with four syllables a second in each of the spans (s), next to silence elsewhere."""
    times = np.arange(round(seconds * rate)) / rate
    loud = np.full(len(times), 1e-4)
    for start, end in spans:
        inside = (times >= start) & (times < end)
        loud[inside] = 0.3 * (0.6 + 0.4 * np.cos(2.0 * np.pi * 4.0 * (times[inside] - start)))
    return (loud * np.sin(2.0 * np.pi * 180.0 * times)).astype(np.float32)


def opening(spans: list[tuple[float, float]], seconds: float, hertz: float = 4.0) -> Array:
    """How far a mouth opens (T,): four times a second in each span, from closed to 0.5."""
    times = (np.arange(round(seconds * FPS)) + 0.5) / FPS
    out = np.zeros(len(times))
    for start, end in spans:
        inside = (times >= start) & (times < end)
        out[inside] = 0.25 * (1.0 - np.cos(2.0 * np.pi * hertz * (times[inside] - start)))
    return out


def mouth(jaw: Array) -> Face:
    """A mouth (T, 27) that opens its jaw so far (T,), and its lips half as far."""
    made = np.zeros((len(jaw), len(MOUTH_NAMES)), np.float32)
    made[:, MOUTH_NAMES.index("jawOpen")] = jaw
    made[:, MOUTH_NAMES.index("mouthFunnel")] = 0.5 * jaw
    made[:, MOUTH_NAMES.index("mouthPressLeft")] = np.where(jaw < 0.02, 0.2, 0.0)
    return made


def face_of(shown: Face) -> Face:
    """A face (T, 58) at rest but for a mouth (T, 27)."""
    made = np.zeros((len(shown), len(FACE_NAMES)), np.float32)
    made[:, MOUTH] = shown
    return made


def nodding(times: list[float], seconds: float, rate: float, degrees: float = 8.0) -> Face:
    """A face (T, 58) whose head nods at some times (s), half a second long each."""
    at = (np.arange(round(seconds * rate)) + 0.5) / rate
    made = np.zeros((len(at), len(FACE_NAMES)), np.float32)
    for time in times:
        share = np.clip((at - time) / 0.5, 0.0, 1.0)
        made[:, FACE["headPitch"]] += np.radians(degrees) * np.sin(np.pi * share) ** 2
    return made


def smiling(times: list[float], seconds: float, rate: float, names: tuple[str, ...]) -> Face:
    """A face (T, 58) in which some channels rise at some times (s) for a second."""
    at = (np.arange(round(seconds * rate)) + 0.5) / rate
    made = np.zeros((len(at), len(FACE_NAMES)), np.float32)
    for time in times:
        share = np.clip((at - time) / 1.2, 0.0, 1.0)
        made[:, [FACE[name] for name in names]] += (0.5 * np.sin(np.pi * share) ** 2)[:, None]
    return made


def swaying(frames: int, seed: int, size: float = 1.0) -> Face:
    """A face (T, 58) whose head sways, whose brows move and whose gaze goes away now and then."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / FPS
    made = np.zeros((frames, len(FACE_NAMES)), np.float32)
    for number, name in enumerate(("headPitch", "headYaw", "headRoll")):
        phase, hertz = rng.uniform(0, 6.3), 0.3 + 0.2 * number
        made[:, FACE[name]] = size * 0.06 * np.sin(2.0 * np.pi * hertz * times + phase)
    made[:, FACE["browInnerUp"]] = size * 0.2 * (1.0 + np.sin(2.0 * np.pi * 0.7 * times + rng.uniform(0, 6.3)))
    away = np.sin(2.0 * np.pi * 0.2 * times + rng.uniform(0, 6.3)) > 0.5
    made[:, FACE["eyeLookUpLeft"]] = made[:, FACE["eyeLookUpRight"]] = 0.5 * away
    return made


def moving(frames: int, size: float, seed: int = 0) -> Face:
    """Quaternions (T, 27, 4) of a body at rest whose right forearm swings so far (rad) once a second."""
    made = np.zeros((frames, len(BODY.joints), 4), np.float32)
    made[..., 3] = 1.0
    angle = size * np.sin(2.0 * np.pi * np.arange(frames) / FPS + seed)
    made[:, BODY.index("rForeArm"), 0] = np.sin(angle / 2.0)
    made[:, BODY.index("rForeArm"), 3] = np.cos(angle / 2.0)
    return made


def case(
    face: Face,
    own: list[tuple[float, float]],
    partner: list[tuple[float, float]] | None = None,
    name: str = "talk",
    body: Face | None = None,
    told: Told | None = None,
    partner_face: Face | None = None,
) -> Case:
    """A talk in memory: who speaks when as told, in bursts."""
    seconds = len(face) / FPS
    spoken = partner or []
    told = told or Told(voice=f"voice of {name}", turns=tuple(own), partner_turns=tuple(spoken))
    sound = Voices(voice(own, seconds), voice(spoken, seconds), RATE)
    known = np.ones(len(face), bool)
    return Case(
        name, "test", sound, Shown(face, body), face[:, MOUTH], known, np.ones(len(MOUTH), bool), partner_face, told
    )


def small_set(root: Path) -> Path:
    """Captures of 8 s in each split, and dialogues of 20 s: two to test with, one to train with."""
    writer = Writer(root)
    for split, seed in (("train", 1), ("dev", 2), ("test", 3)):
        spans = [(0.6, 3.0), (3.6 + 0.1 * seed, 6.6)]
        shown = mouth(opening(spans, 8.0))
        arrays: dict[str, Any] = {"face": face_of(shown), "fps": np.array(FPS)}
        told = {"voice": "mona", "capture": "captured", "words": [["bom", 0.6, 0.9], ["and", 1.0, 1.2]]}
        sound = Voices(voice(spans, 8.0), np.zeros(8 * RATE, np.float32), RATE)
        writer.add(split, f"capture-{split}", sound, arrays, told)
    for split, name, own_first in (("train", "t-a", True), ("test", "d-a", True), ("test", "d-b", False)):
        one, other = [(0.5, 5.0), (12.0, 16.0)], [(6.0, 11.0), (17.0, 19.0)]
        own, partner = (one, other) if own_first else (other, one)
        frames = round(20 * FPS)
        face = swaying(frames, len(name) + own_first) + face_of(mouth(opening(own, 20.0)))
        face += smiling([7.0, 17.5], 20.0, FPS, ("mouthSmileLeft", "mouthSmileRight"))
        arrays = {
            "face": np.clip(face, -3.0, 1.0),
            "body": moving(frames, 0.8 if own_first else 0.4),
            "partner_face": smiling([6.5, 17.0], 20.0, FPS, ("mouthSmileLeft", "mouthSmileRight")),
            "fps": np.array(FPS),
        }
        told = {"voice": f"voice {name}", "turns": own, "partner_turns": partner}
        writer.add(split, name, Voices(voice(own, 20.0), voice(partner, 20.0), RATE), arrays, told)
    writer.finish()
    return root


HOP = 500
SPEC = StreamSpec(
    name="echo",
    rate=30.0,
    sample_rate=15_000,
    lookahead=0,
    inputs=(
        InputSpec("own", "audio", (HOP,), -1.0, 1.0, validity="own_there", of="self"),
        InputSpec("own_there", "validity", low=0.0, high=1.0),
        InputSpec("theirs", "audio", (HOP,), -1.0, 1.0, validity="theirs_there", of="partner"),
        InputSpec("theirs_there", "validity", low=0.0, high=1.0),
        InputSpec("seen", "face", (58,), -3.2, 3.2, validity="seen_there", age="seen_age", of="partner"),
        InputSpec("seen_there", "validity", low=0.0, high=1.0),
        InputSpec("seen_age", "age", low=0.0, high=1e4),
        InputSpec("articulation", "control", (), 0.0, 1.0, names=CAPTURES),
        InputSpec("partner_present", "control", (), 0.0, 1.0, 1.0),
        InputSpec("style", "control", (), 0.0, 2.0, names=("ada", "ben", "cyd")),
        InputSpec("size", "control", (), 0.0, 2.0, 1.0),
        InputSpec("noise", "noise", (1,), 0.0, 1.0, 0.5),
    ),
    outputs=(OutputSpec("face", (58,), FACE_NAMES, FACE_UNITS, -3.2, 3.2, codec="arkit58"), BAD_INPUT),
)
SHOWN = {
    "jawOpen": "own",
    "browInnerUp": "theirs",
    "cheekPuff": "seen_there",
    "jawForward": "seen_age",
    "noseSneerLeft": "articulation",
    "noseSneerRight": "partner_present",
    "tongueOut": "noise",
    "mouthLeft": "style",
}
"""By channel what the toy bundle shows there: the loudest sample of a voice, or a number as it is."""


def step() -> bytes:
    """A graph that shows on some channels what it is given, and nowhere anything of its own, times ``size``."""
    ways = np.zeros((len(SHOWN), 58), np.float32)
    for row, channel in enumerate(SHOWN):
        ways[row, FACE[channel]] = 1.0
    numbers = ("seen_there", "seen_age", "articulation", "partner_present", "style", "size")
    nodes = [
        *(
            (kind, text, out, more)
            for name in ("own", "theirs")
            for kind, text, out, more in (
                ("Abs", name, f"{name}.loud", {}),
                ("ReduceMax", f"{name}.loud last", f"{name}.peak", {"keepdims": 1}),
            )
        ),
        *(("Unsqueeze", f"{name} last", f"{name}.one", {}) for name in numbers),
        (
            "Concat",
            "own.peak theirs.peak seen_there.one seen_age.one articulation.one partner_present.one noise style.one",
            "all",
            {"axis": 2},
        ),
        ("MatMul", "all ways", "flat", {}),
        ("Mul", "flat size.one", "face", {}),
        ("Mul", "size zero", BAD_INPUT.name, {}),
    ]
    constants = {"last": np.array([-1]), "ways": ways, "zero": np.float32(0.0)}
    inputs, outputs = graph_signature(SPEC)
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
    ends: list[dict[str, Any]] = [
        {name: (kinds[dtype], ["batch", *shape]) for name, (dtype, shape) in items.items()}
        for items in (inputs, outputs)
    ]
    made = [helper.make_node(kind, names.split(), [output], **more) for kind, names, output, more in nodes]
    return model(made, *ends, {name: np.asarray(value) for name, value in constants.items()})


def echo(folder: Path, spec: StreamSpec = SPEC) -> Bundle:
    """The toy as a bundle in ``folder``."""
    bundle = Bundle(
        path=folder,
        name="echo",
        version="0.1.0",
        spec=spec,
        onnx=OnnxFile(STEP, OPSET, IR, "fp32"),
        licence="Apache-2.0",
        description="A toy.",
        training_data="none",
        credits="none",
        command="python -m export echo echo",
        commit="unknown",
    )
    return bundle.write(step(), "# echo\n")
