"""Recording a session as it goes: every step's inputs and frames, to an MCAP file (see :mod:`engine.record.layout`).

The frame loop only copies a step's bytes into a queue (some 10 us); a thread packs and writes them, a chunk a second at
least. The queue holds :data:`QUEUE_STEPS` steps or :data:`QUEUE_BYTES` bytes. **Drop rule**: a step that finds it full
is left out whole, with its frames, and counted; the next step in the file says how many are missing before it. Where
frames run as fast as they go (``wait``) the loop waits for room instead.

The file is written beside its target, as ``FILE.part`` (``.part2`` where there is one already, of a session that is
running or has crashed), and takes the target's place when it is whole: what was recorded there before stays until then.
After a crash, or when the disk is full, what was written so far is in that file, up to its last chunk; the session goes
on without being recorded, and :attr:`Recorder.problem` says so. A session that had no frame leaves nothing.
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import engine
from engine.bundle import Bundle
from engine.record.beside import open_beside, unwritable
from engine.record.container import ChunkWriter, Metadata
from engine.record.layout import (
    FORMAT,
    INPUTS,
    LONGEST_STEP,
    METADATA,
    PROFILE,
    About,
    StepHead,
    stream_topic,
)
from engine.record.step import StepRecord
from engine.streams import Stream
from engine.wire import encode

QUEUE_STEPS = 1024
QUEUE_BYTES = 2 * LONGEST_STEP
CHUNK_BYTES = 1 << 20
CHUNK_S = 1.0
CLOSE_S = 30.0
"""For which closing waits at most for a disk that does not answer."""
_POLL_S = 0.2


class _Item(NamedTuple):
    """A step in the queue: its message and those of its frames."""

    seq: int
    due_ns: int
    publish_ns: int
    size: int
    messages: Sequence[bytes]


class Recorder:
    """Records one bundle's part of a session to ``path``. ``where`` is the runtime that its frames come from. Raises
    :class:`RecordingError` where nothing can be written there."""

    def __init__(
        self,
        path: Path,
        bundle: Bundle,
        *,
        session: int,
        seed: int,
        where: str,
        streams: Sequence[Stream],
        wait: bool = False,
    ) -> None:
        self.path = path
        self.problem: str | None = None
        """What is wrong, in words; None while all is well."""
        self.steps = 0
        """Steps that are in the file, or on their way."""
        self.dropped = 0
        about = About.of(bundle, session, seed, where, streams)
        described = Metadata(METADATA, {"format": str(FORMAT), "about": about.to_json()})
        self._inputs = [item.name for item in about.inputs]
        self._wait, self._lost = wait, 0
        self._queue: deque[_Item] = deque()
        self._put = self._taken = 0  # bytes; each is written by one thread alone
        self._wake, self._room = threading.Event(), threading.Event()
        self._closing = self._over = False
        self.file, self._file = open_beside(path)
        """Where the recording is: beside ``path`` until it is whole."""
        channels = [(INPUTS, "reaction-engine-step")]
        channels += [(stream_topic(item), "reaction-engine-wire") for item in about.streams]
        library = f"reaction-engine {engine.__version__}"
        try:
            self._writer = ChunkWriter(self._file, PROFILE, library, described, channels)
        except OSError as error:
            self._file.close()
            self.file.unlink(missing_ok=True)
            raise unwritable(path, error) from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def step(self, record: StepRecord) -> None:
        """Take note of a step; in the frame loop's thread. Copies what it keeps, never raises."""
        if self._over:
            self.dropped += 1
            return
        # A step's size is bounded by LONGEST_STEP, so what is there may be looked at before it is packed.
        while len(self._queue) >= QUEUE_STEPS or self._put - self._taken > QUEUE_BYTES - LONGEST_STEP:
            self._wake.set()
            if not self._wait:
                self._drop()
                return
            self._room.wait(_POLL_S)
            self._room.clear()
            if self._over:
                return
        inputs = b"".join([record.inputs[name].tobytes() for name in self._inputs])
        head = StepHead(
            seq=record.seq,
            capture_ns=record.capture_ns,
            due_ns=record.due_ns,
            given=int(record.given),
            flags=int(record.flags),
            reset=record.reset,
            committed=record.committed,
            row=record.row,
            start=record.block.start,
            size=record.block.size,
            lost=self._lost,
            crc=zlib.crc32(inputs),
        )
        messages = [head.pack() + inputs, *[encode(frame) for frame in record.frames]]
        size = sum(map(len, messages))
        published = record.frames[-1].publish_ns if record.frames else record.due_ns
        self._put += size
        self._queue.append(_Item(record.seq, record.due_ns, published, size, messages))
        self.steps, self._lost = self.steps + 1, 0
        if self._put - self._taken > CHUNK_BYTES:
            self._wake.set()

    def close(self) -> None:
        """Write what is left and put the file in its place; call it again, and nothing happens."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self.problem = f"{self.path}: the disk took nothing for {CLOSE_S:g} s; what was recorded is in {self.file}"

    def _drop(self) -> None:
        self.dropped += 1
        self._lost += 1
        self.problem = f"{self.path}: the disk is too slow, {self.dropped} frames were left out; record to a faster one"

    def _run(self) -> None:
        try:
            with self._file:
                try:
                    self._write()
                except OSError:
                    self._file.truncate(self._writer.end)
                    raise
            if self.steps:
                self.file.replace(self.path)
                self.file = self.path
            else:
                self.file.unlink(missing_ok=True)
        except Exception as error:  # a thread has no caller, and a session must not end for its recording
            reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            self.problem = (
                f"{self.path}: cannot be written any more ({reason}); what was recorded until then is in {self.file}"
            )
        finally:
            self._over = True
            self._queue.clear()
            self._room.set()

    def _write(self) -> None:
        """From the queue to the file until closing, and then the file's end."""
        writer, last, closing = self._writer, time.monotonic(), False
        while not closing:
            self._wake.wait(_POLL_S)
            self._wake.clear()
            closing = self._closing  # looked at first: what was put before is in the queue
            while self._queue:
                item = self._queue.popleft()
                for channel, message in enumerate(item.messages, 1):
                    writer.add(channel, item.due_ns, item.publish_ns, item.seq, message)
                self._taken += item.size
                self._room.set()
                if writer.pending >= CHUNK_BYTES:
                    writer.flush()
            if time.monotonic() - last >= CHUNK_S:
                writer.flush()
                last = time.monotonic()
        if self.steps:
            writer.finish()
            os.fsync(self._file.fileno())
