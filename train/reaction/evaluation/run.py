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
from train.reaction.evaluation.appropriate import Appropriate, ChallengeClip, appropriate, choose_clips, cut
from train.reaction.evaluation.rows import TalkRow, left_out
from train.reaction.evaluation.scene import NOD_WINDOW_S, SMILE_WINDOW_S, Scene
from train.reaction.evaluation.tally import tally
from train.report import events, hazard
from train.report.evaluation import Counts, Derived, Evaluation, Pooled, Say, measure, quiet
from train.report.intervals import Tally, by_group
from train.simulate.talk import FPS, Cue

Array = NDArray[np.floating]

CLIPS = 24
"""Most clips (each a stretch of 30 s and one reference listener) that the challenge's metrics look at: DTW is slow."""
MOMENT_S = (3.0, 7.0)
"""How much is drawn before and after a cue."""


class CueMoment(NamedTuple):
    """A cue worth looking at: its scene, the first frame of its stretch, and the stretch's length in frames."""

    scene: int
    start: int
    frames: int
    cue: Cue


class Played(NamedTuple):
    """What a row did in the scenes that it answers: tallies by voice, the emotion (T, 25) of each clip's samples, of
    whom each is a copy, and the face (T, 58) of the first answer at each moment."""

    by_voice: dict[str, Tally]
    clips: dict[ChallengeClip, list[Array]]
    drawn: dict[ChallengeClip, list[int]]
    moments: dict[CueMoment, NDArray[np.float32]]


@dataclass(kw_only=True)
class Listening(Evaluation):
    """Listeners, measured: ground truth first. ``faces`` hold by row the face (T, 58) at each of the ``moments`` that
    it answered; ``right`` is how many listeners are appropriate for each of ``clips``; ``left_out`` says in sentences
    what could not be measured."""

    scenes: Sequence[Scene]
    moments: Sequence[CueMoment]
    clips: Sequence[ChallengeClip]
    right: Sequence[int]
    samples: int
    faces: Mapping[str, Mapping[CueMoment, NDArray[np.float32]]]
    left_out: Sequence[str]

    @property
    def voices(self) -> list[str]:
        """The voices measured."""
        return sorted({scene.voice for scene in self.scenes})

    @property
    def told(self) -> bool:
        """Whether it is known of any scene what happens when."""
        return any(scene.talk.told for scene in self.scenes)

    def value(self, row: str, key: str) -> float:
        """A metric of a row, not a number where there is no such row."""
        return next((float(item.metrics[key][0]) for item in self.results if item.name == row), np.nan)


def evaluate(
    scenes: Sequence[Scene], rows: Sequence[TalkRow], samples: int, seed: int, say: Say = quiet, most: int = CLIPS
) -> Listening:
    """Measure ``rows``, ``ground truth`` first; what is held against ``redraw`` or ``random`` is not a number without
    them. At most ``most`` clips are seen by the challenge's metrics; ``say`` is told of the progress."""
    clips, moments = choose_clips(scenes, most), choose_moments(scenes)
    speakers = np.stack([cut(scenes[c.scene].speaker(), c) for c in clips])
    people = appropriate(scenes, clips)
    voices = sorted({scene.voice for scene in scenes})
    speaking = np.array([voices.index(scenes[clip.scene].voice) for clip in clips])
    faces: dict[str, dict[CueMoment, NDArray[np.float32]]] = {}

    def count(row: TalkRow) -> Counts:
        played = _play(row, scenes, clips, moments, people, seed)
        faces[row.name] = played.moments
        here = [index for index, clip in enumerate(clips) if clip in played.clips]
        found: dict[str, Array] = {}
        if here:
            predictions = np.stack([challenge.padded(played.clips[clips[k]], samples) for k in here])
            drawn = np.array([challenge.padded(played.drawn[clips[k]], samples) for k in here])
            found = challenge.measure(predictions, people.listeners, speakers[here], people.right[here], drawn)
        minutes = sum(float(one.sums["minutes"]) for one in played.by_voice.values())
        nothing = _nothing(next(iter(played.by_voice.values())))
        by_voice = {voice: played.by_voice.get(voice, nothing) for voice in voices}  # so that all rows have equal draws
        return Counts(by_voice, 60.0 * minutes, lambda weight: challenge.score(found, weight[:, speaking[here]]))

    def derive(own: Pooled, every: Mapping[str, Pooled]) -> Derived:
        unknown = Pooled(Tally({name: np.full_like(sums, np.nan) for name, sums in own.tally.sums.items()}, {}), {})
        rows = ("ground truth", "redraw", "random", "shifted")
        against = measures.Against(*(every.get(name, unknown).tally for name in rows))
        return Derived(measures.metrics(own.tally, against) | own.whole, curves(own.tally))

    return Listening(
        results=measure(rows, count, derive, seed, say),
        seed=seed,
        scenes=scenes,
        moments=moments,
        clips=clips,
        right=people.right.sum(1).tolist(),
        samples=samples,
        faces=faces,
        left_out=left_out(scenes),
    )


def _nothing(tally: Tally) -> Tally:
    """The tally of a voice that a row does not answer."""
    sums = {name: np.zeros_like(value) for name, value in tally.sums.items()}
    return Tally(sums, {name: np.full_like(value, -np.inf) for name, value in tally.peaks.items()})


def curves(row: Tally) -> dict[str, Array]:
    """What is plotted, (D, bins): nods a minute around cues and ends of phrases, both spectra, and shares of blink
    intervals by whole frames."""
    intervals = row.sums["blink_intervals"]
    return {
        "hazard_cues": hazard.curve(row, "cues"),
        "hazard_phrases": hazard.curve(row, "phrases"),
        "spectrum_head": measures.spectrum(row, "rotation"),
        "spectrum_face": measures.spectrum(row, "face"),
        "blink_intervals": intervals / np.maximum(intervals.sum(1, keepdims=True), 1.0),
    }


def choose_moments(scenes: Sequence[Scene]) -> list[CueMoment]:
    """A cue of each of three families - a phrase's end, a question, a smile - of different talks where there are such;
    one that the first reference answers before one that it does not, then the strongest. Where nobody knows of cues,
    the first nod and the first smile of a reference."""
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
    if not any(scene.talk.told for scene in scenes):
        for kind, rise in (("nod", events.nods), ("smile", events.smiles)):
            for index, scene in enumerate(scenes):
                times = rise(scene.listener(scene.references[0]).face, FPS)
                there_too = [time for time in times if before <= time * FPS < scene.frames - after]
                if there_too and index not in {moment.scene for moment in chosen}:
                    cue = Cue(f"listener's {kind}", float(there_too[0]), 1.0)
                    chosen.append(CueMoment(index, round(cue.time_s * FPS) - before, before + after, cue))
                    break
    return chosen


def _play(
    row: TalkRow,
    scenes: Sequence[Scene],
    clips: Sequence[ChallengeClip],
    moments: Sequence[CueMoment],
    people: Appropriate,
    seed: int,
) -> Played:
    counted: list[tuple[str, Tally]] = []
    played = Played({}, {}, {}, {})
    for index, scene in enumerate(scenes):
        answers = row.play(scene)
        if not answers:
            continue
        # Counted with the same draws for every row, so that two rows of equal events have equal chance.
        rng = np.random.default_rng([seed, *f"{scene.voice}/{scene.talk.name}".encode()])
        counted += [(scene.voice, tally(one.face, scene, rng)) for samples in answers.values() for one in samples]
        for clip in (clip for clip in clips if clip.scene == index):
            played.clips[clip] = [cut(sample, clip) for sample in answers[clip.reference]]
            played.drawn[clip] = [people.drawn(sample, clip) for sample in answers[clip.reference]]
        first = answers[scene.references[0]][0].face
        for moment in (moment for moment in moments if moment.scene == index):
            played.moments[moment] = first[moment.start : moment.start + moment.frames].copy()
    return played._replace(by_voice=by_group(counted))
