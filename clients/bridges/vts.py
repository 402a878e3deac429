"""VTube Studio's public API: the messages, as plain JSON objects, and the avatar's face in its parameters.

Source: DenchiSoft/VTubeStudio (README, version 1.0). Text messages over a WebSocket, each with ``apiName``,
``apiVersion``, ``requestID``, ``messageType`` and ``data``. A plugin asks for a token once, which a person allows, and
shows it at every connection; then it may create parameters (alphanumeric, 4 to 32 characters, 100 at most) and inject
values. A value counts for a second.

VTube Studio's own parameters move any Live2D model that was set up by its defaults. Signs are those of Live2D's
standard parameters (docs.live2d.com: AngleX + to the right of the screen, Y + up, Z + to the right of the screen). The
avatar faces the screen, so its own left is the screen's right: X = headYaw, Y = -headPitch, Z = -headRoll, in degrees.
Eyes go the other way in VTube Studio's default setup (EyeRightX -1..1 to ParamEyeBallX 1..-1): + to the own right. For
smiles and brows 0.5 is a face at rest. Not verified with the program: these signs, and how steep smile and brows are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .face import EYE_ASIDE, EYE_UP_DOWN, Face

API, VERSION = "VTubeStudioPublicAPI", "1.0"
PLUGIN, DEVELOPER = "Reaction engine bridge", "Reaction engine"
DENIED = 50
"""Of errorID: a person has refused, or has taken back what was allowed."""
PREFIX = "Rx"
"""Of created parameters: JawOpen may be another plugin's."""


def request(kind: str, number: int, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A message; its answer has the same requestID."""
    told: dict[str, Any] = {"apiName": API, "apiVersion": VERSION, "requestID": f"rx{number}", "messageType": kind}
    return told | ({} if data is None else {"data": dict(data)})


def ask_token(number: int) -> dict[str, Any]:
    """A person is asked in VTube Studio whether this plugin may."""
    return request("AuthenticationTokenRequest", number, {"pluginName": PLUGIN, "pluginDeveloper": DEVELOPER})


def authenticate(number: int, token: str) -> dict[str, Any]:
    """Show the token for this connection."""
    told = {"pluginName": PLUGIN, "pluginDeveloper": DEVELOPER, "authenticationToken": token}
    return request("AuthenticationRequest", number, told)


def create(number: int, shape: str) -> dict[str, Any]:
    """A parameter of 0..1 for one of ARKit's shapes. One that this plugin has created before stays."""
    told = {"parameterName": created(shape), "explanation": f"ARKit's {shape}", "min": 0, "max": 1, "defaultValue": 0}
    return request("ParameterCreationRequest", number, told)


def created(shape: str) -> str:
    """The parameter's name for a shape: RxJawOpen."""
    return PREFIX + shape[:1].upper() + shape[1:]


def inject(number: int, values: Mapping[str, float], found: bool) -> dict[str, Any]:
    """Values by parameter; ``found``: whether a face is tracked."""
    told = [{"id": name, "value": round(value, 5) + 0.0} for name, value in values.items()]
    return request("InjectParameterDataRequest", number, {"faceFound": found, "mode": "set", "parameterValues": told})


def parameters(face: Face) -> dict[str, float]:
    """VTube Studio's own parameters: degrees, 0..1 or -1..1 (positions: centimetres)."""
    left, right = face.look("Left"), face.look("Right")
    x, y, z = (100.0 * value for value in face.place)
    smile = face.mean("mouthSmile") - face.mean("mouthFrown")
    brows = {side: _brow(face, side) for side in ("Left", "Right")}
    return {
        "FaceAngleX": math.degrees(face.yaw),
        "FaceAngleY": -math.degrees(face.pitch),
        "FaceAngleZ": -math.degrees(face.roll),
        "FacePositionX": x,
        "FacePositionY": y,
        "FacePositionZ": z,
        "EyeOpenLeft": _open(face, "Left"),
        "EyeOpenRight": _open(face, "Right"),
        "EyeLeftX": -left.left / EYE_ASIDE,
        "EyeLeftY": -left.down / EYE_UP_DOWN,
        "EyeRightX": -right.left / EYE_ASIDE,
        "EyeRightY": -right.down / EYE_UP_DOWN,
        "MouthOpen": _unit(face.weight("jawOpen") * (1 - face.weight("mouthClose"))),
        "MouthSmile": _unit(0.5 + 0.5 * smile),
        "MouthX": face.weight("mouthLeft") - face.weight("mouthRight"),
        "Brows": _unit(sum(brows.values()) / 2),
        "BrowLeftY": _unit(brows["Left"]),
        "BrowRightY": _unit(brows["Right"]),
        "CheekPuff": face.weight("cheekPuff"),
        "TongueOut": face.weight("tongueOut"),
    }


def _open(face: Face, side: str) -> float:
    """How far an eye is open: 1 at rest."""
    return _unit(1.0 - face.weight(f"eyeBlink{side}"))


def _brow(face: Face, side: str) -> float:
    up = (face.weight(f"browOuterUp{side}") + face.weight("browInnerUp")) / 2
    return 0.5 + 0.5 * (up - face.weight(f"browDown{side}"))


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
