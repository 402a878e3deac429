"""The packets of one fixed pose, byte for byte, and what other implementations read in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from oscpy.parser import read_packet
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from clients.bridges import vmc, vts
from clients.bridges.poser import Presence
from engine.channels import EXPRESSION_NAMES

from .bridges import DEVICE, NUMBERS, PATH, packets, pose_of

GOLDEN: dict[str, str] = json.loads(PATH.read_text())
SENT = packets()


def packet(name: str) -> bytes:
    return bytes.fromhex(GOLDEN[name])


def osc(name: str) -> list[tuple[str, str, list[Any]]]:
    return [(a.decode(), tags.decode(), v) for a, tags, v, _ in read_packet(packet(name), encoding="utf-8")]


@pytest.mark.parametrize("name", [*SENT])
def test_packets_are_the_same_to_the_byte(name: str) -> None:
    assert SENT[name] == GOLDEN[name]
    assert set(SENT) == set(GOLDEN)


def test_vmc_is_one_bundle_in_the_order_of_its_document() -> None:
    told = osc("vmc both")
    assert packet("vmc both")[:16] == b"#bundle\0" + bytes(7) + b"\1"  # to be taken at once
    addresses = [address.removeprefix("/VMC/Ext/") for address, _, _ in told]
    assert addresses[:3] == ["T", "OK", "Root/Pos"] and addresses[-1] == "Blend/Apply"
    assert addresses[3:7] == ["Bone/Pos"] * 4 and set(addresses[7:-1]) == {"Blend/Val"}
    tags = {address.removeprefix("/VMC/Ext/"): kinds for address, kinds, _ in told}
    assert tags == {
        "T": "f",
        "OK": "iiii",
        "Root/Pos": "sfffffff",
        "Bone/Pos": "sfffffff",
        "Blend/Val": "sf",
        "Blend/Apply": "",
    }
    assert told[0][2] == [2.5] and told[1][2] == [1, 3, 0, 1]
    assert told[2][2] == ["root", 0, 0, 0, 0, 0, 0, 1]
    assert [values[0] for _, _, values in told[3:7]] == ["Neck", "Head", "LeftEye", "RightEye"]
    values = {values[0]: values[1] for _, kinds, values in told if kinds == "sf"}
    for name in EXPRESSION_NAMES:
        assert values[name[:1].upper() + name[1:]] == pytest.approx(NUMBERS.get(name, 0.0))
    assert values["Blink"] == 0.25 and values["Blink_L"] == 0.5 and values["Blink_R"] == 0.0


def test_vmc_names_bodies_as_unity_does() -> None:
    told = {values[0]: values[1:] for _, kinds, values in osc("vmc body") if kinds == "sfffffff"}
    assert {"root", "Hips", "Spine", "Chest", "Neck", "Head", "LeftUpperArm", "RightUpperLeg", "LeftFoot"} <= set(told)
    assert told["Hips"][0] == -0.5  # half a metre to the own left
    assert told["LeftUpperArm"][3:] != pytest.approx([0, 0, 0, 1], abs=1e-3)
    assert all(sum(value**2 for value in values[3:]) == pytest.approx(1.0, abs=1e-5) for values in told.values())


def test_vmc_says_when_nothing_follows() -> None:
    assert [(address, values) for address, _, values in osc("vmc gone")] == [
        ("/VMC/Ext/T", [2.5]),
        ("/VMC/Ext/OK", [0, 3, 0, 0]),
    ]


def test_vmc_says_when_the_avatar_goes_to_rest() -> None:
    resting = replace(pose_of(NUMBERS), presence=Presence.RESTING)
    told = {address.decode(): values for address, _, values, _ in read_packet(vmc.bundle(resting, {}))}
    assert told["/VMC/Ext/OK"] == [1, 3, 0, 0] and "/VMC/Ext/Bone/Pos" in told


def test_live_link_is_read_by_another_implementation() -> None:
    there, told = PyLiveLinkFace.decode(packet("livelink"))
    assert there and len(packet("livelink")) == 306 + len("Avatar")
    assert (told.name, told.uuid) == ("Avatar", f"${DEVICE}")  # what it calls $ is the length of the identifier
    assert (told.fps, told._frames, told._denominator, told._version) == (25, 62, 1, 6)
    assert told._sub_frame == 0.5  # 2.5 s at 25 a second
    for name in EXPRESSION_NAMES:
        shape = FaceBlendShape[name[:1].upper() + name[1:]]
        assert told.get_blendshape(shape) == pytest.approx(NUMBERS.get(name, 0.0))
    head = [told.get_blendshape(FaceBlendShape[f"Head{angle}"]) for angle in ("Pitch", "Yaw", "Roll")]
    assert head == [NUMBERS["headPitch"], NUMBERS["headYaw"], NUMBERS["headRoll"]]


def test_live_link_without_a_face_ends_early() -> None:
    there, _ = PyLiveLinkFace.decode(packet("livelink gone"))
    assert not there
    assert packet("livelink").startswith(packet("livelink gone"))


@pytest.mark.parametrize(("name", "mark"), [("ifacialmocap 1", "-"), ("ifacialmocap 2", "&")])
def test_ifacialmocap_is_as_its_document_shows_it(name: str, mark: str) -> None:
    text = packet(name).decode("ascii")
    shapes, bones = text.split("=")
    assert shapes.count("|") == 52 and shapes.endswith("|")
    assert f"eyeBlink_L{mark}75|eyeBlink_R{mark}25|" in shapes and f"mouthLeft{mark}6|" in shapes
    assert f"browInnerUp{mark}62|" in shapes and f"jawOpen{mark}30|" in shapes
    assert bones == (
        "head#14.3239,28.6479,-7.1620,0.0100,-0.0200,0.0300|rightEye#17.7000,9.4500,0.0000|"
        "leftEye#17.7000,9.4500,0.0000|"
    )


def test_vtube_studio_is_asked_as_its_document_shows_it() -> None:
    told = {name: json.loads(packet(f"vts {name}")) for name in ("token", "authenticate", "create", "inject")}
    for message in told.values():
        assert message["apiName"] == "VTubeStudioPublicAPI" and message["apiVersion"] == "1.0"
        assert message["requestID"].isalnum() and 1 <= len(message["requestID"]) <= 64
    names = {"pluginName": vts.PLUGIN, "pluginDeveloper": vts.DEVELOPER}
    assert all(3 <= len(name) <= 32 for name in names.values())
    assert told["token"]["messageType"] == "AuthenticationTokenRequest" and told["token"]["data"] == names
    assert told["authenticate"]["messageType"] == "AuthenticationRequest"
    assert told["authenticate"]["data"] == names | {"authenticationToken": "a-token"}
    made = told["create"]["data"]
    assert told["create"]["messageType"] == "ParameterCreationRequest"
    assert made == {
        "parameterName": "RxJawOpen",
        "explanation": "ARKit's jawOpen",
        "min": 0,
        "max": 1,
        "defaultValue": 0,
    }
    assert told["inject"]["messageType"] == "InjectParameterDataRequest"
    assert told["inject"]["data"]["faceFound"] is True and told["inject"]["data"]["mode"] == "set"
    values = {each["id"]: each["value"] for each in told["inject"]["data"]["parameterValues"]}
    assert values["FaceAngleX"] == 28.64789 and values["FaceAngleY"] == -14.32394 and values["EyeOpenLeft"] == 0.25


def test_every_created_parameter_has_a_name_that_vtube_studio_takes() -> None:
    names = [vts.created(name) for name in EXPRESSION_NAMES]
    assert len(set(names)) == 52 <= 100
    assert all(name.isalnum() and name.isascii() and 4 <= len(name) <= 32 for name in names)
