"""The takes of ``text_motion_cmu20``: read, mended, cut where they are damaged, and brought onto one body.

What is damaged, and what is done about it:

- a rest pose at the start, from which the body jumps to where it is: cut (:func:`engine.body.motion.rest_frames`), and
  :data:`BLEND` frames of the converter that blends it in;
- a joint that is thrown out and comes back within :data:`SHORT` frames: those frames are interpolated, if the joint can
  have got from one end to the other;
- any other leap: the take is cut there; frames between leaps, :data:`BESIDE` beside them and pieces under
  :data:`LEAST` frames are left out;
- a body whose root the source turned the wrong way between two angles, so that it leans like a plank or walks ahead
  while it glides sideways: found by looking and by feet that slide, :data:`TURNED`, and left out likewise;
- a take that is shorter than a clip may be, as all runs are: goes on with its own cycle
  (:mod:`train.text_motion.motions.loops`);
- a take that is a copy of another (``same_as``), which is there: left out.

A leap is a step faster than :data:`FAST` with an acceleration beyond :data:`TORN`: a foot that kicks a ball is as fast
(12.6 m/s), but gets there over several frames (under 220 m/s^2).
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import Motion, rest_frames
from engine.errors import EngineError
from train.files import FileError, read_csv
from train.text_motion.motions.loops import looped
from train.text_motion.motions.signals import RATE, runs
from train.text_motion.motions.uniform import BODY, Habits, habits, uniform

FOLDER = "text_motion_cmu20"
FAST, TORN = 12.0, 225.0
"""m/s and m/s^2 of a joint: a step that is faster and more sudden is a leap."""
SHORT, NEAR = 6, 12
"""Frames that are interpolated at most; leaps nearer to one another than the second are of one damage."""
LEAST = 42
BLEND = {"Mesh2Motion/mesh2motion-app": 6}
"""Frames at the start in which the programs of a source blend from the rest pose."""
BESIDE = 3
TURNED = {
    "conv_train_directing_traffic_1": (0, 505),
    "conv_train_directing_traffic_4": (370, 455),
    "conv_train_walking_22": (0, 139),
    "conv_train_walking_23": (90, 173),
    "conv_train_walking_24": (116, 220),
    "conv_train_walking_25": (0, 81),
    "conv_train_walking_26": (0, 73),
    "conv_train_walking_48": (44, 76),
    "conv_train_walking_50": (50, 220),
}
COLUMNS = ("id", "text", "source", "same_as")
Array = NDArray[np.floating]


class Take(NamedTuple):
    """A piece of a recording on the uniform body: ``joints`` (T, 22, 3) in metres at 20 fps, ``first`` its first frame
    in the recording ``name``, whose ``note`` is of the database."""

    name: str
    note: str
    first: int
    joints: NDArray[np.float32]


class Mended(NamedTuple):
    """What was done to a recording: frames cut at the start, interpolated, and left out at leaps."""

    start: int
    filled: int
    left_out: int


class Recording(NamedTuple):
    """A recording as it was found: ``joints`` (T, 22, 3) of the person's own body."""

    name: str
    note: str
    rig: str
    joints: Array


def read_recordings(folder: Path) -> list[Recording]:
    """The recordings of ``text_motion_cmu20`` at ``folder``, sorted by name, copies left out.

    Raises :class:`EngineError` naming what is missing.
    """
    index = Path(folder) / "index.csv"
    if not index.is_file():
        raise EngineError(
            f"{folder}: has no index.csv; give the folder {FOLDER} of the project's data with --data, or set "
            "ENGINE_DATA to the folder that holds it"
        )
    lines = read_csv(index)
    absent = [column for column in COLUMNS if not lines or column not in lines[0].cells]
    if absent:
        raise FileError(f"{index}: has no column {', '.join(absent)}; copy the data again")
    at = {column: lines[0].cells.index(column) for column in COLUMNS}
    clips = _clips(Path(folder) / "clips.npz")
    found = []
    for number, cells in lines[1:]:
        if len(cells) != len(lines[0].cells):
            raise FileError(
                f"{index}:{number}: has {len(cells)} cells, {len(lines[0].cells)} are needed; mend that line"
            )
        name, note, rig, copied = (cells[at[column]] for column in COLUMNS)
        if copied and any(other.cells[at["id"]] == copied for other in lines[1:]):
            continue
        if name not in clips:
            raise FileError(f"{index}:{number}: take {name!r} is not in clips.npz; copy the data again")
        found.append(Recording(name, note, rig, _checked(name, clips[name])))
    return sorted(found)


def load_takes(folder: Path) -> list[Take]:
    """All takes of ``folder`` on the uniform body, see the module."""
    return uniform_takes(read_recordings(folder))


def uniform_takes(recordings: Sequence[Recording]) -> list[Take]:
    """Recordings mended, in pieces, on the uniform body; what is usual in a rig is found over all of its takes."""
    pieces = [(item, *piece) for item in recordings for piece in sound_pieces(item)[0]]
    rigs: dict[str, list[Array]] = defaultdict(list)
    for item, _, joints in pieces:
        rigs[item.rig].append(joints)
    usual: dict[str, Habits] = {rig: habits(joints) for rig, joints in rigs.items()}
    whole = ((item, first, looped(joints, LEAST)) for item, first, joints in pieces)
    return [Take(item.name, item.note, first, uniform(joints, usual[item.rig])) for item, first, joints in whole]


def sound_pieces(recording: Recording) -> tuple[list[tuple[int, Array]], Mended]:
    """The undamaged pieces of a recording (first frame, joints), and what was done; see the module."""
    joints = recording.joints
    start = rest_frames(Motion(BODY, RATE, joints.astype(np.float32))) or BLEND.get(recording.rig, 0)
    at = joints[start:].astype(np.float64)
    filled, cuts = 0, []
    for first, last in _damages(at):
        if _fillable(at, first, last):
            weight = np.linspace(0.0, 1.0, last - first + 2)[1:-1, None, None]
            at[first + 1 : last + 1] = (1 - weight) * at[first] + weight * at[last + 1]
            filled += last - first
        else:
            cuts.append((first, last))
    damaged = [(max(0, first + 1 - BESIDE), last + 1 + BESIDE) for first, last in cuts]
    if recording.name in TURNED:
        damaged = sorted([*damaged, TURNED[recording.name]])
    sound = np.ones(len(at), bool)
    for begin, end in damaged:
        sound[begin:end] = False
    kept = [(begin, end) for begin, end in runs(sound, 0.0) if end - begin >= LEAST or not damaged]
    left_out = len(at) - sum(end - begin for begin, end in kept)
    return [(start + begin, at[begin:end]) for begin, end in kept], Mended(start, filled, left_out)


def leaps(joints: Array) -> NDArray[np.bool_]:
    """Which of the T - 1 steps of (T, J, 3) no body makes."""
    step = np.diff(np.asarray(joints, np.float64), axis=0)
    speed = np.linalg.norm(step, axis=-1) * RATE
    sudden = np.zeros_like(speed)
    if len(step) > 1:
        change = np.linalg.norm(np.diff(step, axis=0), axis=-1) * RATE**2
        sudden[1:] = change
        sudden[:-1] = np.maximum(sudden[:-1], change)
    return np.asarray(((speed > FAST) & (sudden > TORN)).any(1))


def _damages(at: Array) -> list[tuple[int, int]]:
    """First and last leaping step of each damage."""
    found: list[tuple[int, int]] = []
    for step in np.flatnonzero(leaps(at)):
        if found and step - found[-1][1] <= NEAR:
            found[-1] = (found[-1][0], int(step))
        else:
            found.append((int(step), int(step)))
    return found


def _fillable(at: Array, first: int, last: int) -> bool:
    """Whether the frames between two leaps can be interpolated: few, and the ends as near as a body can go."""
    if not 0 < last - first <= SHORT:
        return False
    speed = np.linalg.norm(at[last + 1] - at[first], axis=-1).max() * RATE / (last + 1 - first)
    return bool(speed < FAST / 2)


def _clips(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise FileError(f"{path}: is missing or does not read as an archive of arrays; copy the data again") from None


def _checked(name: str, joints: Array) -> Array:
    if joints.ndim != 3 or joints.shape[1:] != (22, 3) or joints.dtype.kind != "f" or not len(joints):
        raise FileError(
            f"clips.npz: take {name!r} is {joints.dtype} {joints.shape}, not floats (T, 22, 3); copy it again"
        )
    if not np.isfinite(joints).all():
        raise FileError(f"clips.npz: take {name!r} has values that are not finite; copy it again, or take it out")
    return joints
