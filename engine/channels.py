"""Channel names, units and sign conventions of the face and emotion vectors.

Everything that carries a face in this project carries the same 58 numbers, in this order:

- 0..51   expression weights in [0, 1], ARKit names in alphabetical order;
- 52..54  head rotation ``headPitch, headYaw, headRoll`` in radians, neutral 0;
- 55..57  head translation ``headX, headY, headZ`` in metres from the rest position, neutral 0.

Axes belong to the person, right-handed: x to their own left, y up, z forward out of the face. Rotations follow the
right-hand rule, composed as ``R = Ry(yaw) @ Rx(pitch) @ Rz(roll)``:

- ``headPitch > 0`` looks down (the first half of a nod);
- ``headYaw   > 0`` turns to the person's own left (rightwards in an unmirrored picture);
- ``headRoll  > 0`` tilts the top of the head to the person's own right.

Emotion is 25 numbers in REACT2024's column order: 15 facial action units in [0, 1], valence and arousal in [-1, 1],
then the probabilities of 8 expressions.

Other systems order the 52 differently (ARKit's own enum, Live Link, MediaPipe), so sources are mapped by name through
:func:`expression_from_names`, never by index.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

EXPRESSION_NAMES: tuple[str, ...] = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
HEAD_NAMES: tuple[str, ...] = ("headPitch", "headYaw", "headRoll", "headX", "headY", "headZ")
FACE_NAMES: tuple[str, ...] = EXPRESSION_NAMES + HEAD_NAMES
FACE_UNITS: tuple[str, ...] = ("weight",) * 52 + ("rad",) * 3 + ("m",) * 3

ACTION_UNITS: tuple[int, ...] = (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 23, 24, 25, 26)
EXPRESSIONS: tuple[str, ...] = ("Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger", "Contempt")
EMOTION_NAMES: tuple[str, ...] = (*(f"AU{n}" for n in ACTION_UNITS), "valence", "arousal", *EXPRESSIONS)
EMOTION_UNITS: tuple[str, ...] = ("intensity",) * 15 + ("score",) * 2 + ("probability",) * 8

FACE = {name: index for index, name in enumerate(FACE_NAMES)}


def expression_from_names(scores: Mapping[str, float]) -> NDArray[np.float32]:
    """The 52 expression weights, (52,) float32, from scores keyed by ARKit name in any case and order.

    Names that ARKit does not have (MediaPipe's ``_neutral``) are ignored and missing ones (``tongueOut``, which
    MediaPipe never gives) are 0. Live Link writes ``EyeBlinkLeft``, ARKit ``eyeBlinkLeft``: both are accepted.
    """
    lowered = {name.lower(): value for name, value in scores.items()}
    return np.array([lowered.get(name.lower(), 0.0) for name in EXPRESSION_NAMES], np.float32)


def head_rotation(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """The (3, 3) matrix ``Ry(yaw) @ Rx(pitch) @ Rz(roll)`` of angles in radians."""
    (cp, cy, cr), (sp, sy, sr) = np.cos([pitch, yaw, roll]), np.sin([pitch, yaw, roll])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    rotation: NDArray[np.float64] = about_y @ about_x @ about_z
    return rotation


def head_quaternion(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """The same rotation as :func:`head_rotation` as a quaternion (4,), x y z w."""
    (cp, cy, cr), (sp, sy, sr) = np.cos([pitch / 2, yaw / 2, roll / 2]), np.sin([pitch / 2, yaw / 2, roll / 2])
    x, y, z = cy * sp * cr + sy * cp * sr, sy * cp * cr - cy * sp * sr, cy * cp * sr - sy * sp * cr
    return np.array([x, y, z, cy * cp * cr + sy * sp * sr])


def head_angles(rotation: NDArray[np.floating]) -> tuple[float, float, float]:
    """(pitch, yaw, roll) in radians of a (3, 3) rotation, the inverse of :func:`head_rotation` for |pitch| < pi/2."""
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1.0, 1.0))
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    return float(pitch), float(yaw), float(roll)
