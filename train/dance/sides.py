"""What names tell of a skeleton that its file does not: which joints are left and right, the hips and the feet."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.body.skeleton import Skeleton, SkeletonError

_LEFT = (
    (re.compile(r"left"), "right"),
    (re.compile(r"Left"), "Right"),
    (re.compile(r"LEFT"), "RIGHT"),
    (re.compile(r"^l(?=[A-Z_.])"), "r"),
    (re.compile(r"^L(?=[A-Z_.])"), "R"),
    (re.compile(r"(?<=[_.])l$"), "r"),
    (re.compile(r"(?<=[_.])L$"), "R"),
)
"""How a name tells a left joint, and what the right one has there."""
_HIPS = ("thigh", "upleg", "upperleg", "hip", "leg")
_FEET = re.compile(r"foot|toe|ankle", re.IGNORECASE)


def left_right(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Pairs of a left joint and the right one of the same name: ``lHand``/``rHand``, ``LeftArm``/``RightArm``,
    ``LANK``/``RANK``, ``hand_l``/``hand_r``. Raises :class:`SkeletonError` where there is none."""
    pairs = []
    for number, joint in enumerate(skeleton.joints):
        mates = (pattern.sub(right, joint) for pattern, right in _LEFT)
        mate = next((mate for mate in mates if mate != joint and mate in skeleton.joints), None)
        if mate is not None:
            pairs.append((number, skeleton.index(mate)))
    if not pairs:
        raise SkeletonError(
            f"skeleton {skeleton.name!r} names no left and right joints ({', '.join(skeleton.joints[:4])} ...); "
            "name them lHand and rHand, or LeftHand and RightHand"
        )
    return pairs


def other_side(skeleton: Skeleton) -> NDArray[np.int64]:
    """For each joint the number of the one on the other side, (J,); itself for joints in the middle."""
    swap = np.arange(len(skeleton.joints))
    for left, right in left_right(skeleton):
        swap[left], swap[right] = right, left
    return swap


def with_sides(skeleton: Skeleton) -> Skeleton:
    """The skeleton with ``across`` (left and right thigh) and ``feet`` filled in from names, where it has none.

    Raises :class:`SkeletonError` where names do not tell the thighs: without them nobody knows where a body faces.
    """
    feet = skeleton.feet or tuple(joint for joint in skeleton.joints if _FEET.search(joint))
    if skeleton.across:
        return replace(skeleton, feet=feet)
    pairs = left_right(skeleton)
    for part in _HIPS:
        for left, right in pairs:
            if part in skeleton.joints[left].lower():
                return replace(skeleton, feet=feet, across=(skeleton.joints[left], skeleton.joints[right]))
    raise SkeletonError(
        f"skeleton {skeleton.name!r}: no joints are named as left and right thigh; give a skeleton with `across`"
    )
