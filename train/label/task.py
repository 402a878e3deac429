"""What a labelling page asks: which pieces of which takes are shown, on which scales they are judged, and the csv.

A family (dance is the first) makes a :class:`Task`; the page, the server and the undo history know nothing of families.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.body.motion import Motion
from engine.body.skeleton import Skeleton


class Key(NamedTuple):
    """Where the csv keeps a piece: the name of its take, and the frame at which it starts."""

    take: str
    start: int


@dataclass(frozen=True)
class Level:
    """One answer on a scale: ``value`` goes to the csv, ``key`` gives it on the keyboard, ``about`` says what to look
    for. A level that is no ``step`` of the scale (not applicable) has no place on the chart."""

    value: int
    name: str
    key: str
    about: str
    step: bool = True


@dataclass(frozen=True)
class Scale:
    """One question about a piece, with the answers from low to high; ``about`` is shown under its title."""

    name: str
    title: str
    about: str
    levels: tuple[Level, ...]

    @property
    def values(self) -> set[int]:
        """Every value that the csv may hold."""
        return {level.value for level in self.levels}


@dataclass(frozen=True)
class Entry:
    """The label of one piece: a value for every scale, and who gave it."""

    values: Mapping[str, int]
    by: str


@dataclass(frozen=True)
class Clip:
    """``frames`` frames of take number ``take`` from ``start`` on."""

    take: int
    start: int
    frames: int


@dataclass(frozen=True)
class Task:
    """Everything a page needs. ``read`` gives what a csv holds and raises an :class:`engine.errors.EngineError` with
    the line and the remedy; ``write`` replaces the csv at a path at one stroke, the header in any case. A ``blind``
    task hides the names of takes and shows their pieces in an order of its own."""

    family: str
    title: str
    scales: tuple[Scale, ...]
    names: tuple[str, ...]
    motions: tuple[Motion, ...]
    clips: tuple[Clip, ...]
    read: Callable[[Path], dict[Key, Entry]]
    write: Callable[[Path, Mapping[Key, Entry]], None]
    blind: bool = False

    def key(self, clip: int) -> Key:
        """Where the csv keeps clip number ``clip``."""
        return Key(self.names[self.clips[clip].take], self.clips[clip].start)

    def positions(self, clip: int) -> NDArray[np.float32]:
        """Joint positions of clip number ``clip``, (frames, J, 3) in metres."""
        piece = self.clips[clip]
        return self.motions[piece.take].positions[piece.start : piece.start + piece.frames]

    def blinded(self, seed: int) -> Task:
        """The same clips without names, in an order drawn from ``seed``: the same seed gives the same order."""
        order = np.random.default_rng(seed).permutation(len(self.clips))
        return replace(self, clips=tuple(self.clips[index] for index in order), blind=True)

    def announce(self) -> dict[str, Any]:
        """What the page is told, as plain values; of a blind task nothing that names or orders takes."""
        skeletons = list(dict.fromkeys(motion.skeleton for motion in self.motions))
        told = [{"body": skeletons.index(motion.skeleton), "floor": _floor(motion)} for motion in self.motions]
        return {
            "family": self.family,
            "title": self.title,
            "blind": self.blind,
            "rate": self.motions[0].rate,
            "scales": [asdict(scale) for scale in self.scales],
            "takes": [] if self.blind else list(self.names),
            "clips": [
                {"frames": clip.frames, **told[clip.take]}
                | ({} if self.blind else {"take": clip.take, "start": clip.start})
                for clip in self.clips
            ],
            "bodies": [figure(skeleton) for skeleton in skeletons],
        }


def _floor(motion: Motion) -> float:
    """Height of the floor: what the lowest joint seldom goes below."""
    return round(float(np.percentile(motion.positions[..., 1].min(axis=1), 1.0)), 4)


def figure(skeleton: Skeleton) -> dict[str, Any]:
    """How the page draws a body: lines, the side of each joint (1 left, -1 right), the head's joints, the ends (hands,
    feet) that leave trails, and how thick limbs are as a share of the height."""
    at = skeleton.rest_positions()
    centre = float(np.median(at[:, 0]))
    wide = max(0.02, 0.03 * float(np.ptp(at[:, 1])))
    sides = [int(np.sign(x - centre)) if abs(x - centre) > wide else 0 for x in at[:, 0]]
    head = {number for number, joint in enumerate(skeleton.joints) if joint.lower() == "head"}
    for number, parent in enumerate(skeleton.parents):
        if parent in head:
            head.add(number)
    leaves = [number for number in range(len(at)) if number not in skeleton.parents and number not in head]
    far = sorted(leaves, key=lambda number: -float(np.linalg.norm(at[number] - at[0])))
    return {
        "joints": len(skeleton.joints),
        "lines": [list(line) for line in skeleton.lines if not head.issuperset(line)],
        "sides": sides,
        "head": sorted(head),
        "thickness": 0.03 if skeleton.is_tree else 0.012,
        "ends": far[:4] if skeleton.is_tree else [],
    }
