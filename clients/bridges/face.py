"""The avatar's face as bridges need it: weights by ARKit's names, the head's turn and place, where the eyes look.

What the engine's 58 numbers mean (codec ``arkit58``): 52 weights in 0..1, head angles in radians, a place in metres.
All is the avatar's own, in right-handed axes, x to its left, y up, z forward:

- ``headPitch > 0`` looks down, the first half of a nod;
- ``headYaw > 0`` turns to the avatar's own left;
- ``headRoll > 0`` tilts the top of the head to its own right; the matrix is ``Ry(yaw) @ Rx(pitch) @ Rz(roll)``;
- ``eyeLookInLeft``: the left eye looks towards the nose, so to the own right; ``eyeLookOutLeft`` to the own left.

Nothing here is mirrored. A program that shows its user as a mirror does has a switch for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .turns import Array, about, times

EYE_UP_DOWN, EYE_ASIDE = math.radians(35.4), math.radians(37.8)
"""How far an eye has turned at weight 1, radians. From the example frames that iFacialMocap and Facemotion3D publish
(ifacialmocap.com, facemotion3d.net, for developers), which have weights and degrees side by side."""
HEAD = ("headPitch", "headYaw", "headRoll")
PLACE = ("headX", "headY", "headZ")


@dataclass(frozen=True)
class Look:
    """Where an eye looks against the head, radians: ``down`` and to the own ``left``, as headPitch and headYaw."""

    down: float
    left: float

    def turn(self) -> Array:
        """As a quaternion."""
        return times(about(1, self.left), about(0, self.down))


@dataclass(frozen=True)
class Face:
    """``weights`` by ARKit's names (lowerCamel), each in 0..1; angles in radians, ``place`` in metres."""

    weights: Mapping[str, float]
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def of(cls, named: Mapping[str, float]) -> Face:
        """From the numbers of an ``arkit58`` frame by name; what is missing or not finite is 0."""
        found = {name: value if math.isfinite(value) else 0.0 for name, value in named.items()}
        pitch, yaw, roll = (found.get(name, 0.0) for name in HEAD)
        x, y, z = (found.get(name, 0.0) for name in PLACE)
        weights = {
            name: min(max(value, 0.0), 1.0) for name, value in found.items() if name not in HEAD and name not in PLACE
        }
        return cls(weights, pitch, yaw, roll, (x, y, z))

    def weight(self, name: str) -> float:
        """Of a shape; 0 for one that did not come."""
        return self.weights.get(name, 0.0)

    def mean(self, name: str) -> float:
        """Of the left and the right of a shape."""
        return (self.weight(f"{name}Left") + self.weight(f"{name}Right")) / 2

    def turn(self) -> Array:
        """The head's turn as a quaternion."""
        return times(about(1, self.yaw), times(about(0, self.pitch), about(2, self.roll)))

    def look(self, side: str) -> Look:
        """Where the eye of a side ("Left" or "Right") looks."""
        outward = self.weight(f"eyeLookOut{side}") - self.weight(f"eyeLookIn{side}")
        down = self.weight(f"eyeLookDown{side}") - self.weight(f"eyeLookUp{side}")
        return Look(down * EYE_UP_DOWN, outward * EYE_ASIDE * (1.0 if side == "Left" else -1.0))

    def faded(self, share: float) -> Face:
        """The way to rest: at ``share`` 0 as it is, at 1 nothing moves any more."""
        left = 1.0 - share
        x, y, z = (value * left for value in self.place)
        weights = {name: value * left for name, value in self.weights.items()}
        return replace(
            self, weights=weights, pitch=self.pitch * left, yaw=self.yaw * left, roll=self.roll * left, place=(x, y, z)
        )
