"""What a session publishes: the model's outputs and, with ``--monitor``, what it was given of its partner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from engine.channels import FACE_NAMES
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.wire import PARTNER_STREAM, layout_hash

BAD_INPUT = "bad_input"
"""The output by which a model says that it was given a non-finite input (``models.contract``); not published."""
MONITORED = ("audio", "face", "body")
"""Roles of inputs that are published with ``--monitor``."""
_QUATERNION = ("x", "y", "z", "w")


@dataclass(frozen=True)
class Stream:
    """One published stream: number, what its values mean (names, units, codec; sound that was heard is "pcm"), the
    skeleton they move ("" where they move none), and whose they are: the avatar's own ("self") or its partner's."""

    number: int
    name: str
    kind: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    layout: int
    skeleton: str = ""
    codec: str = "numbers"
    of: str = "self"

    def describe(self) -> dict[str, Any]:
        """As announced on the control socket."""
        return {
            "stream": self.number,
            "name": self.name,
            "kind": self.kind,
            "names": list(self.names),
            "units": list(self.units),
            "layout": self.layout,
            "skeleton": self.skeleton,
            "codec": self.codec,
            "of": self.of,
        }


def streams(spec: StreamSpec, monitor: bool, first: int = 0) -> list[Stream]:
    """The streams of a model: outputs from ``first``, and with ``monitor`` its audio, face and body inputs from
    ``first`` + 256. A session's further bundles begin at a ``first`` of their own."""
    made = []
    for number, output in enumerate(item for item in spec.outputs if item.name != BAD_INPUT):
        names = output.names or _names(spec, output, "")
        units = output.units or (_unit(output),) * len(names)
        made.append(_stream(first + number, output, "output", names, units))
    inputs = [item for item in spec.inputs if item.role in MONITORED] if monitor else []
    for number, item in enumerate(inputs):
        names = item.names or _names(spec, item, item.unit)
        units = (item.unit or _unit(item),) * len(names)
        made.append(_stream(first + PARTNER_STREAM + number, item, "input", names, units))
    return made


def _stream(
    number: int, item: InputSpec | OutputSpec, kind: str, names: tuple[str, ...], units: tuple[str, ...]
) -> Stream:
    codec, of = (item.codec, "self") if isinstance(item, OutputSpec) else (_heard_or_seen(item), item.of)
    return Stream(number, item.name, kind, names, units, layout_hash(names, units), item.skeleton, codec, of)


def _heard_or_seen(item: InputSpec) -> str:
    """The codec of what a model was given."""
    if item.role == "audio":
        return "pcm"
    return "joints" if item.role == "body" else "arkit58" if item.names == FACE_NAMES else "numbers"


def _names(spec: StreamSpec, item: InputSpec | OutputSpec, stem: str) -> tuple[str, ...]:
    """Names for values that the spec leaves unnamed: of joints, or numbers."""
    if item.skeleton:
        skeleton = spec.skeleton(item.skeleton)
        if item.shape == (len(skeleton.joints), 3):
            return skeleton.channels
        if item.shape == (len(skeleton.joints), 4):
            return tuple(f"{joint}.{part}" for joint in skeleton.joints for part in _QUATERNION)
    return tuple(f"{stem}{index}" for index in range(math.prod(item.shape)))


def _unit(item: InputSpec | OutputSpec) -> str:
    return "m" if item.skeleton and item.shape[-1:] == (3,) else ""
