"""From files to bodies on one skeleton: each file is read, found fit for it, or told why not.

Of BVH files the unit and what is up are found from the body (`engine/body/bvh.py`); the skeleton is the one that most
files have. PirouNet's marker arrays are read by `train/dance/pirounet.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.body.bvh import BodyFile, read_body
from engine.body.motion import Motion
from engine.body.parse import END
from engine.body.rigs import bare, plain
from engine.body.skeleton import Skeleton, known, skeleton
from engine.body.units import given_unit
from engine.errors import EngineError
from train.dance.augment import own_skeleton
from train.dance.options import How
from train.dance.pirounet import read_arrays
from train.dance.sides import with_sides
from train.dance.sources import ARRAY, Source, TakeError

BONES = 0.2
"""Largest share by which a take's bones may differ from the skeleton's."""
SIZES = (0.6, 3.0)
"""Metres across a body, corner to corner, in the median frame; others mean a wrong unit."""


@dataclass(frozen=True)
class Reading:
    """The ``body`` in a file; where it cannot be used the ``problem`` in words."""

    source: Source
    body: BodyFile | None = None
    problem: str = ""


def read_bodies(found: Sequence[Source], wanted: Skeleton | None, how: How) -> list[Reading]:
    """The bodies of all files on the ``wanted`` skeleton, or on the one that fits most of them. Raises
    :class:`EngineError` for a unit that is none."""
    if how.unit is not None:
        given_unit(how.unit)
    if found[0].path.suffix.lower() == ARRAY:
        arrays = read_arrays([source.path for source in found], how.unit)
        read = [Reading(each, arrays.bodies.get(each.path), arrays.problems.get(each.path, "")) for each in found]
        return [_sized(reading) for reading in read]
    readings = [_read(source, None, how) for source in found]
    own = [reading.body.motion.skeleton for reading in readings if reading.body is not None]
    if not own:
        return readings
    common = wanted or common_skeleton(own)
    return [_onto(reading, common, how) for reading in readings]


def common_skeleton(own: Iterable[Skeleton]) -> Skeleton:
    """The skeleton that most of the files' own are: a shipped one if its joints are in as many as any other's, else the
    first of those that are alike. Raises :class:`SkeletonError` where its names do not tell where it faces."""
    fits: Counter[frozenset[str]] = Counter()
    first: dict[frozenset[str], Skeleton] = {}
    for body in own:
        joints = frozenset(body.joints)
        first.setdefault(joints, body)
        fits[joints] += 1
    joints, most = max(fits.items(), key=lambda item: (item[1], len(item[0]), sorted(item[0])))
    for name in known():
        shipped = skeleton(name)
        if shipped.is_tree and sum(n for there, n in fits.items() if there.issuperset(shipped.joints)) >= most:
            return shipped
    return with_sides(first[joints])


def named(path: Path, error: EngineError) -> str:
    """What an error says, with the file's name."""
    return str(error) if str(path) in str(error) else f"{path}: {error}"


def _read(source: Source, wanted: Skeleton | None, how: How) -> Reading:
    try:
        return Reading(source, read_body(source.path, wanted, unit=how.unit, up=how.up))
    except EngineError as error:
        return Reading(source, problem=named(source.path, error))


def _onto(reading: Reading, wanted: Skeleton, how: How) -> Reading:
    """A file's body on the wanted skeleton."""
    reading = _sized(reading)  # as it is in the file: on another skeleton it may be scaled to that
    if reading.body is None or reading.problem:
        return reading
    path, own = reading.source.path, reading.body.motion.skeleton
    try:
        if not how.retarget:
            _check_joints(path, own, wanted)
        if own != wanted:
            reading = _read(reading.source, wanted, how)
        if reading.body is not None:
            _check_bones(path, reading.body.motion, wanted)
    except TakeError as error:
        return Reading(reading.source, reading.body, str(error))
    return reading


def _check_joints(path: Path, own: Skeleton, wanted: Skeleton) -> None:
    """Refuse a body of another rig: the names of its joints differ by more than a prefix, case or separators."""
    there = {plain(joint) for joint in bare(own.joints)}
    absent = [joint for joint, name in zip(wanted.joints, bare(wanted.joints), strict=True) if plain(name) not in there]
    if absent:
        more = f" and {len(absent) - 4} more" if len(absent) > 4 else ""
        raise TakeError(
            f"{path}: has no joint {', '.join(absent[:4])}{more} of skeleton {wanted.name!r}; its own are "
            f"{', '.join(own.joints[:4])} ...; give takes of one skeleton, or --retarget to bring this one to it"
        )


def _sized(reading: Reading) -> Reading:
    """Refuse a body that is no person's size; ends of bones, which programs make up, are not counted."""
    if reading.body is None:
        return reading
    motion = reading.body.motion
    real = [number for number, joint in enumerate(motion.skeleton.joints) if not joint.endswith(END)]
    size = float(np.median(np.linalg.norm(np.ptp(motion.positions[:, real], axis=1), axis=-1)))
    if SIZES[0] <= size <= SIZES[1]:
        return reading
    problem = f"the body is {size:.3g} m across, as no person is; give the files' unit with --unit, or leave it out"
    return Reading(reading.source, reading.body, f"{reading.source.path}: {problem} to have it found")


def _check_bones(path: Path, motion: Motion, wanted: Skeleton) -> None:
    """Refuse a body whose bones differ much from the skeleton's. Markers have none that are rigid."""
    own = own_skeleton(motion)
    _, children = np.array(wanted.bones).T
    bones, model = (np.linalg.norm(np.array(body.rest)[children], axis=-1) for body in (own, wanted))
    off = np.abs(bones - model) / np.maximum(model, 0.05)  # a bone of a centimetre may differ by one
    worst = int(off.argmax())
    if off[worst] > BONES:
        raise TakeError(
            f"{path}: the bone to {wanted.joints[children[worst]]} is {bones[worst]:.3f} m long, in skeleton "
            f"{wanted.name!r} {model[worst]:.3f} m; give takes within {BONES:.0%}, or put takes of other bodies into a "
            "folder of their own"
        )
