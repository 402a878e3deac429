"""What is measured side by side: the truth, cheap answers, and models.

**truth**: the talk's own avatar. **another talk's**: that of another voice's talk of the same kind, as long. **mean**:
the mean of the training part, held. **hold**: the truth's first frame, held. **loudness rule**: :mod:`.loudness`.
**windowed**: :mod:`.windowed`. Bundles: :mod:`.served`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from train.conversation.evaluation.cases import Case, Shown
from train.conversation.evaluation.loudness import Loudness
from train.conversation.talks.layout import MOUTH

Array = NDArray[np.floating]

TRUTH, OTHER, MEAN, HOLD, LOUDNESS = "truth", "another talk's", "mean", "hold", "loudness rule"
WINDOWED = "windowed"
RESERVED = (TRUTH, OTHER, MEAN, HOLD, LOUDNESS, WINDOWED)
LIPS, SPEECH, LISTENING, TURNS, BODY = "lips", "speech", "listening", "turns", "body"
EVERY = (LIPS, SPEECH, LISTENING, TURNS, BODY)
"""Parts of the evaluation."""


class Row(Protocol):
    """A row of the report: how it is called, what it is, its kind (see :mod:`train.report.evaluation`) and the parts
    that it is measured in."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def parts(self) -> Sequence[str]: ...

    def play(self, cases: Sequence[Case]) -> Mapping[str, Shown]:
        """What it shows in each case, by the case's name."""


@dataclass(frozen=True)
class FunctionRow:
    """A row that answers case by case."""

    name: str
    about: str
    kind: str
    answer: Callable[[Case], Shown]
    parts: Sequence[str] = EVERY

    def play(self, cases: Sequence[Case]) -> dict[str, Shown]:
        """See :class:`Row`."""
        return {case.name: self.answer(case) for case in cases}


class Average(NamedTuple):
    """The mean of the training part: a face (58,), a body (27, 4) if there are bodies, a mouth (27,) by kind."""

    face: Array
    body: Array | None
    mouths: Mapping[str, Array]


@dataclass
class Sums:
    """What an average is made of, added up talk by talk."""

    frames: float = 0.0
    face: Array = field(default_factory=lambda: np.zeros(len(FACE_NAMES)))
    body: Array | None = None

    def add(self, case: Case) -> None:
        """One talk more."""
        self.frames += case.frames
        self.face = self.face + case.truth.face.sum(0, dtype=float)
        if case.truth.body is not None:
            turned = case.truth.body.astype(float)
            base = turned[0] if self.body is None else self.body
            turned = turned * np.where((turned * base).sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
            self.body = turned.sum(0) if self.body is None else self.body + turned.sum(0)


def average(talks: Sequence[Case], spoken: Mapping[str, Sequence[Case]]) -> Average:
    """The mean of dialogues of the training part (and where there are none a face at rest), and of the captured mouths
    by kind."""
    sums = Sums()
    for case in talks:
        sums.add(case)
    body = None if sums.body is None else sums.body / np.linalg.norm(sums.body, axis=-1, keepdims=True)
    mouths = {kind: np.concatenate([case.mouth for case in cases]).mean(0) for kind, cases in spoken.items() if cases}
    return Average(sums.face / max(sums.frames, 1.0), body, mouths)


def simple(cases: Sequence[Case], spare: Sequence[Case], mean: Average, rules: Mapping[str, Loudness]) -> list[Row]:
    """All rows that need no model. ``spare`` are talks that stand in where ``cases`` hold no other of a kind;
    ``rules`` are the loudness rules by how a mouth was captured."""
    rows = [
        FunctionRow(TRUTH, "the talk's own avatar", "people", lambda case: case.truth),
        FunctionRow(
            OTHER,
            "another talk's avatar, another voice's where there is one",
            "chance",
            lambda case: other(case, cases, spare),
        ),
        FunctionRow(MEAN, "the mean of the training part, held", "trick", lambda case: held_mean(case, mean)),
        FunctionRow(HOLD, "the truth's first frame, held", "trick", hold),
    ]
    if rules:
        about = "the mouth opens as loud as the own voice is, fitted to captured mouths of the training part; causal"
        rows.append(FunctionRow(LOUDNESS, about, "trick", lambda case: speaking(rules[case.kind].mouth(case)), (LIPS,)))
    return [*rows]


def speaking(mouth: Array) -> Shown:
    """A face at rest but for a mouth (T, 27)."""
    face = np.zeros((len(mouth), len(FACE_NAMES)), np.float32)
    face[:, MOUTH] = mouth
    return Shown(face)


def other(case: Case, cases: Sequence[Case], spare: Sequence[Case]) -> Shown:
    """The avatar of another talk of the same kind, to and fro for as long as the case lasts: of another voice where
    there is one, of the talks that are measured before others. One that has a body where the case has."""
    alike = [
        one
        for one in (*cases, *spare)
        if one.alone == case.alone
        and (one.kind == case.kind or not case.alone)
        and one.name != case.name
        and (case.truth.body is None or one.truth.body is not None)
    ]
    strangers = [one for one in alike if one.voice not in (case.voice, case.told.partner)]
    chosen = strangers or alike
    if not chosen:
        return hold(case)
    number = int(np.random.default_rng([*case.name.encode()]).integers(len(chosen)))
    return _swung(chosen[number].truth, case.frames)


def hold(case: Case) -> Shown:
    """The truth's first frame, held."""
    return _still(case.truth.face[0], None if case.truth.body is None else case.truth.body[0], case.frames)


def held_mean(case: Case, mean: Average) -> Shown:
    """The mean face and body; in a capture the mean mouth of its kind."""
    if not case.alone:
        return _still(mean.face, mean.body, case.frames)
    face = np.zeros(len(FACE_NAMES))
    if case.kind in mean.mouths:
        face[list(MOUTH)] = mean.mouths[case.kind]
    return _still(face, None, case.frames)


def _swung(shown: Shown, frames: int) -> Shown:
    """``frames`` of an avatar, to and fro, so that nothing jumps."""
    length = len(shown.face)
    at = np.arange(frames) % max(2 * (length - 1), 1)
    at = np.where(at < length, at, 2 * (length - 1) - at)
    return Shown(shown.face[at], None if shown.body is None else shown.body[at])


def _still(face: Array, body: Array | None, frames: int) -> Shown:
    repeated = None if body is None else np.repeat(body[None], frames, 0).astype(np.float32)
    return Shown(np.repeat(face[None], frames, 0).astype(np.float32), repeated)
