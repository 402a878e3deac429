"""Motion made of a take: turned about the vertical, mirrored left to right, smoothed, resampled.

All of them keep what a body is: bones keep their lengths, rotations stay in step with positions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation, Slerp

from engine.body.motion import Array, Motion, forward_kinematics
from engine.body.skeleton import Skeleton, SkeletonError
from engine.errors import EngineError
from train.dance.sides import other_side

SMOOTHING = 3
"""Order of the smoothing filter."""
_REFLECT = np.array([-1.0, 1.0, 1.0], np.float32)


def turned(motion: Motion, angle: float) -> Motion:
    """The motion turned by ``angle`` radians about the vertical through the origin, positive from +Z towards +X."""
    turn = Rotation.from_euler("y", angle).as_matrix().astype(np.float32)
    rotations = motion.rotations
    if rotations is not None:
        rotations = rotations.copy()
        rotations[:, 0] = turn @ rotations[:, 0]
    return replace(motion, positions=np.asarray(motion.positions @ turn.T, np.float32), rotations=rotations)


def mirrored(motion: Motion) -> Motion:
    """The motion seen in a mirror that stands in the plane x = 0, left and right joints exchanged.

    Rotations are reflected too, so forward kinematics of the result gives its positions as far as the rest pose is
    symmetric (in the ``cmu`` skeleton all but the eyes, 5 mm).
    """
    swap = other_side(motion.skeleton)
    rotations = motion.rotations
    if rotations is not None:
        rotations = np.ascontiguousarray(rotations[:, swap] * _REFLECT[:, None] * _REFLECT)
    return replace(motion, positions=np.ascontiguousarray(motion.positions[:, swap] * _REFLECT), rotations=rotations)


def smoothed(motion: Motion, seconds: float) -> Motion:
    """The motion without the tremor of its markers: a Savitzky-Golay filter of third order over ``seconds`` on the root
    and on rotation matrices (made rotations again), or on positions; bones kept rigid. 0 leaves it as it is."""
    width = 2 * round(seconds * motion.rate / 2) + 1
    if width <= SMOOTHING or len(motion) < width:
        return motion
    if motion.rotations is None:
        return replace(motion, positions=savgol_filter(motion.positions, width, SMOOTHING, axis=0).astype(np.float32))
    filtered = savgol_filter(motion.rotations.astype(np.float64), width, SMOOTHING, axis=0)
    left, _, right = np.linalg.svd(filtered)
    right[..., 2, :] *= np.sign(np.linalg.det(left @ right))[..., None]
    rotations = (left @ right).astype(np.float32)
    root = savgol_filter(motion.positions[:, 0], width, SMOOTHING, axis=0).astype(np.float32)
    return replace(motion, positions=forward_kinematics(own_skeleton(motion), root, rotations), rotations=rotations)


def resampled(motion: Motion, rate: float) -> Motion:
    """The motion at ``rate`` frames a second."""
    if not 1.0 <= rate <= 1000.0:
        raise EngineError(f"rate {rate}: give 1 to 1000 frames a second")
    if abs(rate - motion.rate) < 1e-3:
        return motion
    return replace(_sampled(motion, 1.0 / rate), rate=rate)


def own_skeleton(motion: Motion) -> Skeleton:
    """The motion's skeleton with the bone offsets that its own positions and rotations have (a tree's only)."""
    skeleton = motion.skeleton
    if motion.rotations is None or not skeleton.is_tree:
        raise SkeletonError(f"skeleton {skeleton.name!r}: only a tree with rotations has bone offsets")
    rest = [list(skeleton.rest[0])]
    world = [motion.rotations[:, 0]]
    for joint, parent in list(enumerate(skeleton.parents))[1:]:
        apart = motion.positions[:, joint] - motion.positions[:, parent]
        rest.append([float(value) for value in np.einsum("tji,tj->ti", world[parent], apart).mean(0, np.float64)])
        world.append(world[parent] @ motion.rotations[:, joint])
    return replace(skeleton, rest=tuple((x, y, z) for x, y, z in rest))


def _sampled(motion: Motion, step: float) -> Motion:
    """Frames ``step`` seconds apart: rotations along the shortest arc, positions by cubic splines, bones kept rigid."""
    if len(motion) < 2:
        return motion
    own = np.arange(len(motion)) / motion.rate
    times = np.arange(int(np.floor(own[-1] / step + 1e-6)) + 1) * step
    times = np.minimum(times, own[-1])
    if motion.rotations is None:
        return replace(motion, positions=_splined(own, motion.positions, times))
    rotations = np.stack(
        [
            Slerp(own, Rotation.from_matrix(motion.rotations[:, joint]))(times).as_matrix()
            for joint in range(motion.rotations.shape[1])
        ],
        axis=1,
    ).astype(np.float32)
    root = _splined(own, motion.positions[:, 0], times)
    return replace(motion, positions=forward_kinematics(own_skeleton(motion), root, rotations), rotations=rotations)


def _splined(own: NDArray[np.float64], values: Array, times: NDArray[np.float64]) -> Array:
    return np.asarray(CubicSpline(own, values, axis=0)(times), np.float32)
