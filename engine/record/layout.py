"""What stands in a recording: the description at its start, the head of every step, and the bounds of both.

A recording is an MCAP file, so that tools for those open it. It holds

- one metadata record (:data:`METADATA`) with :class:`About` as JSON: which bundle (with the SHA-256 of its step and of
  its spec), where it ran, the seed, what an input row is made of and which streams there are;
- the channel :data:`INPUTS`: of every step one message, :data:`HEAD` and then the row's inputs, one after another in
  the spec's order, as they lay in the step's buffers (little-endian);
- one channel a stream (:func:`stream_topic`) whose messages are those of :mod:`engine.wire`, as they were published.

Every step's message is followed by those of its frames, one a stream in the order of ``About.streams``. Log times are
the times at which frames were due.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np

import engine
from engine.body.skeleton import Skeleton
from engine.bundle import Bundle
from engine.errors import EngineError
from engine.plain import STRICT
from engine.spec import StreamSpec
from engine.spec_check import DTYPES, FASTEST, MOST_ITEMS, MOST_VALUES
from engine.streams import Stream

FORMAT = 1
PROFILE = "reaction-engine"
METADATA = "reaction-engine recording"
INPUTS = "inputs"
HEAD = struct.Struct("<qqqII??xxIIIII")


class StepHead(NamedTuple):
    """What comes before a step's inputs: times in ns, flags known before the step (``given``) and published, whether
    the row was made new (``reset``) and whether the step counted (``committed``), the row, first row and size of its
    block, steps lost just before this one, and the CRC-32 of the inputs."""

    seq: int
    capture_ns: int
    due_ns: int
    given: int
    flags: int
    reset: bool
    committed: bool
    row: int
    start: int
    size: int
    lost: int
    crc: int

    def pack(self) -> bytes:
        """:data:`HEAD` bytes."""
        return HEAD.pack(*self)

    @classmethod
    def unpack(cls, packed: bytes) -> StepHead:
        """Of the first bytes of a step."""
        return cls(*HEAD.unpack_from(packed))


LONGEST_STEP = 16 << 20
"""Bytes of a step with its frames; rules has 3 kB."""
LONGEST_ABOUT = 4 << 20
LONGEST_WORD = 200
LAST_ROW = 4095
LARGEST_BLOCK = 1024


class RecordingError(EngineError):
    """A recording cannot be written, read or used; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class InputLayout:
    """One input as it lies in a step's message."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    __pydantic_config__: ClassVar = STRICT

    @property
    def size(self) -> int:
        """How many bytes of the message it takes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class StreamLayout:
    """One stream: what :class:`engine.streams.Stream` says of it."""

    number: int
    name: str
    kind: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    layout: int
    skeleton: str
    codec: str
    of: str = "self"

    __pydantic_config__: ClassVar = STRICT


_PARTS = fields(StreamLayout)


@dataclass(frozen=True)
class About:
    """A recording's description. ``step`` and ``spec`` are SHA-256 of the bundle's graph and of its spec; ``rate`` in
    frames a second."""

    engine: str
    bundle: str
    version: str
    step: str
    spec: str
    where: str
    session: int
    seed: int
    rate: float
    inputs: tuple[InputLayout, ...]
    streams: tuple[StreamLayout, ...]
    skeletons: tuple[Skeleton, ...] = ()

    __pydantic_config__: ClassVar = STRICT

    def __post_init__(self) -> None:
        for what, names in (
            ("inputs", [item.name for item in self.inputs]),
            ("streams", [item.name for item in self.streams]),
            ("stream numbers", [item.number for item in self.streams]),
        ):
            if len(set(names)) != len(names) or len(names) > 2 * MOST_ITEMS:
                raise RecordingError(f"{what} are named twice or are more than {2 * MOST_ITEMS}")
        for item in self.inputs:
            if item.dtype not in DTYPES or any(size < 0 for size in item.shape) or len(item.shape) > 8:
                raise RecordingError(f"input {item.name[:60]!r} of {item.dtype[:60]!r} {item.shape[:9]} cannot be")
        for stream in self.streams:
            if len(stream.names) > MOST_VALUES or not 0 <= stream.number < 1 << 16:
                raise RecordingError(f"stream {stream.name[:60]!r}: too many values, or a number that cannot be")
        words = [self.engine, self.bundle, self.version, self.step, self.spec, self.where]
        words += [word for item in self.inputs for word in (item.name, item.dtype)]
        for stream in self.streams:
            words += [stream.name, stream.kind, stream.skeleton, stream.codec, stream.of, *stream.names, *stream.units]
        for skeleton in self.skeletons:
            words += [skeleton.name, *skeleton.joints]
        for word in words:  # they are shown to people later
            if len(word) > LONGEST_WORD or not word.isprintable():
                raise RecordingError(f"{word[:40]!r} is no name: give {LONGEST_WORD} printable characters at most")
        if not 0.0 < self.rate <= FASTEST or not 0 <= self.seed < 1 << 64 or not 0 <= self.session < 1 << 32:
            raise RecordingError(f"rate {self.rate}, seed {self.seed}, session {self.session}: not all of these can be")
        if self.step_bytes > LONGEST_STEP:
            raise RecordingError(f"a step of {self.step_bytes} bytes, {LONGEST_STEP} at most")

    @property
    def input_bytes(self) -> int:
        """Bytes of a row's inputs."""
        return sum(item.size for item in self.inputs)

    @property
    def step_bytes(self) -> int:
        """Bytes of a step with its frames."""
        return HEAD.size + self.input_bytes + sum(64 + 4 * len(item.names) for item in self.streams)

    @classmethod
    def of(cls, bundle: Bundle, session: int, seed: int, where: str, streams: Sequence[Stream]) -> About:
        """The description of a session that is about to begin."""
        return cls(
            engine=engine.__version__,
            bundle=bundle.name,
            version=bundle.version,
            step=step_digest(bundle),
            spec=spec_digest(bundle.spec),
            where=where,
            session=session,
            seed=seed,
            rate=bundle.spec.rate,
            inputs=input_layouts(bundle.spec),
            streams=tuple(StreamLayout(**{part.name: getattr(item, part.name) for part in _PARTS}) for item in streams),
            skeletons=bundle.spec.skeletons,
        )

    def to_json(self) -> str:
        """As written to the file; :func:`engine.plain.read` of its values restores an equal one. Raises
        :class:`RecordingError` where it is longer than a reader takes."""
        text = json.dumps(asdict(self), allow_nan=False, separators=(",", ":"))
        if len(text) > LONGEST_ABOUT - 4096:
            raise RecordingError(f"bundle {self.bundle} is too large to be recorded: {len(text)} bytes of description")
        return text


def input_layouts(spec: StreamSpec) -> tuple[InputLayout, ...]:
    """What an input row of a model is made of."""
    return tuple(InputLayout(item.name, item.dtype, item.shape) for item in spec.inputs)


def step_digest(bundle: Bundle) -> str:
    """SHA-256 of a bundle's graph, as its manifest lists it and loading has verified."""
    return bundle.files[bundle.onnx.file][0]


def spec_digest(spec: StreamSpec) -> str:
    """SHA-256 of a spec's plain values."""
    plain: dict[str, Any] = spec.to_dict()
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def stream_topic(stream: StreamLayout) -> str:
    """The channel of a stream."""
    return f"stream/{stream.number}/{stream.name}"
