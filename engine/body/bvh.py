"""Body files (BVH) as motion: read as they come from the world's programs, in metres, Y up, on the skeleton asked for.

What a file does not say is found and told in the notes of :class:`BodyFile`: its unit, which way is up, whose names its
joints have, which frames are damaged. The parts: :mod:`engine.body.decode` (bytes to text), :mod:`engine.body.parse`
(text to joints and numbers), :mod:`engine.body.pose` (numbers to joints in space), :mod:`engine.body.units`,
:mod:`engine.body.match` and :mod:`engine.body.retarget`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body import units
from engine.body.decode import BvhError as BvhError
from engine.body.match import match
from engine.body.motion import Motion
from engine.body.parse import parse
from engine.body.pose import Posed, held, pose
from engine.body.retarget import onto
from engine.body.rigs import recognise
from engine.body.skeleton import FARTHEST, Skeleton, SkeletonError


@dataclass(frozen=True)
class BodyFile:
    """What a file holds. ``motion``: metres, Y up, at the file's own rate, always finite; ``sound`` (T,) False at
    damaged frames, which hold the pose before them; ``unit``: metres per unit of the file; ``notes``: what was found or
    assumed, a line each, none for a plain file."""

    motion: Motion
    sound: NDArray[np.bool_]
    unit: float
    notes: tuple[str, ...]


def read_body(
    path: str | Path, skeleton: Skeleton | None = None, *, unit: float | str | None = None, up: str | None = None
) -> BodyFile:
    """The body in a BVH file.

    With ``skeleton`` its joints in its order, found by name or by what they are in a rig that the engine knows;
    otherwise a skeleton made from the file. A body as large as the skeleton keeps its own proportions, any other is
    retargeted (:mod:`engine.body.retarget`). ``unit`` is metres per unit of the file, or "m", "cm", "mm", "in", "ft";
    None finds it by the size of the body. ``up`` is "y" or "z"; None finds it. Raises :class:`BvhError`.
    """
    try:
        return _read(Path(path), skeleton, unit, up)
    except SkeletonError as error:
        raise BvhError(f"{path}: {error}") from error
    except BvhError as error:
        if str(error).startswith(str(path)):
            raise
        raise BvhError(f"{path}: {error}") from error


def skeleton_of(path: str | Path, *, unit: float | str | None = None, up: str | None = None) -> Skeleton:
    """The skeleton of a BVH file in metres, end sites included as joints named after their parent; ``unit`` and ``up``
    as for :func:`read_body`."""
    return read_body(path, unit=unit, up=up).motion.skeleton


def _read(path: Path, skeleton: Skeleton | None, unit: float | str | None, up: str | None) -> BodyFile:
    given = None if unit is None else units.given_unit(unit)
    parsed = parse(path)
    posed = pose(parsed)
    rig = recognise(posed.names, posed.parents)
    posed, turned = units.upright(posed, rig, up)
    notes = [*parsed.notes, turned]
    if given is None:
        found = units.find_unit(units.stature(posed, rig, skeleton))
        notes.append(found.note)
    metres = found.metres if given is None else given
    posed = _believed(_scaled(posed, metres), path)
    damaged = np.flatnonzero(~posed.sound)
    if len(damaged):
        many = f"{len(damaged)} damaged frame{'s' * (len(damaged) > 1)}"
        notes.append(f"{many}, the first is frame {damaged[0] + 1}: the pose before is held")
    if skeleton is None:
        own = Skeleton(
            name=path.stem[:64] or "body",
            joints=posed.names,
            parents=posed.parents,
            rest=tuple((float(x), float(y), float(z)) for x, y, z in posed.offsets),
        )
        motion = Motion(own, parsed.rate, posed.positions.astype(np.float32), posed.local)
    else:
        by = match(posed, skeleton)
        moved = onto(posed, skeleton, by)
        notes += [*by.notes, moved.note]
        motion = Motion(skeleton, parsed.rate, moved.positions, moved.rotations)
    return BodyFile(motion, posed.sound, metres, tuple(note for note in notes if note))


def _scaled(posed: Posed, metres: float) -> Posed:
    return replace(posed, positions=posed.positions * metres, offsets=posed.offsets * metres)


def _believed(posed: Posed, path: Path) -> Posed:
    """Frames in which the body is out of this world count as damaged too; refused where none is left."""
    sound = posed.sound & units.limits(posed.positions, FARTHEST)
    if not sound.any() or np.abs(posed.offsets).max() > FARTHEST:
        raise BvhError(
            f"{path}: no frame is sound: numbers are missing, not finite or farther than {FARTHEST:g} m; export it "
            "again, or give its unit"
        )
    rows = held(sound)
    return replace(posed, positions=posed.positions[rows], local=posed.local[rows], sound=sound)
