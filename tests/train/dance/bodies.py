"""Small synthetic dancers on the ``cmu`` skeleton, as motion, as takes and as BVH files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from engine.body.motion import Motion, forward_kinematics
from engine.body.skeleton import Skeleton, skeleton
from train.dance.takes import RATE, Take

CMU = skeleton("cmu")
BEATS = (0.4, 0.8, 1.4)
"""Swings of the limbs a second at low, medium and high effort."""
SWINGS = {"Shldr": ("x", 1.0), "ForeArm": ("y", 0.8), "Thigh": ("x", 0.5), "Shin": ("x", 0.4)}
HIP = 0.94


def dancer(level: int = 1, frames: int = 150, rate: float = RATE, seed: int = 0, body: Skeleton = CMU) -> Motion:
    """A figure that swings its limbs and turns about, faster with ``level``; no two seeds swing alike."""
    rng = np.random.default_rng([seed, level])
    phase = 2 * np.pi * BEATS[level] * np.arange(frames) / rate
    rotations = np.tile(np.eye(3, dtype=np.float32), (frames, len(body.joints), 1, 1))
    for number, joint in enumerate(body.joints):
        if joint.endswith(".end"):
            continue  # BVH keeps no rotation of an end site
        axis, wide = SWINGS.get(joint[1:], ("z", 0.05))
        angle = wide * rng.uniform(0.6, 1.0) * np.sin(phase + rng.uniform(0, 2 * np.pi))
        rotations[:, number] = Rotation.from_euler(axis, angle[:, None]).as_matrix()
    rotations[:, 0] = Rotation.from_euler("y", 0.5 * np.sin(phase / 2)[:, None]).as_matrix()
    root = np.stack([0.3 * np.sin(phase / 3), HIP + 0.03 * np.cos(phase), 0.2 * np.cos(phase / 3)], -1)
    return Motion(body, rate, forward_kinematics(body, root.astype(np.float32), rotations), rotations)


def take(
    name: str = "one",
    level: int = 1,
    frames: int = 150,
    split: str = "train",
    style: str = "toy",
    partner: str | None = None,
    seed: int = 0,
) -> Take:
    """A sound take of a :func:`dancer`."""
    group = "+".join(sorted((name, partner))) if partner else name
    return Take(name, group, style, dancer(level, frames, seed=seed), partner, split, np.ones(frames, bool))


def toy_takes(frames: int = 150) -> list[Take]:
    """Nine takes, three of each level, one of each level held out for validation and one for testing."""
    return [
        take(f"{split}_{level}", level, frames, split, seed=7 * level + number)
        for level in range(3)
        for number, split in enumerate(("train", "val", "test"))
    ]


def write_bvh(path: Path, motion: Motion, rest: bool = True, scale: float = 100.0) -> Path:
    """Write a motion as BVH text, ``scale`` units a metre, after one frame at rest as converters put it there."""
    body = motion.skeleton
    children = [[c for c, parent in enumerate(body.parents) if parent == joint] for joint in range(len(body.joints))]
    order: list[int] = []

    def block(joint: int, indent: str) -> str:
        name, offset = body.joints[joint], " ".join(f"{value * scale:.5f}" for value in body.rest[joint])
        if name.endswith(".end"):
            return f"{indent}End Site\n{indent}{{\n{indent}\tOFFSET {offset}\n{indent}}}\n"
        order.append(joint)
        root = joint == 0
        channels = "6 Xposition Yposition Zposition" if root else "3"
        below = "".join(block(child, indent + "\t") for child in children[joint])
        below = below or f"{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET 0 0 1\n{indent}\t}}\n"
        return (
            f"{indent}{'ROOT' if root else 'JOINT'} {name}\n{indent}{{\n{indent}\tOFFSET {offset}\n"
            f"{indent}\tCHANNELS {channels} Zrotation Xrotation Yrotation\n{below}{indent}}}\n"
        )

    text = "HIERARCHY\n" + block(0, "")
    assert motion.rotations is not None
    turns = motion.rotations[:, order]
    angles = Rotation.from_matrix(turns.reshape(-1, 3, 3)).as_euler("ZXY", degrees=True).reshape(len(motion), -1)
    rows = np.concatenate([motion.positions[:, 0] * scale, angles], 1)
    if rest:
        rows = np.concatenate([np.zeros((1, rows.shape[1])), rows])
    text += f"MOTION\nFrames: {len(rows)}\nFrame Time: {1 / motion.rate:.7f}\n"
    text += "\n".join(" ".join(f"{value:.5f}" for value in row) for row in rows) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
