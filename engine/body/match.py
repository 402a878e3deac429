"""Which joint of a file is which of a skeleton: by name, by what it is in its rig, or by where it is between two that
are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.body.decode import BvhError
from engine.body.parse import END
from engine.body.pose import Posed
from engine.body.rig_names import NEEDED
from engine.body.rigs import Rig, bare, line, missing, plain, recognise
from engine.body.skeleton import Skeleton


@dataclass(frozen=True)
class Match:
    """``joints``: number in the file by number in the skeleton. ``own``, ``wanted``: the rigs of file and skeleton,
    None where they are no person's. ``notes``: how joints were found that have other names than the skeleton's, and
    which were not."""

    joints: dict[int, int]
    own: Rig | None
    wanted: Rig | None
    notes: tuple[str, ...] = ()


def match(posed: Posed, skeleton: Skeleton) -> Match:
    """Raises :class:`BvhError` naming joints that the skeleton needs and the file lacks."""
    own, wanted = recognise(posed.names, posed.parents), recognise(skeleton.joints, skeleton.parents)
    found = {j: posed.names.index(name) for j, name in enumerate(skeleton.joints) if name in posed.names}
    if len(found) < len(skeleton.joints):
        found = _by_name(posed.names, skeleton)
        if own is not None and wanted is not None:
            parts = _by_part(posed, skeleton, own, wanted)
            found = _filled(found, parts) if own.name == wanted.name else _filled(parts, found)
    absent = [joint for joint in range(len(skeleton.joints)) if joint not in found]
    needed = [joint for joint in absent if not _spared(joint, skeleton, wanted if own is not None else None)]
    if needed:
        raise BvhError(_lacking(needed, posed, skeleton, wanted if own is None else None))
    if own is None or wanted is None:
        _hang_alike(posed, skeleton, found)
    notes = []
    renamed = [
        joint for joint in found if posed.names[found[joint]] != skeleton.joints[joint] and not _end(joint, skeleton)
    ]
    if renamed:
        joint = renamed[0] if wanted is None else wanted.parts["l.thigh"]
        joint = joint if joint in renamed else renamed[0]
        how = "name" if own is None or wanted is None or own.name == wanted.name else f"the names of {own.name}"
        notes.append(f"joints found by {how}: {posed.names[found[joint]]!r} is {skeleton.joints[joint]!r}")
    resting = [skeleton.joints[joint] for joint in absent if not _end(joint, skeleton)]
    if resting:
        more = f" and {len(resting) - 6} more" if len(resting) > 6 else ""
        notes.append(f"the file has no {', '.join(resting[:6])}{more}: at rest in skeleton {skeleton.name!r}")
    return Match(found, own, wanted, tuple(notes))


def _end(joint: int, skeleton: Skeleton) -> bool:
    return skeleton.is_tree and skeleton.joints[joint].endswith(END)


def _spared(joint: int, skeleton: Skeleton, wanted: Rig | None) -> bool:
    """Whether a joint may be missing: ends, and what a person does not move by (all but limbs, hips, chest and head).
    Between two bodies of which one is no person's, nothing but ends."""
    if _end(joint, skeleton):
        return True
    if wanted is None:
        return False
    limbs = {wanted.parts[f"{side}.{part}"] for side in "lr" for part in NEEDED}
    return joint not in limbs | {wanted.hips, wanted.chest, wanted.neck[-1]}


def _filled(found: dict[int, int], more: dict[int, int]) -> dict[int, int]:
    """Joints that are found, and ``more`` where neither end of a pair is."""
    taken = set(found.values())
    return found | {joint: own for joint, own in more.items() if joint not in found and own not in taken}


def _lacking(needed: list[int], posed: Posed, skeleton: Skeleton, wanted: Rig | None) -> str:
    parts = missing(posed.names) if wanted is not None else []
    if wanted is not None and 0 < len(parts) < 6:  # the file's limbs have names, but for these
        needed = [wanted.parts[part] for part in parts]
    names = [skeleton.joints[joint] for joint in needed]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return (
        f"has no joint {', '.join(names[:6])}{more}, which skeleton {skeleton.name!r} needs; its own are "
        f"{', '.join(posed.names[:6])} ...; give a take of that skeleton, name the joints as Mixamo, MotionBuilder "
        "or Blender do, or train with the take's own"
    )


def _by_name(names: Sequence[str], skeleton: Skeleton) -> dict[int, int]:
    """Joints of the same name but for prefix, case and separators."""
    short = [plain(name) for name in bare(names)]
    numbers = {name: number for number, name in reversed(list(enumerate(short)))}
    wanted = [plain(name) for name in bare(skeleton.joints)]
    return {j: numbers[name] for j, name in enumerate(wanted) if name in numbers}


def _by_part(posed: Posed, skeleton: Skeleton, own: Rig, wanted: Rig) -> dict[int, int]:
    found = {joint: own.parts[part] for part, joint in wanted.parts.items() if part in own.parts}
    found |= _chain(wanted.spine, own.spine, skeleton.rest_positions(), posed.rest())
    found |= _chain(wanted.neck, own.neck, skeleton.rest_positions(), posed.rest())
    for side in "lr":  # what lies between two that are known, whatever it is called
        for part, over, under in (("socket", "hips", "thigh"), ("collar", "chest", "shoulder")):
            joint = wanted.parts.get(f"{side}.{part}")
            if joint is None or joint in found:
                continue
            up = line(posed.parents, own.parts[f"{side}.{under}"])
            top = own.hips if over == "hips" else own.chest
            between = up[1 : up.index(top)] if top in up else []
            if between:
                found[joint] = between[0]
    for joint, name in enumerate(skeleton.joints):
        parent = skeleton.parents[joint]
        if name.endswith(END) and parent in found and f"{posed.names[found[parent]]}{END}" in posed.names:
            found.setdefault(joint, posed.names.index(f"{posed.names[found[parent]]}{END}"))
    return found


def _chain(wanted: tuple[int, ...], own: tuple[int, ...], rest: NDArray[Any], own_rest: NDArray[Any]) -> dict[int, int]:
    """Ends to ends; what is between one by one where there are as many, otherwise the nearest by share of the way."""
    found = {wanted[0]: own[0], wanted[-1]: own[-1]}
    if len(wanted) == len(own):
        return dict(zip(wanted, own, strict=True))
    if len(own) == 2:
        return found
    ways = [_shares(rest, wanted), _shares(own_rest, own)]
    for joint, share in list(zip(wanted, ways[0], strict=True))[1:-1]:
        nearest = 1 + int(np.abs(np.array(ways[1][1:-1]) - share).argmin())
        if own[nearest] not in found.values():
            found[joint] = own[nearest]
    return found


def _shares(rest: NDArray[Any], chain: tuple[int, ...]) -> list[float]:
    steps = np.linalg.norm(np.diff(rest[list(chain)], axis=0), axis=-1)
    return [0.0, *(np.cumsum(steps) / max(float(steps.sum()), 1e-12)).tolist()]


def _hang_alike(posed: Posed, skeleton: Skeleton, found: dict[int, int]) -> None:
    """Refuse a tree whose joints have the skeleton's names and hang otherwise."""
    numbers = {own: joint for joint, own in found.items()}
    for joint, own in found.items():
        wanted = skeleton.parents[joint]
        above = next((number for number in line(posed.parents, own)[1:] if number in numbers), -1)
        if wanted >= 0 and (above < 0 or numbers[above] != wanted):
            there = posed.names[above] if above >= 0 else "nothing"
            raise BvhError(
                f"{skeleton.joints[joint]} hangs on {there}, in skeleton {skeleton.name!r} on "
                f"{skeleton.joints[wanted]}; give a take of that skeleton"
            )
