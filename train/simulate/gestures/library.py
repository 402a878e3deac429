"""Strokes of hands, cut from real arm movements: what a simulated gesturer's hands can do.

People of the CMU database direct traffic, give the signals of basketball, and greet (credit: mocap.cs.cmu.edu, created
with funding from NSF EIA-0196217). Their arms are read against the chest, so a body that walks or leans gives clean
arms, as directions of bones, so everybody's are as long as ours. A stroke is a rise of the hand's speed between two
lows. Strokes are brought to the space before the body by making them smaller about its middle; what is dull, slow or
odd there is left out, and of many that are alike the most different are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from train.simulate.gestures.arms import STEPS, least_jerk, places, pose_at
from train.simulate.gestures.cutting import Cut, cuts
from train.text_motion.motions.takes import FOLDER

Array = NDArray[np.float64]
SIDES = ("right", "left", "both")
WAYS = {"down": 9, "out": 9, "up": 6, "in": 5, "ahead": 5}
"""Ways a hand can go, and how many strokes of each are kept; hands that come back to the body say little."""
ALIKE = 0.10
"""m: strokes whose start, middle and end lie together no farther apart are alike."""
BEATS, BEAT, BEAT_PACE = 6, 0.5, 0.7
"""Strokes down of which there is a beat too, how large it is, and how long it takes."""
FRAMES = 20
"""Strokes of both hands that are kept."""


@dataclass(frozen=True)
class StrokeEntry:
    """One stroke. ``hands`` is with which it was made; another hand makes it mirrored. ``take`` is where it is from.
    ``path`` (arms, STEPS, WIDTH) are arm poses (:mod:`train.simulate.gestures.arms`) at even times, of one arm, or of
    the right and the left; the last is the pose of the hold after it. ``seconds`` it took, ``travel`` (m) how far the
    faster hand went and ``speed`` (m/s) its highest, all as in the library: scaled by size and pace when it is used."""

    name: str
    hands: str
    take: str
    path: Array
    seconds: float
    travel: float
    speed: float

    def arm(self, side: str) -> Array:
        """Poses (STEPS, WIDTH) of the ``right`` or the ``left`` arm."""
        return np.asarray(self.path[1 if side == "left" and len(self.path) > 1 else 0])


@dataclass(frozen=True)
class Library:
    """All strokes, in a fixed order: their numbers are written into sets."""

    entries: tuple[StrokeEntry, ...]

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.entries]
        if not names or len(set(names)) != len(names):
            raise EngineError("a library of strokes needs at least one stroke, and each its own name")

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each stroke by its name."""
        return {entry.name: number for number, entry in enumerate(self.entries)}

    def entry(self, name: str) -> StrokeEntry:
        """A stroke by name. Raises :class:`EngineError`."""
        if name not in self.numbers:
            raise EngineError(f"no stroke {name!r}; the library has {', '.join(list(self.numbers)[:8])}, ...")
        return self.entries[self.numbers[name]]

    def made_with(self, hands: str) -> tuple[StrokeEntry, ...]:
        """Strokes for ``right``, ``left`` or ``both`` hands."""
        return tuple(entry for entry in self.entries if entry.hands == hands)


def entry_of(name: str, hands: str, take: str, path: Array, seconds: float) -> StrokeEntry:
    """An entry with what can be measured of its path (arms, STEPS, WIDTH)."""
    at = np.stack([places(arm).hand for arm in path])
    steps = np.linalg.norm(np.diff(at, axis=1), axis=-1)
    travel = float(np.linalg.norm(at[:, -1] - at[:, 0], axis=-1).max())
    return StrokeEntry(name, hands, take, path, seconds, travel, float(steps.max()) * (STEPS - 1) / seconds)


def load_library(data: Path | None) -> Library:
    """The strokes of the recordings in the folder ``data``; without it a few that are made of numbers. Raises
    :class:`EngineError` where the recordings are not whole."""
    if data is None:
        return Library(made_strokes())
    if not (data / FOLDER).is_dir():
        raise EngineError(f"{data}: has no folder {FOLDER}, of whose takes strokes are cut; give the project's data")
    return Library(_chosen(list(cuts(data))))


def _chosen(found: Sequence[Cut]) -> tuple[StrokeEntry, ...]:
    """The most different strokes of each way a hand can go, for either hand and for both."""
    entries: list[StrokeEntry] = []
    single = [cut for cut in found if cut.side != "both"]
    for way, count in WAYS.items():
        for number, cut in enumerate(_different([cut for cut in single if _way(cut.path) == way], count)):
            path = _with_wrist(cut.path)
            entries += _either(f"{way}{number}", cut.take, path, cut.seconds)
            if way == "down" and number < BEATS:
                small = path[:, -1:] + BEAT * (path - path[:, -1:])
                entries += _either(f"beat{number}", cut.take, small, BEAT_PACE * cut.seconds)
    for number, cut in enumerate(_different([cut for cut in found if cut.side == "both"], FRAMES)):
        entries.append(entry_of(f"frame{number}.both", "both", cut.take, _with_wrist(cut.path), cut.seconds))
    return tuple(entries)


def _either(name: str, take: str, path: Array, seconds: float) -> list[StrokeEntry]:
    return [entry_of(f"{name}.{hands}", hands, take, path, seconds) for hands in ("right", "left")]


def _different(found: Sequence[Cut], count: int) -> list[Cut]:
    """Up to ``count`` of the cuts, each as far as may be from those before it; the first is the most usual."""
    if not found:
        return []
    shapes = np.stack([[places(arm).hand[[0, STEPS // 2, -1]] for arm in cut.path] for cut in found])
    shapes = shapes.reshape(len(found), -1)
    chosen = [int(np.linalg.norm(shapes - np.median(shapes, 0), axis=-1).argmin())]
    far = np.linalg.norm(shapes - shapes[chosen[0]], axis=-1)
    while len(chosen) < count and far.max() > ALIKE:
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.linalg.norm(shapes - shapes[chosen[-1]], axis=-1))
    return [found[number] for number in chosen]


def _step(arm: Array) -> Array:
    """Where a hand comes from where it was (3,), as a direction."""
    hand = places(arm[[0, -1]]).hand
    step = hand[1] - hand[0]
    return np.asarray(step / max(float(np.linalg.norm(step)), 1e-9))


def _way(path: Array) -> str:
    step = _step(path[0])
    axis = int(np.abs(step).argmax())
    return (("out", "in"), ("down", "up"), ("back", "ahead"))[axis][int(step[axis] > 0)]


def _with_wrist(path: Array) -> Array:
    """The path (arms, STEPS, 7) with what markers at the wrist do not tell, as people's hands usually are (Kendon
    2004): palms open outwards and turn down in a beat, and the hand follows the arm with a flick."""
    share = least_jerk(np.linspace(-0.15, 1.0, STEPS))[:, None]
    out = path.copy()
    for arm in out:
        across, up, ahead = _step(arm)
        outward, down = max(-across, 0.0), max(-up, 0.0)
        palm = 0.3 + 0.4 * down - 1.2 * outward + 0.4 * max(across, 0.0) - 0.4 * max(ahead, 0.0)
        start = (0.3 + 0.3 * outward, 0.15 - 0.45 * down, 0.05)
        end = (palm, 0.10 * down - 0.25 * outward - 0.35 * max(up, 0.0), -0.05 * down)
        arm[:, 4:] = np.array(start) + share * (np.array(end) - np.array(start))
    return out


def made_strokes() -> tuple[StrokeEntry, ...]:
    """A few strokes between two places each, for where there are no recordings."""
    share = least_jerk(np.linspace(0.0, 1.0, STEPS))[:, None]
    entries = []
    for name, seconds, start, end in _MADE:
        path = pose_at(*start) + share * (pose_at(*end) - pose_at(*start))
        for hands in SIDES:
            arms: Sequence[Array] = [path, path] if hands == "both" else [path]
            entries.append(entry_of(f"{name}.{hands}", hands, "made", np.stack(arms), seconds))
    return tuple(entries)


_MADE = (
    ("beat", 0.25, ((-0.14, 0.05, 0.32), 0.3, 0.5, -0.1), ((-0.15, -0.07, 0.34), 0.3, 0.6, 0.1)),
    ("open", 0.45, ((-0.08, 0.0, 0.30), 0.3, 0.3, 0.0), ((-0.32, -0.03, 0.30), 0.3, -0.6, -0.2)),
    ("raise", 0.5, ((-0.15, -0.05, 0.30), 0.3, 0.3, 0.0), ((-0.17, 0.15, 0.33), 0.4, 0.3, -0.4)),
)
"""Name, seconds, and where stroke begins and ends, as for :func:`train.simulate.gestures.arms.pose_at`."""
