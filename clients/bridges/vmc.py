"""VMC (Virtual Motion Capture protocol) over OSC: to VSeeFace, Warudo, VNyan, VMagicMirror, EVMC4U and others.

Source: protocol.vmc.info/marionette-spec. One OSC bundle a pose: ``/VMC/Ext/T`` (seconds since the bridge began: a
float32 holds no time of day), ``OK``, ``Root/Pos``, ``Bone/Pos`` for each bone, ``Blend/Val`` for each expression, and
``Blend/Apply``. Unity's axes: left-handed, x to the avatar's own right, y up, z forward; rotations x y z w, local,
against the T-pose; metres.

``OK`` is 1, calibrated (3), normal mode (0), and whether the pose lives (1) or comes to rest (0). When it is gone,
``OK 0`` says that no bones follow.
"""

from __future__ import annotations

from collections.abc import Callable

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from .address import Address
from .face import Face
from .poser import Pose, Presence
from .presets import VRM0, expressions
from .turns import STILL, Array, unity_place, unity_turn
from .udp import Datagrams

CALIBRATED, NORMAL = 3, 0


class Vmc(Datagrams):
    """``vmc://HOST:PORT?names=both|arkit|vrm0|vrm1&case=pascal|camel``. ``names``: which expressions an avatar has;
    ``both`` are ARKit's and VRM 0's. ``case``: of ARKit's names, as Perfect Sync has them (JawOpen) or as ARKit has."""

    def __init__(self, address: Address, tell: Callable[[str], object]) -> None:
        super().__init__(address, tell)
        self._names, self._pascal = address.options["names"], address.options["case"] == "pascal"

    def packets(self, pose: Pose) -> list[bytes]:
        """One bundle."""
        return [bundle(pose, {} if pose.face is None else blends(pose.face, self._names, self._pascal))]


def blends(face: Face, names: str, pascal: bool) -> dict[str, float]:
    """Expressions by the names that are asked for."""
    told: dict[str, float] = {}
    if names in ("both", "arkit"):
        told |= {name[:1].upper() + name[1:] if pascal else name: value for name, value in face.weights.items()}
    if names != "arkit":
        made = expressions(face)
        told |= made if names == "vrm1" else {VRM0[name]: value for name, value in made.items() if name in VRM0}
    return told


def bundle(pose: Pose, values: dict[str, float]) -> bytes:
    """The bundle of a pose with these values of expressions."""
    made = OscBundleBuilder(IMMEDIATELY)

    def add(address: str, *arguments: str | int | float) -> None:
        message = OscMessageBuilder(f"/VMC/Ext/{address}")
        for argument in arguments:
            message.add_arg(argument)  # int, float (32 bits) or string by its type
        made.add_content(message.build())

    add("T", float(pose.time_s))
    if pose.presence is Presence.GONE:
        add("OK", 0, CALIBRATED, NORMAL, 0)
        return made.build().dgram
    add("OK", 1, CALIBRATED, NORMAL, int(pose.presence is Presence.HERE))
    add("Root/Pos", "root", *_numbers(STILL[:3], STILL))
    for name, bone in pose.bones.items():
        add("Bone/Pos", name, *_numbers(unity_place(bone.place), unity_turn(bone.turn)))
    for name, value in values.items():
        add("Blend/Val", name, float(value))
    if values:
        add("Blend/Apply")
    return made.build().dgram


def _numbers(place: Array, turn: Array) -> list[float]:
    """Seven floats to a millionth, so that no machine's rounding shows, and without negative zeros."""
    return [round(float(value), 6) + 0.0 for value in (*place, *turn)]
