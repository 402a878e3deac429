"""The set of ``text_motion_cmu20`` in memory: clips of 2 to 10 s with captions, mirrored, split and weighed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.text_motion.motions.clips import cut
from train.text_motion.motions.describe import captions, stands
from train.text_motion.motions.events import find_events
from train.text_motion.motions.exercises import EXERCISES, Segment, read_segments
from train.text_motion.motions.mirror import mirrored, mirrored_caption
from train.text_motion.motions.notes import Note, note_of
from train.text_motion.motions.people import COPIES, FULLER, person, split_of
from train.text_motion.motions.signals import RATE, Signals
from train.text_motion.motions.takes import LEAST, Take, read_recordings, uniform_takes
from train.text_motion.texts import Caption

THEME_POWER = 0.5
"""A theme of n seconds is drawn in proportion to n to this power, so that much of one thing does not drown the rest."""


@dataclass(frozen=True)
class Clip:
    """A clip of the set: ``joints`` (T, 22, 3) of the uniform body at 20 fps; ``theme`` what it is about in a word,
    ``weight`` how often it is drawn in training, ``take`` and ``first`` where it comes from."""

    name: str
    joints: NDArray[np.float32]
    captions: tuple[Caption, ...]
    split: str
    theme: str
    person: str
    take: str
    first: int
    weight: float = 1.0


def build(folder: Path, say: Callable[[str], None] | None = None) -> list[Clip]:
    """All clips of the data at ``folder``, each followed by its mirrored copy, in the order of the takes' names.

    Raises :class:`engine.errors.EngineError` naming what is missing or wrong in the data.
    """
    found = read_recordings(folder)
    there = {item.name for item in found}
    recordings = [
        item._replace(note=FULLER.get(item.name, item.note)) for item in found if COPIES.get(item.name) not in there
    ]
    segments = read_segments(Path(folder) / "exercise_segments.csv")
    takes = uniform_takes(recordings)
    clips: list[Clip] = []
    for number, take in enumerate(takes, 1):
        clips += clips_of(take, segments.get(take.name, ()))
        if say is not None and number % 20 == 0:
            say(f"{number}/{len(takes)} takes, {len(clips)} clips")
    return weighed([copy for clip in clips for copy in (clip, _mirror(clip))])


def clips_of(take: Take, segments: Sequence[Segment] = ()) -> list[Clip]:
    """The clips of a take; ``segments`` are the exercises in it by time, where people labelled them."""
    if len(take.joints) < LEAST:
        return []
    signals = Signals(take.joints)
    note = Note("exercise", ()) if segments else note_of(take.name, take.note)
    fixed = [round(segment.start_s * RATE) - take.first for segment in segments]
    fixed += [round(segment.end_s * RATE) - take.first for segment in segments]
    who, split = person(take.name), split_of(take.name)
    found = []
    for start, stop in cut(signals, find_events(signals), fixed):
        here = take.first + start
        if segments:
            note = _spoken(_exercise(segments, here, take.first + stop))
        joints, name = take.joints[start:stop], f"{take.name}_{here:04d}"
        events = find_events(Signals(joints))
        texts = captions(events, note.sentences, note.implies, name, stop - start)
        theme = "stand" if stands(events, stop - start) else note.theme
        found.append(Clip(name, joints, tuple(texts), split, theme, who, take.name, here))
    return found


def weighed(clips: Sequence[Clip]) -> list[Clip]:
    """The clips with their weights: as :data:`THEME_POWER` says of each theme's seconds, mean 1 over the clips of a
    split; a clip counts by its length."""
    frames: dict[tuple[str, str], int] = defaultdict(int)
    for clip in clips:
        frames[clip.split, clip.theme] += len(clip.joints)
    raw = [len(clip.joints) * frames[clip.split, clip.theme] ** (THEME_POWER - 1) for clip in clips]
    total: Counter[str] = Counter()
    for clip, value in zip(clips, raw, strict=True):
        total[clip.split] += value
    count = Counter(clip.split for clip in clips)
    return [
        Clip(**(vars(clip) | {"weight": value * count[clip.split] / total[clip.split]}))
        for clip, value in zip(clips, raw, strict=True)
    ]


def _exercise(segments: Sequence[Segment], start: int, stop: int) -> str:
    """The exercise that fills most of some frames of a take, "" where none does."""
    for segment in segments:
        shared = min(stop, segment.end_s * RATE) - max(start, segment.start_s * RATE)
        if shared > 0.7 * (stop - start):
            return segment.action
    return ""


def _spoken(exercise: str) -> Note:
    if not exercise:
        return Note("exercise", ())
    implies, sentences = EXERCISES[exercise]
    return Note("exercise", sentences, frozenset(implies.split()))


def _mirror(clip: Clip) -> Clip:
    changed = {
        "name": f"M{clip.name}",
        "joints": mirrored(clip.joints),
        "captions": tuple(mirrored_caption(caption) for caption in clip.captions),
    }
    return Clip(**(vars(clip) | changed))
