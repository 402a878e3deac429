"""Replaying a recording: the same bundle is given the same inputs again, and every frame has to come out the same.

The recorded inputs of a step go into the row where they lay, the block of rows runs that ran then, and the answer is
judged as a slot judges it (:mod:`engine.session.slot`). Payload, sequence number, due time and flags of every frame
have to equal the recorded ones, byte for byte. What the wall clock decides is not compared: capture and publish times,
how long a step took, and whether it was LATE. Noise has to be that of the session's seed.

Where steps are missing (the disk was too slow), the state after them is not known: frames are passed over until the row
was made new. On another processor, or another version of the runtime, sums are rounded otherwise; that is what
``tolerance`` is for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle, bundled
from engine.noise import uniform
from engine.record.layout import About, RecordingError, StreamLayout, input_layouts, spec_digest, step_digest
from engine.record.reading import RecordedStep, Recording
from engine.runtime import Runtime, open_runtime
from engine.spec import StreamSpec
from engine.streams import BAD_INPUT
from engine.wire import Flag, Frame

LARGEST_STATE = 4 << 30
"""Bytes of a runtime that a recording may ask for by the rows that it names."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Replayed:
    """What a replay found. ``frames`` steps were compared, ``different`` of them were not the same, ``first`` says in
    words which was the first and how; ``unknown`` could not be compared, because steps before them are missing.
    ``largest``: the largest difference of a value. ``cut``: the file has no end, as after a crash."""

    bundle: str
    where: str
    frames: int
    different: int
    first: str | None
    unknown: int
    largest: float
    cut: bool


def replay(
    path: Path,
    bundle: Bundle | None = None,
    where: str | None = None,
    *,
    anyway: bool = False,
    tolerance: float = 0.0,
) -> Replayed:
    """Replay the recording at ``path`` with ``bundle`` (default: the bundled one of its name), on the runtime ``where``
    (default: the recorded one). A bundle with another graph or spec is refused, unless ``anyway``. Values may differ by
    ``tolerance``. Raises :class:`RecordingError`, or what the bundle or runtime is refused for."""
    recording = Recording(path)
    about = recording.about
    bundle = _bundle(path, about) if bundle is None else bundle
    _check(path, about, bundle, anyway)
    rows, sizes = _rows(recording, bundle.spec)
    runtime = open_runtime(bundle, where or about.where, rows, sizes)
    runtime.warm_up()
    again = _Again(about, runtime)
    frames = different = unknown = 0
    first, known, largest = None, True, 0.0
    for step in recording.steps():
        known = (known and not step.lost) or step.reset
        if not known:
            unknown += 1
            continue
        found, by = again.compare(step, tolerance)
        frames, largest = frames + 1, max(largest, by)
        if found:
            different += 1
            first = first or f"frame {step.seq}, {found}"
    return Replayed(bundle.name, runtime.where, frames, different, first, unknown, largest, recording.cut)


class _Again:
    """One session's row, run again."""

    def __init__(self, about: About, runtime: Runtime) -> None:
        self._about, self._runtime = about, runtime
        self._row: int | None = None
        self._held = {item.name: np.zeros(item.shape, item.dtype) for item in runtime.spec.outputs}
        self._noise = runtime.spec.by_role("noise")

    def compare(self, step: RecordedStep, tolerance: float) -> tuple[str, float]:
        """In words how a step's frames differ ("" if they do not), and by how much their values do at most."""
        if self._row is not None and self._row != step.row:
            self._runtime.move(self._row, step.row)
        self._row = step.row
        if step.reset:
            self._runtime.reset(step.row)
        if not step.sound:
            return "its inputs were changed since they were recorded", 0.0
        for item in self._noise:
            drawn = uniform(self._about.seed, step.seq, math.prod(item.shape)).reshape(item.shape)
            if not np.array_equal(step.inputs[item.name], drawn):
                return f"input {item.name}: is not the noise of seed {self._about.seed}", 0.0
        outputs, trouble = self._run(step)
        flags = step.given | (step.flags & Flag.LATE)
        if outputs is None:
            flags |= Flag.HELD
        elif BAD_INPUT in outputs and outputs[BAD_INPUT] > 0.5:
            flags |= Flag.BAD_INPUT
        shown: Arrays = self._held if outputs is None else outputs
        told, largest = "", 0.0
        for stream, frame in zip(self._about.streams, step.frames, strict=True):
            values = shown[stream.name] if stream.kind == "output" else step.inputs[stream.name]
            made = Frame(
                session=self._about.session,
                stream=stream.number,
                flags=flags,
                step_us=frame.step_us,
                seq=step.seq,
                capture_ns=frame.capture_ns,
                due_ns=step.due_ns,
                publish_ns=frame.publish_ns,
                layout=stream.layout,
                values=np.asarray(values).ravel().astype(np.float32),
            )
            found, by = _difference(stream, frame, made, tolerance)
            told, largest = told or found, max(largest, by)
        if told and trouble:
            told += f" ({trouble})"
        if not told and step.committed is (outputs is None):
            told = f"the step {'counted' if step.committed else 'did not count'} then, and now the other way round"
        return told, largest

    def _run(self, step: RecordedStep) -> tuple[dict[str, NDArray[Any]] | None, str]:
        """The row's outputs, or None and why, as the frame loop judges them. It counts if it counted then."""
        runtime, row = self._runtime, step.row
        for name, value in step.inputs.items():
            runtime.inputs[name][row] = value
        runtime.active[...] = False
        runtime.active[row] = True
        try:
            outputs = {name: value[row].copy() for name, value in runtime.run([step.block]).items()}
        except Exception as error:  # whatever the runtime throws is a failed step here as there
            return None, " ".join(f"{type(error).__name__}: {error}".split())[:300]
        wild = [name for name, value in outputs.items() if not np.isfinite(value).all()]
        counts = np.zeros(runtime.rows, np.bool_)
        counts[row] = step.committed and not wild
        runtime.commit(counts)
        if wild:
            return None, f"the step gives a non-finite {wild[0]}"
        if step.committed:
            self._held = outputs
        return outputs, ""


def _difference(stream: StreamLayout, then: Frame, now: Frame, tolerance: float) -> tuple[str, float]:
    """How a frame differs from the recorded one, in words ("" if it does not), and its values by how much at most."""
    for name in ("session", "stream", "seq", "due_ns", "layout"):
        if getattr(then, name) != getattr(now, name):
            return f"stream {stream.name}: {name} {getattr(then, name)} recorded, {getattr(now, name)} replayed", 0.0
    if then.flags != now.flags:
        return f"stream {stream.name}: flags {_words(then.flags)} recorded, {_words(now.flags)} replayed", 0.0
    if then.values.tobytes() == now.values.tobytes():
        return "", 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(then.values.astype(np.float64) - now.values)
    apart = np.where(then.values.view(np.uint32) == now.values.view(np.uint32), 0.0, np.nan_to_num(apart, nan=np.inf))
    worst = int(apart.argmax())
    if tolerance and apart[worst] <= tolerance:
        return "", float(apart[worst])
    many = int((then.values.view(np.uint32) != now.values.view(np.uint32)).sum())
    return (
        f"stream {stream.name}: {many} of {len(apart)} values differ, most {stream.names[worst]}: "
        f"{then.values[worst]:.9g} recorded, {now.values[worst]:.9g} replayed"
    ), float(apart[worst])


def _words(flags: Flag) -> str:
    return "|".join(flag.name or "" for flag in Flag if flag in flags) or "none"


def _bundle(path: Path, about: About) -> Bundle:
    if about.bundle not in bundled():
        raise RecordingError(
            f"{path}: was recorded with bundle {about.bundle[:80]!r}, which does not come with the engine; name it: "
            "engine replay FILE --bundle FOLDER"
        )
    return Bundle.load(about.bundle)


def _check(path: Path, about: About, bundle: Bundle, anyway: bool) -> None:
    """Refuse what this bundle cannot replay."""
    spec = bundle.spec
    for what, then, now in (("graph", about.step, step_digest(bundle)), ("spec", about.spec, spec_digest(spec))):
        if then != now and not anyway:
            raise RecordingError(
                f"{path}: was recorded with bundle {about.bundle[:80]!r} {about.version[:20]!r} ({what} {then[:12]!r}) "
                f"and not with this {bundle.name!r} {bundle.version!r} ({what} {now[:12]!r}); give the bundle that it "
                "was recorded with, or replay it --anyway to see what this one makes of it"
            )
    if about.inputs != input_layouts(spec):
        raise RecordingError(f"{path}: bundle {bundle.name} takes other inputs than were recorded; give another bundle")
    outputs = {item.name: math.prod(item.shape) for item in spec.outputs}
    inputs = {item.name: math.prod(item.shape) for item in spec.inputs}
    for stream in about.streams:
        if {"output": outputs, "input": inputs}.get(stream.kind, {}).get(stream.name) != len(stream.names):
            raise RecordingError(
                f"{path}: stream {stream.name[:60]!r} of {len(stream.names)} values is none of bundle {bundle.name}; "
                "give another bundle"
            )


def _rows(recording: Recording, spec: StreamSpec) -> tuple[int, list[int]]:
    """Rows and sizes of blocks that a runtime needs to replay this."""
    blocks = {step.block for step in recording.steps()}
    if not blocks:
        raise RecordingError(f"{recording.path}: holds no frame; record for longer")
    sizes = sorted({block.size for block in blocks})
    last = max(block.start + block.size for block in blocks)
    rows = math.ceil(last / sizes[-1]) * sizes[-1]
    tensors = [(item.shape, item.dtype) for item in (*spec.state.values(), *spec.state.values())]  # old and new
    tensors += [(item.shape, item.dtype) for item in spec.inputs] + [(item.shape, item.dtype) for item in spec.outputs]
    row = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in tensors)
    if rows * row > LARGEST_STATE:
        raise RecordingError(
            f"{recording.path}: names {rows} rows of {spec.name}, which take {rows * row >> 20} MiB; "
            f"{LARGEST_STATE >> 20} at most"
        )
    return rows, sizes
