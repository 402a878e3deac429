"""A nod, a turn to the avatar's own left and a tilt to its own right, in every protocol; eyes, lids and expressions.
Packets are read by other implementations (oscpy, PyLiveLinkFace) or as the protocol's document says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oscpy.parser import read_packet
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from clients.bridges import ifacialmocap, livelink, turns, vmc, vts
from clients.bridges.face import Face
from clients.bridges.presets import VRM0, expressions
from engine.channels import EXPRESSION_NAMES, FACE_NAMES, head_rotation

from .bridges import face, pose_of

ANGLE = st.floats(-1.2, 1.2)
WEIGHT = st.floats(0.0, 1.0)
MIRROR = np.diag([-1.0, 1.0, 1.0])


def osc(packet: bytes) -> list[tuple[str, list[Any]]]:
    """Messages as oscpy reads them."""
    return [(address.decode(), values) for address, _, values, _ in read_packet(packet, encoding="utf-8")]


def bones(**numbers: float) -> dict[str, np.ndarray]:
    """Turns (x, y, z, w) by bone, of a face alone."""
    told = osc(vmc.bundle(pose_of(numbers), {}))
    return {values[0]: np.array(values[4:]) for address, values in told if address == "/VMC/Ext/Bone/Pos"}


def blends(names: str = "both", **numbers: float) -> dict[str, float]:
    """Expressions by name."""
    pose = pose_of(numbers)
    assert pose.face is not None
    told = osc(vmc.bundle(pose, vmc.blends(pose.face, names, True)))
    return {values[0]: values[1] for address, values in told if address == "/VMC/Ext/Blend/Val"}


def live_link(**numbers: float) -> dict[str, float]:
    pose = pose_of(numbers)
    there, told = PyLiveLinkFace.decode(livelink.packet(pose, "A", "0" * 36))
    assert there
    return {shape.name: told.get_blendshape(shape) for shape in FaceBlendShape}


def mocap(version: int = 1, **numbers: float) -> dict[str, list[float]]:
    """Read as ifacialmocap.com describes it."""
    shapes, bones = ifacialmocap.text(face(**numbers), version).decode().split("|=")
    told = {}
    for item in shapes.split("|"):
        name, value = item.split("-" if version == 1 else "&")
        told[name] = [float(value)]
    for item in bones.removesuffix("|").split("|"):
        name, values = item.split("#")
        told[name] = [float(value) for value in values.split(",")]
    return told


def spun(turn: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector turned by a quaternion, q v q*, which is the same in axes of either hand."""
    axis, w = turn[:3], turn[3]
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * vector)


@given(ANGLE, ANGLE, ANGLE)
def test_vmc_turns_neck_and_head_as_the_face_does_in_unity_s_axes(pitch: float, yaw: float, roll: float) -> None:
    turned = bones(headPitch=pitch, headYaw=yaw, headRoll=roll)
    matrix = head_rotation(*(float(np.float32(angle)) for angle in (pitch, yaw, roll)))
    for vector in np.eye(3):
        seen = spun(turned["Neck"], spun(turned["Head"], MIRROR @ vector))
        np.testing.assert_allclose(seen, MIRROR @ matrix @ vector, atol=1e-5)


@given(st.floats(0.05, 1.2))
def test_vmc_nods_down_turns_left_and_tilts_right(angle: float) -> None:
    for number, axis, sign in (("headPitch", 0, 1), ("headYaw", 1, -1), ("headRoll", 2, -1)):
        turned = bones(**{number: angle})
        for bone in ("Neck", "Head"):  # both take a share
            assert sign * turned[bone][axis] > 0.2 * math.sin(angle / 2)
            assert np.abs(np.delete(turned[bone][:3], axis)).max() < 1e-6


def test_vmc_eyes_look_down_and_to_the_avatar_s_own_left() -> None:
    turned = bones(eyeLookDownLeft=1, eyeLookDownRight=1, eyeLookOutLeft=1, eyeLookInRight=1)
    ahead = np.array([0.0, 0.0, 1.0])
    for eye in ("LeftEye", "RightEye"):
        x, y, _ = spun(turned[eye], ahead)
        assert x < -0.4 and y < -0.4  # Unity's x is the own right
    crossed = bones(eyeLookInLeft=1, eyeLookInRight=1)
    assert spun(crossed["LeftEye"], ahead)[0] > 0.4 > -0.4 > spun(crossed["RightEye"], ahead)[0]


@given(ANGLE, ANGLE, ANGLE)
def test_live_link_has_the_head_s_angles_in_radians(pitch: float, yaw: float, roll: float) -> None:
    told = live_link(headPitch=pitch, headYaw=yaw, headRoll=roll)
    found = [told[name] for name in ("HeadPitch", "HeadYaw", "HeadRoll")]
    np.testing.assert_allclose(found, [pitch, yaw, roll], atol=1e-6)


def test_live_link_eyes_look_down_and_to_the_avatar_s_own_left() -> None:
    told = live_link(eyeLookDownLeft=1, eyeLookUpRight=1, eyeLookOutLeft=1, eyeLookInRight=0.5)
    assert told["LeftEyePitch"] == pytest.approx(math.radians(35.4)) == -told["RightEyePitch"]
    assert told["LeftEyeYaw"] == pytest.approx(math.radians(37.8)) == 2 * told["RightEyeYaw"]
    assert told["LeftEyeRoll"] == told["RightEyeRoll"] == 0


@given(st.lists(WEIGHT, min_size=52, max_size=52))
def test_live_link_and_ifacialmocap_have_every_shape_under_its_name(weights: list[float]) -> None:
    numbers = dict(zip(EXPRESSION_NAMES, weights, strict=True))
    told, texts = live_link(**numbers), [mocap(version, **numbers) for version in (1, 2)]
    for name, value in numbers.items():
        assert told[name[:1].upper() + name[1:]] == pytest.approx(value, abs=1e-6)
        side = name.startswith(("mouthLeft", "mouthRight", "jawLeft", "jawRight"))
        short = name if side else name.replace("Left", "_L").replace("Right", "_R")
        for text in texts:
            assert text[short][0] == pytest.approx(100 * value, abs=0.501)
    assert all(len(text) == 52 + 3 for text in texts)


@given(ANGLE, ANGLE, ANGLE)
def test_ifacialmocap_has_degrees_and_metres(pitch: float, yaw: float, roll: float) -> None:
    head = mocap(headPitch=pitch, headYaw=yaw, headRoll=roll, headX=0.1, headY=-0.2, headZ=0.3)["head"]
    np.testing.assert_allclose(head, [*np.degrees([pitch, yaw, roll]), 0.1, -0.2, 0.3], atol=1e-4)


def test_ifacialmocap_eyes_agree_with_its_maker_s_example() -> None:
    """The frame on ifacialmocap.com: weights and degrees of one gaze, down and a little crossed."""
    told = mocap(eyeLookDownLeft=0.17, eyeLookDownRight=0.17, eyeLookInLeft=0.04, eyeLookInRight=0.06)
    assert told["rightEye"] == pytest.approx([6.03, 2.44, 0.0], abs=0.2)
    assert told["leftEye"] == pytest.approx([6.03, -1.67, 0.0], abs=0.2)


@given(ANGLE, ANGLE, ANGLE)
def test_vtube_studio_has_degrees_as_live2d_points_them(pitch: float, yaw: float, roll: float) -> None:
    told = vts.parameters(face(headPitch=pitch, headYaw=yaw, headRoll=roll))
    found = [told[f"FaceAngle{axis}"] for axis in "XYZ"]
    np.testing.assert_allclose(found, np.degrees([yaw, -pitch, -roll]), atol=1e-6)


def test_vtube_studio_s_eyes_brows_and_mouth() -> None:
    rest = vts.parameters(face())
    assert rest["EyeOpenLeft"] == rest["EyeOpenRight"] == 1.0 and rest["MouthOpen"] == 0.0
    assert rest["MouthSmile"] == rest["Brows"] == rest["BrowLeftY"] == 0.5
    moved = vts.parameters(
        face(
            eyeBlinkLeft=1.0,
            eyeLookOutLeft=1.0,
            eyeLookInRight=0.5,
            eyeLookUpLeft=0.25,
            browDownLeft=1.0,
            browOuterUpRight=1.0,
            mouthSmileLeft=1.0,
            mouthSmileRight=1.0,
            mouthRight=0.5,
            jawOpen=0.5,
            headX=0.02,
        )
    )
    assert (moved["EyeOpenLeft"], moved["EyeOpenRight"]) == (0.0, 1.0)
    assert (moved["EyeLeftX"], moved["EyeRightX"]) == pytest.approx((-1.0, -0.5))  # to the own left
    assert (moved["EyeLeftY"], moved["EyeRightY"]) == pytest.approx((0.25, 0.0))
    assert moved["BrowLeftY"] < 0.5 < moved["BrowRightY"] and moved["MouthSmile"] == 1.0
    assert (moved["MouthX"], moved["MouthOpen"], moved["FacePositionX"]) == pytest.approx((-0.5, 0.5, 2.0))
    assert vts.parameters(face(jawOpen=0.5, mouthClose=1.0))["MouthOpen"] == 0.0


@given(st.lists(st.floats(-3.0, 3.0), min_size=58, max_size=58))
def test_expressions_stay_within_their_range_and_vowels_share(numbers: list[float]) -> None:
    made = expressions(Face.of(dict(zip(FACE_NAMES, numbers, strict=True))))
    assert all(0.0 <= value <= 1.0 for value in made.values())
    assert sum(made[vowel] for vowel in ("aa", "ih", "ou", "ee", "oh")) <= 1.0 + 1e-9
    assert set(made) == {*VRM0, "surprised"}


@given(WEIGHT, WEIGHT)
def test_lids_add_up_to_what_each_eye_does(left: float, right: float) -> None:
    made = expressions(face(eyeBlinkLeft=left, eyeBlinkRight=right))
    assert made["blink"] + made["blinkLeft"] == pytest.approx(left)
    assert made["blink"] + made["blinkRight"] == pytest.approx(right)


@pytest.mark.parametrize(
    ("numbers", "preset"),
    [
        ({"jawOpen": 0.6}, "aa"),
        ({"jawOpen": 0.6, "mouthFunnel": 1.0}, "oh"),
        ({"mouthPucker": 1.0}, "ou"),
        ({"mouthStretchLeft": 1.0, "mouthStretchRight": 1.0}, "ih"),
        ({"mouthStretchLeft": 1.0, "mouthStretchRight": 1.0, "jawOpen": 0.6}, "ee"),
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, "happy"),
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "eyeSquintLeft": 1.0, "eyeSquintRight": 1.0}, "relaxed"),
        ({"browDownLeft": 1.0, "browDownRight": 1.0}, "angry"),
        ({"mouthFrownLeft": 1.0, "mouthFrownRight": 1.0}, "sad"),
        (
            {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0, "eyeWideLeft": 1, "eyeWideRight": 1},
            "surprised",
        ),
        ({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, "lookLeft"),
        ({"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}, "lookRight"),
        ({"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}, "lookUp"),
        ({"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0}, "lookDown"),
    ],
)
def test_shapes_become_the_expression_that_they_show(numbers: dict[str, float], preset: str) -> None:
    made = expressions(face(**numbers))
    assert made[preset] == pytest.approx(1.0)
    assert max(value for name, value in made.items() if name != preset) < 0.01


def test_vmc_names_are_those_that_were_asked_for() -> None:
    asked = ("both", "arkit", "vrm0", "vrm1")
    told = {names: blends(names, eyeBlinkLeft=1.0, eyeBlinkRight=1.0, jawOpen=0.6) for names in asked}
    assert told["arkit"]["EyeBlinkLeft"] == 1.0 and len(told["arkit"]) == 52
    assert told["vrm0"]["Blink"] == told["vrm0"]["A"] == 1.0 and set(told["vrm0"]) == set(VRM0.values())
    assert told["vrm1"]["blink"] == told["vrm1"]["aa"] == 1.0 and set(told["vrm1"]) == {*VRM0, "surprised"}
    assert told["both"] == told["arkit"] | told["vrm0"]
    assert "eyeBlinkLeft" in vmc.blends(face(), "arkit", False)


@given(st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6))
def test_the_arc_between_two_directions_is_a_rotation_that_joins_them(numbers: list[float]) -> None:
    one, other = np.array(numbers[:3]), np.array(numbers[3:])
    for to in (other, -one, one):
        turned = turns.arc(one, to)
        np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(turned) == pytest.approx(1.0, abs=1e-6)
        if min(np.linalg.norm(one), np.linalg.norm(to)) > 1e-3:
            np.testing.assert_allclose(turned @ one / np.linalg.norm(one), to / np.linalg.norm(to), atol=1e-4)


def test_lips_that_are_closed_over_an_open_jaw_say_no_a() -> None:
    assert expressions(face(jawOpen=0.6, mouthClose=1.0))["aa"] == 0.0


@given(ANGLE, ANGLE, ANGLE, st.floats(0.0, 1.0))
def test_shares_of_a_turn_add_up_to_it(pitch: float, yaw: float, roll: float, share: float) -> None:
    whole = face(headPitch=pitch, headYaw=yaw, headRoll=roll).turn()
    some = turns.part(whole, share)
    rest = turns.times(turns.back(some), whole)
    np.testing.assert_allclose(turns.times(some, rest), whole, atol=1e-9)
    np.testing.assert_allclose(turns.to_matrix(whole), head_rotation(pitch, yaw, roll), atol=1e-9)
    back = turns.of_matrix(turns.to_matrix(whole))
    np.testing.assert_allclose(back, whole if whole[3] >= 0 else -whole, atol=1e-7)
    if np.linalg.norm(whole[:3]) > 1e-6:
        assert abs(some[:3] @ whole[:3]) == pytest.approx(np.linalg.norm(some[:3]) * np.linalg.norm(whole[:3]))
        assert math.acos(min(some[3], 1.0)) == pytest.approx(share * math.acos(min(abs(whole[3]), 1.0)), abs=1e-6)
