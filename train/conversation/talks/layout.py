"""Reads and writes sets in the layout ``talks``: what a conversation model learns from where there is no capture dome.

```text
SET/{train,dev,test}/NAME.wav    two channels: 0 the avatar's own voice, 1 its partner's; any rate
SET/{train,dev,test}/NAME.npz    arrays, 30 frames a second, the first in the middle of the first 1/30 s
SET/{train,dev,test}/NAME.json   who speaks, words, events; all optional
```

Arrays: ``face`` (T, 58), channels of :mod:`engine.channels`; optional ``expression`` (T, 58) and ``mouth`` (T, 27): the
face without the mouth of speech, and that mouth; without them the face is divided by where the own voice speaks.
``captured`` (T,) is false where the mouth is not known. ``body`` (T, 27, 4): local quaternions x y z w of skeleton
``cmu``; ``partner_face`` (T, 58); ``known`` (58,) is false for channels of the face that nobody captured. Everything is
read without executing anything.
"""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from models.conversation.config import MOUTH, MOUTH_NAMES, RATE
from train.files import FileError
from train.speech.talk import SPLITS

__all__ = ["FPS", "MOUTH", "MOUTH_NAMES", "SPLITS", "TalkFile", "TalkWriter", "Told", "Voices", "talks"]

FPS = RATE
SHAPES: dict[str, tuple[int, ...]] = {
    "face": (58,),
    "expression": (58,),
    "mouth": (len(MOUTH),),
    "captured": (),
    "body": (27, 4),
    "partner_face": (58,),
    "known": (58,),
}
"""Shape of a frame of every array, of ``known`` of the whole."""
MOST_FRAMES = 30 * 3600 * 4
Sound = NDArray[np.float32]


class SaidWord(NamedTuple):
    """A word and when it is said, s from the talk's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Told:
    """What is known about a talk. ``voice`` speaks, ``partner`` is spoken to; ``capture`` says how the mouth was
    captured (``captured`` by a face capture, ``tracked`` by a webcam's tracker, empty where it was not), ``persona``
    whose manner of moving the body has. ``events`` are (kind, s) of the listener: ``nod``, ``smile``, ``brow``.
    ``turns`` and ``partner_turns`` are (start, end) in s; ``closings`` those of every b, p and m in ``words``, None
    where nobody looked for them."""

    voice: str = ""
    partner: str = ""
    capture: str = ""
    persona: str = ""
    licence: str = ""
    credit: str = ""
    words: tuple[SaidWord, ...] = ()
    partner_words: tuple[SaidWord, ...] = ()
    events: tuple[tuple[str, float], ...] = ()
    turns: tuple[tuple[float, float], ...] = ()
    partner_turns: tuple[tuple[float, float], ...] = ()
    closings: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class TalkFile:
    """A talk of a set: where it is, and its split."""

    path: Path  #: without suffix
    split: str

    @property
    def name(self) -> str:
        """Its name in its split."""
        return self.path.name

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays, checked. Raises :class:`FileError` naming what is wrong."""
        return read_arrays(self.path.with_suffix(".npz"))

    def sound(self) -> Voices:
        """Its two voices. Raises :class:`FileError`."""
        return read_voices(self.path.with_suffix(".wav"))

    def told(self) -> Told:
        """What is told about it. Raises :class:`FileError`."""
        return read_told(self.path.with_suffix(".json"))


class Voices(NamedTuple):
    """Two voices of one length (n,), -1..1, and their rate (Hz)."""

    own: Sound
    partner: Sound
    rate: int

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.own) / self.rate


@dataclass
class TalkWriter:
    """Writes a set into ``root``; a talk that is there already is not written again by who asks :meth:`has`."""

    root: Path
    record: dict[str, Any] = field(default_factory=dict)

    def has(self, split: str, name: str) -> bool:
        """Whether a talk was written whole; its description is written last."""
        return (self.root / split / f"{name}.json").is_file()

    def add(self, split: str, name: str, sound: Voices, arrays: dict[str, NDArray[Any]], told: dict[str, Any]) -> None:
        """One talk. ``told`` are fields of :class:`Told`. Raises :class:`EngineError` where it cannot be written."""
        place = self.root / split / name
        pcm = np.stack([sound.own, sound.partner], 1)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with wave.open(str(place.with_suffix(".wav")), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(sound.rate)
                file.writeframes(np.clip(np.round(pcm * 32768.0), -32768, 32767).astype("<i2").tobytes())
            np.savez_compressed(place.with_suffix(".npz"), allow_pickle=False, **arrays)
            place.with_suffix(".json").write_text(json.dumps(told, ensure_ascii=False) + "\n", "utf-8")
        except OSError as error:
            reason = (error.strerror or "the system refused it").lower()
            raise EngineError(f"{place} cannot be written, {reason}: make room, or name another folder") from error

    def finish(self) -> None:
        """Write what the set is."""
        text = json.dumps({"layout": "talks", "fps": FPS, **self.record}, indent=1, ensure_ascii=False)
        (self.root / "talks.json").write_text(text + "\n", "utf-8")


def talks(root: Path, split: str) -> list[TalkFile]:
    """The talks of a split, in order of their names. Raises :class:`EngineError` where there are none."""
    if split not in SPLITS:
        raise EngineError(f"no split {split!r} of talks; there is {', '.join(SPLITS)}")
    found = [TalkFile(path.with_suffix(""), split) for path in sorted((root / split).glob("*.npz"))]
    if not found:
        raise EngineError(
            f"{root} has no talks in {split}/: give a set in the layout `talks` "
            "(`python -m train simulate dialogues` makes one)"
        )
    return found


def read_voices(path: Path) -> Voices:
    """The two voices of a wav file of 16 bit. Raises :class:`FileError`."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise FileError(f"{path}: is missing; a talk has its two voices there") from None
    except (OSError, EOFError, wave.Error) as error:
        raise FileError(f"{path}: is no wav file that can be read ({error}); write PCM of 16 bit") from None
    if width != 2:
        raise FileError(f"{path}: has {8 * width} bit a sample; write PCM of 16 bit")
    if channels != 2:
        many = "one channel" if channels == 1 else f"{channels} channels"
        raise FileError(f"{path}: has {many}, two are due: 0 the own voice, 1 the partner's (silence where none)")
    if not 8000 <= rate <= 192_000:
        raise FileError(f"{path}: has {rate} samples a second; give 8000 to 192000")
    pcm = np.frombuffer(data, "<i2").reshape(-1, 2).astype(np.float32) / 32768.0
    return Voices(pcm[:, 0].copy(), pcm[:, 1].copy(), rate)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a talk, ``face`` among them, float32. Raises :class:`FileError`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {name: stored[name] for name in SHAPES if name in stored.files}
            rate = float(stored["fps"]) if "fps" in stored.files else FPS
    except FileNotFoundError:
        raise FileError(f"{path}: is missing; a talk has its face there") from None
    except Exception as error:  # whatever a damaged zip or a pickle in it brings
        raise FileError(f"{path}: cannot be read ({type(error).__name__}: {error}); write it with np.savez") from None
    if rate != FPS:
        raise FileError(f"{path}: has {rate:g} frames a second; resample to {FPS:g}")
    if "face" not in found:
        raise FileError(f"{path}: has no array 'face' (T, 58); every talk needs one")
    if ("expression" in found) != ("mouth" in found):
        raise FileError(f"{path}: 'expression' and 'mouth' belong together; give both or none")
    frames = len(found["face"])
    if not 0 < frames <= MOST_FRAMES:
        raise FileError(f"{path}: face has {frames} frames; give 1 to {MOST_FRAMES}")
    for name, value in found.items():
        due_shape = SHAPES[name] if name == "known" else (frames, *SHAPES[name])
        if value.shape != due_shape:
            due = "x".join(map(str, due_shape))
            raise FileError(f"{path}: {name} is {'x'.join(map(str, value.shape))}, {due} is due")
        if value.dtype.kind not in "fiub":
            raise FileError(f"{path}: {name} holds {value.dtype}; give numbers")
        if not np.isfinite(value.astype(np.float64)).all():
            raise FileError(f"{path}: {name} has values that are not finite; fill or cut them")
    return {name: value.astype(bool if name in ("captured", "known") else np.float32) for name, value in found.items()}


def read_told(path: Path) -> Told:
    """What stands beside a talk; nothing where there is no file. Raises :class:`FileError`."""
    if not path.is_file():
        return Told()
    try:
        raw = json.loads(path.read_text("utf-8"))
        found: dict[str, Any] = {
            key: tuple(SaidWord(str(text), float(start), float(end)) for text, start, end in raw.get(key, ()))
            for key in ("words", "partner_words")
        }
        for key in ("turns", "partner_turns", *(["closings"] if "closings" in raw else [])):
            found[key] = tuple((float(start), float(end)) for start, end in raw.get(key, ()))
        found["events"] = tuple((str(kind), float(time)) for kind, time in raw.get("events", ()))
        for key, rows in found.items():
            if not np.isfinite([float(value) for row in rows for value in row if not isinstance(value, str)]).all():
                raise ValueError(f"{key} has a time that is no number")
        found |= {key: str(raw.get(key, "")) for key in ("voice", "partner", "capture", "persona", "licence", "credit")}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: does not describe a talk ({error}); mend it or take it away") from None
    return Told(**found)
