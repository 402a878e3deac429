"""The contract between models, bundles and the engine, as plain data without torch.

A model is a step over frames. :class:`StreamSpec` says what one frame consumes, what it emits, what state it carries
and how far it looks ahead; ``models/`` implements it, ``export/`` writes it into a bundle's manifest, the engine
allocates its buffers from it. Shapes are per frame and per row: the batch axis, and for sequences the time axis, come
in front, so an input of shape ``(58,)`` is a ``(B, T, 58)`` tensor in training and ``(B, 1, 58)`` in serving.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from engine.body.skeleton import Skeleton, SkeletonError
from engine.errors import EngineError

InputRole = Literal["audio", "face", "body", "validity", "age", "control", "noise", "ids", "feature"]
StateKind = Literal["small", "ring"]

CURSOR = "cursor"
AGE = "age"
"""Every model carries a clock of two int64 vectors (B,): ``cursor`` counts rows ever written and picks the ring slot
(``cursor % window``); ``age`` counts frames since the row was reset and says how many slots are valid. A reset sets
``age`` to zero and leaves cursors and rings alone."""


class SpecError(EngineError, ValueError):
    """A spec, or values given for it, contradict themselves; the message names the field and the remedy."""


@dataclass(frozen=True)
class InputSpec:
    """One input of a frame.

    ``low`` and ``high`` bound every element (values are clamped, so a wild number cannot reach a state).
    ``missing`` fills a frame that holds a non-finite number; where ``validity`` names another input, that one is set
    to 0 on the same frame. ``age`` names the input that carries this one's age in seconds. Controls use ``missing`` as
    their default. A control with ``names`` is a choice: its values are 0 to the number of names less one, and it is
    set by name. A body, shape (joints, 3) in metres, names its ``skeleton``.
    """

    name: str
    role: InputRole
    shape: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    missing: float = 0.0
    validity: str | None = None
    age: str | None = None
    unit: str = ""
    names: tuple[str, ...] = ()
    dtype: str = "float32"
    about: str = ""
    skeleton: str = ""


@dataclass(frozen=True)
class OutputSpec:
    """One output of a frame; ``names`` label the elements of its flattened shape. Joint positions (joints, 3) and local
    rotations (joints, 4; quaternions x, y, z, w) of a body name its ``skeleton``."""

    name: str
    shape: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    dtype: str = "float32"
    skeleton: str = ""


@dataclass(frozen=True)
class StateSpec:
    """One state tensor per row. ``small``: shape as given, returned whole by every step. ``ring``: ``shape[0]`` slots
    of which a step returns only the new row, written at ``cursor % shape[0]`` by whoever runs the model."""

    shape: tuple[int, ...]
    kind: StateKind = "small"
    dtype: str = "float32"
    initial: float = 0.0

    @property
    def window(self) -> int:
        """Slots of a ring."""
        return self.shape[0]


@dataclass(frozen=True)
class StreamSpec:
    """What a stream model is, seen from outside. ``rate`` in frames a second; ``lookahead`` in frames by which outputs
    lag the inputs they are computed from; ``memory`` is the number of past frames an output depends on, or None where
    a recurrent state forgets only gradually."""

    name: str
    rate: float
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    state: Mapping[str, StateSpec] = field(default_factory=dict)
    sample_rate: int = 0
    lookahead: int = 0
    memory: int | None = None
    skeletons: tuple[Skeleton, ...] = ()

    def __post_init__(self) -> None:
        names = [item.name for item in self.inputs] + [item.name for item in self.outputs] + list(self.state)
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SpecError(f"{self.name}: {sorted(twice)} named more than once among inputs, outputs and state")
        for item in self.inputs:
            if item.dtype != "float32" and not (math.isfinite(item.low) and math.isfinite(item.high)):
                raise SpecError(f"{self.name}: input {item.name!r} is {item.dtype}; give it finite low and high")
            for companion in (item.validity, item.age):
                if companion is not None and companion not in names:
                    raise SpecError(f"{self.name}: input {item.name!r} names {companion!r}, which is no input")
        held = [item.name for item in self.skeletons]
        bodies = [(item.name, item.skeleton) for item in self.inputs]
        for name, body in bodies + [(item.name, item.skeleton) for item in self.outputs]:
            if body and body not in held:
                raise SpecError(f"{self.name}: {name!r} names skeleton {body!r}; the spec holds {held or 'none'}")
        if self.sample_rate and not float(self.sample_rate / self.rate).is_integer():
            raise SpecError(
                f"{self.name}: {self.sample_rate} Hz at {self.rate} frames/s is {self.sample_rate / self.rate} samples "
                "a frame; choose a sample rate that gives a whole number"
            )

    @property
    def hop(self) -> int:
        """Audio samples per frame."""
        return int(self.sample_rate / self.rate) if self.sample_rate else 0

    @property
    def controls(self) -> tuple[InputSpec, ...]:
        """Inputs that a person or program turns while the stream runs."""
        return tuple(item for item in self.inputs if item.role == "control")

    def input(self, name: str) -> InputSpec:
        """The input of that name. Raises :class:`SpecError` listing what there is."""
        return _named(self.inputs, name, f"{self.name}: no input")

    def output(self, name: str) -> OutputSpec:
        """The output of that name. Raises :class:`SpecError` listing what there is."""
        return _named(self.outputs, name, f"{self.name}: no output")

    def skeleton(self, name: str) -> Skeleton:
        """The skeleton of that name. Raises :class:`SpecError` listing what there is."""
        for item in self.skeletons:
            if item.name == name:
                return item
        raise SpecError(
            f"{self.name}: no skeleton {name!r}; there is {[item.name for item in self.skeletons] or 'none'}"
        )

    def by_role(self, role: InputRole) -> tuple[InputSpec, ...]:
        """Inputs of one role, in order."""
        return tuple(item for item in self.inputs if item.role == role)

    def check_controls(self, values: Mapping[str, Any]) -> dict[str, float]:
        """The given control values as floats. Raises :class:`SpecError` naming control, value and range."""
        checked = {}
        for name, value in values.items():
            item = _named(self.controls, name, f"{self.name}: no control")
            if item.names and str(value) in item.names:
                checked[name] = float(item.names.index(str(value)))
                continue
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.nan
            if item.names and not (item.low <= number <= item.high and number.is_integer()):
                raise SpecError(f"control {name} = {value!r} is no choice: give one of {', '.join(item.names)}")
            if not item.low <= number <= item.high:
                raise SpecError(
                    f"control {name} = {value!r} is out of range: give a number from {item.low:g} to {item.high:g}"
                )
            checked[name] = number
        return checked

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a manifest; :meth:`from_dict` restores an equal spec."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StreamSpec:
        """The spec that :meth:`to_dict` wrote. Raises :class:`SpecError` naming an unknown or missing field."""
        try:
            values = dict(data)
            values["inputs"] = tuple(InputSpec(**_tuples(item)) for item in values["inputs"])
            values["outputs"] = tuple(OutputSpec(**_tuples(item)) for item in values["outputs"])
            values["skeletons"] = tuple(Skeleton.from_dict(item) for item in values.get("skeletons", ()))
            values["state"] = {name: StateSpec(**_tuples(item)) for name, item in values.get("state", {}).items()}
            return cls(**values)
        except (TypeError, KeyError, AttributeError, SkeletonError) as error:
            raise SpecError(f"spec does not read: {error}") from error


_Item = TypeVar("_Item", InputSpec, OutputSpec)


def _named(items: Iterable[_Item], name: str, what: str) -> _Item:
    known = {item.name: item for item in items}
    if name not in known:
        raise SpecError(f"{what} {name!r}; there is {', '.join(known) or 'none'}")
    return known[name]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _tuples(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
