"""Takes: recordings of dancers read from a folder, cleaned to one rate, one skeleton and one floor, and split.

Which files are takes says `train/dance/sources.py`; `train/dance/reading.py` reads them.

Cleaning: frames at the start that a converter put there (a rest pose, then a jump) are dropped, from both dancers of a
pair alike; the motion is resampled; the lowest place of the feet becomes height 0. Frames that are damaged in the file,
and those at which the whole body is thrown about faster than a body can be (marker swaps, where a partner hid the
markers), are marked as not sound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.bvh import BodyFile
from engine.body.motion import Motion, rest_frames
from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from train.dance.augment import resampled
from train.dance.options import AS_FOUND, How
from train.dance.reading import Reading, named, read_bodies
from train.dance.sources import Source, TakeError, sources
from train.dance.splits import GAP, cut, read_splits, split_groups
from train.files import listed

log = logging.getLogger(__name__)

FRAMES = 40
"""Frames of a window, 1.33 s at 30 fps, as in PirouNet (Papillon et al. 2022); shorter takes are refused."""
RATE = 30.0
WILD = 60.0
"""Mean acceleration of the joints in m/s^2 that no dancer reaches: sound takes of the CMU set stay under 53."""


@dataclass(frozen=True)
class Take:
    """A dancer's recording. ``group`` is shared by the dancers of a pair, who are never split; ``partner`` is the name
    of the other dancer's take, as long as this one; ``sound`` (T,) is False where the recording is damaged. A part of a
    recording that is cut in time has a name of its own; ``cut_from`` is the recording and ``first`` its frame there."""

    name: str
    group: str
    style: str
    motion: Motion
    partner: str | None
    split: str
    sound: NDArray[np.bool_]
    cut_from: str | None = None
    first: int = 0

    @property
    def recording(self) -> str:
        """The name that labels know it by."""
        return self.cut_from or self.name


@dataclass(frozen=True)
class Examined:
    """What became of a file: the ``body`` in it and the ``take`` that was made of it, or the ``problem`` in words."""

    source: Source
    body: BodyFile | None
    take: Take | None
    problem: str = ""


def read_takes(
    folder: Path,
    skeleton: Skeleton | None = None,
    how: How = AS_FOUND,
    *,
    seed: int = 0,
    splits: Path | None = None,
    say: Callable[[str], None] = log.warning,
) -> list[Take]:
    """The takes of a folder with their splits: those of the csv ``splits`` (:func:`train.dance.splits.read_splits`), or
    groups drawn by ``seed``. Where too few groups are there to hold one out, takes that are long enough are cut in time
    and the end of each validates. The rest as in :func:`load_takes`."""
    return split_takes(load_takes(folder, skeleton, how, say=say), seed=seed, splits=splits, say=say)


def split_takes(
    takes: list[Take], *, seed: int = 0, splits: Path | None = None, say: Callable[[str], None] = log.warning
) -> list[Take]:
    """Takes in no split with their splits, see :func:`read_takes`."""
    if splits is not None:
        chosen = read_splits(Path(splits), {take.name: take.group for take in takes})
        return [replace(take, split=chosen[take.group]) for take in takes]
    chosen = split_groups({take.group: take.style for take in takes}, seed)
    takes = [replace(take, split=chosen[take.group]) for take in takes]
    return takes if any(take.split == "val" for take in takes) else _cut_in_time(takes, say)


def load_takes(
    path: Path,
    skeleton: Skeleton | None = None,
    how: How = AS_FOUND,
    *,
    say: Callable[[str], None] = log.warning,
) -> list[Take]:
    """The takes of a folder, or of one file, sorted by name, in no split: positions in metres with the floor at 0, 30
    frames a second.

    Without ``skeleton`` the one that fits most files, a shipped one before others. ``how`` settles what files leave
    open. A file that cannot be used is left out and told to ``say``; :class:`TakeError` where none can be.
    """
    examined = [item for item in examine(path, skeleton, how) if item.source.asked]
    problems = [item.problem for item in examined if item.problem]
    takes = [item.take for item in examined if item.take is not None]
    if not takes and len(problems) == 1:
        raise TakeError(problems[0])
    for line in problems if takes else listed(problems, f"python -m train check dance {path} tells all"):
        say(f"left out: {line}")
    if not takes:
        raise TakeError(f"{path}: none of {len(problems)} files can be used, as told above; give other takes")
    return sorted(takes, key=lambda take: take.name)


def examine(path: Path, skeleton: Skeleton | None = None, how: How = AS_FOUND) -> list[Examined]:
    """What becomes of every file at ``path``, see :func:`load_takes`. Raises :class:`EngineError` where there is no
    file at all, or a list of pairs that does not fit them."""
    readings = read_bodies(sources(Path(path)), skeleton, how)
    usable = {reading.source.path: reading for reading in readings if not reading.problem}
    made = [_made(reading, usable) for reading in readings]
    there = {item.take.name for item in made if item.take is not None and item.source.asked}
    return [
        replace(item, take=replace(item.take, partner=None))
        if item.take is not None and item.take.partner not in there
        else item
        for item in made
    ]


def unsound(motion: Motion) -> NDArray[np.bool_]:
    """Frames (T,) at which the joints' mean acceleration is beyond :data:`WILD`, and two beside them."""
    found = np.zeros(len(motion), bool)
    if len(motion) < 3:
        return found
    acceleration = np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1).mean(1) * motion.rate**2
    for frame in np.flatnonzero(acceleration > WILD) + 1:
        found[max(0, frame - 2) : frame + 3] = True
    return found


def on_floor(motion: Motion) -> Motion:
    """The motion lifted or lowered so that its lowest foot is at height 0 (5 % quantile over the frames)."""
    feet = [motion.skeleton.index(joint) for joint in motion.skeleton.feet] or list(range(motion.positions.shape[1]))
    low = np.quantile(motion.positions[:, feet, 1].min(1), 0.05)
    return replace(motion, positions=motion.positions - np.array([0.0, low, 0.0], np.float32))


def _made(reading: Reading, usable: Mapping[Path, Reading]) -> Examined:
    """The take of a file's body; of a dancer whose partner's file can be used too, cut alike."""
    source, body = reading.source, reading.body
    if body is None or reading.problem:
        return Examined(source, body, None, reading.problem)
    try:
        partner = None if source.partner is None else usable.get(source.partner)
        return Examined(source, body, _take(source, body, partner))
    except EngineError as error:
        return Examined(source, body, None, named(source.path, error))


def _take(source: Source, body: BodyFile, partner: Reading | None) -> Take:
    motion, name, other = body.motion, source.name, None
    dropped = rest_frames(motion)
    if partner is not None and partner.body is not None:
        theirs, other = partner.body.motion, partner.source.name
        if (len(motion), motion.rate) != (len(theirs), theirs.rate):
            raise TakeError(
                f"{source.path}: has {len(motion)} frames at {motion.rate:g} fps, its partner {other} {len(theirs)} at "
                f"{theirs.rate:g}; give partners of one recording, or take them out of pairs.json"
            )
        dropped = max(dropped, rest_frames(theirs))
    clean = on_floor(resampled(motion.cut(dropped, len(motion)), RATE))
    if len(clean) < FRAMES:
        raise TakeError(f"{source.path}: has {len(clean)} frames at {RATE:g} fps, a window needs {FRAMES}; give more")
    return Take(
        name=name,
        group="+".join(sorted((name, other))) if other else name,
        style=source.style,
        motion=clean,
        partner=other,
        split="",
        sound=~unsound(clean) & _sound_at(body.sound[dropped:], motion.rate, len(clean)),
    )


def _sound_at(sound: NDArray[np.bool_], rate: float, count: int) -> NDArray[np.bool_]:
    """Which of ``count`` frames at :data:`RATE` lie between sound ones of a recording at ``rate``."""
    at = np.minimum(np.arange(count) * (rate / RATE), len(sound) - 1)
    before, after = np.floor(at + 1e-3).astype(int), np.ceil(at - 1e-3).astype(int)
    return np.asarray(sound[before] & sound[after])


def _cut_in_time(takes: list[Take], say: Callable[[str], None]) -> list[Take]:
    """The takes, those that are long enough in two parts: to train on, and to validate."""
    parts: list[Take] = []
    held = 0
    for take in takes:
        at = cut(len(take.motion))
        if at is None:
            parts.append(take)
            continue
        held += len(take.motion) - at.start
        train = replace(take, motion=take.motion.cut(0, at.stop), sound=take.sound[: at.stop])
        parts += [train, _end(take, at.start)]
    if held:
        say(
            f"too few takes to hold some out whole: {held / RATE:.0f} s at the ends of takes are kept to check on, "
            f"{GAP / RATE:.1f} s before each are left out; three takes of a style, or --splits, would hold takes out"
        )
    return parts


def _end(take: Take, start: int) -> Take:
    """The end of a take, which validates."""
    return replace(
        take,
        name=_end_name(take.name, start),
        motion=take.motion.cut(start, len(take.motion)),
        partner=take.partner and _end_name(take.partner, start),
        split="val",
        sound=take.sound[start:],
        cut_from=take.name,
        first=start,
    )


def _end_name(name: str, start: int) -> str:
    return f"{name}@{start}"
