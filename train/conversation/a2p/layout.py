"""A person's folder in audio2photoreal's layout, scene by scene: arrays stay on the disk until they are looked at.

``data_stats.pth`` and for every scene ``sceneNN_audio.wav`` (48 kHz, two channels: own voice, partner's; 1600 samples a
frame), ``sceneNN_body_pose.npy`` (T, 104), ``sceneNN_face_expression.npy`` (T, 256) and
``sceneNN_missing_face_frames.npy`` (indices); 30 frames a second. ``sceneNN_lip_vertices.npy`` (T, 338, 3) is an
extension: the published data have no lips to train the lip regressor on.

**Splits** are by scene: in the order of their names the last 4 are ``test``, the 2 before ``val``, the rest ``train``.
Scenes whose face codes are all missing do not count; :attr:`PersonFolder.skipped` names them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.conversation.a2p.pickles import load_torch
from train.conversation.a2p.wav import Wav, read_wav
from train.files import FileError, read_array

Array = NDArray[np.float32]
Yaw = Literal["auto", "wrap", "keep"]

RATE, FPS = 48_000, 30
HOP = RATE // FPS
"""Samples of a frame."""
POSE, CODES, VERTICES = 104, 256, 338
YAW = 3
"""The column of a pose that holds the angle of the root about the vertical, rad."""
WRAPPED = ("PXB184", "RLW104")
"""Persons whose angle jumps by whole turns, as published."""
SPLITS = ("train", "val", "test")
TESTED, CHECKED = 4, 2
STATS = "data_stats.pth"
AUDIO, BODY, FACE, MISSING, LIPS = (
    *("audio.wav", "body_pose.npy", "face_expression.npy", "missing_face_frames.npy"),
    "lip_vertices.npy",
)
FILES = (AUDIO, BODY, FACE, MISSING)
"""What every scene has, after ``sceneNN_``."""
WIDTHS = {"code_mean": CODES, "code_std": CODES, "pose_mean": POSE, "pose_std": POSE, "audio_mean": 2, "audio_std": 2}
FLAT = ("code_std_flat", "pose_std_flat", "audio_std_flat")
USED = ("code_mean", "code_std", "pose_mean", "pose_std", "audio_mean", "audio_std_flat")
"""What the published loader reads of the statistics; a file may lack the rest."""
LEAST = 1e-6
"""A deviation below this is taken as 1: the number does not change."""


class Stats(NamedTuple):
    """Means and deviations of a person: codes (256,), poses (104,), means of the two channels (2,), and one deviation
    of both voices (1,)."""

    code_mean: Array
    code_std: Array
    pose_mean: Array
    pose_std: Array
    audio_mean: Array
    audio_std_flat: Array


@dataclass(frozen=True)
class Scene:
    """A scene of ``frames`` frames. ``missing`` (T,) is true where there is no face code; ``yaw`` (T,) stands in place
    of the angle in the file, if there is one; ``swapped``: channel 1 of the file is the own voice."""

    name: str
    frames: int
    wav: Wav
    pose: NDArray[Any]
    face: NDArray[Any]
    missing: NDArray[np.bool_]
    lips: NDArray[Any] | None = None
    yaw: Array | None = None
    swapped: bool = False

    def audio(self, first: int = 0, last: int | None = None) -> Array:
        """Samples (n, 2) of the frames [first, last), own voice first, in -1..1. Raises :class:`FileError`."""
        last = self.frames if last is None else last
        found = self.wav.samples(first * HOP, last * HOP)
        rows = np.zeros(((last - first) * HOP, 2), np.float32)  # a last frame may be cut short
        rows[: len(found)] = found
        self._finite("audio", rows, first * HOP)
        return rows[:, ::-1].copy() if self.swapped else rows

    def poses(self, first: int = 0, last: int | None = None) -> Array:
        """Poses (n, 104) of those frames. Raises :class:`FileError` for numbers that are none."""
        rows = np.array(self.pose[first:last], np.float32)
        if self.yaw is not None:
            rows[:, YAW] = self.yaw[first:last]
        return self._finite("body_pose", rows, first)

    def codes(self, first: int = 0, last: int | None = None) -> Array:
        """Face codes (n, 256) of those frames, 0 where they are missing. Raises :class:`FileError`."""
        rows = np.array(self.face[first:last], np.float32)
        rows[self.missing[first:last]] = 0.0
        return self._finite("face_expression", rows, first)

    def vertices(self, first: int = 0, last: int | None = None) -> Array:
        """Lip vertices (n, 1014) of those frames, x, y, z of one after the other. Raises :class:`FileError`."""
        if self.lips is None:
            raise FileError(
                f"{self.name}_{LIPS} is missing, from which the lip regressor learns; write it (T, {VERTICES}, 3) "
                "beside the scene, or train another stage"
            )
        return self._finite("lip_vertices", np.array(self.lips[first:last], np.float32).reshape(-1, 3 * VERTICES), 0)

    def _finite(self, what: str, rows: Array, first: int) -> Array:
        bad = ~np.isfinite(rows).all(1)
        if bad.any():
            raise FileError(
                f"{self.name}_{what}: row {first + int(bad.argmax())} holds no finite number; mend it, or leave the "
                "scene out"
            )
        return rows


class PersonFolder:
    """A person's scenes. ``yaw``: whether the angle of the root is re-wrapped (:func:`rewrapped`): ``auto`` for the
    persons :data:`WRAPPED`. ``partner``: the folder of the other person of the same scenes: then poses, codes and their
    statistics are the partner's, and the channels are swapped (the seed's ``flip_person``). Raises :class:`FileError`
    naming the first file that cannot be used."""

    def __init__(self, folder: Path, partner: Path | None = None, yaw: Yaw = "auto") -> None:
        self.folder, self.partner = Path(folder), partner
        body = self.folder if partner is None else Path(partner)
        self.stats = read_stats(self.folder / STATS)
        if partner is not None:
            theirs = read_stats(body / STATS)
            self.stats = theirs._replace(
                audio_mean=self.stats.audio_mean[::-1].copy(), audio_std_flat=self.stats.audio_std_flat
            )
        wrap = yaw == "wrap" or (yaw == "auto" and body.resolve().name in WRAPPED)
        around = float(self.stats.pose_mean[YAW]) if wrap else None
        found = [open_scene(self.folder, name, partner, around) for name in scene_names(self.folder)]
        self.skipped = tuple(scene.name for scene in found if scene.missing.all())
        self.scenes = tuple(scene for scene in found if not scene.missing.all())
        if not self.scenes:
            raise FileError(f"{self.folder}: has no scene with face codes; give a person's folder with {BODY} files")

    def split(self, name: str) -> Sequence[Scene]:
        """The scenes of a split. Raises :class:`EngineError` where there are none."""
        count = len(self.scenes)
        ends = {"train": (0, count - TESTED - CHECKED), "val": (count - TESTED - CHECKED, count - TESTED)}
        ends["test"] = (count - TESTED, count)
        if name not in ends:
            raise EngineError(f"no split {name!r}; there is {', '.join(ends)}")
        first, last = (max(0, end) for end in ends[name])
        if first == last:
            raise EngineError(
                f"{self.folder}: split {name} is empty: of {count} usable scenes {TESTED} are for test and {CHECKED} "
                f"for val; give {TESTED + CHECKED + 1} or more"
            )
        return self.scenes[first:last]


def scene_names(folder: Path) -> list[str]:
    """The scenes in a folder, by the names of their files. Raises :class:`FileError` where there is none."""
    pattern = re.compile(rf"(scene\w*?)_({'|'.join(map(re.escape, FILES))})")
    if not folder.is_dir():
        raise FileError(f"{folder}: is no folder; give a person's folder in audio2photoreal's layout")
    matches = (pattern.fullmatch(path.name) for path in folder.iterdir())
    names = sorted({match[1] for match in matches if match})
    if not names:
        raise FileError(f"{folder}: has no scene (scene01_{BODY} and its neighbours); give a person's folder")
    return names


def open_scene(folder: Path, name: str, partner: Path | None = None, around: float | None = None) -> Scene:
    """A scene, its shapes and lengths checked, its numbers not yet read; ``around``: re-wrap the angle around this.
    Raises :class:`FileError`."""
    body = folder if partner is None else partner
    for file in (folder / f"{name}_{AUDIO}", *(body / f"{name}_{kind}" for kind in FILES[1:])):
        if not file.is_file():
            raise FileError(f"{file}: is not there, and every scene needs it; put it there, or leave the scene out")
    pose = shaped(body / f"{name}_{BODY}", (POSE,))
    frames = len(pose)
    if not frames:
        raise FileError(f"{body / f'{name}_{BODY}'}: has no frame; leave the scene out")
    face = shaped(body / f"{name}_{FACE}", (CODES,), frames)
    path = body / f"{name}_{LIPS}"
    lips = shaped(path, (VERTICES, 3), frames) if path.is_file() else None
    wav = read_wav(folder / f"{name}_{AUDIO}")
    for fault in unfit(wav, frames):
        raise FileError(fault)
    missing = read_missing(body / f"{name}_{MISSING}", frames)
    yaw = None if around is None else rewrapped(np.array(pose[:, YAW], np.float32), around)
    return Scene(name, frames, wav, pose, face, missing, lips, yaw, partner is not None)


def unfit(wav: Wav, frames: int | None) -> list[str]:
    """What is wrong in the sound of a scene of so many frames, if it is known."""
    told = []
    if wav.channels != 2:
        told.append(f"{wav.path}: has {wav.channels} channel(s), 2 are due: own voice and partner's; record both")
    if wav.rate != RATE:
        told.append(f"{wav.path}: has {wav.rate} samples a second, {RATE} are due; convert it")
    elif frames is not None and abs(wav.length - frames * HOP) >= HOP:
        told.append(f"{wav.path}: has {wav.length} samples, {frames} frames are due {frames * HOP}; cut them alike")
    return told


def shaped(path: Path, rest: tuple[int, ...], frames: int | None = None) -> NDArray[Any]:
    """A mapped array (T, *rest). Raises :class:`FileError` for another shape, or other than ``frames`` rows."""
    array = read_array(path, mapped=True)
    if array.shape[1:] != rest or array.ndim != 1 + len(rest):
        raise FileError(f"{path}: has shape {array.shape}, {('T', *rest)} is due; give the array of this kind")
    if frames is not None and len(array) != frames:
        raise FileError(f"{path}: has {len(array)} frames, the poses have {frames}; cut them to one length")
    return array


def read_missing(path: Path, frames: int) -> NDArray[np.bool_]:
    """True (T,) at the indices of a file. Raises :class:`FileError` for what is no index of a frame."""
    array = read_array(path).ravel()
    if array.size and array.dtype.kind not in "iu":
        raise FileError(f"{path}: holds {array.dtype.name} values, indices of frames are due; save whole numbers")
    index = array.astype(np.int64)
    bad = index[(index < 0) | (index >= frames)]
    if len(bad):
        raise FileError(f"{path}: index {int(bad[0])} is outside of the {frames} frames; mend the list")
    found = np.zeros(frames, bool)
    found[index] = True
    return found


def rewrapped(angle: Array, around: float) -> Array:
    """Angles (T,), rad, without jumps: a step of more than half a turn is shortened by whole turns, and the scene is
    shifted by whole turns so that its mean is within half a turn of ``around`` (the mean in ``data_stats.pth``)."""
    whole = np.unwrap(angle.astype(np.float64))
    return np.asarray(whole - 2 * np.pi * np.round((whole.mean() - around) / (2 * np.pi)), np.float32)


def read_stats(path: Path) -> Stats:
    """The statistics of a person. Raises :class:`FileError` for what is lacking, or no number."""
    found = load_torch(path)
    if not isinstance(found, Mapping):
        raise FileError(f"{path}: holds a {type(found).__name__}, no mapping of statistics; give {STATS}")
    lacking = [name for name in USED if name not in found]
    if lacking:
        raise FileError(f"{path}: lacks {', '.join(lacking)}; give the file of the data set")
    values: dict[str, Array] = {}
    for name in (*WIDTHS, *FLAT):
        if name not in found:
            continue
        try:
            value = np.asarray(found[name], np.float32).reshape(-1)
        except (TypeError, ValueError, RuntimeError):
            raise FileError(f"{path}: {name} holds no numbers; give the file of the data set") from None
        width = WIDTHS.get(name, 1)
        if value.size != width or not np.isfinite(value).all():
            raise FileError(f"{path}: {name} is no {width} finite numbers; give the file of the data set")
        if "std" in name and (value < 0).any():
            raise FileError(f"{path}: {name} is negative in places; give the file of the data set")
        values[name] = np.where(value < LEAST, np.float32(1), value) if "std" in name else value
    return Stats(**{name: values[name] for name in USED})
