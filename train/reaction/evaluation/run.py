"""Plays every row over every talk and turns what was counted into metrics with intervals.

A row is asked for one talk at a time and its streams are dropped once counted: only the clips of the challenge's
metrics and the moments to be drawn are kept. Seeds depend on names, not on order, so a row's metrics do not change with
the rows beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation import challenge, measures
from train.reaction.evaluation.rows import TalkRow
from train.reaction.evaluation.scene import NOD_WINDOW_S, SMILE_WINDOW_S, Sample, Scene
from train.reaction.evaluation.tally import tally
from train.report import events
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Say, measure, quiet
from train.report.intervals import Tally, by_group
from train.simulate.talk import FPS, Cue

Array = NDArray[np.floating]

CLIPS = 24
"""Most clips (each a stretch of 30 s and one reference listener) that the challenge's metrics look at: DTW is slow."""
MOMENT_S = (3.0, 7.0)
"""How much is drawn before and after a cue."""


class ChallengeClip(NamedTuple):
    """A stretch of a scene, ``frames`` from ``start``, and the listener that is its truth."""

    scene: int
    start: int
    frames: int
    reference: str


class CueMoment(NamedTuple):
    """A cue worth looking at: its scene, the first frame of its stretch, and the stretch's length in frames."""

    scene: int
    start: int
    frames: int
    cue: Cue


class Played(NamedTuple):
    """What a row did in all scenes: tallies by voice, the emotion (T, 25) of each clip's samples, and the face (T, 58)
    of the first answer at each moment."""

    by_voice: dict[str, Tally]
    clips: dict[ChallengeClip, list[Array]]
    moments: list[NDArray[np.float32]]


@dataclass(kw_only=True)
class Listening(Evaluation):
    """Listeners, measured: ground truth first. ``faces`` hold by row the face (T, 58) of each of the ``moments``."""

    scenes: Sequence[Scene]
    moments: Sequence[CueMoment]
    clips: Sequence[ChallengeClip]
    samples: int
    faces: Mapping[str, list[NDArray[np.float32]]]

    @property
    def voices(self) -> list[str]:
        """The voices measured."""
        return sorted({scene.voice for scene in self.scenes})


def evaluate(scenes: Sequence[Scene], rows: Sequence[TalkRow], samples: int, seed: int, say: Say = quiet) -> Listening:
    """Measure ``rows``, among them ``ground truth``, ``redraw`` and ``random``. ``say`` is told of the progress."""
    clips, moments = choose_clips(scenes), choose_moments(scenes)
    speakers = np.stack([_cut(scenes[c.scene].speaker(), c) for c in clips])
    listeners = np.stack([_cut(scenes[c.scene].listener(c.reference), c) for c in clips])
    neighbours = np.array([[(a.scene, a.start) == (b.scene, b.start) for b in clips] for a in clips])
    voices = sorted({scene.voice for scene in scenes})
    speaking = [voices.index(scenes[clip.scene].voice) for clip in clips]
    faces: dict[str, list[NDArray[np.float32]]] = {}

    def count(row: TalkRow) -> Counts:
        played = _play(row, scenes, clips, moments, seed)
        faces[row.name] = played.moments
        predictions = np.stack([challenge.padded(played.clips[clip], samples) for clip in clips])
        found = challenge.measure(predictions, listeners, speakers, neighbours)
        minutes = sum(float(one.sums["minutes"]) for one in played.by_voice.values())
        return Counts(played.by_voice, 60.0 * minutes, lambda weight: challenge.score(found, weight[:, speaking]))

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        truth, redraw, random = (every[name].tally for name in ("ground truth", "redraw", "random"))
        return Derived(measures.metrics(own.tally, truth, redraw, random) | own.whole, curves(own.tally))

    return Listening(
        results=measure(rows, count, derive, seed, say),
        seed=seed,
        scenes=scenes,
        moments=moments,
        clips=clips,
        samples=samples,
        faces=faces,
    )


def curves(row: Tally) -> dict[str, Array]:
    """What is plotted, (D, bins): hazard, first nods, both spectra, and shares of blink intervals by whole frames."""
    intervals = row.sums["blink_intervals"]
    return {
        "hazard": measures.hazard(row),
        "first_nods": measures.first_nods(row),
        "spectrum_head": measures.spectrum(row, "rotation"),
        "spectrum_face": measures.spectrum(row, "face"),
        "blink_intervals": intervals / np.maximum(intervals.sum(1, keepdims=True), 1.0),
    }


def choose_clips(scenes: Sequence[Scene]) -> list[ChallengeClip]:
    """Up to :data:`CLIPS` clips, spread evenly over the scenes, each stretch with all its references. Stretches are
    30 s, or the shortest scene where that is shorter."""
    frames = min(challenge.CLIP_FRAMES, *(scene.frames for scene in scenes))
    stretches = [
        (index, start) for index, scene in enumerate(scenes) for start in range(0, scene.frames - frames + 1, frames)
    ]
    count = max(1, CLIPS // max(len(scene.references) for scene in scenes))
    picked = np.unique(np.linspace(0, len(stretches) - 1, min(count, len(stretches))).round().astype(int))
    return [
        ChallengeClip(scene, start, frames, reference)
        for scene, start in (stretches[index] for index in picked)
        for reference in scenes[scene].references
    ]


def choose_moments(scenes: Sequence[Scene]) -> list[CueMoment]:
    """A cue of each of three families - a phrase's end, a question, a smile - of different talks where there are such;
    one that the first reference answers before one that it does not, then the strongest."""
    before, after = (round(seconds * FPS) for seconds in MOMENT_S)
    chosen: list[CueMoment] = []
    for kinds, rise, window in (
        (("pause", "low"), events.nods, NOD_WINDOW_S),
        (("question",), events.nods, NOD_WINDOW_S),
        (("smile", "laugh"), events.smiles, SMILE_WINDOW_S),
    ):
        there: list[tuple[bool, bool, float, int, Cue]] = []
        for index, scene in enumerate(scenes):
            new = index not in {moment.scene for moment in chosen}
            times = rise(scene.listener(scene.references[0]).face, FPS)
            for cue in scene.cues:
                if cue.kind in kinds and before <= cue.time_s * FPS < scene.frames - after:
                    replied = any(window[0] <= time - cue.time_s <= window[1] for time in times)
                    there.append((replied, new, cue.strength, index, cue))
        if there:
            *_, index, cue = max(there, key=lambda item: item[:3])
            chosen.append(CueMoment(index, round(cue.time_s * FPS) - before, before + after, cue))
    return chosen


def _play(
    row: TalkRow, scenes: Sequence[Scene], clips: Sequence[ChallengeClip], moments: Sequence[CueMoment], seed: int
) -> Played:
    counted: list[tuple[str, Tally]] = []
    kept: dict[ChallengeClip, list[Array]] = {}
    faces: dict[CueMoment, NDArray[np.float32]] = {}
    for index, scene in enumerate(scenes):
        answers = row.play(scene)
        # Counted with the same draws for every row, so that two rows of equal events have equal chance.
        rng = np.random.default_rng([seed, *f"{scene.voice}/{scene.talk.name}".encode()])
        counted += [(scene.voice, tally(one.face, scene, rng)) for samples in answers.values() for one in samples]
        kept |= {c: [_cut(sample, c) for sample in answers[c.reference]] for c in clips if c.scene == index}
        first = answers[scene.references[0]][0].face
        faces |= {m: first[m.start : m.start + m.frames].copy() for m in moments if m.scene == index}
    return Played(by_group(counted), kept, [faces[moment] for moment in moments])


def _cut(sample: Sample, clip: ChallengeClip) -> Array:
    return sample.emotion[clip.start : clip.start + clip.frames].copy()
