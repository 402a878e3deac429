"""Live Link Face's packets over UDP: to Unreal's Live Link plugin (source "Apple ARKit"), and what else receives them.

There is no document of its maker. The layout is as PyLiveLinkFace reads and writes it, all big-endian: u8 version, 6;
i32 36 and an identifier of 36 letters; i32 length and the subject's name (UTF-8); u32 frame, f32 sub-frame, u32 frames
a second, u32 denominator; u8 61, 61 floats. Without a face it ends before the 61.

Not verified: whether the sub-frame is a float, and that angles are radians. Epic's own `ToBlendShapeMap` (Unreal's
ARKit plugin) turns a face's rotation into Yaw, Pitch, Roll so that for a face that is not mirrored they have the signs
of headYaw, headPitch and headRoll (``face.py``); older engines divided half turns by 180 degrees instead.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable

from .address import Address
from .face import Face
from .poser import Pose, Presence
from .udp import Datagrams

VERSION = 6
SIDED = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")
"""The first 14, all of the left, then all of the right."""
SHAPES = (
    *(f"{name}{side}" for side in ("Left", "Right") for name in SIDED),
    *("jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft"),
    *("mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft"),
    *("mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper"),
    *("mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft"),
    *("mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp"),
    *("browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft"),
    *("noseSneerRight", "tongueOut"),
)
"""The 52 in the packet's order; then yaw, pitch and roll of head, left and right eye."""
COUNT = len(SHAPES) + 9


class LiveLink(Datagrams):
    """``livelink://HOST:PORT?name=SUBJECT``; the name is what Unreal lists the avatar under."""

    def __init__(self, address: Address, tell: Callable[[str], object]) -> None:
        super().__init__(address, tell)
        self._name = address.options.get("name", "ReactionEngine")
        # one subject stays one device, however often the bridge is started
        self._device = str(uuid.uuid5(uuid.NAMESPACE_URL, f"livelink:{self._name}")).upper()

    def packets(self, pose: Pose) -> list[bytes]:
        """One packet."""
        return [packet(pose, self._name, self._device)]


def packet(pose: Pose, name: str, device: str) -> bytes:
    """``device``: 36 ASCII letters. The frame number is the time in frames of the pose's rate."""
    rate = max(round(pose.rate), 1)
    frame, rest = divmod(pose.time_s * rate, 1.0)
    told = name.encode()
    head = struct.pack(">Bi", VERSION, len(device)) + device.encode("ascii")
    head += struct.pack(">i", len(told)) + told + struct.pack(">IfII", int(frame) & 0xFFFFFFFF, rest, rate, 1)
    if pose.face is None or pose.presence is Presence.GONE:
        return head
    return head + struct.pack(f">B{COUNT}f", COUNT, *values(pose.face))


def values(face: Face) -> list[float]:
    """The 61 in order: weights in 0..1, angles in radians."""
    told = [face.weight(name) for name in SHAPES] + [face.yaw, face.pitch, face.roll]
    for side in ("Left", "Right"):
        look = face.look(side)
        told += [look.left, look.down, 0.0]
    return told
