"""What is read off a motion before anything is said of it: speeds, headings and heights, frame by frame.

The body is the uniform one (:mod:`train.text_motion.motions.uniform`), so thresholds are metres of one body. All arrays
have T rows; angles are degrees, positive to the body's left, as in ``models/bodies/heading.py``.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from engine.body.motion import facing
from train.text_motion.motions.uniform import BODY, REST

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
RATE = 20.0
HIP = float(REST[0, 1])
"""Height in metres of the pelvis of a body that stands."""
SOLE = 0.0543
"""Height of the ankle over the sole of a foot that stands."""
L, R = 0, 1


def joint(name: str) -> int:
    """The number of a joint of the uniform body."""
    return BODY.index(name)


def pair(name: str) -> list[int]:
    """The left and the right joint of a name."""
    return [joint(f"l_{name}"), joint(f"r_{name}")]


class Signals:
    """Signals of a motion ``joints`` (T, 22, 3) at 20 fps, each computed when it is first asked for."""

    def __init__(self, joints: NDArray[np.floating]) -> None:
        self.joints: Array = np.asarray(joints, np.float64)

    def __len__(self) -> int:
        return len(self.joints)

    @functools.cached_property
    def heading(self) -> Array:
        """Where the hips face (T,), unwrapped, the sway of steps smoothed away."""
        angle = np.unwrap(facing(BODY, self.joints.astype(np.float32)).astype(np.float64))
        return np.degrees(smooth(angle, 0.25))

    @functools.cached_property
    def velocity(self) -> Array:
        """The pelvis over the floor (T, 2) in m/s, smoothed over half a second: to the front, to the left."""
        step = gradient(smooth(self.joints[:, 0][:, [0, 2]], 0.25))
        c, s = np.cos(np.radians(self.heading)), np.sin(np.radians(self.heading))
        return np.stack([c * step[:, 1] + s * step[:, 0], c * step[:, 0] - s * step[:, 1]], -1)

    @functools.cached_property
    def speed(self) -> Array:
        """Length of :attr:`velocity` (T,)."""
        return np.asarray(np.linalg.norm(self.velocity, axis=-1))

    @functools.cached_property
    def course(self) -> Array:
        """Direction in which the pelvis moves (T,), unwrapped, on the stage as :attr:`heading`."""
        return self.heading + np.degrees(np.unwrap(np.arctan2(self.velocity[:, 1], self.velocity[:, 0])))

    @functools.cached_property
    def local(self) -> Array:
        """Joints (T, 22, 3) from the pelvis: to the left, up from the floor, to the front."""
        seen = self.joints - self.joints[:, :1] * (1.0, 0.0, 1.0)
        c, s = np.cos(np.radians(self.heading))[:, None], np.sin(np.radians(self.heading))[:, None]
        x, z = c * seen[..., 0] - s * seen[..., 2], s * seen[..., 0] + c * seen[..., 2]
        return np.stack([x, seen[..., 1], z], -1)

    @functools.cached_property
    def rates(self) -> Array:
        """Speed of each joint against the pelvis (T, 22) in m/s."""
        return np.asarray(np.linalg.norm(gradient(smooth(self.joints - self.joints[:, :1], 0.04)), axis=-1))

    @functools.cached_property
    def energy(self) -> Array:
        """Mean speed of the joints (T,) in m/s: how much moves."""
        return smooth(np.linalg.norm(gradient(self.joints), axis=-1).mean(1), 0.1)

    @functools.cached_property
    def soles(self) -> Array:
        """Heights of the left and the right sole (T, 2), of its lowest place."""
        ankles, toes = self.joints[:, pair("ankle"), 1], self.joints[:, pair("foot"), 1]
        return np.minimum(ankles - SOLE, toes)

    @functools.cached_property
    def clearance(self) -> Array:
        """How far each sole (T, 2) is above where feet stood within 0.8 s: the floor, or what else they stand on."""
        lowest = self.soles.min(1)
        return np.asarray(np.maximum(self.soles - minimum_filter1d(lowest, round(1.6 * RATE) + 1)[:, None], 0.0))

    @functools.cached_property
    def base(self) -> Array:
        """Height of what the lower foot stands on, or would (T,): smooth, so that jumps do not count."""
        return smooth(self.soles.min(1), 0.5)

    @functools.cached_property
    def over(self) -> Mask:
        """Where the body is upside down (T,): the head lower than the pelvis, and a foot higher than both."""
        heights = self.joints[..., 1]
        head = heights[:, joint("head")] < heights[:, 0] - 0.15
        return np.asarray(head & (heights[:, pair("ankle")].max(1) > heights[:, 0] + 0.1))

    @functools.cached_property
    def lean(self) -> Array:
        """How far the trunk leans (T, 2) in degrees: the part to the front, and the part to the left."""
        trunk = unit(self.local[:, joint("neck")] - self.local[:, 0] * (0.0, 1.0, 0.0))
        angle = np.degrees(np.arccos(np.clip(trunk[:, 1], -1.0, 1.0)))
        return np.asarray(unit(trunk[:, [2, 0]]) * angle[:, None])

    @functools.cached_property
    def knees(self) -> Array:
        """Angle in each knee (T, 2), 180 straight."""
        return self._bend("hip", "knee", "ankle")

    @functools.cached_property
    def elbows(self) -> Array:
        """Angle in each elbow (T, 2), 180 straight."""
        return self._bend("shoulder", "elbow", "wrist")

    @functools.cached_property
    def hands(self) -> Array:
        """Wrists against their shoulders (T, 2, 3): away from the body sideways, up, to the front."""
        out = self.local[:, pair("wrist")] - self.local[:, pair("shoulder")]
        return np.asarray(out * np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]]))

    @functools.cached_property
    def over_head(self) -> Array:
        """Height of each wrist (T, 2) above the head joint."""
        return np.asarray(self.joints[:, pair("wrist"), 1] - self.joints[:, [joint("head")], 1])

    def _bend(self, upper: str, middle: str, lower: str) -> Array:
        one = unit(self.joints[:, pair(upper)] - self.joints[:, pair(middle)])
        other = unit(self.joints[:, pair(lower)] - self.joints[:, pair(middle)])
        return np.asarray(np.degrees(np.arccos(np.clip((one * other).sum(-1), -1.0, 1.0))))


def unit(vector: Array) -> Array:
    """Vectors at length 1."""
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))


def smooth(values: Array, seconds: float) -> Array:
    """Values (T, ...) smoothed by a Gaussian of that deviation; at the ends they are taken to go on as they went."""
    margin = min(len(values) - 1, round(4 * seconds * RATE))
    if margin < 1:
        return np.asarray(values, np.float64)
    wide = np.pad(values, [(margin, margin), *[(0, 0)] * (values.ndim - 1)], "reflect", reflect_type="odd")
    return np.asarray(gaussian_filter1d(wide, seconds * RATE, axis=0, mode="nearest")[margin:-margin])


def gradient(values: Array) -> Array:
    """Change a second of values (T, ...)."""
    return np.gradient(values, axis=0) * RATE if len(values) > 1 else np.zeros_like(values)


def runs(mask: Mask, least: float, gap: float = 0.0) -> list[tuple[int, int]]:
    """First frame and end of the stretches of ``mask`` of ``least`` seconds; holes up to ``gap`` seconds are closed."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    found: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and begin - found[-1][1] <= gap * RATE:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [(begin, end) for begin, end in found if end - begin >= least * RATE]


def peaks(values: Array, height: float, apart: float) -> list[int]:
    """Frames of local maxima over ``height``, the highest within ``apart`` seconds to either side."""
    wide = maximum_filter1d(values, 2 * round(apart * RATE) + 1, mode="nearest")
    found: list[int] = []
    for frame in np.flatnonzero((values >= wide) & (values > height)).tolist():
        if not found or frame - found[-1] > apart * RATE:
            found.append(frame)
    return found
