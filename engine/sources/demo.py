"""The built-in partner: a voice and a face that come with the engine, so that it runs with no device and no file.

``engine/data/partner`` holds ``speech.flac`` (mono speech) and ``face.npz`` whose ``face`` is (T, 58) at 25 frames a
second, in the order of :mod:`engine.channels`; frame i is the face at the end of its 40 ms.
"""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE_NAMES
from engine.clock import Clock
from engine.errors import EngineError, reason
from engine.feeds.feeds import Feeds, Key
from engine.sources.base import SEEN_AND_HEARD
from engine.sources.media import MediaFile
from engine.sources.player import AudioBlock, FaceItem, Lap, Player, playing_rate

FACE_RATE = 25
"""Frames a second of ``face.npz``."""

PARTNER = Path(__file__).resolve().parents[1] / "data" / "partner"


class DemoSource:
    """Plays the built-in partner over and over (``loop``) or once, in real time or ``fast`` (as the loop takes it).

    A lap starts ``start_s`` seconds into the track and ends there. ``folder`` holds another ``speech.flac`` and
    ``face.npz`` to play instead. Raises :class:`EngineError` when either is missing or not as described.
    """

    name = "demo"
    gives: Collection[Key] = SEEN_AND_HEARD

    def __init__(
        self, fast: bool = False, loop: bool = True, folder: Path | str | None = None, start_s: float = 0.0
    ) -> None:
        self._folder = PARTNER if folder is None else Path(folder)
        self._fast = fast
        self._loop = loop
        self._face = load_face(self._folder / "face.npz")
        self._voice = MediaFile(self._folder / "speech.flac")
        self._first = round(start_s * FACE_RATE) % len(self._face)
        self._player: Player | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Begin to play on a thread of its own."""
        rate = playing_rate(feeds)
        voice = np.concatenate([block.samples for block in self._voice.audio(rate, feeds.front_end("partner"))])
        # A lap is a whole number of face frames, so that faces and hops stay in step from lap to lap.
        frames = max(len(self._face), -(-len(voice) * FACE_RATE // rate))
        voice = np.pad(voice, (0, max(0, round(frames * rate / FACE_RATE) - len(voice))))
        voice = np.roll(voice, -round(self._first * rate / FACE_RATE))
        laps = (Lap([AudioBlock(voice)], self._faces(frames)) for _ in (itertools.count() if self._loop else range(1)))
        self._player = Player(laps, feeds, clock, self._fast, slow_faces=False)
        self._player.start()

    def stop(self) -> None:
        """Stop playing."""
        if self._player is not None:
            self._player.stop()

    @property
    def finished(self) -> bool:
        """Whether the partner was played through once, where it is not looped."""
        return self._player is not None and self._player.finished

    @property
    def problem(self) -> str | None:
        """None, unless playing failed."""
        return self._player.problem if self._player else None

    def describe(self) -> dict[str, Any]:
        """Name, what it gives, and the length of a lap in seconds."""
        seconds = len(self._face) / FACE_RATE
        return {"source": "demo", "audio": True, "face": True, "fast": self._fast, "loop": self._loop, "lap_s": seconds}

    def _faces(self, frames: int) -> Iterator[FaceItem]:
        for index in range(frames):
            place = (index + self._first) % frames
            if place < len(self._face):
                yield FaceItem((index + 1) * 1_000_000_000 // FACE_RATE, self._face[place].copy)


def load_face(path: Path) -> NDArray[np.float32]:
    """The face (T, 58) in a ``face.npz``, :data:`FACE_RATE` frames a second."""
    remedy = "install the engine again, or give a folder with speech.flac and face.npz"
    if not path.is_file():
        raise EngineError(f"built-in partner: {path} is missing; {remedy}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            face = np.asarray(stored["face"], np.float32)
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        why = reason(error) if isinstance(error, OSError) else "it is no .npz file, or holds no numbers as face"
        raise EngineError(f"built-in partner: {path} does not read ({why}); {remedy}") from error
    if face.ndim != 2 or face.shape[1] != len(FACE_NAMES) or not len(face):
        raise EngineError(f"built-in partner: face in {path} has shape {face.shape}, not (T, {len(FACE_NAMES)})")
    return face
