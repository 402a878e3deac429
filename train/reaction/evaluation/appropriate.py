"""The clips that the challenge's metrics look at, whose answers are right for each, and redraws made of such answers.

The listeners of one talk are right for it. Where a talk has a single listener, the set's neighbours say who else is: in
other talks, people who answered somebody that behaved alike. A *redraw* then follows the talk clip by clip, each time
the clip of such a person; its moments are those of another speaker, so it is the ceiling of the challenge's metrics and
of how people move, and no ceiling of timing. Held against the appropriate listeners it is not held against itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation import challenge
from train.reaction.evaluation.scene import Sample, Scene
from train.reaction.neighbours import Pair
from train.simulate.talk import CLIP_FRAMES

Array = NDArray[np.floating]

EASE_FRAMES = 25
"""Frames over which a face goes from the end of one clip to the next, which is of another person."""
NOBODY = -1


class ChallengeClip(NamedTuple):
    """A stretch of a scene, ``frames`` from ``start``, and the listener that is its truth."""

    scene: int
    start: int
    frames: int
    reference: str


class Appropriate(NamedTuple):
    """Listeners' emotion (M, T, 25), which of them are right for which of N clips (N, M), and the columns of those that
    are clips of a pair."""

    listeners: Array
    right: NDArray[np.bool_]
    column: Mapping[Pair, int]

    def drawn(self, sample: Sample, clip: ChallengeClip) -> int:
        """The column that a sample is a copy of at a clip, :data:`NOBODY` for one that was not drawn."""
        return self.column.get(sample.drawn[clip.start // CLIP_FRAMES], NOBODY) if sample.drawn else NOBODY


def choose_clips(scenes: Sequence[Scene], most: int) -> list[ChallengeClip]:
    """Up to ``most`` clips, spread evenly over the scenes, each stretch with all its references. Stretches are 30 s, or
    the shortest scene where that is shorter; where neighbours tell of clips they begin with one."""
    frames = min(challenge.CLIP_FRAMES, *(scene.frames for scene in scenes))
    stretches = [
        (index, start)
        for index, scene in enumerate(scenes)
        for start in range(0, scene.frames - frames + 1, frames if scene.neighbours is None else CLIP_FRAMES)
    ]
    count = max(1, most // max(len(scene.references) for scene in scenes))
    picked = np.unique(np.linspace(0, len(stretches) - 1, min(count, len(stretches))).round().astype(int))
    return [
        ChallengeClip(scene, start, frames, reference)
        for scene, start in (stretches[index] for index in picked)
        for reference in scenes[scene].references
    ]


def cut(sample: Sample, clip: ChallengeClip) -> Array:
    """The emotion (T, 25) of a sample in a clip."""
    return sample.emotion[clip.start : clip.start + clip.frames].copy()


def appropriate(scenes: Sequence[Scene], clips: Sequence[ChallengeClip]) -> Appropriate:
    """Who is right for each of ``clips``: the references of its stretch, and by the neighbours of its scene others."""
    listeners: list[Array] = []
    column: dict[ChallengeClip | Pair, int] = {}
    rows: list[list[int]] = []
    for clip in clips:
        scene = scenes[clip.scene]
        found: list[int] = []
        if scene.neighbours is None:
            for other in (clip._replace(reference=name) for name in scene.references):
                if other not in column:
                    column[other] = len(listeners)
                    listeners.append(cut(scene.listener(other.reference), other))
                found.append(column[other])
        else:
            for pair in scene.neighbours.appropriate(scene.talk.pair(clip.reference, clip.start // CLIP_FRAMES)):
                if pair not in column:
                    column[pair] = len(listeners)
                    listeners.append(scene.talk.data.emotion(scene.talk.split, pair.listener)[: clip.frames])
                found.append(column[pair])
        rows.append(found)
    right = np.zeros((len(clips), len(listeners)), np.bool_)
    for row, found in enumerate(rows):
        right[row, found] = True
    return Appropriate(np.stack(listeners), right, {key: at for key, at in column.items() if isinstance(key, Pair)})


def redraw(scene: Scene, reference: str, count: int, rng: np.random.Generator) -> list[Sample]:
    """Up to ``count`` answers to a scene that has neighbours, each clip another person's appropriate answer (one more
    than once where a clip has fewer): faces are eased from clip to clip, emotions left as they are."""
    assert scene.neighbours is not None
    others = [scene.neighbours.others(scene.talk.pair(reference, place)) for place in scene.clips]
    order = [rng.permutation(len(pairs)) for pairs in others]
    data, split = scene.talk.data, scene.talk.split
    made = []
    for sample in range(min(count, max(map(len, others)))):
        drawn = tuple(pairs[turn[sample % len(turn)]] for pairs, turn in zip(others, order, strict=True))
        face = eased([data.face(split, pair.listener) for pair in drawn])
        made.append(Sample(face, np.concatenate([data.emotion(split, pair.listener) for pair in drawn]), drawn))
    return made


def eased(faces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Faces one after another, each beginning where the last one ended."""
    ramp = ((np.arange(EASE_FRAMES, dtype=np.float32) + 0.5) / EASE_FRAMES)[:, None]
    weight = ramp * ramp * (3.0 - 2.0 * ramp)
    joined = [faces[0]]
    for face in faces[1:]:
        begun = face.copy()
        begun[:EASE_FRAMES] = joined[-1][-1] * (1.0 - weight) + face[:EASE_FRAMES] * weight
        joined.append(begun)
    return np.concatenate(joined)
