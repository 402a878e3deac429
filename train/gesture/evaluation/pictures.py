"""Motion to be looked at: strips of test talks as each row moves to them, over sound, words and stresses.

All rows are drawn as PATS' points, since all have them. In the lanes a stroke that was found is a bar that ends at its
moment; a person should be able to say where the stresses lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clients.opencv.panel import DIM, PAPER, put, text
from clients.opencv.points import Plane
from train.gesture.evaluation.cases import Case, Shown
from train.gesture.evaluation.nods import find_nods
from train.gesture.evaluation.rows import GestureRow
from train.gesture.pats.layout import JOINTS, RATE
from train.gesture.strokes import find_strokes
from train.report import filmstrip
from train.report.parts import Note, Part, Picture
from train.simulate.gestures.persona import PERSONAS
from train.simulate.gestures.pictures import lanes
from train.simulate.gestures.plan import Gesture, Nod, Performance

Image = NDArray[np.uint8]

SECONDS, EVERY = 8.0, 6
"""Seconds of a strip, and frames from one body to the next."""
TILE = (96, 108)
"""Width and height of a body."""
HEAD = 18
NOD_S = 0.15
"""Seconds to either side of a nod's lowest moment, as it is drawn."""


def chosen(cases: Sequence[Case], count: int) -> list[Case]:
    """Cases that are shown: of each talk one gesturer, another in every talk, until there are ``count``."""
    by_talk: dict[str, list[Case]] = {}
    for case in cases:
        by_talk.setdefault(case.talk.name, []).append(case)
    return [own[place % len(own)] for place, own in enumerate(by_talk.values())][:count]


def busiest(case: Case) -> float:
    """The second from which on a strip holds most strokes of the truth."""
    moments = np.array([stroke.apex for stroke in find_strokes(case.truth.points)])
    starts = np.arange(0.0, max(case.seconds - SECONDS, 0.0) + 1e-9)
    inside = (moments > starts[:, None] + 0.5) & (moments < starts[:, None] + SECONDS)
    return float(starts[int(inside.sum(1).argmax())])


def strip(case: Case, row: GestureRow, start: float) -> Image:
    """One row's motion from ``start`` on, over its sound, words and stresses; (H, W, 3) uint8 BGR."""
    shown = row.motions[case.name]
    wide = round(SECONDS * RATE / EVERY) * TILE[0]
    ground = lanes(case.talk, found(shown), start, SECONDS, wide)
    image = np.empty((HEAD + TILE[1] + len(ground), wide, 3), np.uint8)
    image[:] = PAPER
    text(image, f"{row.name}   {case.name}", 6, 13, 0.42, DIM)
    plane, first = Plane("pats52", JOINTS), round(start * RATE)
    for place, frame in enumerate(range(first, min(first + round(SECONDS * RATE), len(shown.points)), EVERY)):
        put(image, (place * TILE[0], HEAD, *TILE), plane.draw(shown.points[frame], TILE))
    image[HEAD + TILE[1] :] = ground
    return image


def found(shown: Shown) -> Performance:
    """The strokes and nods that are found in a motion, to be drawn."""
    gestures = tuple(
        Gesture(one.hand, "", one.start, one.start, one.apex, one.end, max(one.end, one.apex), 1.0, -1)
        for one in find_strokes(shown.points)
    )
    nods = () if shown.joints is None else tuple(Nod(at - NOD_S, at, at + NOD_S, 1.0) for at in find_nods(shown.joints))
    return Performance(gestures, nods, PERSONAS[0])


def drawn(rows: Sequence[GestureRow], cases: Sequence[Case], count: int, folder: Path) -> list[Part]:
    """Strips of ``count`` talks in ``folder`` and for the page, each of ``rows`` under the other."""
    if not count:
        return []
    told = "A body every {:.1f} s; dots and lines: stresses, the higher the stronger. Bars: strokes that were found."
    parts: list[Part] = [Note(told.format(EVERY / RATE), "Strips")]
    for place, case in enumerate(chosen(cases, count)):
        strips = [strip(case, row, busiest(case)) for row in rows if case.name in row.motions]
        picture = filmstrip.jpeg(np.concatenate(strips))
        (folder / f"strip{place}.jpg").write_bytes(picture)
        parts.append(Picture(picture, f"{case.talk.name}, {case.speaker}"))
    return parts
