"""Reading a recording, step by step, without believing it: it may come from anybody, or end in the middle.

Nothing is taken from a file that was not held against a bound first, one chunk is in memory at a time, and every step
has to be whole: its message as long as the description says, followed by one frame of each stream.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, clean
from engine.plain import read as read_plain
from engine.record.container import Channel, Damaged, Message, Metadata, read
from engine.record.layout import (
    FORMAT,
    HEAD,
    INPUTS,
    LARGEST_BLOCK,
    LAST_ROW,
    METADATA,
    About,
    RecordingError,
    StepHead,
    stream_topic,
)
from engine.runtime.protocol import Block
from engine.wire import Flag, Frame, WireError, decode

_MOST_BEFORE = 4096  # records in front of the first message
_ALL_FLAGS = (1 << 24) - 1


@dataclass(frozen=True)
class RecordedStep:
    """One step as recorded, see :class:`engine.record.step.StepRecord`; ``lost`` steps are missing just before it.
    ``frames``: one a stream, in the order of ``About.streams``. ``sound``: the inputs match their checksum."""

    about: About
    seq: int
    capture_ns: int
    due_ns: int
    given: Flag
    flags: Flag
    reset: bool
    committed: bool
    row: int
    block: Block
    lost: int
    packed: bytes
    frames: tuple[Frame, ...]
    sound: bool

    @cached_property
    def inputs(self) -> dict[str, NDArray[Any]]:
        """The row's inputs (*shape) by name, read-only."""
        values, at = {}, HEAD.size
        for item in self.about.inputs:
            values[item.name] = np.frombuffer(self.packed, item.dtype, item.size // np.dtype(item.dtype).itemsize, at)
            values[item.name] = values[item.name].reshape(item.shape)
            at += item.size
        return values


class Recording:
    """A recording at ``path``. Raises :class:`RecordingError` in words where it is none, or one of another format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut = False
        """Whether the file ends before its end is told, as after a crash; known when all steps were read."""
        with self._opened() as file:
            self.about = self._describe(file)

    def steps(self) -> Iterator[RecordedStep]:
        """All steps in order, up to the last that is whole. Raises :class:`RecordingError` where one is damaged."""
        with self._opened() as file:
            yield from self._read(file)

    def _read(self, file: IO[bytes]) -> Iterator[RecordedStep]:
        topics = {INPUTS: 0} | {stream_topic(item): place for place, item in enumerate(self.about.streams, 1)}
        places: dict[int, int] = {}
        parts: list[bytes] = []
        before = -1
        for record in self._records(file):
            if isinstance(record, Channel) and record.topic in topics:
                places[record.number] = topics[record.topic]
            if not isinstance(record, Message) or record.channel not in places:
                continue
            if places[record.channel] != len(parts):
                raise self._damaged(f"a message of another channel where {list(topics)[len(parts)]!r} has to follow")
            parts.append(record.data)
            if len(parts) == len(topics):
                step = self._step(parts)
                if step.seq <= before:
                    raise self._damaged(f"frame {step.seq} follows frame {before}")
                yield step
                before = step.seq
                parts.clear()
        if parts and not self.cut:
            raise self._damaged(f"it ends within frame {before + 1}")

    def _step(self, parts: list[bytes]) -> RecordedStep:
        packed, about = parts[0], self.about
        if len(packed) != HEAD.size + about.input_bytes:
            raise self._damaged(f"a step of {len(packed)} bytes, not {HEAD.size + about.input_bytes}")
        head = StepHead.unpack(packed)
        seq, row, block = head.seq, head.row, Block(head.start, head.size)
        end = block.start + block.size
        sound = 1 <= block.size <= LARGEST_BLOCK and block.start % block.size == 0
        if not sound or row > LAST_ROW or not block.start <= row < end:
            raise self._damaged(f"frame {seq}: row {row} in rows {block.start} to {end} cannot be")
        if (head.given | head.flags) & ~_ALL_FLAGS:
            raise self._damaged(f"frame {seq}: flags {head.flags:#x}")
        frames = []
        for stream, part in zip(about.streams, parts[1:], strict=True):
            try:
                frame = decode(part)
            except WireError as error:
                raise self._damaged(f"frame {seq} of stream {stream.name[:60]!r}: {error}") from error
            if len(frame.values) != len(stream.names):
                raise self._damaged(f"frame {seq} of stream {stream.name[:60]!r}: {len(frame.values)} values")
            frames.append(frame)
        return RecordedStep(
            about=about,
            seq=seq,
            capture_ns=head.capture_ns,
            due_ns=head.due_ns,
            given=Flag(head.given),
            flags=Flag(head.flags),
            reset=head.reset,
            committed=head.committed,
            row=row,
            block=block,
            lost=head.lost,
            packed=packed,
            frames=tuple(frames),
            sound=head.crc == zlib.crc32(memoryview(packed)[HEAD.size :]),
        )

    def _describe(self, file: IO[bytes]) -> About:
        """The description, which stands before the first message."""
        for place, record in enumerate(self._records(file)):
            if isinstance(record, Message) or place >= _MOST_BEFORE:
                break
            if isinstance(record, Metadata) and record.name == METADATA:
                return self._about(record)
        raise RecordingError(
            f"{self.path}: is no recording of a session, or cut short at once: it does not say of what; make one with "
            "engine serve --record"
        )

    def _about(self, record: Metadata) -> About:
        if record.values.get("format") != str(FORMAT):
            raise RecordingError(
                f"{self.path}: recording of format {record.values.get('format', '')[:20]!r}, this engine reads "
                f"{FORMAT}; use the engine that wrote it"
            )
        try:
            return read_plain(About, json.loads(record.values.get("about", "")))
        except (EngineError, ValueError, RecursionError) as error:
            reason = clean(error, 300) if isinstance(error, EngineError) else "no JSON"
            raise self._damaged(f"its description does not read: {reason}") from error

    def _records(self, file: IO[bytes]) -> Iterator[Metadata | Channel | Message]:
        self.cut = False
        try:
            yield from read(file)
        except EOFError:
            self.cut = True
        except Damaged as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise RecordingError(f"{self.path}: cannot be read ({error.strerror}); copy it again") from error

    def _opened(self) -> IO[bytes]:
        try:
            if self.path.exists() and not self.path.is_file():
                raise OSError(0, "is no file")
            return self.path.open("rb")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise RecordingError(f"{self.path}: cannot be read ({reason}); give a recording, FILE.mcap") from error

    def _damaged(self, what: str) -> RecordingError:
        return RecordingError(
            f"{self.path}: is no recording, or a damaged one: {what[:300]}; copy it again, or record anew"
        )
