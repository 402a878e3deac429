"""What a spec must keep to, whoever wrote it: roles and owners, companions, names, codecs, and sizes that bound memory.

A spec may come from a stranger's bundle, so everything that later code takes for granted is checked here, once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from engine.body.skeleton import Skeleton
from engine.errors import SpecError
from engine.phrases import trouble
from engine.roles import CODEC_FAMILIES, CODECS, OWNERS, ROLES, WORD, codec_known
from engine.spec_items import InputSpec, OutputSpec, StateSpec
from engine.text.fields import FIELDS

MOST_ITEMS = 256
"""Inputs, and outputs; a hundred would already be an odd model."""
MOST_STATE = 4096
MOST_VALUES = 65_535
"""Numbers of one output: the wire counts them in 16 bits."""
MOST_ELEMENTS = 1 << 24
"""Numbers of one input or state tensor."""
MOST_AXES = 8
LONGEST_NAME = 128
FASTEST, LOUDEST = 1000.0, 384_000
MOST_QUANTUM = 1000
"""Frames that are decided together."""
DTYPES = ("float32", "int64", "bool")


class Whole(Protocol):
    """What is checked: :class:`engine.spec.StreamSpec`."""

    @property
    def name(self) -> str: ...
    @property
    def rate(self) -> float: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def lookahead(self) -> int: ...
    @property
    def memory(self) -> int | None: ...
    @property
    def quantum(self) -> int: ...
    @property
    def hop(self) -> int: ...
    @property
    def inputs(self) -> tuple[InputSpec, ...]: ...
    @property
    def outputs(self) -> tuple[OutputSpec, ...]: ...
    @property
    def state(self) -> Mapping[str, StateSpec]: ...
    @property
    def skeletons(self) -> tuple[Skeleton, ...]: ...


def check(spec: Whole) -> None:
    """Raise :class:`~engine.spec.SpecError` naming the first thing that does not fit."""
    if not _named(spec.name):
        raise SpecError(f"a spec named {spec.name[:60]!r}; give 1 to {LONGEST_NAME} characters that can be printed")
    _sizes(spec)
    names = Counter([item.name for item in spec.inputs] + [item.name for item in spec.outputs] + list(spec.state))
    twice = sorted(name for name, times in names.items() if times > 1)
    if twice:
        raise _error(spec, f"{twice} named more than once among inputs, outputs and state")
    for item in spec.inputs:
        _input(spec, item)
    for output in spec.outputs:
        _output(spec, output)
    held = [item.name for item in spec.skeletons]
    bodies = [(item.name, item.skeleton) for item in spec.inputs] + [(one.name, one.skeleton) for one in spec.outputs]
    for name, body in bodies:
        if body and body not in held:
            raise _error(spec, f"{name!r} names skeleton {body!r}; the spec holds {held or 'none'}")


def _sizes(spec: Whole) -> None:
    for what, count, most in (
        ("inputs", len(spec.inputs), MOST_ITEMS),
        ("outputs", len(spec.outputs), MOST_ITEMS),
        ("state tensors", len(spec.state), MOST_STATE),
        ("skeletons", len(spec.skeletons), MOST_ITEMS),
    ):
        if count > most:
            raise _error(spec, f"{count} {what}, {most} at most")
    if not 0.0 < spec.rate <= FASTEST:
        raise _error(spec, f"rate {spec.rate}: give frames a second, above 0 and up to {FASTEST:g}")
    if not 0 <= spec.sample_rate <= LOUDEST or spec.lookahead < 0 or (spec.memory is not None and spec.memory < 0):
        told = f"sample rate {spec.sample_rate}, look-ahead {spec.lookahead}, memory {spec.memory}"
        raise _error(spec, f"{told}: they cannot be below 0, nor the rate above {LOUDEST}")
    if not 1 <= spec.quantum <= MOST_QUANTUM:
        raise _error(spec, f"{spec.quantum} frames are decided together: give 1 to {MOST_QUANTUM}")
    if spec.sample_rate and not float(spec.sample_rate / spec.rate).is_integer():
        raise _error(
            spec,
            f"{spec.sample_rate} Hz at {spec.rate} frames/s is {spec.sample_rate / spec.rate} samples a frame; choose "
            "a sample rate that gives a whole number",
        )
    shapes = [(item.name, item.shape, item.dtype) for item in spec.inputs]
    shapes += [(one.name, one.shape, one.dtype) for one in spec.outputs]
    shapes += [(name, held.shape, held.dtype) for name, held in spec.state.items()]
    for name, shape, dtype in shapes:
        if not _named(name):
            raise _error(spec, f"{name[:60]!r} is no name; give 1 to {LONGEST_NAME} characters that can be printed")
        fits = len(shape) <= MOST_AXES and all(0 <= size <= MOST_ELEMENTS for size in shape)
        if not fits or math.prod(shape) > MOST_ELEMENTS:
            raise _error(
                spec, f"{name!r} has shape {shape[:MOST_AXES]}; {MOST_ELEMENTS} numbers in {MOST_AXES} axes at most"
            )
        if dtype not in DTYPES:
            raise _error(spec, f"{name!r} is {dtype!r}; there is {', '.join(DTYPES)}")
    for name, held in spec.state.items():
        if math.isnan(held.initial):
            raise _error(spec, f"state {name!r} begins as NaN; give a number")
        if held.kind == "ring" and (not held.shape or held.window < 1):
            raise _error(spec, f"ring {name!r} has shape {held.shape}; its first number counts the slots")


def _input(spec: Whole, item: InputSpec) -> None:
    role = ROLES.get(item.role)
    if role is None:
        raise _error(spec, f"input {item.name!r} has the unknown role {item.role!r}; there is {', '.join(ROLES)}")
    if role.owned and item.of not in OWNERS:
        raise _error(
            spec, f"input {item.name!r} ({item.role}) does not say whose it is: of = {item.of!r}; there is "
            f"{', '.join(OWNERS)}",
        )  # fmt: skip
    if item.of and item.of not in OWNERS:
        raise _error(spec, f"input {item.name!r} is of {item.of!r}; there is {', '.join(OWNERS)}")
    if item.dtype != "float32" and not (math.isfinite(item.low) and math.isfinite(item.high)):
        raise _error(spec, f"input {item.name!r} is {item.dtype}; give it finite low and high")
    if not item.low <= item.high or math.isnan(item.missing) or not item.speed > 0.0:
        bounds = f"low {item.low}, high {item.high}, missing {item.missing}, speed {item.speed}"
        raise _error(spec, f"input {item.name!r}: {bounds} do not go together")
    for companion, wanted in ((item.validity, "validity"), (item.age, "age")):
        if companion is not None:
            _companion(spec, item, companion, wanted)
    if item.names and item.role != "control" and len(item.names) != math.prod(item.shape):
        raise _error(spec, f"input {item.name!r} has {len(item.names)} names for {math.prod(item.shape)} numbers")
    if item.role == "audio" and spec.sample_rate and item.shape != (spec.hop,):
        raise _error(spec, f"audio {item.name!r} has shape {item.shape}; a frame holds {spec.hop} samples")
    if item.role == "words" and (len(item.shape) != 2 or item.shape[1] != WORD or not item.shape[0]):
        raise _error(spec, f"words {item.name!r} have shape {item.shape}; give (count, {WORD})")
    if item.role == "text":
        _text(spec, item)
    if item.role == "control":
        _control(spec, item)
    elif item.choices:
        raise _error(spec, f"input {item.name!r} has choices and is no control")


def _companion(spec: Whole, item: InputSpec, name: str, wanted: str) -> None:
    other = {one.name: one for one in spec.inputs}.get(name)
    if other is None:
        raise _error(spec, f"input {item.name!r} names {name!r}, which is no input")
    if other.role != wanted or other.shape:
        raise _error(spec, f"input {item.name!r} names {name!r} as its {wanted}, which is a {other.role} {other.shape}")


def _text(spec: Whole, item: InputSpec) -> None:
    if len(item.shape) != 1 or not item.shape[0]:
        raise _error(spec, f"text {item.name!r} has shape {item.shape}; give (width,)")
    if not item.follows:
        return
    leader = {one.name: one for one in spec.inputs if one.role == "text"}.get(item.follows)
    if leader is None or leader.follows:
        raise _error(spec, f"text {item.name!r} follows {item.follows!r}: name a text input that follows no other")
    if item.name not in FIELDS:
        raise _error(
            spec,
            f"text {item.name!r} follows {item.follows!r}, where none is read; there is {', '.join(FIELDS)}",
        )


def _control(spec: Whole, item: InputSpec) -> None:
    if item.choices:
        reason = trouble(item)
        if reason:
            raise _error(spec, f"control {item.name!r}: {reason}")
    if item.names and not item.shape and (item.low, item.high) != (0, len(item.names) - 1):
        raise _error(spec, f"choice {item.name!r} goes from {item.low:g} to {item.high:g} with {len(item.names)} names")
    if item.follows and (item.follows != "speaking" or item.of not in OWNERS or item.shape):
        raise _error(
            spec, f"control {item.name!r} follows {item.follows!r} of {item.of!r}; there is 'speaking' of "
            f"{' or '.join(OWNERS)}, for a single number",
        )  # fmt: skip


def _output(spec: Whole, item: OutputSpec) -> None:
    count = math.prod(item.shape)
    if count > MOST_VALUES:
        raise _error(spec, f"output {item.name!r} has {count} numbers; a frame on the wire holds {MOST_VALUES} at most")
    for what, given in (("names", item.names), ("units", item.units)):
        if given and len(given) != count:
            raise _error(spec, f"output {item.name!r} has {len(given)} {what} for {count} numbers")
    if not item.low <= item.high:
        raise _error(spec, f"output {item.name!r} goes from {item.low} to {item.high}")
    if not codec_known(item.codec):
        known = ", ".join([*CODECS, *(f"{family}:NAME" for family in CODEC_FAMILIES)])
        raise _error(spec, f"output {item.name!r} has the unknown codec {item.codec!r}; there is {known}")
    wanted = {"arkit58": (58,), "emotion25": (25,)}.get(item.codec)
    if wanted is not None and item.shape != wanted:
        raise _error(spec, f"output {item.name!r} is {item.codec} and has shape {item.shape}, not {wanted}")
    last = {"joints": 3, "quaternions": 4}.get(item.codec)
    if last is not None and (len(item.shape) != 2 or item.shape[1] != last or not item.skeleton):
        raise _error(spec, f"output {item.name!r} is {item.codec}: give it shape (joints, {last}) and a skeleton")
    flat = len(item.shape) == 2 and item.shape[1] == 2 and item.units and all(item.units)
    if item.codec.startswith("points:") and not flat:
        raise _error(spec, f"output {item.name!r} is {item.codec}: give it shape (points, 2), and units of each number")


def _named(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()


def _error(spec: Whole, text: str) -> SpecError:
    return SpecError(f"{spec.name}: {text}")
