"""Bundles run over talks as the engine would serve them: voices and the partner's face heard and seen as they come.

What a bundle is given is found by role and owner, so a bundle of this family, one that only listens (its own voice then
reaches it as ``self_speaking``) and one of another rate all run by the same code. Talks of about one length run side by
side. A frame that a bundle shows ``lookahead`` frames late is put where it belongs.

A captured recording holds the mouth of speech and no smile at a partner. Where a bundle can be asked to leave its lips
out (``lip_strength``), recordings are played with a still expression, with lips and without, and what it shows on the
mouth's channels is taken off before lips are measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.channels import FACE_NAMES
from engine.errors import EngineError
from engine.spec import InputSpec
from models.conversation.config import CAPTURES, MOUTH
from models.conversation.spec import EXPRESSIVENESS, LIPS
from train.conversation.evaluation.cases import Case, Shown, within
from train.conversation.evaluation.rows import EVERY, LISTENING
from train.conversation.talks.layout import FPS
from train.report.offline import UNSEEN_AGE_S, Offline
from train.simulate.dialogues.avatar import at_rate

ROWS = 8
"""Talks that run side by side."""
PRESENT, SPEAKING = "partner_present", "self_speaking"
CODEC, BODY_CODEC, SKELETON = "arkit58", "quaternions", "cmu"


class Hearing(NamedTuple):
    """A case as a bundle meets it, frame by frame at its rate: ``voices`` (frames, hop) by owner, the partner's
    ``face`` (frames, 58) if it is seen, and ``speaks`` (frames,), whether the own side does."""

    voices: Mapping[str, NDArray[np.float32]]
    face: NDArray[np.float32] | None
    speaks: NDArray[np.float32]


APART = {EXPRESSIVENESS, LIPS}
"""Controls by which the mouth of speech is told apart from what the expression shows on its channels."""


@dataclass
class Served:
    """A bundle as a row of the report; ``controls`` (numbers, or text that says them) hold for all talks. Raises
    :class:`EngineError` for a bundle that shows no face or hears nobody."""

    name: str
    bundle: Bundle
    seed: int = 0
    controls: Mapping[str, Any] = field(default_factory=dict)
    about: str = field(init=False)
    kind: str = field(init=False, default="model")
    parts: Sequence[str] = field(init=False)
    _offline: Offline = field(init=False)
    _set: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        spec = self.bundle.spec
        faces = [item for item in spec.outputs if item.codec == CODEC and item.shape == (len(FACE_NAMES),)]
        if not faces or not spec.by_role("audio"):
            codecs = ", ".join(item.codec for item in spec.outputs)
            raise EngineError(
                f"bundle {self.bundle.name}: outputs {codecs}; evaluate one that hears a voice and shows {CODEC}"
            )
        self._face = faces[0].name
        turns = [item.name for item in spec.outputs if item.codec == BODY_CODEC and item.skeleton == SKELETON]
        self._body = turns[0] if turns and spec.rate == FPS else None  # a body of another rate is not measured
        speaks = any(item.of == "self" for item in spec.by_role("audio"))
        self.parts = EVERY if speaks else (LISTENING,)
        given = {name: value for name, value in self.controls.items() if speaks}  # a listener keeps its defaults
        self._set = dict(spec.check_controls(given))
        self.about = f"bundle {self.bundle.name} {self.bundle.version}, live"
        self._offline = Offline(self.bundle)

    @property
    def embodied(self) -> bool:
        """Whether a body is shown that can be measured."""
        return self._body is not None

    def play(self, cases: Sequence[Case], take: int = 0) -> dict[str, Shown]:
        """What it shows in each case; another ``take`` has other noise."""
        made = self._played(cases, take)
        if self.bundle.spec.rate == FPS and APART.issubset(item.name for item in self.bundle.spec.controls):
            # Read off an expression that stands still: two runs of one that moves are not quite alike.
            alone, wide = [case for case in cases if case.alone], float(self._set.get(LIPS, 1.0))
            still, bare = (self._played(alone, take, {EXPRESSIVENESS: 0.0, LIPS: size}) for size in (wide, 0.0))
            for name, face in still.items():
                made[name] = replace(made[name], mouth=of_speech(face.face, bare[name].face))
        return made

    def _played(self, cases: Sequence[Case], take: int, more: Mapping[str, float] | None = None) -> dict[str, Shown]:
        found: dict[str, Shown] = {}
        order = sorted(cases, key=lambda case: case.frames)  # those that run together end together
        for first in range(0, len(order), ROWS):
            found |= self._together(order[first : first + ROWS], take, more or {})
        return found

    def _together(self, cases: Sequence[Case], take: int, more: Mapping[str, float]) -> dict[str, Shown]:
        spec = self.bundle.spec
        late = spec.lookahead
        lengths = [round(case.seconds * spec.rate) for case in cases]
        frames = max(lengths) + late
        heard = [self._hearing(case, frames) for case in cases]

        def fill(inputs: Mapping[str, NDArray[Any]], frame: int) -> None:
            if frame == 0:
                self._begin(inputs, cases, heard)
                for name, value in more.items():
                    inputs[name][...] = value
            for item in spec.inputs:
                for row, one in enumerate(heard):
                    if item.role == "audio":
                        inputs[item.name][row] = one.voices[item.of or "partner"][frame]
                    elif item.role == "face" and one.face is not None:
                        inputs[item.name][row] = one.face[frame]
                    elif item.name == SPEAKING:
                        inputs[item.name][row] = one.speaks[frame]

        keep = [self._face] if self._body is None else [self._face, self._body]
        seeds = [self._seed(case, take) for case in cases] + [0] * (ROWS - len(cases))  # one runtime for all
        made = self._offline.run(frames, seeds, keep, {}, fill)
        found = {}
        for row, (case, length) in enumerate(zip(cases, lengths, strict=True)):
            span = slice(late, late + length)
            body = None if self._body is None else made[self._body][row, span]
            found[case.name] = Shown(made[self._face][row, span], body, spec.rate)
        return found

    def _begin(self, inputs: Mapping[str, NDArray[Any]], cases: Sequence[Case], heard: Sequence[Hearing]) -> None:
        """Who is heard and seen, and the controls of each row."""
        spec = self.bundle.spec
        for name, value in self._set.items():
            inputs[name][...] = value
        for item in spec.by_role("audio"):
            _seen(item, inputs, [True] * len(cases))
        for item in spec.by_role("face"):
            _seen(item, inputs, [one.face is not None for one in heard])
        for item in spec.controls:
            for row, case in enumerate(cases):
                if item.name == PRESENT and item.name not in self._set:
                    inputs[item.name][row] = float(not case.alone)
                elif set(item.names) == set(CAPTURES) and case.kind in item.names:
                    inputs[item.name][row] = item.names.index(case.kind)
                elif case.told.persona in item.names and item.name not in self._set:
                    inputs[item.name][row] = item.names.index(case.told.persona)

    def _hearing(self, case: Case, frames: int) -> Hearing:
        spec = self.bundle.spec
        voices = case.heard(spec.sample_rate)
        face = None
        if case.partner_face is not None:
            face = at_rate(case.partner_face, FPS, spec.rate, frames)
        hops = {name: _hops(pcm, frames, spec.hop) for name, pcm in (("self", voices.own), ("partner", voices.partner))}
        return Hearing(hops, face, within(case.turns, frames, spec.rate).astype(np.float32))

    def _seed(self, case: Case, take: int) -> int:
        key = [self.seed, take, *f"{self.bundle.name}/{case.name}".encode()]
        return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def of_speech(whole: NDArray[np.float32], bare: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mouth of speech (T, 27) of a face (T, 58) and the same face without it: the inverse of
    :func:`models.conversation.model.spoken`."""
    under = bare[:, MOUTH]
    apart = (whole[:, MOUTH] - under) / np.maximum(1.0 - under, 1e-3)
    return np.asarray(np.clip(apart, 0.0, 1.0), np.float32)


def _seen(item: InputSpec, inputs: Mapping[str, NDArray[Any]], there: Sequence[bool]) -> None:
    """Whether an input is there in each of the rows."""
    seen = np.array(there)
    if item.validity is not None:
        inputs[item.validity][: len(seen)] = seen
    if item.age is not None:
        inputs[item.age][: len(seen)] = np.where(seen, 0.0, UNSEEN_AGE_S)


def _hops(pcm: NDArray[np.float32], frames: int, hop: int) -> NDArray[np.float32]:
    """A voice (n,) as hops (frames, hop), silence after its end."""
    wanted = frames * hop
    return np.pad(pcm, (0, max(0, wanted - len(pcm))))[:wanted].reshape(frames, hop)
