"""Runs a bundle over a talk as the engine would serve it: same graph, same runtime, frame by frame.

All references of a talk and all samples of each are rows of one batch. A row is given the talk's voice and face, its
reference's controls and noise of its own; controls that the reference does not have stay at their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.channels import EMOTION_NAMES, FACE_NAMES
from engine.errors import EngineError
from train.reaction.evaluation.scene import Sample, Scene, with_emotion
from train.report.offline import Offline
from train.simulate.talk import FPS, RATE


@dataclass
class Listener:
    """A bundle as a row of the report. ``hears`` and ``sees`` False take the voice or the face away: the input is then
    at its missing value with validity 0. ``held`` are controls at fixed values. Raises :class:`EngineError` for a
    bundle that does not listen at 25 fps, or that has no such control or value."""

    name: str
    bundle: Bundle
    samples: int
    seed: int = 0
    hears: bool = True
    sees: bool = True
    held: Mapping[str, Any] = field(default_factory=dict)
    about: str = field(init=False)
    kind: str = field(init=False)
    _offline: Offline = field(init=False)

    def __post_init__(self) -> None:
        spec = self.bundle.spec
        if (spec.rate, spec.sample_rate) != (FPS, RATE):
            raise EngineError(
                f"bundle {self.bundle.name}: {spec.rate:g} frames/s and {spec.sample_rate} Hz, but the talks are "
                f"{FPS} frames/s and {RATE} Hz; evaluate a bundle of the reaction family"
            )
        if spec.output("face").shape != (len(FACE_NAMES),):
            raise EngineError(f"bundle {self.bundle.name}: output face is {spec.output('face').shape}, not (58,)")
        self.held = spec.check_controls(self.held)
        self._offline = Offline(self.bundle)
        lacks = [what for what, there in (("voice", self.hears), ("face", self.sees)) if not there]
        without = f", given no {' and no '.join(lacks)}" if lacks else ""
        self.kind = "ablation" if lacks else "model"
        at = "".join(f", {name} {value}" for name, value in self.held.items())
        self.about = f"bundle {self.bundle.name} {self.bundle.version}{without}{at}"

    def play(self, scene: Scene) -> dict[str, list[Sample]]:
        """The answers to a talk: for each reference, ``samples`` of them."""
        rows = [(reference, sample) for reference in scene.references for sample in range(self.samples)]
        spec = self.bundle.spec
        pcm, face, controls = scene.pcm().reshape(scene.frames, -1), scene.speaker().face, self._controls(scene)
        seeds = [self._row_seed(scene, reference, sample) for reference, sample in rows]

        def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if self.hears:
                for item in spec.by_role("audio"):
                    inputs[item.name][...] = pcm[frame]
            if self.sees:
                for item in spec.by_role("face"):
                    inputs[item.name][...] = face[frame]
            for name, values in controls.items():
                inputs[name][...] = values[:, frame]

        there = {"audio": self.hears, "face": self.sees}
        outputs = self._offline.run(scene.frames, seeds, self._outputs(), there, fill)
        answers: dict[str, list[Sample]] = {reference: [] for reference in scene.references}
        for index, (reference, _) in enumerate(rows):
            made = outputs["face"][index]
            answers[reference].append(
                Sample(made, outputs["emotion"][index]) if "emotion" in outputs else with_emotion(made)
            )
        return answers

    def _outputs(self) -> list[str]:
        there = {item.name: item.shape for item in self.bundle.spec.outputs}
        return ["face", *(["emotion"] if there.get("emotion") == (len(EMOTION_NAMES),) else [])]

    def _controls(self, scene: Scene) -> dict[str, NDArray[np.float32]]:
        """Controls that both the model and the references have, and those that are held, (rows, frames)."""
        known = {item.name: item for item in self.bundle.spec.controls}
        given = [scene.controls(reference) for reference in scene.references]
        rows = self.samples * len(given)
        fixed = {name: np.asarray(value, np.float32) for name, value in self.held.items()}
        held = {name: np.broadcast_to(value, (rows, scene.frames, *value.shape)) for name, value in fixed.items()}
        return held | {
            name: np.repeat(np.stack([np.clip(one[name], item.low, item.high) for one in given]), self.samples, 0)
            for name, item in known.items()
            if name not in held and all(name in one for one in given)
        }

    def _row_seed(self, scene: Scene, reference: str, sample: int) -> int:
        words = [self.seed, sample, *f"{scene.voice}/{scene.talk.name}/{reference}".encode()]
        return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])
