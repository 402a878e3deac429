"""What is measured: a recorded talk, the listeners that stand for the truth, and those kept apart as *redraws*.

The listeners of a talk are dealt to two hands. *References* are the ground truth, and their controls are what a model
is given; the *others* serve the redraw row alone. A listener that is in one hand is never in the other, so the ceiling
is measured as a model is: against people it is not. A talk with one listener has it as reference and no others; then
the set's neighbours, if it has them, say who else is right (:mod:`~train.reaction.evaluation.appropriate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.emotion import emotion
from train.reaction.neighbours import Neighbours, Pair
from train.reaction.react import RecordedTalk
from train.simulate.talk import CLIP_FRAMES, FPS, HOP, Cue

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]

REFERENCES = 3
"""Most listeners of one talk that stand for the truth: each costs a run of every model."""
SPEAKER = "speaker"
NEAR_S = 2.0
"""Farther than this from every cue, speech is cue-free and a silence is only a silence."""
NOD_CUES, SMILE_CUES = ("pause", "low", "question"), ("smile", "laugh")
PHRASE_ENDS = ("pause", "question")
"""Cues that are ends of phrases."""
NOD_WINDOW_S, SMILE_WINDOW_S = (-0.3, 1.3), (0.0, 1.6)
"""From when to when around a cue an event counts as its answer; a nod can set in before the phrase has quite ended."""
MERGE_S = 0.5
"""Cues of one family closer than this are one invitation: a question that ends a phrase asks for one nod."""


@dataclass(frozen=True)
class Sample:
    """One answer to a talk: face (T, 58) and emotion (T, 25). ``drawn`` names the clips of appropriate listeners that
    it is put together from, where it is: it is not held against itself."""

    face: NDArray[np.float32]
    emotion: NDArray[np.float32]
    drawn: tuple[Pair, ...] = ()


def with_emotion(face: Array) -> Sample:
    """The sample whose emotion is read off its face."""
    face = np.ascontiguousarray(face, np.float32)
    with torch.inference_mode():
        return Sample(face, emotion(torch.from_numpy(face)).numpy())


@dataclass(frozen=True)
class Scene:
    """A talk cut to ``frames``, with its listeners dealt to ``references`` and ``others``; ``neighbours`` where it has
    one listener and the set says who else is right."""

    talk: RecordedTalk
    frames: int
    references: tuple[str, ...]
    others: tuple[str, ...]
    neighbours: Neighbours | None = None
    _read: dict[str, Sample] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, talk: RecordedTalk, frames: int | None = None, neighbours: Neighbours | None = None) -> Scene:
        """The scene of a talk, at most ``frames`` long."""
        names = tuple(talk.listeners)
        references = names[::2][:REFERENCES]
        others = tuple(name for name in names if name not in references)
        length = talk.frames if frames is None else min(frames, talk.frames)
        return cls(talk, length, references, others, None if others else neighbours)

    @property
    def clips(self) -> range:
        """The places of the whole clips in it."""
        return range(self.frames // CLIP_FRAMES)

    @cached_property
    def redraws(self) -> bool:
        """Whether there is another listener to redraw: of this talk, or for each of its clips an appropriate one."""
        if self.neighbours is None:
            return bool(self.others)
        return all(self.neighbours.others(self.talk.pair(self.references[0], place)) for place in self.clips)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / FPS

    @property
    def voice(self) -> str:
        """Who speaks: the unit of the bootstrap."""
        return self.talk.voice

    def pcm(self) -> NDArray[np.float32]:
        """Speaker's voice (frames * 640,) at 16 kHz."""
        return self.talk.audio()[: self.frames * HOP]

    def speaker(self) -> Sample:
        """The speaker."""
        if SPEAKER not in self._read:
            self._read[SPEAKER] = Sample(self.talk.face()[: self.frames], self.talk.emotion(SPEAKER)[: self.frames])
        return self._read[SPEAKER]

    def listener(self, name: str) -> Sample:
        """A recorded listener."""
        if name not in self._read:
            self._read[name] = Sample(self.talk.listener(name)[: self.frames], self.talk.emotion(name)[: self.frames])
        return self._read[name]

    def controls(self, name: str) -> dict[str, NDArray[np.float32]]:
        """A recorded listener's controls, each (frames,)."""
        return {control: values[: self.frames] for control, values in self.talk.controls(name).items()}

    @cached_property
    def cues(self) -> tuple[Cue, ...]:
        """All cues, in order of time."""
        return tuple(sorted((c for c in self.talk.cues() if c.time_s < self.seconds), key=lambda cue: cue.time_s))

    @cached_property
    def nod_cues(self) -> Array:
        """Times (s) that invite a nod, those within :data:`MERGE_S` of an earlier one merged into it."""
        return merged([cue.time_s for cue in self.cues if cue.kind in NOD_CUES])

    @cached_property
    def phrase_ends(self) -> Array:
        """Times (s) at which a phrase ends and silence follows."""
        return np.array([cue.time_s for cue in self.cues if cue.kind in PHRASE_ENDS])

    @cached_property
    def smile_cues(self) -> Array:
        """Times (s) that invite a smile, merged likewise."""
        return merged([cue.time_s for cue in self.cues if cue.kind in SMILE_CUES])

    @cached_property
    def nod_masks(self) -> dict[str, Mask]:
        """Frames (T,) in which nods are counted apart: ``cued`` (within 2 s of a cue: many answers fall into the pause
        after it), ``cue_free`` speech, ``silence``, and ``own`` turns; none where nobody knows which is which."""
        if not self.talk.told:
            return {place: np.zeros(self.frames, np.bool_) for place in ("cued", "cue_free", "silence", "own")}
        times = [cue.time_s for cue in self.cues]
        speech, own = self._within("phrases"), self._within("own_turns")
        around = self.around(times, (-NEAR_S, NEAR_S))
        after = self.around(times, (0.0, NEAR_S))
        return {
            "cued": around & ~own,
            "cue_free": speech & ~around & ~own,
            "silence": ~speech & ~after & ~own,
            "own": own,
        }

    @cached_property
    def smile_masks(self) -> dict[str, Mask]:
        """Frames in a smile cue's answer window (``cued``), and all others outside own turns (``free``); none where
        nobody knows which is which."""
        if not self.talk.told:
            return {place: np.zeros(self.frames, np.bool_) for place in ("cued", "free")}
        cued = self.around(self.smile_cues, SMILE_WINDOW_S)
        return {"cued": cued, "free": ~cued & ~self._within("own_turns")}

    def around(self, times: Sequence[float] | Array, window: tuple[float, float]) -> Mask:
        """Frames (T,) within ``window`` seconds of any of ``times``."""
        mask = np.zeros(self.frames, np.bool_)
        for time in times:
            mask[self._frame(time + window[0]) : self._frame(time + window[1]) + 1] = True
        return mask

    def _within(self, kind: str) -> Mask:
        mask = np.zeros(self.frames, np.bool_)
        for span in self.talk.spans(kind):
            mask[self._frame(span.start_s) : self._frame(span.end_s)] = True
        return mask

    def _frame(self, seconds: float) -> int:
        return int(np.clip(round(seconds * FPS), 0, self.frames))


def merged(times: Sequence[float]) -> Array:
    """Sorted times, without those less than :data:`MERGE_S` after the last that was kept."""
    kept: list[float] = []
    for time in sorted(times):
        if not kept or time - kept[-1] >= MERGE_S:
            kept.append(time)
    return np.array(kept)


def deal(
    talks: Sequence[RecordedTalk], minutes: float | None = None, neighbours: Neighbours | None = None
) -> list[Scene]:
    """The scenes of ``talks``; with ``minutes``, every voice gets an equal share of them, from its talks' beginnings.

    With ``neighbours``, talks of one listener are cut to whole clips, and between clips that have another appropriate
    listener and clips that have none. Raises :class:`EngineError` where there is nothing to measure."""
    if not talks:
        raise EngineError("this split has no talks: simulate it, or choose another --split")
    voices = {talk.voice for talk in talks}
    left = dict.fromkeys(voices, np.inf if minutes is None else round(minutes * 60 * FPS / len(voices)))
    scenes = []
    for talk in talks:
        clipwise = neighbours is not None and len(talk.listeners) == 1
        for piece in pieces(talk, neighbours) if clipwise and neighbours else [talk]:
            frames = int(min(left[talk.voice], piece.frames))
            frames -= frames % CLIP_FRAMES if clipwise else 0
            if frames > 0:
                scenes.append(Scene.of(piece, frames, neighbours))
                left[talk.voice] -= frames
    if len({scene.voice for scene in scenes}) < len(voices):
        least = len(voices) * CLIP_FRAMES / FPS / 60 if neighbours else 0
        more = f"; a whole clip of each of {len(voices)} chats is {least:g}" if least else ""
        raise EngineError(f"--minutes {minutes:g} leaves no frame of some to measure: give more{more}")
    return scenes


def pieces(talk: RecordedTalk, neighbours: Neighbours) -> list[RecordedTalk]:
    """A talk of one listener cut where it comes to clips that nobody else answers appropriately, or leaves them."""
    (name,) = talk.listeners
    places = range(len(talk.clips))
    runs = [list(run) for _, run in groupby(places, lambda place: bool(neighbours.others(talk.pair(name, place))))]
    if len(runs) == 1:
        return [talk]
    whole = talk.name.partition("@")[0]
    cut = [tuple(talk.clips[place] for place in run) for run in runs]
    return [replace(talk, name=f"{whole}@{clips[0]}", clips=clips) for clips in cut]
