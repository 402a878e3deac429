"""What names tell of a skeleton that its file does not: which joints are left and right, the hips and the feet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.body.parse import END
from engine.body.rigs import bare, feet, sided, thighs
from engine.body.skeleton import Skeleton, SkeletonError

NARROW = 0.02
"""Metres between the thighs at rest below which they do not tell where a body faces."""


def other_side(skeleton: Skeleton) -> NDArray[np.int64]:
    """For each joint the number of the one of the same name on the other side, (J,); itself for joints in the middle.
    Raises :class:`SkeletonError` where names tell no sides."""
    told = sided(bare([joint.removesuffix(END) for joint in skeleton.joints]))
    places = {
        (side, rest, joint.endswith(END)): number
        for number, (joint, (side, rest)) in enumerate(zip(skeleton.joints, told, strict=True))
        if side
    }
    swap = np.arange(len(skeleton.joints))
    for (side, rest, end), number in places.items():
        swap[number] = places.get(("r" if side == "l" else "l", rest, end), number)
    if (swap == np.arange(len(swap))).all():
        raise SkeletonError(
            f"skeleton {skeleton.name!r} names no left and right joints ({', '.join(skeleton.joints[:4])} ...); "
            "name them lHand and rHand, or LeftHand and RightHand"
        )
    return swap


def with_sides(skeleton: Skeleton) -> Skeleton:
    """The skeleton with ``across`` (left and right thigh) and ``feet`` filled in from names, where it has none.

    Raises :class:`SkeletonError` where names do not tell the thighs, or where these stand on one place: without them
    nobody knows where a body faces.
    """
    left, right = skeleton.across or thighs(skeleton)
    at = skeleton.rest_positions()
    width = float(np.linalg.norm(at[skeleton.index(left)] - at[skeleton.index(right)]))
    if width < NARROW:
        raise SkeletonError(
            f"skeleton {skeleton.name!r}: {left} and {right} are {width:.3f} m apart, too near to tell where the body "
            "faces; name the joints at which the thighs begin as `across`"
        )
    return replace(skeleton, feet=skeleton.feet or feet(skeleton), across=(left, right))
