"""What is measured side by side: what people did when a text was noted of them, what models do, and cheap answers.

Every row answers the same *asks*: a caption of a held-out take, its span cut out. **truth**: that take. **another
take**: what somebody did in another take of the very same text, where the set has one. **nearest take**: the training
take whose text is nearest to the one asked for, by the model's own text vectors: what a search finds without a model.
**random take**: that of any text. **hold**: the truth's middle pose, held.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.text.tidy import tidy
from train.files import read_text
from train.text_motion.data import MotionSet
from train.text_motion.evaluation.networks import LONGEST
from train.text_motion.evaluation.own import Example, Vectors
from train.text_motion.texts import Caption

Array = NDArray[np.floating]

SHORTEST_S = 2.0
"""Seconds of a motion that is asked for, at least: as short as HumanML3D's."""


@dataclass(frozen=True)
class Ask:
    """A text with the motion (T, J, 3) in metres of which it was noted, in clip ``name`` of the set; ``group`` is the
    take that the clip was cut from, which the bootstrap draws."""

    name: str
    group: str
    caption: Caption
    motion: Array

    @property
    def clip(self) -> str:
        """The clip without regard to mirroring; sets in HumanML3D's layout mark mirrored ones by an M in front."""
        return unmirrored(self.name)

    @property
    def text(self) -> str:
        """What is asked for."""
        return self.caption.text


@dataclass(frozen=True)
class MotionRow:
    """A row of the report: ``motions`` by the number of the ask that each answers; ``repeats`` by number too, several
    motions of one ask, where a model was asked again and again; ``sources`` the take that each was copied from, where
    it was."""

    name: str
    about: str
    kind: str
    motions: Mapping[int, Array]
    repeats: Mapping[int, Sequence[Array]] = field(default_factory=dict)
    sources: Mapping[int, str] = field(default_factory=dict)


def unmirrored(name: str) -> str:
    """The clip that a name is of, mirrored or not."""
    return name[1:] if name[:1] == "M" and name[1:] else name


def takes(data: MotionSet) -> dict[str, str]:
    """The take that each clip was cut from, by the clip's name: from columns ``name`` and ``take`` of ``clips.csv``,
    which the sets made here have (`python -m train motions`). Others do not say, and each clip counts as a take."""
    found = {name: unmirrored(name) for name in data.files}
    path = data.folder / "clips.csv"
    if path.is_file():
        for line in csv.DictReader(io.StringIO(read_text(path))):
            if line.get("take") and line.get("name"):
                found[line["name"]] = line["take"]
    return found


def spans(data: MotionSet, split: str, most: int, seed: int) -> list[Ask]:
    """Every caption of a split with what it speaks of, at most as long as evaluators look at; captions of less than
    two seconds and takes with damage or without files are left out. Of more than ``most`` takes as many are drawn."""
    rate, found, there = data.layout.rate, [], takes(data)
    names = [name for name in data.names(split) if name in there]
    if len(names) > most:
        names = [names[number] for number in np.random.default_rng([seed, 5]).permutation(len(names))[:most]]
    for name in names:
        joints = np.asarray(data.joints(name), np.float32) * np.float32(data.layout.scale)
        for caption in data.captions(name):
            motion = joints[caption.frames(len(joints), rate)][: LONGEST + 1]
            if len(motion) >= SHORTEST_S * rate and np.isfinite(motion).all():
                found.append(Ask(name, there[name], caption, motion))
    return found


def asked(held: Sequence[Ask], most: int, seed: int) -> list[Ask]:
    """``most`` of the asks at most, spread over the clips: of every clip one, then of every clip another."""
    rng = np.random.default_rng([seed, len(held)])
    by_clip: dict[str, list[Ask]] = {}
    for number in rng.permutation(len(held)):
        by_clip.setdefault(held[number].name, []).append(held[number])
    turns = max(map(len, by_clip.values()), default=0)
    order = [own[turn] for turn in range(turns) for own in by_clip.values() if turn < len(own)]
    if len(order) < 2:
        raise EngineError(
            f"{len(order)} held-out captions of {SHORTEST_S:g} s or more: at least 2 are needed; give more takes, or "
            "another --held-out"
        )
    return order[:most]


def examples(learned: Iterable[Ask]) -> list[Example]:
    """What an evaluator learns from: each stretch of a clip once, with all that is said of it. No clip is a negative of
    its mirror image."""
    found: dict[tuple[str, int, bytes], list[Ask]] = {}
    for ask in learned:
        found.setdefault((ask.name, len(ask.motion), ask.motion[0].tobytes()), []).append(ask)
    return [Example(own[0].motion, [ask.text for ask in own], own[0].clip, own[0].group) for own in found.values()]


def truth(asks: Sequence[Ask]) -> MotionRow:
    """The held-out takes."""
    return MotionRow("truth", "held-out takes", "people", {n: ask.motion for n, ask in enumerate(asks)})


def another(asks: Sequence[Ask], every: Sequence[Ask], seed: int) -> MotionRow:
    """Another take of the same text, of whatever split, where there is one."""
    rng = np.random.default_rng([seed, 3])
    by_text: dict[str, list[Ask]] = {}
    for ask in every:
        by_text.setdefault(tidy(ask.text).lower(), []).append(ask)
    chosen = {}
    for number, ask in enumerate(asks):
        others = [other for other in by_text.get(tidy(ask.text).lower(), ()) if other.group != ask.group]
        if others:
            chosen[number] = others[int(rng.integers(len(others)))]
    return _copied("another take", "another take of the same text", "people", chosen)


def nearest(asks: Sequence[Ask], learned: Sequence[Ask], vectors: Vectors) -> MotionRow:
    """The training take with the nearest text."""
    own, known = (_units(vectors([ask.text for ask in some])) for some in (asks, learned))
    best = (own @ known.T).argmax(1)
    chosen = {number: learned[int(index)] for number, index in enumerate(best)}
    return _copied("nearest take", "the training take whose text is nearest, by text vectors", "trick", chosen)


def random(asks: Sequence[Ask], learned: Sequence[Ask], seed: int) -> MotionRow:
    """The training take of any text."""
    drawn = np.random.default_rng([seed, 4]).integers(len(learned), size=len(asks))
    chosen = {number: learned[int(index)] for number, index in enumerate(drawn)}
    return _copied("random take", "a training take of any text", "chance", chosen)


def _copied(name: str, about: str, kind: str, chosen: Mapping[int, Ask]) -> MotionRow:
    motions = {number: ask.motion for number, ask in chosen.items()}
    return MotionRow(name, about, kind, motions, sources={number: ask.group for number, ask in chosen.items()})


def hold(asks: Sequence[Ask]) -> MotionRow:
    """One pose of every held-out take."""
    motions = {}
    for number, ask in enumerate(asks):
        middle = len(ask.motion) // 2
        motions[number] = np.repeat(ask.motion[middle : middle + 1], len(ask.motion), 0)
    return MotionRow("hold", "the middle pose of the truth, held", "trick", motions)


def _units(vectors: NDArray[np.float32]) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
