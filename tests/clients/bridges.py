"""Poses, frames and receivers for the tests of bridges; ``python -m tests.clients.bridges`` rewrites
``bridges_golden.json``, the packets of one fixed pose in every protocol. Rewriting is right only where a protocol was
read wrongly: avatar programs receive these bytes.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clients.bridges import ifacialmocap, livelink, vmc, vts
from clients.bridges.face import Face
from clients.bridges.poser import Pose, Poser, Presence
from clients.python.announced import Announced, Frame, Received
from engine.body.humanoid import humanoid
from engine.body.skeleton import Skeleton, skeleton
from engine.channels import FACE_NAMES

from . import fake

PATH = Path(__file__).with_name("bridges_golden.json")
DEVICE = "00000000-0000-0000-0000-000000000001"


def face(**numbers: float) -> Face:
    """A face with these of its 58 numbers, the rest at 0."""
    return Face.of(dict.fromkeys(FACE_NAMES, 0.0) | numbers)


def announcement(
    *codecs: str,
    body: Skeleton | None = None,
    bundle: str = "one",
    rate: float = 25.0,
    rates: tuple[float, ...] = (),
) -> Announced:
    """An engine with outputs of these codecs, numbered as listed, all at ``rate`` or each at its own."""
    body = body or skeleton("cmu")
    names = {
        "arkit58": list(FACE_NAMES),
        "joints": list(body.channels),
        "quaternions": [f"{joint}.{axis}" for joint in body.joints for axis in "xyzw"],
        "emotion25": ["valence"],
    }
    told = fake.description("tcp://127.0.0.1:1", monitor=False)
    about = body.to_dict() | {"humanoid": humanoid(body)}
    streams = [
        fake.stream(n, each, "output", names[each], ["1"] * len(names[each]), each, body.name)
        | ({"rate": rates[n]} if rates else {})
        for n, each in enumerate(codecs)
    ]
    return Announced.read(told | {"streams": streams, "skeletons": {body.name: about}, "bundle": bundle, "rate": rate})


def frame(engine: Announced, number: int, values: Any, flags: int = 0, run: int = 0, seq: int = 0) -> Received:
    """A frame as a subscriber hands it out."""
    info = engine.streams[number]
    flat = np.asarray(values, np.float32).ravel()
    return Received.of(Frame(5, number, flags, 1, seq, 1, 2, 3, info.layout, flat), info, engine, run, 4)


def pose_of(face_numbers: dict[str, float] | None = None, body: np.ndarray | None = None) -> Pose:
    """What a poser makes of a face, a body of places (J, 3) or both, 2.5 s after it began."""
    engine = announcement(*(["arkit58"] if face_numbers is not None else []), *(["joints"] if body is not None else []))
    poser, made = Poser(0.0), None
    for info in engine.streams:
        given = body if info.codec == "joints" else fake.face(**(face_numbers or {}))
        made = poser.take(frame(engine, info.number, given), 2.5)
    assert made is not None
    return made


NUMBERS = {
    "headPitch": 0.25,
    "headYaw": 0.5,
    "headRoll": -0.125,
    "headX": 0.01,
    "headY": -0.02,
    "headZ": 0.03,
    "eyeBlinkLeft": 0.75,
    "eyeBlinkRight": 0.25,
    "eyeLookDownLeft": 0.5,
    "eyeLookDownRight": 0.5,
    "eyeLookOutLeft": 0.25,
    "eyeLookInRight": 0.25,
    "mouthSmileLeft": 0.5,
    "mouthSmileRight": 1.0,
    "jawOpen": 0.3,
    "mouthFunnel": 0.125,
    "browInnerUp": 0.625,
    "mouthLeft": 0.0625,
}


def raised() -> np.ndarray:
    """A body whose left hand is higher than it rests, at x = 0.5 m."""
    body = skeleton("cmu")
    at = fake.standing(x=0.5)
    at[body.index("lHand"), 1] += 0.1
    at[body.index("lMid1"), 1] += 0.1
    return at


def packets() -> dict[str, str]:
    """The packets as hex (texts of VTube Studio: as they are) by name."""
    pose, body = pose_of(NUMBERS), pose_of(None, raised())
    gone = Pose(pose.face, pose.bones, 2.5, 1, 25.0, Presence.GONE)
    assert pose.face is not None
    made = {
        **{f"vmc {n}": vmc.bundle(pose, vmc.blends(pose.face, n, True)) for n in ("both", "arkit", "vrm0", "vrm1")},
        "vmc body": vmc.bundle(body, {}),
        "vmc gone": vmc.bundle(gone, {}),
        "livelink": livelink.packet(pose, "Avatar", DEVICE),
        "livelink gone": livelink.packet(gone, "Avatar", DEVICE),
        "ifacialmocap 1": ifacialmocap.text(pose.face, 1),
        "ifacialmocap 2": ifacialmocap.text(pose.face, 2),
        "vts token": json.dumps(vts.ask_token(1)).encode(),
        "vts authenticate": json.dumps(vts.authenticate(2, "a-token")).encode(),
        "vts create": json.dumps(vts.create(3, "jawOpen")).encode(),
        "vts inject": json.dumps(vts.inject(4, vts.parameters(pose.face), True)).encode(),
    }
    return {name: packet.hex() for name, packet in made.items()}


class Receiver:
    """A UDP port of this machine, closed at the end of a ``with``."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = int(self.socket.getsockname()[1])

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def next(self, seconds: float = 15.0) -> bytes:
        """The next packet."""
        self.socket.settimeout(seconds)
        return self.socket.recv(65535)

    def waiting(self) -> list[bytes]:
        """What has come."""
        self.socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.socket.recv(65535))
        except BlockingIOError:
            return found


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


if __name__ == "__main__":
    PATH.write_text(json.dumps(packets(), indent=1) + "\n")
