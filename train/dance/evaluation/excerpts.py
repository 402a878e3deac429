"""Stretches of dances worth looking at, and what the evaluation leaves to be looked at: comics, films, dances."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.body.motion import Motion
from engine.body.skeleton import Skeleton
from engine.body.write import write_bvh
from train.dance.evaluation.instruments import Instruments
from train.dance.evaluation.rows import DanceRow, Performance
from train.dance.labels import COMPUTED, LEVELS, NONE, Label, write_labels
from train.dance.takes import FRAMES, RATE
from train.report import filmstrip
from train.report.filmstrip import Excerpt
from train.report.parts import Note, Part, Picture


class Shown(NamedTuple):
    """What is for the page: what moves, and what stands still."""

    moving: list[Part]
    still: list[Part]


class _Place(NamedTuple):
    """Where a stretch begins, and the share of it that has the level wanted."""

    share: float
    dance: Performance
    start: int


def excerpts(row: DanceRow, source: str, frames: int) -> list[Excerpt | None]:
    """A stretch of each level, None where there is none: the one, sound and of ``frames`` or as long as there is, whose
    windows have the level most. A generated dance is shown from its beginning on."""
    found: list[Excerpt | None] = []
    for level, word in enumerate(LEVELS):
        best: _Place | None = None
        for dance in row.dances:
            if source not in dance.levels:
                continue
            length = min(frames, len(dance))
            for start in range(0, len(dance) - length + 1, 1 if length == len(dance) else FRAMES):
                part = slice(start, max(start + 1, start + length - FRAMES + 1))
                share = float((dance.levels[source][part] == level).mean())
                share *= float(dance.sound[start : start + length].all())
                if share > 0 and (best is None or share > best.share + 1e-9):
                    best = _Place(share, dance, start)
        if best is None:
            found.append(None)
            continue
        positions = best.dance.positions[best.start : best.start + frames]
        caption = f"{row.name}: {word} ({best.dance.name} from {best.start / RATE:.1f} s)"
        found.append(Excerpt(positions, caption, f"{row.name}, {word}"))
    return found


def extremes(rows: Sequence[DanceRow], source: str, frames: int) -> list[Excerpt]:
    """The lowest and the highest level of each row, side by side."""
    shown = [one for row in rows for one in excerpts(row, source, frames)[:: len(LEVELS) - 1]]
    return [one for one in shown if one is not None]


def draw(rows: Sequence[DanceRow], tools: Instruments, folder: Path) -> Shown:
    """Comics, films and the generated dances of ``rows`` into ``folder``."""
    still: list[Part] = [
        Note(
            f"Every {filmstrip.EVERY}th frame, {filmstrip.EVERY / RATE:.2f} s apart, the camera following.",
            "Filmstrips",
        )
    ]
    for row in rows:
        for level, one in enumerate(excerpts(row, tools.source, filmstrip.STRIP)):
            if one is not None:
                picture = filmstrip.jpeg(filmstrip.comic(one, tools.skeleton, RATE))
                (folder / f"strip_{_safe(row.name)}_{level}.jpg").write_bytes(picture)
                still.append(Picture(picture, one.caption))
    films = filmstrip.films(lambda frames: extremes(rows, tools.source, frames), tools.skeleton, RATE, folder)
    for row in rows:
        if row.kind != "people":
            save(row, tools.effort, tools.skeleton, folder / row.name.replace("/", "_"))
    gif = films.get(filmstrip.GIF.name)
    moving: list[Part] = []
    if gif is not None:
        moving.append(Picture(gif.read_bytes(), "Four seconds of each.", "image/gif"))
    return Shown(moving, still)


def save(row: DanceRow, effort: str, skeleton: Skeleton, folder: Path) -> None:
    """Every dance of a row as ``NAME.npy`` (T, J, 3) in metres; in ``bvh`` the same as takes that the labelling page
    shows (``python -m train label dance ... --blind``), and in ``asked.csv`` what each of its blocks of 40 frames was
    asked to be, in the form of labels, ``by`` the row's name."""
    (folder / "bvh").mkdir(parents=True, exist_ok=True)
    asked = []
    for dance in row.dances:
        np.save(folder / f"{dance.name}.npy", dance.positions)
        if dance.sound.all():
            write_bvh(Motion(skeleton, RATE, dance.positions), folder / "bvh" / f"{dance.name}.bvh")
        for start in range(0, len(dance) - FRAMES + 1, FRAMES):
            values = {"space": NONE, "time": NONE, effort: int(dance.levels[COMPUTED][start]) + 1}
            asked.append(Label(dance.name, start, values["space"], values["time"], row.name))
    write_labels(folder / "asked.csv", asked)


def _safe(name: str) -> str:
    return name.replace(" ", "_").replace("/", "_")
