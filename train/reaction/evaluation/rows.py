"""The rows a listener is measured beside: recorded people, chance, and the cheap tricks that some measures reward.

- **ground truth**: the reference listeners; **redraw**: other listeners of the same talk, the ceiling, or where a talk
  has one listener, other people's appropriate answers by the set's neighbours.
- **without foresight**: in simulated talks, listeners of the same kind who answer nothing before it can be known, with
  the simulation's own cues: the most that a perfect listener without look-ahead can reach.
- **random**: a recorded listener of another talk, of another voice where there is one: human events and human motion
  at a human rate, at moments that have nothing to do with this talk. A shorter one is repeated.
- **shifted**: the reference itself, moved round the talk by a random offset of more than 10 s: its own rate exactly.
- **mime**: the speaker's face as a mirror shows it; **lagged mime**: the same 0.6 s later.
- **hold**: the reference's first frame for ever; **mean**: the reference's own mean frame (which no causal system
  could know: the most that stillness can win).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE, FACE_NAMES
from train.reaction.evaluation import appropriate
from train.reaction.evaluation.scene import Sample, Scene, with_emotion
from train.report.evaluation import Row
from train.simulate.listeners import listen
from train.simulate.talk import FPS, Talk

CAUSAL = "without foresight"
LAG_S = 0.6
SHIFT_S = 10.0
EASE_FRAMES = 25
"""Frames over which a stream that is repeated or moved round is eased across its seam, so that no jump is counted."""


class TalkRow(Row, Protocol):
    """A row that answers talks."""

    def play(self, scene: Scene) -> dict[str, list[Sample]]:
        """For each reference of the scene, one or more answers to its talk; nothing where it has none."""


@dataclass(frozen=True)
class FunctionRow:
    """A row that makes its answers reference by reference."""

    name: str
    about: str
    kind: str
    answer: Callable[[Scene, str], list[Sample]]

    def play(self, scene: Scene) -> dict[str, list[Sample]]:
        """See :class:`TalkRow`."""
        answers = {reference: self.answer(scene, reference) for reference in scene.references}
        return {reference: samples for reference, samples in answers.items() if samples}


def recorded(scenes: Sequence[Scene], samples: int, seed: int) -> list[FunctionRow]:
    """The people's and chance rows: ground truth, redraw, random, shifted; without those that :func:`left_out` tells
    of."""

    def truth(scene: Scene, reference: str) -> list[Sample]:
        return [scene.listener(reference)]

    def redraw(scene: Scene, reference: str) -> list[Sample]:
        if scene.neighbours is not None and scene.redraws:
            return appropriate.redraw(scene, reference, samples, _rng(seed, "redraw", scene, reference))
        first = scene.references.index(reference)
        count = min(samples, len(scene.others))
        return [scene.listener(scene.others[(first + k) % len(scene.others)]) for k in range(count)]

    def random(scene: Scene, reference: str) -> list[Sample]:
        rng = _rng(seed, "random", scene, reference)
        others = strangers(scene, scenes)
        chosen = []
        for index in rng.integers(len(others), size=samples):
            other = others[index]
            names = (*other.references, *other.others)
            drawn = other.listener(names[rng.integers(len(names))])
            chosen.append(_around(drawn, int(rng.integers(len(drawn.face))), scene.frames))
        return chosen

    def shifted(scene: Scene, reference: str) -> list[Sample]:
        rng = _rng(seed, "shifted", scene, reference)
        return [_around(scene.listener(reference), shift(rng, scene.frames), scene.frames) for _ in range(samples)]

    def causal(scene: Scene, reference: str) -> list[Sample]:
        talk, which = scene.talk, scene.references.index(reference)
        told = Talk(
            *(talk.voice, talk.voice, talk.audio(), talk.face()),
            *(talk.spans("phrases"), talk.spans("own_turns"), talk.acts(), talk.cues()),
        )
        drawn = listen(told, samples * len(scene.references), seed, foresight=False)[which * samples :][:samples]
        return [with_emotion(one.face[: scene.frames]) for one in drawn]

    near = any(scene.neighbours is not None for scene in scenes)
    rows = [FunctionRow("ground truth", "the reference listeners themselves", "people", truth)]
    if any(scene.redraws for scene in scenes):
        about = "other people's appropriate answers, clip by clip" if near else "other listeners of the same talk"
        rows.append(FunctionRow("redraw", f"{about}: the ceiling", "people", redraw))
    if all(scene.talk.simulated for scene in scenes):
        about = "simulated listeners who answer nothing before it can be known: the ceiling without look-ahead"
        rows.append(FunctionRow(CAUSAL, about, "people", causal))
    if strangers(scenes[0], scenes):
        about = "listeners of other talks: human events and motion at wrong moments"
        rows.append(FunctionRow("random", about, "chance", random))
    about = f"the references moved by more than {SHIFT_S:g} s: own rate, wrong moments"
    return [*rows, FunctionRow("shifted", about, "chance", shifted)]


def strangers(scene: Scene, scenes: Sequence[Scene]) -> list[Scene]:
    """The scenes of other voices; where there are none those of other talks, but not of a chat's two people, who answer
    each other."""
    found = [other for other in scenes if other.voice != scene.voice]
    return found or [other for other in scenes if other.talk.name != scene.talk.name and scene.talk.told]


def left_out(scenes: Sequence[Scene]) -> list[str]:
    """What cannot be measured on these scenes, why, and what would mend it, a sentence each."""
    told = []
    without = [scene for scene in scenes if not scene.redraws]
    where = "" if len(without) == len(scenes) else f" in {len(without)} of {len(scenes)} talks"
    if any(scene.neighbours is None for scene in without):
        told.append(
            f"no redraw{where}, nor what is held against it: with one listener a clip, how alike people are is not "
            "known; put the set's neighbours beside its lists as neighbour_emotion_SPLIT.npy, give them with "
            "--neighbours, or simulate more listeners a talk."
        )
    elif without:
        told.append(f"no redraw{where}: by the neighbours nobody else would have been right there.")
    if not strangers(scenes[0], scenes):
        told.append("no random row: it needs the listeners of another chat, and there is one; take a split with more.")
    if not any(scene.talk.told for scene in scenes):
        told.append(
            "this set does not say when phrases end or who smiles when: no cues, so nods and smiles are counted "
            "without asking whether they were due."
        )
    return told


def tricks() -> list[FunctionRow]:
    """Mime, lagged mime, hold and mean."""

    def mime(scene: Scene, _: str) -> list[Sample]:
        speaker = scene.speaker()
        return [Sample(mirrored(speaker.face), speaker.emotion)]

    def late(scene: Scene, _: str) -> list[Sample]:
        (now,) = mime(scene, _)
        earlier = np.maximum(np.arange(scene.frames) - round(LAG_S * FPS), 0)
        return [Sample(now.face[earlier], now.emotion[earlier])]

    def hold(scene: Scene, reference: str) -> list[Sample]:
        truth = scene.listener(reference)
        return [Sample(_still(truth.face[0], scene), _still(truth.emotion[0], scene))]

    def mean(scene: Scene, reference: str) -> list[Sample]:
        truth = scene.listener(reference)
        return [Sample(_still(truth.face.mean(0), scene), _still(truth.emotion.mean(0), scene))]

    return [
        FunctionRow("mime", "the speaker's face as in a mirror", "trick", mime),
        FunctionRow("lagged mime", f"the mime {LAG_S:g} s later", "trick", late),
        FunctionRow("hold", "the reference's first frame for ever", "trick", hold),
        FunctionRow("mean", "the reference's own mean frame", "trick", mean),
    ]


def mirrored(face: NDArray[np.floating]) -> NDArray[np.float32]:
    """A face (T, 58) as a mirror shows it: left and right change places, yaw, roll and sideways shift their sign."""
    sides = {name: name[:-4] + "Right" for name in FACE_NAMES if name.endswith("Left")}
    sides |= {right: left for left, right in sides.items()}
    order = [FACE[sides.get(name, name)] for name in FACE_NAMES]
    flipped = np.array(face[:, order], np.float32)
    flipped[:, [FACE["headYaw"], FACE["headRoll"], FACE["headX"]]] *= -1.0
    return flipped


def shift(rng: np.random.Generator, frames: int) -> int:
    """A random offset in frames, more than 10 s both ways round (a third of the talk where it is shorter than 30 s)."""
    least = min(round(SHIFT_S * FPS), frames // 3)
    return int(rng.integers(least, frames - least + 1))


def _around(sample: Sample, offset: int, frames: int) -> Sample:
    return Sample(looped(sample.face, offset, frames), looped(sample.emotion, offset, frames))


def looped(stream: NDArray[np.float32], offset: int, frames: int) -> NDArray[np.float32]:
    """``frames`` of a stream (T, channels) from ``offset`` on, round and round, its end eased into its beginning."""
    ease = min(EASE_FRAMES, len(stream) // 4)
    weight = ((np.arange(ease) + 0.5) / ease)[:, None] if ease else np.zeros((0, 1))
    weight = weight * weight * (3.0 - 2.0 * weight)
    lap = stream[: len(stream) - ease].copy()  # the last frames fade into the first
    lap[:ease] = stream[len(stream) - ease :] * (1.0 - weight) + stream[:ease] * weight
    return lap[(np.arange(frames) + offset) % len(lap)]


def _still(frame: NDArray[np.float32], scene: Scene) -> NDArray[np.float32]:
    return np.repeat(frame[None].astype(np.float32), scene.frames, 0)


def _rng(seed: int, what: str, scene: Scene, reference: str) -> np.random.Generator:
    return np.random.default_rng([seed, *f"{what}/{scene.voice}/{scene.talk.name}/{reference}".encode()])
