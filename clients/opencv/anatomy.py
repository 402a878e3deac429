"""The avatar's solids: skull, jaw, cheeks, nose, ears, neck, hair and body, and how the face's numbers move them.

Centimetres in the head's own frame (x to the person's left, y up, z forward, origin between the eyes at mid depth).
The face texture is painted on top by projecting it straight onto these solids, so they need no detail finer than a
nostril.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .surface import Ellipsoid, ellipsoid, rotation

PIVOT = np.array([0.0, -9.0, -3.0])  # where the skull sits on the neck: a nod turns about this point
TRAVEL = 60.0  # cm on screen per metre of head translation: below life size, so that the head stays in the picture


def head_pose(face: Mapping[str, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rotation (3, 3), offset (3,) cm) that carry the head's own frame into the viewer's."""
    turned = rotation(face["headPitch"], face["headYaw"], face["headRoll"])
    travel = np.array([face["headX"], face["headY"], face["headZ"]]) * TRAVEL
    return turned, PIVOT - turned @ PIVOT + travel


def jaw_offset(face: Mapping[str, float]) -> tuple[float, float, float]:
    """How far the chin has moved from rest, cm: (to the person's left, down, forward)."""
    return 0.75 * (face["jawLeft"] - face["jawRight"]), 2.5 * face["jawOpen"], 0.7 * face["jawForward"]


def skin(face: Mapping[str, float]) -> list[Ellipsoid]:
    """The head's skin, back to front in blending order."""
    side, drop, forth = jaw_offset(face)
    pout = max(face["mouthPucker"], 0.8 * face["mouthFunnel"])
    solids = [
        ellipsoid((0, 3.0, -0.9), (7.6, 8.4, 9.0)),
        ellipsoid((0.5 * side, -3.1 - 0.35 * drop, 0.5 + 0.3 * forth), (6.6, 7.9 + 0.45 * drop, 7.5), 2.5),
        ellipsoid((side, -8.3 - drop, 3.0 + forth - 0.3 * drop), (3.3, 2.9, 3.3), 3.0),
        ellipsoid((0.4 * side, -5.7 - 0.4 * drop, 4.8 + 0.6 * pout), (3.3, 2.9, 2.9), 2.0),
    ]
    for sign, end in ((1, "Left"), (-1, "Right")):
        lift = max(face[f"mouthSmile{end}"], face[f"cheekSquint{end}"])
        puff = face["cheekPuff"]
        cheek = (sign * (3.3 + 0.15 * lift), -2.9 + 0.7 * lift, 3.7 + 0.35 * lift)
        solids.append(ellipsoid(cheek, (3.3, 2.9, 3.1), 2.4, (0.0, sign * 0.5, 0.0)))
        if puff > 0.01:
            bulge = (sign * 3.5, -5.4, 2.6 + 0.9 * puff)
            solids.append(ellipsoid(bulge, (2.4 + 0.9 * puff, 2.7, 2.6 + 0.5 * puff), 2.4))
        solids.append(ellipsoid((sign * 7.35, -0.9, -1.4), (0.75, 2.1, 1.5), 0.5, (-0.15, sign * 0.5, sign * -0.10)))
    sneer = 0.5 * (face["noseSneerLeft"] + face["noseSneerRight"])
    solids += [
        ellipsoid((0, -1.1, 6.75), (1.25, 3.0, 1.7), 1.8, (-0.20, 0.0, 0.0)),
        ellipsoid((0.95, -3.05 + 0.3 * face["noseSneerLeft"], 7.75), (0.72, 0.62, 0.8), 1.1),
        ellipsoid((-0.95, -3.05 + 0.3 * face["noseSneerRight"], 7.75), (0.72, 0.62, 0.8), 1.1),
        ellipsoid((0, -2.75 + 0.2 * sneer, 8.35), (1.10, 0.95, 1.15), 1.1),
    ]
    return solids


def neck(turned: NDArray[np.float64], offset: NDArray[np.float64]) -> list[Ellipsoid]:
    """The neck in the viewer's frame, from the fixed body to wherever the skull's base went."""
    top = turned @ np.array([0.0, -6.0, -2.6]) + offset
    bottom = np.array([0.0, -18.5, -4.0])
    length = top - bottom
    size = float(np.linalg.norm(length))
    upward = length / size
    side = np.cross(upward, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    axes = np.stack([side * 3.9, upward * (0.95 * size), np.cross(side, upward) * 3.9], axis=1)
    return [Ellipsoid(0.5 * (top + bottom), axes, 0.5)]


def hair(short: bool) -> list[Ellipsoid]:
    """Hair with a side-swept fringe: a bob tucked behind the ears, or ``short``."""
    solids = [ellipsoid((0, 4.3, -2.4), (8.6, 9.1, 9.4))]
    if short:
        solids.append(ellipsoid((0, -0.5, -5.2), (7.6, 7.0, 5.0), 2.0))
    else:
        solids.append(ellipsoid((0, -3.6, -5.4), (8.6, 9.6, 5.2), 2.0))
    for sign in (1, -1):
        if not short:
            solids.append(ellipsoid((sign * 7.6, -4.2, -3.9), (2.3, 7.6, 3.6), 2.2, (0.0, 0.0, sign * 0.06)))
        solids.append(ellipsoid((sign * 7.25, 3.6, 0.6), (1.15, 4.4, 2.4), 1.2, (0.1, 0.0, sign * 0.06)))
    solids += [
        ellipsoid((4.9, 8.3, 4.0), (3.9, 2.2, 3.4), 1.8, (0.35, 0.45, -0.75)),
        ellipsoid((-1.9, 9.3, 4.7), (6.3, 2.3, 3.4), 1.8, (0.35, -0.25, 0.38)),
        ellipsoid((-5.6, 6.2, 3.6), (1.5, 3.6, 2.5), 1.6, (0.1, -0.3, -0.34)),
    ]
    return solids


def body() -> list[Ellipsoid]:
    """Shoulders and a round collar in the viewer's frame; they stay still."""
    solids = [ellipsoid((0, -32, -6), (14.5, 17.0, 8.5))]
    solids += [ellipsoid((sign * 12.0, -26.5, -6.5), (8.5, 8.0, 6.8), 5.0, (0, 0, sign * -0.45)) for sign in (1, -1)]
    solids.append(ellipsoid((0, -21.5, -4.5), (7.0, 6.5, 6.4), 2.0))
    for angle in np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False):
        x, z = 5.0 * np.sin(angle), 4.8 * np.cos(angle)
        solids.append(ellipsoid((x, -15.6 - 0.16 * z, -4.2 + z), (2.9, 1.5, 1.0), 0.7, (0.0, angle, 0.0)))
    return solids
