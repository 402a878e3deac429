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
from engine.body.rig_names import LIMBS
from engine.body.rigs import Rig, bare, line, missing, plain, recognise
from engine.body.skeleton import Skeleton

SPARED = ("eye", "middle", "socket", "collar", "toe")
"""Parts that a body may lack: they stay as the skeleton rests."""


@dataclass(frozen=True)
class Match:
    """``joints``: number in the file by number in the skeleton. ``own``, ``wanted``: the rigs of file and skeleton,
    None where they are no person's. ``note``: how joints were found, "" where they have the skeleton's names."""

    joints: dict[int, int]
    own: Rig | None
    wanted: Rig | None
    note: str = ""


def match(posed: Posed, skeleton: Skeleton) -> Match:
    """Raises :class:`BvhError` naming joints that the skeleton needs and the file lacks."""
    own, wanted = recognise(posed.names, posed.parents), recognise(skeleton.joints, skeleton.parents)
    exact = {j: posed.names.index(name) for j, name in enumerate(skeleton.joints) if name in posed.names}
    named, note = exact, ""
    if len(exact) < len(skeleton.joints):
        found = _by_name(posed.names, skeleton)
        if len(found) > len(exact):
            first = next(j for j in found if j not in exact)
            named, note = found, f"joints found by name: {posed.names[found[first]]!r} is {skeleton.joints[first]!r}"
    absent = _absent(skeleton, named, wanted)
    if absent and own is not None and wanted is not None:
        parts = _by_part(posed, skeleton, own, wanted)
        absent = _absent(skeleton, parts, wanted)
        if not absent:
            thigh = wanted.parts["l.thigh"]
            note = (
                f"joints found by the names of {own.name}: {posed.names[parts[thigh]]!r} is {skeleton.joints[thigh]!r}"
            )
            return Match(parts, own, wanted, note)
    lacking = missing(posed.names) if absent and own is None and wanted is not None else []
    if wanted is not None and 0 < len(lacking) < 6:  # the limbs have names, but for these
        absent = [wanted.parts[part] for part in lacking]
    if absent:
        names = [skeleton.joints[joint] for joint in absent]
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        raise BvhError(
            f"has no joint {', '.join(names[:6])}{more}, which skeleton {skeleton.name!r} needs; its own are "
            f"{', '.join(posed.names[:6])} ...; give a take of that skeleton, name the joints as Mixamo, MotionBuilder "
            "or Blender do, or train with the take's own"
        )
    if own is None or wanted is None:
        _hang_alike(posed, skeleton, named)
    return Match(named, own, wanted, note)


def _by_name(names: Sequence[str], skeleton: Skeleton) -> dict[int, int]:
    """Joints of the same name but for prefix, case and separators."""
    short = [plain(name) for name in bare(names)]
    numbers = {name: number for number, name in reversed(list(enumerate(short)))}
    wanted = [plain(name) for name in bare(skeleton.joints)]
    return {j: numbers[name] for j, name in enumerate(wanted) if name in numbers}


def _absent(skeleton: Skeleton, found: dict[int, int], wanted: Rig | None) -> list[int]:
    """Joints that are not found and cannot be spared."""
    spared = {joint for joint, name in enumerate(skeleton.joints) if name.endswith(END) and skeleton.is_tree}
    if wanted is not None:
        spared |= {
            wanted.parts[f"{side}.{part}"] for side in "lr" for part in SPARED if f"{side}.{part}" in wanted.parts
        }
        spared |= set(wanted.spine[1:-1]) | set(wanted.neck[1:-1])
    return [joint for joint in range(len(skeleton.joints)) if joint not in found and joint not in spared]


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
    taken = set(found.values())
    for joint, number in _by_name(posed.names, skeleton).items():
        if joint not in found and number not in taken and not _is_limb(joint, wanted):
            found[joint] = number
    return found


def _is_limb(joint: int, rig: Rig) -> bool:
    return any(number == joint for part, number in rig.parts.items() if part[2:] in LIMBS and part[2:] not in SPARED)


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
