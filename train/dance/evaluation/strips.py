"""Dances to be looked at: strip comics (every 4th frame, as PirouNet shows them), a gif and a film side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clients.opencv.strip import Shot, film, strip
from engine.body.skeleton import Skeleton
from train.dance.evaluation.rows import Dance, Row
from train.dance.labels import LEVELS
from train.dance.takes import FRAMES, RATE
from train.report import document

Image = NDArray[np.uint8]

EVERY = 4
STRIP, FILM = 48, 300
"""Frames of a strip and of a film."""
GIF, GIF_EVERY = 120, 3
"""Frames of a gif, and which of them it shows: ten pictures a second keep a page small."""
SMALL, LARGE = (190, 230), (360, 400)


@dataclass(frozen=True)
class Piece:
    """A stretch of a dance worth looking at: of which row, which level, and its positions (T, J, 3)."""

    row: str
    level: int
    dance: str
    start: int
    positions: NDArray[np.float32]

    @property
    def title(self) -> str:
        """What it is, in words."""
        word = LEVELS[self.level] if self.level >= 0 else "no label"
        return f"{self.row}: {word} ({self.dance} from {self.start / RATE:.1f} s)"


def pieces(row: Row, source: str, frames: int) -> list[Piece]:
    """A stretch of each level: the one, sound and of ``frames`` or as long as there is, whose windows have the level
    most. A generated dance is shown from its beginning on."""
    found = []
    for level in range(len(LEVELS)):
        best: tuple[float, Dance, int] | None = None
        for dance in row.dances:
            length = min(frames, len(dance))
            levels = dance.levels.get(source)
            if levels is None:
                continue
            starts = range(0, len(dance) - length + 1, 1 if length == len(dance) else FRAMES)
            for start in starts:
                part = slice(start, max(start + 1, start + length - FRAMES + 1))
                share = float((levels[part] == level).mean()) * float(dance.sound[start : start + length].all())
                if share > 0 and (best is None or share > best[0] + 1e-9):
                    best = (share, dance, start)
        if best is not None:
            _, dance, start = best
            found.append(Piece(row.name, level, dance.name, start, dance.positions[start : start + frames]))
    return found


def comic(piece: Piece, skeleton: Skeleton) -> Image:
    """The piece's strip (H, W, 3) uint8 BGR."""
    return strip(piece.positions[:STRIP], skeleton.to_dict(), every=EVERY, rate=RATE, columns=STRIP // EVERY, floor=0.0)


def films(rows: Sequence[Row], source: str, skeleton: Skeleton, folder: Path) -> list[Path]:
    """``dances.gif`` and ``dances.mp4`` in ``folder``: the highest and lowest level of each row, side by side."""
    written = []
    for name, frames, every, size in (("dances.gif", GIF, GIF_EVERY, SMALL), ("dances.mp4", FILM, 1, LARGE)):
        shots = [
            Shot(piece.positions[::every], skeleton.to_dict(), f"{piece.row}, {LEVELS[piece.level]}")
            for row in rows
            for piece in pieces(row, source, frames)
            if LEVELS[piece.level] != "medium"
        ]
        if shots:
            film(folder / name, shots, RATE / every, size)
            written.append(folder / name)
    return written


def save(picture: Image, path: Path) -> None:
    """Write a picture's JPEG file."""
    path.write_bytes(document.jpeg(picture))
