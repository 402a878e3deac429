"""Plays every row over every talk and turns what was counted into figures with intervals.

A row is asked for one talk at a time and its streams are dropped once counted: only the clips of the challenge's
metrics and the moments to be drawn are kept. Seeds depend on names, not on order, so a row's figures do not change with
the rows beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.reaction.evaluation import challenge, measures
from train.reaction.evaluation.rows import Row
from train.reaction.evaluation.scene import NOD_WINDOW_S, SMILE_WINDOW_S, Sample, Scene
from train.reaction.evaluation.tally import Tally, tally
from train.report import events
from train.report.intervals import pooled, weights
from train.simulate.talk import FPS, Cue

Array = NDArray[np.floating]

CLIPS = 24
"""Most clips (each a stretch of 30 s and one reference listener) that the challenge's metrics look at: DTW is slow."""
MOMENT_S = (3.0, 7.0)
"""How much is drawn before and after a cue."""


@dataclass(frozen=True)
class Clip:
    """A stretch of a scene, ``frames`` from ``start``, and the listener that is its truth."""

    scene: int
    start: int
    frames: int
    reference: str


@dataclass(frozen=True)
class Moment:
    """A cue worth looking at: its scene, the first frame of its stretch, and the stretch's length in frames."""

    scene: int
    start: int
    frames: int
    cue: Cue


@dataclass
class Result:
    """A measured row: figures and curves with the bootstrap's draws on axis 0, and the faces (T, 58) of the moments."""

    name: str
    about: str
    kind: str
    figures: dict[str, Array]
    curves: dict[str, Array]
    strips: list[NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """Everything a report is made of; ``results`` in the order of the rows, ground truth first."""

    scenes: Sequence[Scene]
    results: Sequence[Result]
    moments: Sequence[Moment]
    clips: Sequence[Clip]
    samples: int
    seed: int

    @property
    def voices(self) -> list[str]:
        """The voices measured."""
        return sorted({scene.voice for scene in self.scenes})

    def result(self, name: str) -> Result:
        """The row of that name."""
        return next(item for item in self.results if item.name == name)


def evaluate(
    scenes: Sequence[Scene], rows: Sequence[Row], samples: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Measure ``rows``, among them ``ground truth``, ``redraw`` and ``random``. ``say`` is told of the progress."""
    clips, moments = choose_clips(scenes), choose_moments(scenes)
    speakers = np.stack([_cut(scenes[c.scene].speaker(), c) for c in clips])
    listeners = np.stack([_cut(scenes[c.scene].listener(c.reference), c) for c in clips])
    neighbours = np.array([[(a.scene, a.start) == (b.scene, b.start) for b in clips] for a in clips])
    voices = sorted({scene.voice for scene in scenes})
    weight = weights(len(voices), seed)
    by_clip = weight[:, [voices.index(scenes[clip.scene].voice) for clip in clips]]
    tallies: dict[str, Tally] = {}
    scores: dict[str, dict[str, Array]] = {}
    strips: dict[str, list[NDArray[np.float32]]] = {}
    for row in rows:
        began = time.monotonic()
        by_voice, kept, strips[row.name] = _play(row, scenes, clips, moments, seed)
        tallies[row.name] = pooled([by_voice[voice] for voice in voices], weight)
        predictions = np.stack([challenge.padded(kept[clip], samples) for clip in clips])
        found = challenge.measure(predictions, listeners, speakers, neighbours)
        scores[row.name] = challenge.score(found, by_clip)
        say(f"{row.name}: {time.monotonic() - began:.0f} s")
    truth, redraw, random = (tallies[name] for name in ("ground truth", "redraw", "random"))
    results = [
        Result(
            *(row.name, row.about, row.kind),
            measures.figures(tallies[row.name], truth, redraw, random) | scores[row.name],
            curves(tallies[row.name]),
            strips[row.name],
        )
        for row in rows
    ]
    return Evaluation(scenes, results, moments, clips, samples, seed)


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


def choose_clips(scenes: Sequence[Scene]) -> list[Clip]:
    """Up to :data:`CLIPS` clips, spread evenly over the scenes, each stretch with all its references. Stretches are
    30 s, or the shortest scene where that is shorter."""
    frames = min(challenge.CLIP_FRAMES, *(scene.frames for scene in scenes))
    stretches = [
        (index, start) for index, scene in enumerate(scenes) for start in range(0, scene.frames - frames + 1, frames)
    ]
    count = max(1, CLIPS // max(len(scene.references) for scene in scenes))
    picked = np.unique(np.linspace(0, len(stretches) - 1, min(count, len(stretches))).round().astype(int))
    return [Clip(*stretches[i], frames, reference) for i in picked for reference in scenes[stretches[i][0]].references]


def choose_moments(scenes: Sequence[Scene]) -> list[Moment]:
    """A cue of each of three families - a phrase's end, a question, a smile - of different talks where there are such;
    one that the first reference answers before one that it does not, then the strongest."""
    before, after = (round(seconds * FPS) for seconds in MOMENT_S)
    chosen: list[Moment] = []
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
            chosen.append(Moment(index, round(cue.time_s * FPS) - before, before + after, cue))
    return chosen


def _play(
    row: Row, scenes: Sequence[Scene], clips: Sequence[Clip], moments: Sequence[Moment], seed: int
) -> tuple[dict[str, Tally], dict[Clip, list[Array]], list[NDArray[np.float32]]]:
    """Tallies by voice, the emotion of each clip's samples, and the first answer's face at each moment."""
    by_voice: dict[str, Tally] = {}
    kept: dict[Clip, list[Array]] = {}
    strips: dict[Moment, NDArray[np.float32]] = {}
    for index, scene in enumerate(scenes):
        answers = row.play(scene)
        # Counted with the same draws for every row, so that two rows of equal events have equal chance.
        rng = np.random.default_rng([seed, *f"{scene.voice}/{scene.talk.name}".encode()])
        for samples in answers.values():
            for sample in samples:
                counted = tally(sample.face, scene, rng)
                by_voice[scene.voice] = by_voice[scene.voice] + counted if scene.voice in by_voice else counted
        kept |= {c: [_cut(sample, c) for sample in answers[c.reference]] for c in clips if c.scene == index}
        first = answers[scene.references[0]][0].face
        strips |= {m: first[m.start : m.start + m.frames].copy() for m in moments if m.scene == index}
    return by_voice, kept, [strips[moment] for moment in moments]


def _cut(sample: Sample, clip: Clip) -> Array:
    return sample.emotion[clip.start : clip.start + clip.frames].copy()
