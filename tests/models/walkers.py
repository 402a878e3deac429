"""Bodies of HumanML3D's and KIT's layouts that move at random: they walk, turn and wave; bones keep their lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from engine.body.skeleton import skeleton
from models.text_motion.layout import HUMANML3D, KIT, Layout

Array = NDArray[np.float64]
_KIT_REST = (
    *((0, 950, 0), (0, 120, 0), (0, 250, 20), (0, 170, 0), (0, 200, 30)),
    *((-180, -30, 0), (-10, -300, 0), (0, -260, 30), (180, -30, 0), (10, -300, 0), (0, -260, 30)),
    *((-90, -60, 10), (0, -420, 0), (0, -400, -10), (-20, -50, 60), (0, -10, 120)),
    *((90, -60, 10), (0, -420, 0), (0, -400, -10), (20, -50, 60), (0, -10, 120)),
)


def rest(layout: Layout) -> Array:
    """Offsets (J, 3) of each joint from its parent in the layout's unit."""
    return np.array(skeleton("humanml3d").rest if layout is HUMANML3D else _KIT_REST, np.float64)


def lengths(layout: Layout) -> Array:
    """Lengths (J,) of the bones above each joint."""
    return np.asarray(np.linalg.norm(rest(layout), axis=1))


def walker(layout: Layout, frames: int, seed: int, spin: float = 0.0) -> Array:
    """Joints (frames, J, 3) of a body that turns ``spin`` rad a frame, standing and facing anywhere at first."""
    draw = np.random.default_rng(seed)
    count = len(layout.joints)
    angles = gaussian_filter1d(draw.normal(size=(frames, count, 3)), 3.0, axis=0, mode="nearest") * 0.8
    angles[:, 0] *= 0.3
    turning = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(frames, count, 3, 3)
    yaw = draw.uniform(-np.pi, np.pi) + spin * np.arange(frames)
    turning[:, 0] = Rotation.from_rotvec(yaw[:, None] * (0.0, 1.0, 0.0)).as_matrix() @ turning[:, 0]
    step = gaussian_filter1d(draw.normal(size=(frames, 3)), 3.0, axis=0, mode="nearest") * (0.05, 0.01, 0.05)
    joints = np.zeros((frames, count, 3))
    joints[:, 0] = step.cumsum(0) / layout.scale + draw.normal(size=3) / layout.scale
    offsets, turns = rest(layout), {0: turning[:, 0]}
    for chain in layout.chains:
        for joint in chain[1:]:
            parent = layout.parents[joint]
            turns[joint] = turns[parent] @ turning[:, joint]
            joints[:, joint] = joints[:, parent] + turns[parent] @ offsets[joint]
    joints[..., 1] += (1 - joints[..., 1].min() * layout.scale) / layout.scale * 0.3
    return joints


LAYOUTS = (HUMANML3D, KIT)
