"""What is measured: a recorded talk, the listeners that stand for the truth, and those kept apart as *redraws*.

The listeners of a talk are dealt to two hands. *References* are the ground truth, and their controls are what a model
is given; the *others* serve the redraw row alone. A listener that is in one hand is never in the other, so the ceiling
is measured as a model is: against people it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.emotion import emotion
from train.reaction.react import RecordedTalk
from train.simulate.talk import FPS, HOP, Cue

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]

REFERENCES = 3
"""Most listeners of one talk that stand for the truth: each costs a run of every model."""
SPEAKER = "speaker"
NEAR_S = 2.0
"""Farther than this from every cue, speech is cue-free and a silence is only a silence."""
NOD_CUES, SMILE_CUES = ("pause", "low", "question"), ("smile", "laugh")
NOD_WINDOW_S, SMILE_WINDOW_S = (-0.3, 1.3), (0.0, 1.6)
"""From when to when around a cue an event counts as its answer; a nod can set in before the phrase has quite ended."""
MERGE_S = 0.5
"""Cues of one family closer than this are one invitation: a question that ends a phrase asks for one nod."""


@dataclass(frozen=True)
class Sample:
    """One answer to a talk: face (T, 58) and emotion (T, 25)."""

    face: NDArray[np.float32]
    emotion: NDArray[np.float32]


def with_emotion(face: Array) -> Sample:
    """The sample whose emotion is read off its face."""
    face = np.ascontiguousarray(face, np.float32)
    with torch.inference_mode():
        return Sample(face, emotion(torch.from_numpy(face)).numpy())


@dataclass(frozen=True)
class Scene:
    """A talk cut to ``frames``, with its listeners dealt to ``references`` and ``others``."""

    talk: RecordedTalk
    frames: int
    references: tuple[str, ...]
    others: tuple[str, ...]
    _read: dict[str, Sample] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, talk: RecordedTalk, frames: int | None = None) -> Scene:
        """The scene of a talk, at most ``frames`` long. Raises :class:`EngineError` with fewer than two listeners."""
        names = tuple(talk.listeners)
        if len(names) < 2:
            raise EngineError(
                f"talk {talk.name!r} has {len(names)} listener(s): two are needed, one as the truth and one to measure "
                "how alike listeners are; simulate more listeners a talk"
            )
        references = names[::2][:REFERENCES]
        others = tuple(name for name in names if name not in references)
        return cls(talk, talk.frames if frames is None else min(frames, talk.frames), references, others)

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
    def smile_cues(self) -> Array:
        """Times (s) that invite a smile, merged likewise."""
        return merged([cue.time_s for cue in self.cues if cue.kind in SMILE_CUES])

    @cached_property
    def nod_masks(self) -> dict[str, Mask]:
        """Frames (T,) in which nods are counted apart: ``cued`` (within 2 s of a cue: many answers fall into the pause
        after it), ``cue_free`` speech, ``silence``, and ``own`` turns."""
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
        """Frames in a smile cue's answer window (``cued``), and all others outside own turns (``free``)."""
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


def deal(talks: Sequence[RecordedTalk], minutes: float | None = None) -> list[Scene]:
    """The scenes of ``talks``; with ``minutes``, every voice gets an equal share of them, from its talks' beginnings.
    Raises :class:`EngineError` where there is nothing to measure."""
    if not talks:
        raise EngineError("this split has no talks: simulate it, or choose another --split")
    if minutes is None:
        return [Scene.of(talk) for talk in talks]
    left = dict.fromkeys((talk.voice for talk in talks), 0)
    left = dict.fromkeys(left, round(minutes * 60 * FPS / len(left)))
    scenes = []
    for talk in talks:
        if left[talk.voice] > 0:
            scenes.append(Scene.of(talk, left[talk.voice]))
            left[talk.voice] -= scenes[-1].frames
    if not scenes:
        raise EngineError(f"--minutes {minutes:g} leaves no frame to measure: give more")
    return scenes
