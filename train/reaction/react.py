"""Reads data sets in the layout of the REACT2024 challenge: the simulation's and the challenge's own.

Clips of 30 s that follow each other in one chat are joined into one talk, so a model can be run for minutes. What only
a simulation knows (spans, acts, cues, planned movements, persona) is empty elsewhere, and controls are at defaults.

Without ``layout.json`` a set is taken for the challenge's own. Its faces are FaceVerse coefficients (Wang et al. 2022,
CVPR): head rotation and translation are about their means over that data set, and :func:`from_faceverse` is the one
place that turns them into the axes of :mod:`engine.channels`. Its clips have 751 frames of face, 750 or 751 rows of
emotion and 44.1 kHz stereo sound; files called ``*_full.npy`` are copies and not read.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.channels import EMOTION_NAMES, FACE_NAMES
from engine.errors import EngineError
from engine.sources.media import MediaFile
from train.simulate.talk import CLIP_FRAMES, CLIP_ROWS, FPS, HOP, RATE, Act, Cue, Span

Array = NDArray[np.float32]
T = TypeVar("T")

SPLITS, CLIP_S = ("train", "val", "test"), CLIP_FRAMES / FPS
CONTROL_DEFAULTS = {"expressiveness": 1.0, "self_speaking": 0.0}

MEAN_ROTATION, MEAN_TRANSLATION = (3.191, 0.045, 0.002), (-0.006, -0.018, 1.838)
ROTATION_SIGNS = TRANSLATION_SIGNS = (1.0, 1.0, 1.0)
METRES = 0.1
"""Metres in a unit of FaceVerse's translation: an assumption (decimetres), as the coefficients state no unit."""


def from_faceverse(coefficients: NDArray[np.floating]) -> Array:
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


@dataclass(frozen=True)
class Pair:
    """One line of a split's list: ``site/chat/person/clip`` of a speaker and of a listener."""

    speaker: str
    listener: str


class ReactData:
    """A data set in folder ``root``. ``layout`` is what ``layout.json`` says, empty for the challenge's own data, whose
    faces are ``faceverse`` coefficients.

    Raises :class:`EngineError` naming the file and what is wrong with it, here or when it is read.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise EngineError(f"data set {self.root}: there is no such folder; make one with python -m train simulate")
        self.layout: dict[str, Any] = _json(self.root / "layout.json") if (self.root / "layout.json").is_file() else {}
        if self.layout and not self.layout.get("complete", False):
            raise EngineError(f"data set {self.root}: writing it was broken off; run python -m train simulate again")
        self.faceverse = self.layout.get("face", "faceverse") == "faceverse"
        self.splits = tuple(split for split in SPLITS if (self.root / f"{split}.csv").is_file())
        if not self.splits:
            raise EngineError(
                f"data set {self.root}: no train.csv, val.csv or test.csv in it; give the folder with them"
            )

    def pairs(self, split: str) -> list[Pair]:
        """The speaker's and the listener's clip of each line of ``{split}.csv``, in its order."""
        path = self.root / f"{split}.csv"
        if split not in self.splits:
            raise EngineError(f"data set {self.root}: no split {split!r}; there are {', '.join(self.splits)}")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or not {"speaker_path", "listener_path"} <= rows[0].keys():
            raise EngineError(f"{path}: no rows under a header ',speaker_path,listener_path'")
        found = [Pair(row["speaker_path"] or "", row["listener_path"] or "") for row in rows]
        for name in (name for pair in found for name in (pair.speaker, pair.listener)):
            parts = name.split("/")
            if len(parts) < 4 or not parts[-1].isdigit() or ".." in parts:
                raise EngineError(f"{path}: {name!r} is not site/chat/person/clip; mend that line")
        return found

    def neighbours(self, split: str) -> NDArray[np.bool_]:
        """(n, n): whether the listener of pair j is also right for pair i, in the order of :meth:`pairs`.

        The challenge's matrix goes on with the mirrored pairs; those rows and columns are cut off.
        """
        path, count = self.root / f"neighbour_emotion_{split}.npy", len(self.pairs(split))
        matrix = _array(path)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) not in (count, 2 * count):
            raise EngineError(f"{path}: shape {matrix.shape}, where {split}.csv has {count} pairs; make both anew")
        return matrix[:count, :count] > 0.5

    def talks(self, split: str) -> list[RecordedTalk]:
        """The talks of a split, in the order of their first lines; a gap in a chat's clip numbers starts another.

        Every file that they need is looked for, and read only when asked for.
        """
        chats: dict[str, dict[int, list[str]]] = {}
        for pair in self.pairs(split):
            speaker, clip = pair.speaker.rsplit("/", 1)
            listeners = chats.setdefault(speaker, {}).setdefault(int(clip), [])
            listeners.append(pair.listener.rsplit("/", 1)[0])
        talks = []
        for speaker, clips in chats.items():
            numbers = sorted(clips)
            breaks = [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
            for first, last in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
                run = numbers[first:last]
                people = [who for who in dict.fromkeys(clips[run[0]]) if all(who in clips[clip] for clip in run)]
                name = "/".join(speaker.split("/")[1:-1])
                label = name if len(breaks) == 0 else f"{name}@{run[0]}"
                talks.append(RecordedTalk(self, split, label, speaker, tuple(people), tuple(run)))
                talks[-1].check()
        return talks


@dataclass(frozen=True)
class RecordedTalk:
    """Consecutive clips of one speaker and the listeners that answer all of them; files are read when asked for.

    All times are seconds from the start of the talk, all lengths ``frames`` at 25 a second.
    """

    data: ReactData
    split: str
    name: str  #: the chat, with ``@clip`` where only part of it follows on
    speaker: str  #: ``site/chat/person``
    people: tuple[str, ...]  #: the same of each listener
    clips: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Length in frames of 40 ms."""
        return CLIP_FRAMES * len(self.clips)

    @property
    def listeners(self) -> tuple[str, ...]:
        """Names of the listeners: their folders."""
        return tuple(path.rsplit("/", 1)[1] for path in self.people)

    @property
    def voice(self) -> str:
        """Who speaks: the simulation's voice, else the speaker's path."""
        return str(self.data.layout.get("talks", {}).get(self.name, {}).get("voice", self.speaker))

    def audio(self) -> Array:
        """The speaker's sound, (frames * 640,) float32 at 16 kHz."""
        return np.concatenate([self._sound(clip) for clip in self.clips])

    def face(self) -> Array:
        """The speaker's face, (frames, 58) float32 in the axes of :mod:`engine.channels`."""
        return self._faces(self.speaker)

    def listener(self, name: str) -> Array:
        """The same of listener ``name``."""
        return self._faces(self._path(name))

    def emotion(self, name: str) -> Array:
        """The 25 emotion numbers of listener ``name``, or of the speaker as ``"speaker"``: (frames, 25) float32."""
        path = self.speaker if name == "speaker" else self._path(name)
        return np.concatenate([self._table("Emotion", path, clip, EMOTION_NAMES) for clip in self.clips])

    def controls(self, name: str) -> dict[str, Array]:
        """``expressiveness`` and ``self_speaking`` of listener ``name`` per frame, each (frames,) float32."""
        path, names = self._path(name), tuple(CONTROL_DEFAULTS)
        if not self.data.layout:
            return {key: np.full(self.frames, value, np.float32) for key, value in CONTROL_DEFAULTS.items()}
        rows = np.concatenate([self._table("Controls", path, clip, names) for clip in self.clips])
        return dict(zip(names, rows.T.copy(), strict=True))

    def spans(self, kind: str) -> tuple[Span, ...]:
        """Spans of ``kind``: ``phrases`` or ``own_turns``; none where nobody knows them."""
        if kind not in ("phrases", "own_turns"):
            raise EngineError(f"spans of {kind!r}: there are phrases and own_turns")
        return tuple(Span(**item) for item in self._told(self.speaker, kind))

    def acts(self) -> tuple[Act, ...]:
        """What the speaker's face does on purpose."""
        return tuple(Act(**item) for item in self._told(self.speaker, "acts"))

    def cues(self) -> tuple[Cue, ...]:
        """What invites a reaction."""
        return tuple(Cue(**item) for item in self._told(self.speaker, "cues"))

    def events(self, name: str) -> tuple[Cue, ...]:
        """The movements that listener ``name`` planned."""
        return tuple(Cue(**item) for item in self._told(self._path(name), "events"))

    def persona(self, name: str) -> dict[str, float]:
        """Who listener ``name`` was; empty where nobody knows."""
        path = self._path(name)
        return dict(_json(self._file("Events", path, self.clips[0], "json"))["persona"]) if self.data.layout else {}

    def check(self) -> None:
        """Raise :class:`EngineError` unless every file of the talk is there."""
        kinds = [("Audio_files", self.speaker, "wav")]
        kinds += [("3D_FV_files", path, "npy") for path in (self.speaker, *self.people)]
        kinds += [("Emotion", path, "csv") for path in (self.speaker, *self.people)]
        wanted = (self._file(kind, path, clip, ending) for kind, path, ending in kinds for clip in self.clips)
        missing = [path for path in wanted if not path.is_file()]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise EngineError(f"talk {self.name}: {missing[0]}{more} missing; copy the data set again, or make it anew")

    def _path(self, name: str) -> str:
        if name not in self.listeners:
            raise EngineError(
                f"talk {self.name}: no listener {name!r}; there are {', '.join(self.listeners) or 'none'}"
            )
        return self.people[self.listeners.index(name)]

    def _file(self, kind: str, path: str, clip: int, ending: str) -> Path:
        return self.data.root / self.split / kind / path / f"{clip}.{ending}"

    def _faces(self, path: str) -> Array:
        pieces = [self._coefficients(self._file("3D_FV_files", path, clip, "npy")) for clip in self.clips]
        face = np.concatenate(pieces)
        return from_faceverse(face) if self.data.faceverse else face

    def _coefficients(self, file: Path) -> Array:
        rows = np.squeeze(_array(file)).astype(np.float32)  # the challenge has a middle axis of one in some files
        if rows.ndim != 2 or rows.shape[1] != len(FACE_NAMES) or len(rows) not in (CLIP_FRAMES, CLIP_ROWS):
            raise EngineError(f"{file}: shape {rows.shape}, not ({CLIP_ROWS}, {len(FACE_NAMES)})")
        return _finite(rows[:CLIP_FRAMES], file)

    def _table(self, kind: str, path: str, clip: int, names: Sequence[str]) -> Array:
        file = self._file(kind, path, clip, "csv")
        head, _, body = _read(file, lambda at: at.read_text("utf-8")).partition("\n")
        found = tuple(name.strip() for name in head.split(","))
        if found != tuple(names):
            raise EngineError(f"{file}: its columns are {', '.join(found)[:80]}, not {', '.join(names)[:80]}")
        try:
            rows = np.loadtxt(body.splitlines(), np.float32, delimiter=",", ndmin=2)
        except ValueError as error:
            raise EngineError(f"{file}: a row does not read as {len(names)} numbers ({error})") from error
        if rows.shape[1:] != (len(names),) or len(rows) not in (CLIP_FRAMES, CLIP_ROWS):
            raise EngineError(f"{file}: {rows.shape} rows and columns, not ({CLIP_FRAMES}, {len(names)})")
        return _finite(rows[:CLIP_FRAMES], file)

    def _sound(self, clip: int) -> Array:
        """One clip's sound, exactly 30 s: the challenge's files differ from it by a frame or so."""
        file = self._file("Audio_files", self.speaker, clip, "wav")
        pcm = np.concatenate([np.zeros(0, np.float32), *(block.samples for block in MediaFile(file).audio(RATE))])
        wanted = CLIP_FRAMES * HOP
        if abs(len(pcm) - wanted) > RATE // 2:
            raise EngineError(f"{file}: {len(pcm) / RATE:.2f} s of sound, not {CLIP_S:g} s")
        return np.pad(pcm[:wanted], (0, max(0, wanted - len(pcm))))

    def _told(self, path: str, kind: str) -> list[dict[str, Any]]:
        """The items of a list in the clips' event files, times moved to the start of the talk."""
        if not self.data.layout:
            return []
        told = [_json(self._file("Events", path, clip, "json"))[kind] for clip in self.clips]
        return [
            {key: value + CLIP_S * place if key.endswith("_s") else value for key, value in item.items()}
            for place, items in enumerate(told)
            for item in items
        ]


def _read(path: Path, how: Callable[[Path], T]) -> T:
    try:
        return how(path)
    except FileNotFoundError:
        raise EngineError(f"{path} is missing; copy the data set again, or make it anew") from None
    except (OSError, ValueError, EOFError) as error:
        raise EngineError(f"{path} does not read ({error}); copy the data set again, or make it anew") from error


def _array(path: Path) -> NDArray[Any]:
    return _read(path, lambda file: np.asarray(np.load(file, allow_pickle=False)))


def _json(path: Path) -> Any:
    return _read(path, lambda file: json.loads(file.read_text("utf-8")))


def _finite(rows: Array, path: Path) -> Array:
    if len(bad := np.argwhere(~np.isfinite(rows))):
        raise EngineError(f"{path}: row {bad[0][0] + 1}, column {bad[0][1] + 1} is not a finite number; mend the file")
    return rows
