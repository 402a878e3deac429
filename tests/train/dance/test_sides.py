"""Left and right, hips and feet by their names; and motion that is turned, mirrored and resampled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.body.motion import forward_kinematics, limb_variation
from engine.body.skeleton import Skeleton
from engine.errors import EngineError
from tests.train.dance.bodies import CMU, dancer
from train.dance.augment import mirrored, resampled, turned
from train.dance.sides import other_side, with_sides


def test_turning_keeps_the_body_and_mirroring_twice_is_nothing() -> None:
    motion = dancer(2, 30)
    quarter = turned(motion, np.pi / 2)
    assert np.allclose(quarter.positions[..., 0], motion.positions[..., 2], atol=1e-6)  # from +Z towards +X
    rebuilt = forward_kinematics(CMU, quarter.positions[:, 0], quarter.rotations)
    assert np.allclose(rebuilt, quarter.positions, atol=1e-5)
    back = mirrored(mirrored(motion))
    assert np.array_equal(back.positions, motion.positions) and np.allclose(back.rotations, motion.rotations)


def test_mirrored_rotations_make_mirrored_positions() -> None:
    motion = dancer(2, 30)
    seen = mirrored(motion)
    assert np.allclose(seen.positions[:, CMU.index("lHand"), 0], -motion.positions[:, CMU.index("rHand"), 0])
    rebuilt = forward_kinematics(CMU, seen.positions[:, 0], seen.rotations)
    apart = np.linalg.norm(rebuilt - seen.positions, axis=-1).max(0)
    uneven = [CMU.index(joint) for joint in ("head", "leftEye", "rightEye")]  # not symmetric at rest
    assert apart.max() < 0.011 and np.delete(apart, uneven).max() < 1e-5
    assert np.allclose(np.linalg.det(seen.rotations), 1.0, atol=1e-5)


def test_there_and_back_between_rates() -> None:
    motion = dancer(1, 61)
    between = resampled(motion, 43.0)
    assert len(between) == 87 and limb_variation(CMU, between.positions).max() < 1e-4
    there = resampled(resampled(motion, 60.0), 30.0)
    assert len(there) == 61 and np.allclose(there.positions, motion.positions, atol=1e-4)
    with pytest.raises(EngineError, match="give 1 to 1000"):
        resampled(motion, 0.0)


def test_sides_are_read_from_names() -> None:
    swap = other_side(CMU)
    assert swap[CMU.index("lFoot.end")] == CMU.index("rFoot.end") and swap[CMU.index("leftEye")] == CMU.index(
        "rightEye"
    )
    assert swap[CMU.index("head")] == CMU.index("head")
    bare = with_sides(replace(CMU, across=(), feet=()))
    assert bare.across == CMU.across and bare.feet == CMU.feet
    nameless = replace(CMU, joints=tuple(f"j{n}" for n in range(27)), across=(), feet=())
    with pytest.raises(EngineError, match="no joints are named as left and right thigh"):
        with_sides(nameless)
    with pytest.raises(EngineError, match="names no left and right"):
        other_side(nameless)


def test_ends_of_names_tell_sides_too() -> None:
    names = ("root", "hip_l", "hip_r", "foot_l", "foot_l.end", "foot_r", "foot_r.end")
    body = Skeleton(
        "tails", names, (-1, 0, 0, 1, 3, 2, 5), ((0, 1, 0), (0.1, 0, 0), (-0.1, 0, 0), *((0, -0.4, 0),) * 4)
    )
    assert other_side(body).tolist() == [0, 2, 1, 5, 6, 3, 4]
    assert with_sides(body).across == ("hip_l", "hip_r")


def test_hips_of_no_width_are_not_taken(tmp_path: Path) -> None:
    """CMU's files name both LHipJoint, which lies in the middle, and LeftHip, where the thigh begins."""
    names = (
        "Hips",
        "LHipJoint",
        "LeftHip",
        "LeftKnee",
        "LeftAnkle",
        "RHipJoint",
        "RightHip",
        "RightKnee",
        "RightAnkle",
    )
    legs = [(0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.0, -0.4, 0.0), (0.0, -0.4, 0.0)]
    rest = ((0.0, 0.9, 0.0), *legs, *((-x, y, z) for x, y, z in legs))
    body = Skeleton("mocap", names, (-1, 0, 1, 2, 3, 0, 5, 6, 7), rest)
    assert with_sides(body).across == ("LeftHip", "RightHip")
    with pytest.raises(EngineError, match=r"LHipJoint and RHipJoint are 0\.000 m apart, too near"):
        with_sides(replace(body, across=("LHipJoint", "RHipJoint")))
