"""Writes talks and their listeners in the layout of REACT2024, and beside it what only a simulation knows.

``{split}/{Audio_files,Emotion,3D_FV_files}/SIM/<talk>/<person>/<clip>.{wav,csv,npy}``: clips of 30 s, numbered from 1,
consecutive in time. A face file has 751 rows, the last being the first of the next clip; an emotion file 750 rows and
a header. ``{split}.csv`` pairs a speaker's clip with a listener's, ``neighbour_emotion_{split}.npy`` says which
listeners answer the same clip. Ours are ``{split}/Controls`` (the controls per frame), ``{split}/Events`` (spans, acts,
cues, planned movements; each in the clip in which it starts, times from the clip's start) and ``layout.json``. Of real
listeners the event file tells more (:mod:`train.simulate.meetings.listening`).
"""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.channels import EMOTION_NAMES
from engine.errors import EngineError
from models.emotion import emotion
from train.simulate.talk import CLIP_FRAMES, CLIP_ROWS, FPS, HOP, RATE, SimulatedListener, Talk
from train.simulate.voices import Voice

FORMAT, MADE_BY, SITE = 1, "python -m train simulate", "SIM"
SPLITS = ("train", "val", "test")
CONTROLS = ("expressiveness", "self_speaking")
SPEAKER_LISTS = ("phrases", "own_turns", "acts", "cues", "words")
CLIP_S = CLIP_FRAMES / FPS
LOW, HIGH, DIGITS = -2, 4, 4  #: what a CSV cell can hold


class Writer:
    """A data set under construction in ``root``, one talk at a time; :meth:`finish` makes it whole. ``about`` tells of
    the whole set in ``layout.json``.

    Raises :class:`EngineError` when ``root`` holds something that this command did not make.
    """

    def __init__(self, root: Path, command: str, seed: int, about: Mapping[str, Any] | None = None) -> None:
        self.root = root
        _clear(root)
        self._layout: dict[str, Any] = {
            "format": FORMAT,
            "made_by": MADE_BY,
            "complete": False,
            "command": command,
            "seed": seed,
            "face": "engine",
            "fps": FPS,
            "clip_frames": CLIP_FRAMES,
            "sample_rate": RATE,
            "sources": {},
            "talks": {},
            **(about or {}),
        }
        self._pairs: dict[str, list[tuple[str, str]]] = {split: [] for split in SPLITS}
        self._note()

    def add(
        self,
        split: str,
        name: str,
        voice: Voice,
        talk: Talk,
        reactions: list[SimulatedListener],
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one talk and its listeners ``L0``, ``L1``, ...; ``facts`` are told of it in ``layout.json``. Raises
        :class:`EngineError` for a length that is not a whole number of clips, or faces and controls that do not fit
        it."""
        _check(name, talk, reactions)
        clips = talk.frames // CLIP_FRAMES
        self._person(split, name, "speaker", talk.face)
        for clip in range(clips):
            place = self._place(split, "Audio_files", name, "speaker", clip, "wav")
            write_wav(place, talk.pcm[clip * CLIP_FRAMES * HOP : (clip + 1) * CLIP_FRAMES * HOP])
        told = {key: [asdict(item) for item in getattr(talk, key)] for key in SPEAKER_LISTS}
        self._events(split, name, "speaker", clips, told, {})
        for number, reaction in enumerate(reactions):
            person = f"L{number}"
            self._person(split, name, person, reaction.face)
            table = np.stack([reaction.controls[key] for key in CONTROLS], 1)
            for clip in range(clips):
                rows = table[clip * CLIP_FRAMES : (clip + 1) * CLIP_FRAMES]
                write_csv(self._place(split, "Controls", name, person, clip, "csv"), CONTROLS, rows)
            planned = {"events": [asdict(item) for item in reaction.events]}
            planned |= {key: [asdict(item) for item in items] for key, items in reaction.told.items()}
            self._events(split, name, person, clips, planned, {"persona": reaction.persona})
        for clip in range(1, clips + 1):
            self._pairs[split] += [
                (f"{SITE}/{name}/speaker/{clip}", f"{SITE}/{name}/L{number}/{clip}") for number in range(len(reactions))
            ]
        known = {"split": split, "voice": voice.name, "source": voice.source}
        self._layout["talks"][name] = {**(facts or {}), **known}
        facts = {"split": voice.split, "source": voice.source, "licence": voice.licence, "credit": voice.credit}
        self._layout["sources"][voice.name] = facts

    def finish(self) -> None:
        """Write the lists of pairs, the neighbours and the final ``layout.json``."""
        for split, pairs in self._pairs.items():
            lines = [",speaker_path,listener_path", *(f"{i},{a},{b}" for i, (a, b) in enumerate(pairs))]
            (self.root / f"{split}.csv").write_text("\n".join(lines) + "\n", "utf-8")
            if split != "train":
                _, clip = np.unique([speaker for speaker, _ in pairs], return_inverse=True)
                np.save(self.root / f"neighbour_emotion_{split}.npy", (clip[:, None] == clip).astype(np.uint8))
        self._layout["complete"] = True
        self._note()

    def _note(self) -> None:
        text = json.dumps(self._layout, indent=1, sort_keys=True)
        (self.root / "layout.json").write_text(text + "\n", "utf-8")

    def _place(self, split: str, kind: str, name: str, person: str, clip: int, ending: str) -> Path:
        folder = self.root / split / kind / SITE / name / person
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{clip + 1}.{ending}"

    def _person(self, split: str, name: str, person: str, face: NDArray[np.float32]) -> None:
        """Face and emotion files of one person."""
        with torch.inference_mode():
            felt = emotion(torch.from_numpy(np.ascontiguousarray(face, np.float32))).numpy()
        after = np.concatenate([face, face[-1:]]).astype(np.float32)
        for clip in range(len(face) // CLIP_FRAMES):
            first = clip * CLIP_FRAMES
            np.save(self._place(split, "3D_FV_files", name, person, clip, "npy"), after[first : first + CLIP_ROWS])
            rows = felt[first : first + CLIP_FRAMES]
            write_csv(self._place(split, "Emotion", name, person, clip, "csv"), EMOTION_NAMES, rows)

    def _events(
        self,
        split: str,
        name: str,
        person: str,
        clips: int,
        told: dict[str, list[dict[str, Any]]],
        always: dict[str, Any],
    ) -> None:
        """One JSON file a clip: of each list what starts in the clip, its times shifted to the clip's start."""
        for clip in range(clips):
            here = dict(always)
            for key, items in told.items():
                here[key] = [_shifted(item, clip * CLIP_S) for item in items if _clip_of(item, clips) == clip]
            text = json.dumps(here, sort_keys=True)
            self._place(split, "Events", name, person, clip, "json").write_text(text + "\n", "utf-8")


def write_wav(path: Path, pcm: NDArray[np.float32]) -> None:
    """``pcm`` (n,) in -1..1 as 16 kHz mono 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(np.round(pcm * 32768.0), -32768, 32767).astype("<i2").tobytes())


def write_csv(path: Path, names: tuple[str, ...], rows: NDArray[np.floating]) -> None:
    """``rows`` (T, len(names)) under a header, four decimals.

    Cells come from a table of all numbers that there can be, twenty times as fast as formatting each.
    """
    unit = 10**DIGITS
    if not np.isfinite(rows).all() or rows.min() < LOW or rows.max() > HIGH:
        raise EngineError(f"{path}: a value is not finite or not within {LOW}..{HIGH}; check what made it")
    table = _cells()
    cells = table[np.round(rows * unit).astype(np.int64) - LOW * unit]
    ends = np.full(cells.shape, b",", "S1")
    ends[:, -1] = b"\n"
    raw = np.char.add(cells, ends).tobytes().replace(b"\0", b"")
    path.write_bytes(",".join(names).encode() + b"\n" + raw)


_TABLE: list[NDArray[np.bytes_]] = []


def _cells() -> NDArray[np.bytes_]:
    if not _TABLE:
        unit = 10**DIGITS
        _TABLE.append(np.array([f"{k / unit:.{DIGITS}f}".encode() for k in range(LOW * unit, HIGH * unit + 1)]))
    return _TABLE[0]


def _check(name: str, talk: Talk, reactions: list[SimulatedListener]) -> None:
    frames = talk.frames
    if not frames or frames % CLIP_FRAMES or len(talk.pcm) != frames * HOP:
        raise EngineError(
            f"talk {name}: {frames} frames and {len(talk.pcm)} samples are not whole clips of {CLIP_FRAMES} frames and "
            f"{CLIP_FRAMES * HOP} samples; give --minutes as a multiple of 0.5"
        )
    for number, reaction in enumerate(reactions):
        shapes = {reaction.face.shape} | {(*reaction.controls[key].shape, 58) for key in CONTROLS}
        if shapes != {(frames, 58)}:
            raise EngineError(f"talk {name}, listener {number}: face or controls do not have {frames} frames")


def _clip_of(item: dict[str, Any], clips: int) -> int:
    start = item["start_s"] if "start_s" in item else item["time_s"]
    return int(np.clip(start // CLIP_S, 0, clips - 1))


def _shifted(item: dict[str, Any], by_s: float) -> dict[str, Any]:
    return {
        key: round(float(value) - by_s, 4)
        if key.endswith("_s")
        else value
        if isinstance(value, str)
        else round(float(value), 4)
        for key, value in item.items()
        if value is not None
    }


def _clear(root: Path) -> None:
    """Make ``root`` an empty folder, if it is one, is not there, or holds what this command made."""
    if root.exists() and not root.is_dir():
        raise EngineError(f"{root} is a file: give a folder to write to")
    if root.is_dir() and any(root.iterdir()):
        if made_by(root) != MADE_BY:
            raise EngineError(f"{root} is not empty and was not made by this command: give another folder, or empty it")
        for split in SPLITS:
            shutil.rmtree(root / split, ignore_errors=True)
            (root / f"{split}.csv").unlink(missing_ok=True)
            (root / f"neighbour_emotion_{split}.npy").unlink(missing_ok=True)
    root.mkdir(parents=True, exist_ok=True)


def made_by(root: Path) -> str | None:
    """What ``layout.json`` in ``root`` says that made it; None without one."""
    try:
        return str(json.loads((root / "layout.json").read_text("utf-8"))["made_by"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
