"""What is counted of listeners in a room, and what of it fails.

- **nods** a minute: between 0.7 and 1.4 times those of the room that a room is compared with; where nobody speaks, at
  most half a nod a minute more than there;
- **smiles** a minute where nobody smiles: at most 0.1 more;
- **smiling**, the share of time with both corners of the mouth above 0.2 (at rest they are near 0.06): at most 0.05
  more;
- **lean**: the farthest that a head comes from its median place, mean over listeners: at most 4 cm more;
- **short looks**, the share of looks away that last under 0.3 s: told only;
- **answered**, the share of a partner's smiles after which the listener smiles within 1.5 s: at least 0.8 of each size
  from 0.5 on.

A count of nods or smiles outside its band fails (``!``) where it is also further from the other room's than chance
takes it (2.5 standard deviations of Poisson counts); else it is open (``?``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.rooms.faces import SIZES, moments
from engine.channels import FACE
from train.report import events

NODS, NODS_ALONE, SMILES, SMILING, LEAN_CM = (0.7, 1.4), 0.5, 0.1, 0.05, 4.0
DEVIATIONS = 2.5
SMILING_FROM, SHORT_S = 0.2, 0.3
ANSWER_S, ANSWERED, ANSWERED_FROM = 1.5, 0.8, 0.5
PLACE = [FACE[name] for name in ("headX", "headY", "headZ")]
Face = NDArray[np.float32]


class Counts(NamedTuple):
    """Of all listeners in a room together; ``answered`` of ``asked`` smiles by their size, asked or not at the moments
    of :func:`~benchmarks.rooms.faces.moments`."""

    minutes: float
    nods: int
    smiles: int
    smiling: float
    lean_cm: float
    looks: int
    short_looks: int
    answered: tuple[int, ...]
    asked: int


class Marks(NamedTuple):
    """What is wrong with each figure: ``!``, ``?`` or nothing."""

    nods: str = ""
    smiles: str = ""
    smiling: str = ""
    lean: str = ""
    answered: tuple[str, ...] = ("",) * len(SIZES)


def count(listeners: Sequence[Face], rate: float) -> Counts:
    """Of the faces (T, 58) of several listeners to one partner."""
    looks = [events.dwells(events.looks_away(face))[1] for face in listeners]
    asked = moments(len(listeners[0]))
    of_size = [[time for time, size in asked if size == wanted] for wanted in SIZES]
    least = min(map(len, of_size))
    return Counts(
        minutes=len(listeners) * len(listeners[0]) / rate / 60,
        nods=sum(len(events.nods(face, rate)) for face in listeners),
        smiles=sum(len(events.smiles(face, rate)) for face in listeners),
        smiling=float(np.mean([events.smile_level(face) > SMILING_FROM for face in listeners])),
        lean_cm=float(np.mean([lean_cm(face) for face in listeners])),
        looks=sum(map(len, looks)),
        short_looks=sum(int((lengths < SHORT_S * rate).sum()) for lengths in looks),
        answered=tuple(sum(answers(face, rate, times[:least]) for face in listeners) for times in of_size),
        asked=least * len(listeners),
    )


def lean_cm(face: Face) -> float:
    """The farthest that the head of ``face`` (T, 58) comes from its median place, cm."""
    place = face[:, PLACE].astype(float)
    return float(100 * np.linalg.norm(place - np.median(place, 0), axis=1).max())


def answers(face: Face, rate: float, times: Sequence[float]) -> int:
    """How many smiles that begin at ``times`` (s) the listener ``face`` (T, 58) answers."""
    replies = np.array(events.smiles(face, rate))
    return sum(int(((replies >= time) & (replies <= time + ANSWER_S)).any()) for time in times)


def judge(here: Counts, there: Counts, spoken: bool, smiled_at: bool = False) -> Marks:
    """What of ``here`` is not as it should be beside ``there``; where it is ``smiled_at``, smiles are wanted."""
    times = here.minutes / there.minutes
    if spoken:
        low, high = (share * there.nods * times for share in NODS)
    else:
        low, high = 0.0, there.nods * times + NODS_ALONE * here.minutes
    nods = "" if low <= here.nods <= high else _sure(here.nods, there.nods, times)
    lean = "!" if here.lean_cm > there.lean_cm + LEAN_CM else ""
    if smiled_at:
        shares = [number / max(here.asked, 1) for number in here.answered]
        wrong = tuple(
            "!" if size >= ANSWERED_FROM and share < ANSWERED else "" for size, share in zip(SIZES, shares, strict=True)
        )
        return Marks(nods=nods, lean=lean, answered=wrong)
    most = there.smiles * times + SMILES * here.minutes
    smiles = "" if here.smiles <= most else _sure(here.smiles, there.smiles, times)
    smiling = "!" if here.smiling > there.smiling + SMILING else ""
    return Marks(nods, smiles, smiling, lean)


def _sure(here: int, there: int, times: float) -> str:
    """``!`` where ``here`` is further from ``there``, counted over 1 / ``times`` as long, than chance takes it were
    both as likely; else ``?``."""
    wanted = there * times
    deviation = math.sqrt(wanted + wanted * times + 1)
    return "!" if abs(here - wanted) > DEVIATIONS * deviation else "?"
