"""What is measured: held-out talks of a set in PATS' layout, each with a gesturer, in memory.

The set is one of ``python -m train simulate gestures``, or any in that layout that holds sound, words with their times
and stresses beside PATS' own. When gestures of the truth happen is taken from the set where it says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from models.gesture.body import Poses
from train.files import read_json
from train.gesture.pats import layout, pose
from train.gesture.pats.layout import RATE
from train.gesture.pats.reader import Interval, PatsSet
from train.gesture.streams import poses_of
from train.simulate.gestures.moments import Phrase, phrases
from train.speech import ami
from train.speech.sound import resample
from train.speech.talk import RATE as SAMPLE_RATE
from train.speech.talk import Stress, Talk

Array = NDArray[np.floating]

NEEDED = (pose.POSE, layout.PCM, layout.TIMES, "events/stresses")
"""What an interval must hold."""
OF_AMI = re.compile(r"-([A-Z]{2}\d{4}[a-z])-([A-Z])-\d+$")
"""The end of the name of a talk whose words are a person's of AMI: meeting and letter."""
UTTERANCE_S = 1.0
"""Silence that ends an utterance."""


@dataclass(frozen=True)
class Shown:
    """A body: PATS' points (T, 52, 2) in pixels, the neck at 0, and joints (T, 27, 3) in metres where they are
    known."""

    points: Array
    joints: Array | None = None


@dataclass(frozen=True)
class Case:
    """A talk of a gesturer: the motion of the ``truth``, and where the set has it, ``knowable``; ``gestures`` (N, 8)
    and ``nods`` (M, 4) as the truth acted them, else None. ``person`` is who of AMI said the words, else None."""

    name: str
    speaker: str
    talk: Talk
    truth: Shown
    knowable: Shown | None = None
    gestures: Array | None = None
    nods: Array | None = None
    person: ami.Person | None = None

    @property
    def frames(self) -> int:
        """Length of the motion."""
        return len(self.truth.points)

    @property
    def seconds(self) -> float:
        """Length of the motion."""
        return self.frames / RATE

    @property
    def stresses(self) -> Array:
        """Moments (K,) of the stresses in seconds."""
        return np.array([stress.time for stress in self.talk.stresses])

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """When words are said, cut at pauses of 0.3 s."""
        return phrases(self.talk)

    @property
    def utterances(self) -> list[Phrase]:
        """The same cut at silences of a second only."""
        found: list[Phrase] = []
        for phrase in self.phrases:
            if found and phrase.start - found[-1].end < UTTERANCE_S:
                found[-1] = Phrase(found[-1].start, phrase.end)
            else:
                found.append(phrase)
        return found

    def speaking(self) -> NDArray[np.bool_]:
        """Frames (T,) whose middle lies in a phrase."""
        return within(self.phrases, self.frames)


def within(spans: Sequence[Phrase], frames: int) -> NDArray[np.bool_]:
    """Frames (T,) whose middle lies in one of the spans."""
    middles, inside = (np.arange(frames) + 0.5) / RATE, np.zeros(frames, bool)
    for span in spans:
        inside |= (middles >= span.start) & (middles < span.end)
    return inside


def at(times: Array, frames: int) -> NDArray[np.intp]:
    """The frames in which moments (N,) in seconds lie."""
    return np.asarray(np.clip((np.asarray(times, float) * RATE).astype(np.intp), 0, frames - 1))


def body_of(rotations: NDArray[np.float32]) -> Shown:
    """The body of local quaternions (T, 27, 4) on skeleton ``cmu``."""
    with torch.no_grad():
        poses = Poses(1)
        shown = poses.shown(poses.turns(poses_of(rotations)))
    return Shown(shown.points.numpy().astype(np.float64), shown.joints.numpy().astype(np.float64))


def origin(points: Array) -> Array:
    """Points (T, 52, 2) with the neck, which keeps its place in the image, at 0."""
    made = np.array(points, np.float64)
    made[:, 0] = 0.0
    return made


def read_cases(folder: PatsSet, split: str, most: int = 0, say: Callable[[str], None] = print) -> list[Case]:
    """The cases of a split, of at most ``most`` talks (0: all). Raises :class:`EngineError` where there is none that
    can be measured."""
    intervals = folder.intervals(split, needs=NEEDED)
    for name, reason in folder.left_out.items():
        say(f"{name} is left out: {reason}")
    if most:
        talks = list(dict.fromkeys(interval.video for interval in intervals))[:most]
        intervals = [interval for interval in intervals if interval.video in talks]
    if not intervals:
        raise EngineError(
            f"{folder.folder}: no interval of split {split!r} holds {', '.join(NEEDED)}, by which timing is measured; "
            "make a set with `python -m train simulate gestures`"
        )
    voices, known = voices_of(folder), {}
    for interval in intervals:
        if interval.video not in known:
            known[interval.video] = _talk(interval, voices.get(interval.video, interval.video or interval.speaker))
    return [_case(interval, known[interval.video]) for interval in intervals]


def voices_of(folder: PatsSet) -> dict[str, str]:
    """Whose voice each talk has, as the record of a simulated set says; empty without one."""
    path = folder.folder / layout.MADE
    if not path.is_file():
        return {}
    try:
        found = read_json(path)["talks"]
        return {str(talk): str(voice) for talk, voice in found.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{path} does not tell the voices of the talks ({error!r}); make the set again") from error


def _talk(interval: Interval, voice: str) -> Talk:
    pcm = interval.pcm()
    if interval.pcm_rate != SAMPLE_RATE:
        pcm = resample(pcm.astype(np.float64), interval.pcm_rate, SAMPLE_RATE).astype(np.float32)
    words = interval.words()
    rows = np.asarray(interval.read("events/stresses"), float)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    stresses = tuple(Stress(float(t), float(s), int(w) if 0 <= w < len(words) else -1) for t, s, w in rows)
    return Talk(interval.video, voice, interval.split, "", "", "", pcm, words, stresses)


def _case(interval: Interval, talk: Talk) -> Case:
    points = origin(pose.points(interval.read(pose.POSE)))
    joints = body_of(interval.read("body/rotations")).joints if interval.has("body/rotations") else None
    named = OF_AMI.search(talk.name)
    return Case(
        interval.interval_id,
        interval.speaker,
        talk,
        Shown(points, joints),
        body_of(interval.read("live/rotations")) if interval.has("live/rotations") else None,
        np.asarray(interval.read("events/gestures"), float) if interval.has("events/gestures") else None,
        np.asarray(interval.read("events/nods"), float) if interval.has("events/nods") else None,
        ami.Person(named[1], named[2]) if named else None,
    )
