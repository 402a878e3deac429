"""Joints by the names of Unity's Humanoid, and their way into the announcement."""

from __future__ import annotations

import pytest

from engine.body.humanoid import humanoid
from engine.body.skeleton import Skeleton, skeleton
from engine.body.write import PROGRAMS, program_names
from engine.session.live import _skeleton

CMU = {
    "Hips": "hip",
    "Spine": "abdomen",
    "Chest": "chest",
    "Neck": "neck",
    "Head": "head",
    "LeftEye": "leftEye",
    "RightEye": "rightEye",
    **{
        f"{side}{bone}": f"{letter}{joint}"
        for side, letter in (("Left", "l"), ("Right", "r"))
        for bone, joint in (
            ("Shoulder", "Collar"),
            ("UpperArm", "Shldr"),
            ("LowerArm", "ForeArm"),
            ("Hand", "Hand"),
            ("MiddleProximal", "Mid1"),
            ("UpperLeg", "Thigh"),
            ("LowerLeg", "Shin"),
            ("Foot", "Foot"),
        )
    },
}


def test_the_shipped_skeletons_are_people_but_for_markers() -> None:
    assert humanoid(skeleton("cmu")) == CMU
    other = humanoid(skeleton("humanml3d"))
    assert (other["UpperChest"], other["LeftUpperArm"], other["RightToes"]) == ("spine3", "l_shoulder", "r_foot")
    assert humanoid(skeleton("pirounet")) == {}


@pytest.mark.parametrize("name", ["cmu", "humanml3d"])
def test_names_are_those_that_a_bvh_file_for_unity_has(name: str) -> None:
    """Where that file has a name; a socket between hips and thigh, and ends of limbs, are no bones."""
    body = skeleton(name)
    try:
        written = dict(zip(body.joints, program_names(body, PROGRAMS["unity"], "unity"), strict=True))
    except ValueError:
        pytest.skip("not every joint has a name there")
    assert all(written[joint] == bone for bone, joint in humanoid(body).items())


def test_a_stick_is_nobody() -> None:
    stick = Skeleton("stick", ("a", "b"), (-1, 0), ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    assert humanoid(stick) == {}


def test_a_session_announces_them_where_there_are_any() -> None:
    assert _skeleton(skeleton("cmu")) == skeleton("cmu").to_dict() | {"humanoid": CMU}
    assert _skeleton(skeleton("pirounet")) == skeleton("pirounet").to_dict()
