"""Motion to be looked at: strips of prompts as each row answers them, and of a take edited in three places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton
from train.report import filmstrip
from train.report.filmstrip import Excerpt
from train.report.parts import Note, Part, Picture
from train.text_motion.evaluation.rows import Ask, MotionRow

Array = NDArray[np.floating]

PROMPTS = 10
EVERY = 2
"""Every how many frames are given to a strip, which shows every fourth of what it is given."""


def prompts(rows: Sequence[MotionRow], asks: Sequence[Ask]) -> list[int]:
    """Numbers of ten asks of different words, of which all of ``rows`` have a motion."""
    found: dict[str, int] = {}
    for number, ask in enumerate(asks):
        if all(number in row.motions for row in rows):
            found.setdefault(ask.text, number)
    return list(found.values())[:PROMPTS]


def strip(motion: Array, caption: str, skeleton: Skeleton, rate: float) -> bytes:
    """A picture of the first seconds of a motion (T, J, 3)."""
    shown = Excerpt(np.asarray(motion[::EVERY], np.float32), caption, caption)
    return filmstrip.jpeg(filmstrip.comic(shown, skeleton, rate / EVERY))


def drawn(rows: Sequence[MotionRow], asks: Sequence[Ask], skeleton: Skeleton, rate: float, folder: Path) -> list[Part]:
    """Strips of ten prompts in ``folder`` and for the page, each of ``rows`` under the other."""
    gap = EVERY * filmstrip.EVERY / rate
    parts: list[Part] = [Note(f"A picture every {gap:.1f} s, the camera following.", "Filmstrips")]
    for place, number in enumerate(prompts(rows, asks)):
        for row in rows:
            picture = strip(row.motions[number], row.name, skeleton, rate)
            name = row.name.replace(" ", "_").replace("/", "_")
            (folder / f"prompt{place}_{name}.jpg").write_bytes(picture)
            parts.append(Picture(picture, f"{asks[number].text} ({row.name})"))
    return parts


def edited(shown: Sequence[tuple[str, Array]], skeleton: Skeleton, rate: float, folder: Path) -> list[Part]:
    """Strips of one motion and of what edits made of it, (what it is, (T, J, 3))."""
    parts: list[Part] = [Note("One motion, and the same with its pose codes edited in three places.", "Edits")]
    for place, (caption, motion) in enumerate(shown):
        picture = strip(motion, caption, skeleton, rate)
        (folder / f"edit{place}.jpg").write_bytes(picture)
        parts.append(Picture(picture, caption))
    return parts
