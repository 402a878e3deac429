"""Real bodies for any skeleton: takes of `$ENGINE_DATA` that have its joints, or the skeleton itself, set swinging."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.body.bvh import BvhError, read_body
from engine.body.motion import forward_kinematics
from engine.body.skeleton import Skeleton

FOLDER = "body_cmu_bvh30"
SWING = 0.4
"""Radians by which joints of a body without recordings turn to and fro."""

Array = NDArray[np.float32]


def bodies(source: Path, skeleton: Skeleton, frames: int, rate: float) -> tuple[Array, bool]:
    """Joint positions (frames, J, 3) in metres at ``rate``, and whether they are a recording's."""
    pieces: list[Array] = []
    for path in sorted((source / FOLDER).rglob("*.bvh")):
        if sum(map(len, pieces)) >= frames:
            break
        try:
            motion = read_body(path, skeleton).motion
        except BvhError:
            continue
        index = (np.arange(len(motion) * rate / motion.rate) * motion.rate / rate).astype(np.int64)
        pieces.append(motion.positions[index])
    if pieces:
        whole = np.concatenate(pieces)
        return whole[np.arange(frames) % len(whole)], True
    return swinging(skeleton, frames, rate), False


def swinging(skeleton: Skeleton, frames: int, rate: float) -> Array:
    """The skeleton in its rest pose, every joint turning to and fro about an axis and at a pace of its own."""
    time = np.arange(frames)[:, None] / rate
    joint = np.arange(len(skeleton.joints))
    pace, axis = 0.2 + 0.13 * (joint % 7), joint % 3
    angle = SWING * np.sin(2 * np.pi * pace * time + joint)
    if not skeleton.is_tree:
        return (skeleton.rest_positions() + 0.1 * np.sin(angle)[..., None]).astype(np.float32)
    turned = np.zeros((frames, len(joint), 3, 3), np.float32)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    turned[:, joint, axis, axis] = 1.0
    turned[:, joint, a, a] = turned[:, joint, b, b] = np.cos(angle)
    turned[:, joint, a, b], turned[:, joint, b, a] = -np.sin(angle), np.sin(angle)
    root = np.zeros((frames, 3), np.float32)
    root[:, 1] = 1.0
    return forward_kinematics(skeleton, root, turned)
