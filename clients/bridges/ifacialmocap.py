"""iFacialMocap's text over UDP: to programs that take that iPhone app as their tracker.

Source: ifacialmocap.com/for-developer. A frame is ``eyeBlink_L-37|...|=head#rx,ry,rz,px,py,pz|rightEye#x,y,z|
leftEye#x,y,z|``: weights 0..100, degrees, metres. Version 2 writes ``&`` for ``-``. The app listens on port 49983 for
a greeting and sends to port 49983 of whoever greeted, in version 2 where ``|sendDataVersion=v2`` is part of it.

Signs of the eyes follow from the maker's example frames (x > 0 where eyeLookDown is, y > 0 towards the own left); head
angles are taken to have the same axes, x y z = headPitch, headYaw, headRoll of ``face.py``. Not verified: the order in
which a receiver applies them. There is no word for a face that is lost: when nothing comes the face goes to rest and
the packets end, which receivers notice.
"""

from __future__ import annotations

import math
import re
import socket
import time
from collections.abc import Callable

from .address import Address
from .bridge import Trouble
from .face import Face
from .poser import Pose, Presence
from .udp import Datagrams

GREETING = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
SECOND = b"sendDataVersion=v2"
MOST_GUESTS = 8
"""Receivers that have greeted; for one more, the one that has not done so for longest is forgotten."""
LISTEN_AGAIN_S = 5.0


class IFacialMocap(Datagrams):
    """``ifacialmocap://HOST:PORT?version=1|2&listen=ADDRESS:PORT``. With ``listen`` it also answers greetings that
    come to that address of this machine (``PORT`` alone: 127.0.0.1), as the app does, at the URL's port of the greeter.
    """

    def __init__(self, address: Address, tell: Callable[[str], object]) -> None:
        super().__init__(address, tell)
        self._version = int(address.options["version"])
        host, _, port = address.options.get("listen", "").rpartition(":")
        self._listen = (host.strip("[]") or "127.0.0.1", int(port)) if port else None
        self._door: socket.socket | None = None
        self._door_tried = -LISTEN_AGAIN_S
        self._door_trouble = Trouble(self.name, tell)
        self.guests: dict[tuple[str, int], int] = {}
        """The version by address, the newest last."""

    def packets(self, pose: Pose) -> list[bytes]:
        """One packet, none without a face."""
        return [] if pose.face is None or pose.presence is Presence.GONE else [text(pose.face, self._version)]

    def send(self, pose: Pose) -> None:
        """To the address, and to whoever has greeted. Raises OSError as for any datagrams."""
        self.idle()
        if self.guests and self._door is not None and pose.face is not None and pose.presence is not Presence.GONE:
            made = {version: text(pose.face, version) for version in set(self.guests.values())}
            for guest, version in self.guests.items():
                try:
                    self._door.sendto(made[version], guest)
                except OSError:
                    continue  # a guest that is not there is no trouble of the address
        super().send(pose)

    def idle(self) -> None:
        """Look for greetings; a port to listen on that cannot be had is said, and frames go to the address alone."""
        if self._listen is None:
            return
        now = time.monotonic()
        if self._door is None:
            if now - self._door_tried < LISTEN_AGAIN_S:
                return
            self._door_tried = now
            try:
                self._door = _bound(self._listen)
            except OSError as error:
                where = f"{self._listen[0]}:{self._listen[1]}"
                what = f"cannot listen on {where} ({error.strerror}): close the program that has the port"
                self._door_trouble.bad(what)
                return
            self._door_trouble.over()
        for greeted, version in self._greetings(self._door):
            self.guests.pop(greeted, None)
            self.guests[greeted] = version
        self.guests = dict(list(self.guests.items())[-MOST_GUESTS:])

    def shut(self) -> None:
        """Close both sockets."""
        super().shut()
        if self._door is not None:
            self._door.close()
            self._door = None

    def _greetings(self, door: socket.socket) -> list[tuple[tuple[str, int], int]]:
        """Whom to answer, and in which version, of at most as many as there may be guests."""
        found = []
        for _ in range(MOST_GUESTS):
            try:
                said, sender = door.recvfrom(256)
            except OSError:  # nothing waits; or an earlier packet to a guest was refused
                break
            if said.startswith(GREETING):
                found.append(((sender[0], self.address.port), 2 if SECOND in said else 1))
        return found


def _bound(where: tuple[str, int]) -> socket.socket:
    door = socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        door.setblocking(False)
        door.bind(where)
    except OSError:
        door.close()
        raise
    return door


def text(face: Face, version: int) -> bytes:
    """A frame of version 1 or 2."""
    mark = "-" if version == 1 else "&"
    shapes = "".join(f"{_name(name)}{mark}{round(100 * value)}|" for name, value in sorted(face.weights.items()))
    x, y, z = face.place
    head = _numbers(*(math.degrees(angle) for angle in (face.pitch, face.yaw, face.roll)), x, y, z)
    eyes = ""
    for side in ("Right", "Left"):
        look = face.look(side)
        eyes += f"{side.lower()}Eye#{_numbers(math.degrees(look.down), math.degrees(look.left), 0.0)}|"
    return f"{shapes}=head#{head}|{eyes}".encode("ascii")


def _name(arkit: str) -> str:
    """EyeBlinkLeft is eyeBlink_L here; mouthLeft and jawRight, which are directions, keep their names."""
    if arkit in ("mouthLeft", "mouthRight", "jawLeft", "jawRight"):
        return arkit
    return re.sub(r"(Left|Right)$", lambda side: f"_{side[0][0]}", arkit)


def _numbers(*values: float) -> str:
    return ",".join(f"{value + 0.0:.4f}" for value in values)
