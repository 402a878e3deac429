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
from typing import Any, ClassVar, TypeVar

from engine.body.skeleton import Skeleton
from engine.errors import SpecError
from engine.phrases import lasting
from engine.plain import STRICT, PlainError, read
from engine.spec_check import check
from engine.spec_items import InputRole, InputSpec, OutputSpec, StateSpec

__all__ = ["AGE", "CURSOR", "ControlValue", "InputSpec", "OutputSpec", "SpecError", "StateSpec", "StreamSpec"]

ControlValue = float | tuple[float, ...]

CURSOR = "cursor"
AGE = "age"
"""Every model carries a clock of two int64 vectors (B,): ``cursor`` counts rows ever written and picks the ring slot
(``cursor % window``); ``age`` counts frames since the row was reset and says how many slots are valid. A reset sets
``age`` to zero and leaves cursors and rings alone."""


@dataclass(frozen=True)
class StreamSpec:
    """What a stream model is, seen from outside. ``rate`` in frames a second; ``lookahead`` in frames by which outputs
    lag the inputs they are computed from; ``memory`` is the number of past frames an output depends on, or None where
    a recurrent state forgets only gradually. ``quantum`` frames are decided together: what comes in during them acts
    from the first frame of the next ones on, counted from a row's reset."""

    name: str
    rate: float
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    state: Mapping[str, StateSpec] = field(default_factory=dict)
    sample_rate: int = 0
    lookahead: int = 0
    memory: int | None = None
    skeletons: tuple[Skeleton, ...] = ()
    quantum: int = 1

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        check(self)

    @property
    def hop(self) -> int:
        """Audio samples per frame."""
        return int(self.sample_rate / self.rate) if self.sample_rate else 0

    @property
    def controls(self) -> tuple[InputSpec, ...]:
        """Inputs that a person or program turns while the stream runs."""
        return tuple(item for item in self.inputs if item.role == "control")

    @property
    def texts(self) -> tuple[InputSpec, ...]:
        """Inputs that are the vector of a text, which is set like a control."""
        return tuple(item for item in self.inputs if item.role == "text")

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

    def check_controls(self, values: Mapping[str, Any]) -> dict[str, ControlValue]:
        """The given control values as a float, or of a vector a tuple of floats. Raises :class:`SpecError` naming
        control, value and what it may be."""
        return {
            name: control_value(_named(self.controls, name, f"{self.name}: no control"), value)
            for name, value in values.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a manifest; :meth:`from_dict` restores an equal spec. What few specs have is left out where
        it is not used, so that an engine that does not know it yet reads the others."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        for item in plain["inputs"]:
            if not item["choices"]:
                del item["choices"]
        if self.quantum == 1:
            del plain["quantum"]
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StreamSpec:
        """The spec that :meth:`to_dict` wrote. Raises :class:`SpecError` naming an unknown, missing or wrong field."""
        try:
            return read(cls, data)
        except PlainError as error:
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


def control_value(item: InputSpec, value: Any) -> ControlValue:
    """A control's value as the model takes it, from a number, a name, or of a vector a list or "0.1,0.2". Raises
    :class:`SpecError` in the words of what the control is."""
    if item.choices:
        return lasting(item, value)
    if item.names and not item.shape and str(value) in item.names:
        return float(item.names.index(str(value)))
    numbers = _numbers(value) if item.shape or not isinstance(value, (list, tuple)) else (math.nan,)
    within = all(item.low <= number <= item.high for number in numbers)
    if item.shape:
        count = math.prod(item.shape)
        if len(numbers) != count or not within:
            raise SpecError(
                f"control {item.name} = {_shown(value)} is no vector of it: give {count} numbers from {item.low:g} to "
                f"{item.high:g}, separated by commas"
            )
        return numbers
    if item.names and not (len(numbers) == 1 and within and numbers[0].is_integer()):
        raise SpecError(f"control {item.name} = {_shown(value)} is no choice: give one of {', '.join(item.names)}")
    if len(numbers) != 1 or not within:
        raise SpecError(
            f"control {item.name} = {_shown(value)} is out of range: give a number from {item.low:g} to {item.high:g}"
        )
    return numbers[0]


def _numbers(value: Any) -> tuple[float, ...]:
    """The numbers that a value of whatever kind says; NaN, which lies in no range, for what is none."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        return (math.nan,)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
