"""Rigs: which joint of a body is which, by the names that programs give them.

:mod:`engine.body.rig_names` is the table. Names are compared without prefix (``mixamorig:``, ``Character1_``,
``Bip01 ``, ``DEF-``), case and separators, and without their side. One word means different joints in different rigs
(``LeftShoulder`` is a collar bone in Mixamo's and an upper arm in Biovision's), so the rig that explains most of a
body is found first. What lies in the middle is found by structure, as its names and numbers differ most: the hips are
where the legs meet, the chest where the arms do, and the spine is what is between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.body.parse import END
from engine.body.rig_names import COMMON, HEADS, LIMBS, NECKS, NEEDED, RIGS, THIGHS
from engine.body.skeleton import Skeleton, SkeletonError

_FEET = re.compile(r"foot|toe|ankle", re.IGNORECASE)
_SIDES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?P<side>left|right)[ _.-]*(?P<rest>.+)$",
        r"^(?P<rest>.+?)[ _.-]*(?P<side>left|right)$",
        r"^(?P<rest>.+)[ _.-](?P<side>[lr])$",
        r"^(?P<side>[lr])[ _.-]*(?P<rest>.+)$",
    )
]
"""Where names have their side, the surest first."""
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


@dataclass(frozen=True)
class Rig:
    """A body whose joints are known. ``parts``: number of a joint by its part ("l.thigh", "head"); ``spine``: from the
    hips to the chest, both included; ``neck``: from the chest to the head, both included; ``tips``: the joint or end
    site that tells where the left and the right foot point, None where nothing hangs on them."""

    name: str
    parts: dict[str, int]
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    tips: tuple[int | None, int | None]

    @property
    def hips(self) -> int:
        """Where the legs meet."""
        return self.spine[0]

    @property
    def chest(self) -> int:
        """Where the arms meet."""
        return self.spine[-1]


def bare(names: Sequence[str]) -> list[str]:
    """Names without what nearly all of them begin or end with: up to a colon or bar, and words that four fifths of
    them share."""
    short = [re.sub(r"\s*\(.*\)$", "", re.split(r"[:|]", name)[-1].strip()) or name for name in names]
    for pattern in (r"^[^ _.\-]+[ _.\-]+(?=.)", r"(?<=.)[ _.\-]+[^ _.\-]+$"):
        while True:
            found = [re.search(pattern, name) for name in short]
            told = [each for each, name in zip(found, names, strict=True) if not name.endswith(END)]
            word, times = Counter(each[0] for each in told if each).most_common(1)[0] if any(told) else ("", 0)
            if times < max(3, 0.8 * len(told)):
                break
            short = [
                re.sub(pattern, "", name) if each and each[0] == word else name
                for each, name in zip(found, short, strict=True)
            ]
    return short


def plain(name: str) -> str:
    """A name in lower case without separators."""
    return re.sub(r"[ _.\-]+", "", name).lower()


def sided(names: Sequence[str]) -> list[tuple[str, str]]:
    """Side ("l", "r" or "") and plain name without it, for each of :func:`bare` names. A letter is a side only where
    there is a joint of the other one."""
    plains = {plain(name) for name in names}
    found = []
    for name in names:
        middle = re.sub(r"^c_|[_.][cx]$", "", name, flags=re.IGNORECASE)  # as VRM and Auto-Rig Pro have it
        told = "", plain(middle)
        for pattern in _SIDES:
            match = pattern.match(name)
            if match is None:
                continue
            side, at = match["side"].lower(), match.start("side")
            mate = name[:at] + _OTHER[side] + name[match.end("side") :]
            if plain(mate) in plains:
                told = side[0], plain(match["rest"])
                break
        found.append(told)
    return found


def recognise(names: Sequence[str], parents: Sequence[int]) -> Rig | None:
    """The rig that explains most of a tree of joints; None where limbs are missing from the best one too."""
    best: Rig | None = None
    for name, parts in _told(names).items():
        if best is None or len(parts) > len(best.parts):
            best = _structured(name, parts, names, parents) or best
    return best


def missing(names: Sequence[str]) -> list[str]:
    """Which of the needed parts ("l.shin") the rig lacks that explains most of the joints."""
    best = max(_told(names).values(), key=len)
    return [f"{side}.{part}" for part in NEEDED for side in "lr" if f"{side}.{part}" not in best]


def _told(names: Sequence[str]) -> dict[str, dict[str, int]]:
    """By rig, which joint is which part."""
    told = sided(bare(names))
    middle: dict[str, int] = {}
    for number, (side, rest) in enumerate(told):
        if not side and rest in HEADS:
            middle["head"] = number
        elif not side and rest in NECKS:
            middle.setdefault("neck", number)
    numbers = {each: number for number, each in reversed(list(enumerate(told)))}
    found = {}
    for name, table in RIGS.items():
        parts = dict(middle)
        for part in LIMBS:
            words = f"{table.get(part, '')} {COMMON.get(part, '')}".split()
            for side in "lr":
                there = [numbers[side, word] for word in words if (side, word) in numbers]
                free = [number for number in there if number not in parts.values()]
                if free:
                    parts[f"{side}.{part}"] = free[0]
        found[name] = parts
    return found


def _structured(name: str, parts: dict[str, int], names: Sequence[str], parents: Sequence[int]) -> Rig | None:
    if any(f"{side}.{part}" not in parts for part in NEEDED for side in "lr"):
        return None
    for side in "lr":  # a limb is a line: whoever is named out of line is another joint of that name
        for chain in (("shoulder", "elbow", "wrist"), ("thigh", "shin", "foot")):
            for above, below in pairwise(chain):
                if parts[f"{side}.{above}"] not in line(parents, parts[f"{side}.{below}"])[1:]:
                    return None
    top = parts.get("head", parts.get("neck"))
    if top is None:
        return None
    chest = _meet(parents, parts["l.shoulder"], parts["r.shoulder"])
    hips = _meet(parents, parts["l.thigh"], parts["r.thigh"])
    if chest < 0 or hips < 0:
        return None
    up = line(parents, chest)
    if hips not in up:
        hips = _meet(parents, chest, hips)
        if hips < 0:
            return None
    high = line(parents, top)
    if chest not in high:
        return None
    return Rig(
        name=name,
        parts=parts,
        spine=tuple(reversed(up[: up.index(hips) + 1])),
        neck=tuple(reversed(high[: high.index(chest) + 1])),
        tips=(_tip("l", parts, names, parents), _tip("r", parts, names, parents)),
    )


def _tip(side: str, parts: dict[str, int], names: Sequence[str], parents: Sequence[int]) -> int | None:
    foot = parts[f"{side}.foot"]
    below = [joint for joint, parent in enumerate(parents) if parent == foot and "heel" not in names[joint].lower()]
    return parts.get(f"{side}.toe", below[0] if below else None)


def line(parents: Sequence[int], joint: int) -> list[int]:
    """A joint, its parent, and so on to the root."""
    found = []
    while joint >= 0:
        found.append(joint)
        joint = parents[joint]
    return found


def _meet(parents: Sequence[int], one: int, other: int) -> int:
    """The lowest joint on which both hang; -1 where there is none."""
    above = set(line(parents, other))
    return next((joint for joint in line(parents, one) if joint in above), -1)


def thighs(skeleton: Skeleton) -> tuple[str, str]:
    """Names of the left and the right joint that start the thighs: never a pair that lies on one place, as LHipJoint
    and RHipJoint do in CMU's files. Raises :class:`SkeletonError` where names do not tell them."""
    at = skeleton.rest_positions()
    rig = recognise(skeleton.joints, skeleton.parents)
    pairs = [] if rig is None else [(rig.parts["l.thigh"], rig.parts["r.thigh"])]
    told = sided(bare(skeleton.joints))
    for word in THIGHS:
        sides = [[n for n, (side, rest) in enumerate(told) if side == of and rest == word] for of in "lr"]
        pairs += list(zip(*sides, strict=False))
    for left, right in pairs:
        if _apart(at, left, right):
            return skeleton.joints[left], skeleton.joints[right]
    raise SkeletonError(
        f"skeleton {skeleton.name!r}: no joints are named as left and right thigh; give a skeleton with `across`"
    )


def feet(skeleton: Skeleton) -> tuple[str, ...]:
    """Names of the joints that touch the ground: ankles, toes and their ends."""
    rig = recognise(skeleton.joints, skeleton.parents)
    ankles = set() if rig is None else {rig.parts["l.foot"], rig.parts["r.foot"]}
    return tuple(
        joint
        for number, (joint, name) in enumerate(zip(skeleton.joints, bare(skeleton.joints), strict=True))
        if _FEET.search(name) or ankles.intersection(line(skeleton.parents, number))
    )


def _apart(at: NDArray[np.float32], left: int, right: int) -> bool:
    tall = float(np.linalg.norm(np.ptp(at, axis=0))) or 1.0
    return bool(np.linalg.norm(at[left] - at[right]) > 0.01 * tall)
