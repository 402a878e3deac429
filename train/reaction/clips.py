"""The files of one clip of 30 s in the layout of REACT2024, each read whole and checked for what it must hold.

The challenge's own faces are FaceVerse coefficients (Wang et al. 2022, CVPR): head rotation and translation are about
their means over that data set, and :func:`from_faceverse` is the one place that turns them into the axes of
:mod:`engine.channels`. Its clips have 751 frames of face, 750 or 751 rows of emotion and 44.1 kHz stereo sound.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.channels import EMOTION_NAMES, FACE_NAMES
from engine.errors import EngineError
from engine.sound.front_end import FrontEnd
from engine.sources.media import MediaFile
from train.files import FileError, read_array, read_json, read_numbers
from train.simulate.talk import CLIP_FRAMES, CLIP_ROWS, FPS, HOP, RATE, Act, Cue, Span

Array = NDArray[np.float32]
Item = TypeVar("Item", Span, Act, Cue)

CLIP_S, SLACK_S = CLIP_FRAMES / FPS, 0.5
"""Seconds of a clip, and by how much its sound may differ."""
CONTROL_DEFAULTS = {"expressiveness": 1.0, "self_speaking": 0.0}
SOUND, FACE, EMOTION, CONTROLS, EVENTS = "Audio_files", "3D_FV_files", "Emotion", "Controls", "Events"
"""Folders of the layout, one for each kind of file; only a simulation has the last two."""
LISTS = ("phrases", "own_turns", "cues", "events")
"""What event files list of a clip."""
ENDINGS = {SOUND: "wav", FACE: "npy", EMOTION: "csv", CONTROLS: "csv", EVENTS: "json"}
ROLES = {"Expert_video": "P1", "Novice_video": "P2"} | {
    f"P{n}": "P1" if n % 2 else "P2" for n in (25, 26, 41, 42, 45, 46)
}
"""What the challenge's Emotion folders call the people of NoXI and RECOLA, whom its lists and other folders call so."""

MEAN_ROTATION, MEAN_TRANSLATION = (3.191, 0.045, 0.002), (-0.006, -0.018, 1.838)
ROTATION_SIGNS = TRANSLATION_SIGNS = (1.0, 1.0, 1.0)
METRES = 0.1
"""Metres in a unit of FaceVerse's translation: an assumption (decimetres), as the coefficients state no unit."""


@dataclass(frozen=True)
class ClipFile:
    """A file of a clip and the folder that says what kind it is."""

    kind: str
    path: Path


@dataclass(frozen=True)
class Told:
    """What an event file tells of a clip, in seconds from the clip's start; a list that it does not have is empty."""

    phrases: tuple[Span, ...] = ()
    own_turns: tuple[Span, ...] = ()
    acts: tuple[Act, ...] = ()
    cues: tuple[Cue, ...] = ()
    events: tuple[Cue, ...] = ()


def spellings(kind: str, clip: str) -> list[str]:
    """Where in the folder of its ``kind`` the file of ``site/chat/person/clip`` may lie, the list's own name first: see
    :data:`ROLES`; and some copies of the challenge's faces have a file as ``*_full.npy`` alone."""
    names = [f"{clip}.{ENDINGS[kind]}"]
    chat, person, number = clip.rsplit("/", 2)
    if kind == EMOTION and person in ROLES:
        names.append(f"{chat}/{ROLES[person]}/{number}.{ENDINGS[kind]}")
    return [*names, f"{clip}_full.npy"] if kind == FACE else names


def from_faceverse(coefficients: NDArray[np.floating[Any]]) -> Array:
    """(T, 58) in this project's axes from FaceVerse's expression, rotation (rad) and translation.

    FaceVerse turns its model by ``Rz @ Ry @ Rx`` in a world with x to the picture's right, y up and z towards the
    camera; the model itself lies upside down, which is the mean angle of about pi. Those are a frontal person's own
    axes, so after the means only signs of +1 remain. The order of the rotations differs from ours; for heads that
    face the camera the difference is of second order and is let be. Weights are clipped to 0..1.
    """
    face = np.array(coefficients, np.float32)
    face[:, :52] = np.clip(face[:, :52], 0.0, 1.0)
    face[:, 52:55] = (face[:, 52:55] - MEAN_ROTATION) * ROTATION_SIGNS
    face[:, 55:] = (face[:, 55:] - MEAN_TRANSLATION) * TRANSLATION_SIGNS * np.float32(METRES)
    return face


def read_face(path: Path) -> Array:
    """The coefficients (750, 58) of a person as they stand in the file. Raises :class:`EngineError`, as all here do."""
    rows = np.squeeze(read_array(path)).astype(np.float32)  # the challenge has a middle axis of one in some files
    if rows.ndim != 2 or rows.shape[1] != len(FACE_NAMES) or len(rows) not in (CLIP_FRAMES, CLIP_ROWS):
        shape = " x ".join(map(str, rows.shape)) or "a single number"
        raise FileError(f"{path}: holds {shape}, not {CLIP_ROWS} frames x {len(FACE_NAMES)} numbers; make it anew")
    return _finite(rows[:CLIP_FRAMES], path)


def read_emotion(path: Path) -> Array:
    """The emotion numbers (750, 25) of a person."""
    return _table(path, EMOTION_NAMES)


def read_controls(path: Path) -> Array:
    """The controls (750, 2) of a listener, in the order of :data:`CONTROL_DEFAULTS`."""
    return _table(path, tuple(CONTROL_DEFAULTS))


def read_sound(path: Path, front_end: FrontEnd | None = None) -> Array:
    """A clip's sound (480 000,) at 16 kHz, exactly 30 s: the challenge's files differ from it by a frame or so. Like a
    live voice it goes through a front end, that of the clips before it where they are one talk."""
    media = MediaFile(path)
    pcm = np.concatenate([np.zeros(0, np.float32), *(block.samples for block in media.audio(RATE, front_end))])
    wanted = CLIP_FRAMES * HOP
    if abs(len(pcm) - wanted) > SLACK_S * RATE:
        raise FileError(f"{path}: {len(pcm) / RATE:.2f} s of sound, not {CLIP_S:g} s; copy it again, or make it anew")
    if media.problem:
        raise FileError(f"{path}: is damaged ({media.problem.partition(': ')[2]}); copy it again, or make it anew")
    return np.pad(pcm[:wanted], (0, max(0, wanted - len(pcm))))


def read_told(path: Path) -> Told:
    """What a simulation tells of a clip."""
    found = read_json(path)
    try:
        return Told(
            phrases=_items(Span, found, "phrases"),
            own_turns=_items(Span, found, "own_turns"),
            acts=_items(Act, found, "acts"),
            cues=_items(Cue, found, "cues"),
            events=_items(Cue, found, "events"),
        )
    except (AttributeError, TypeError, ValueError):
        raise FileError(
            f"{path}: is not an event file as python -m train simulate writes it; make the data set anew"
        ) from None


READERS: dict[str, Callable[[Path], Array | Told]] = {
    SOUND: read_sound,
    FACE: read_face,
    EMOTION: read_emotion,
    CONTROLS: read_controls,
    EVENTS: read_told,
}


class Found(NamedTuple):
    """What a file ``holds``, in a few words, or the ``problem`` for which it cannot be used."""

    holds: str
    problem: str = ""


def examine(file: ClipFile, quick: bool = False) -> Found:
    """Read a file to see whether it can be used; ``quick`` does not decode sound that shows it without."""
    if not file.path.is_file():
        return Found("", f"{file.path} is missing; copy the data set again, or make it anew")
    if quick and file.kind == SOUND and _whole_wave(file.path):
        return Found(f"{CLIP_S:g} s")
    try:
        value = READERS[file.kind](file.path)
    except EngineError as error:
        return Found("", str(error))
    if isinstance(value, Told):
        return Found(", ".join(f"{len(getattr(value, name))} {name}" for name in LISTS if getattr(value, name)))
    return Found(f"{len(value) / RATE:g} s" if file.kind == SOUND else " x ".join(map(str, value.shape)))


def _whole_wave(path: Path) -> bool:
    """Whether a file is plain PCM, which cannot be damaged, and of the right length: that is seen without decoding it,
    which takes a hundred times as long."""
    try:
        with wave.open(str(path)) as file:
            frames = len(file.readframes(file.getnframes())) // (file.getnchannels() * file.getsampwidth())
            return bool(abs(frames / file.getframerate() - CLIP_S) <= SLACK_S)
    except (wave.Error, EOFError, OSError):
        return False


def _items(kind: type[Item], found: Mapping[str, Any], name: str) -> tuple[Item, ...]:
    return tuple(kind(**item) for item in found.get(name, ()))


def _table(path: Path, names: Sequence[str]) -> Array:
    rows = read_numbers(path, names)
    if len(rows) not in (CLIP_FRAMES, CLIP_ROWS):
        raise FileError(f"{path}: holds {len(rows)} rows, not {CLIP_FRAMES}; make it anew")
    return _finite(rows[:CLIP_FRAMES], path)


def _finite(rows: Array, path: Path) -> Array:
    if len(bad := np.argwhere(~np.isfinite(rows))):
        raise FileError(f"{path}: row {bad[0][0] + 1}, column {bad[0][1] + 1} is not a finite number; mend the file")
    return rows
