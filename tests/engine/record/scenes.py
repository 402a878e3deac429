"""Recordings for tests: steps with whatever numbers, sessions of a real bundle, and files changed on purpose."""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from engine.bundle import Bundle
from engine.feeds.feeds import Feeds
from engine.feeds.latest import PoseSample
from engine.record.container import ChunkWriter, Message, Metadata, read
from engine.record.layout import METADATA
from engine.record.reading import RecordedStep
from engine.record.recorder import Recorder
from engine.record.step import StepRecord
from engine.runtime import Block, Runtime
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.spec import InputSpec, OutputSpec, StreamSpec
from engine.streams import streams
from engine.wire import Flag, Frame, encode
from tests.engine.dancer import STICK
from tests.engine.session.scene import MS, PERIOD, START, Timeline

SPEC = StreamSpec(
    name="small",
    rate=25.0,
    inputs=(
        InputSpec("voice", "audio", (40,), validity="voice_valid", unit="PCM", of="partner"),
        InputSpec("voice_valid", "validity"),
        InputSpec("numbers", "ids", (2, 3), 0.0, 9.0, dtype="int64"),
        InputSpec("gain", "control", (), 0.0, 2.0, 1.0),
        InputSpec("noise", "noise", (3,), 0.0, 1.0),
    ),
    outputs=(
        OutputSpec("body", (len(STICK.joints), 3), skeleton="stick", codec="joints"),
        OutputSpec("pose", (2,), ("a", "b")),
    ),
    sample_rate=1000,
    skeletons=(STICK,),
)
SESSION, SEED = 7, 5


@functools.cache
def rules() -> Bundle:
    return Bundle.load("rules")


@functools.cache
def small() -> Bundle:
    """The rules' files with another spec: for recordings that are not replayed."""
    return dataclasses.replace(rules(), name="small", spec=SPEC)


def some(seq: int, seed: int = 0, **changed: Any) -> StepRecord:
    """A step of :data:`SPEC` with numbers that cannot be packed much."""
    random = np.random.default_rng([seed, seq])
    frames = [
        Frame(
            *(SESSION, stream.number, Flag(0), 200, seq, START, START + seq * PERIOD, START + 1, stream.layout),
            random.random(len(stream.names), np.float32),
        )
        for stream in streams(SPEC, False)
    ]
    made = {
        item.name: random.integers(0, 9, item.shape)
        if item.dtype == "int64"
        else np.asarray(random.random(item.shape), np.float32)
        for item in SPEC.inputs
    }
    due = START + seq * PERIOD
    record = StepRecord(seq, due - 1, due, Flag(0), Flag(0), False, True, 0, Block(0, 1), made, frames)
    return dataclasses.replace(record, **changed)


def recorder(path: Path, bundle: Bundle | None = None, **options: Any) -> Recorder:
    bundle = bundle or small()
    given = {"session": SESSION, "seed": SEED, "where": "onnx:cpu", "streams": streams(bundle.spec, False)}
    return Recorder(path, bundle, **{**given, **options})


def recorded(path: Path, records: Iterable[StepRecord], **options: Any) -> Path:
    """A whole recording of these steps."""
    made = recorder(path, wait=True, **options)
    for record in records:
        made.step(record)
    made.close()
    assert made.problem is None and made.file == path
    return path


def session(
    path: Path,
    runtime: Runtime,
    bundle: Bundle,
    frames: int,
    *,
    monitor: bool = False,
    happens: Callable[[Timeline, Slot, Feeds], object] = lambda *_: None,
) -> Path:
    """Record a session of a listener, with a voice and a face that are always the same; one sample is no number."""
    clock, feeds, stop = Timeline(), Feeds.of(bundle.spec, START), threading.Event()
    random = np.random.default_rng(3)
    hop, rate = bundle.spec.hop, bundle.spec.sample_rate
    time = np.arange(frames * hop) / rate
    loud = np.repeat(random.random(frames // 5 + 1) > 0.4, 5 * hop)[: len(time)]
    voice = (0.3 * loud * np.sign(np.sin(2 * np.pi * 120 * time))).astype(np.float32)
    voice[45 * hop : 45 * hop + 1] = np.nan
    face = np.clip(random.normal(0.1, 0.1, 58), 0, 1).astype(np.float32)
    given = {("audio", "partner"), ("face", "partner")}
    slot = Slot(
        *(bundle.spec, feeds, lambda _: None, clock),
        session=SESSION,
        seed=SEED,
        monitor=monitor,
        given=given,
        frames=frames,
    )
    kept = recorder(path, bundle, streams=slot.streams, wait=True)
    slot.record(kept)

    def arrive(k: int, at: int) -> None:
        feeds.latest["face", "partner"].put(PoseSample(at, face, True))
        feeds.samples["partner"].write(voice[k * hop : (k + 1) * hop], at)

    for k in range(frames):
        at = START + (k + 1) * PERIOD
        clock.at(at, lambda k=k, at=at: arrive(k, at))  # type: ignore[misc]
    happens(clock, slot, feeds)
    clock.at(START + (frames + 20) * PERIOD, stop.set)
    loop = Loop(runtime, clock, window_ns=3 * MS)
    loop.join(slot)
    loop.run(stop, until_empty=True)
    kept.close()
    assert kept.problem is None and kept.steps == frames
    return path


def same(step: RecordedStep, record: StepRecord) -> None:
    """A step is as it was told."""
    for name in ("seq", "capture_ns", "due_ns", "given", "flags", "reset", "committed", "row", "block"):
        assert getattr(step, name) == getattr(record, name)
    assert step.inputs.keys() == record.inputs.keys()
    for name, value in record.inputs.items():
        assert step.inputs[name].dtype == value.dtype and step.inputs[name].shape == value.shape
        assert step.inputs[name].tobytes() == value.tobytes()
    assert [encode(frame) for frame in step.frames] == [encode(frame) for frame in record.frames]


Parts = list[bytes]


def rewrite(
    source: Path,
    target: Path,
    change: Callable[[int, Parts], Parts | None] = lambda _, parts: parts,
    about: Callable[[dict[str, Any]], Any] = lambda values: values,
    form: str = "1",
) -> Path:
    """Copy a recording: ``change`` sees every step (its number, its message and those of its frames) and may leave it
    out; ``about`` sees the description. Sums and sizes are right again in the copy."""
    with source.open("rb") as file:
        records = list(read(file))
    described = next(record for record in records if isinstance(record, Metadata))
    values = about(json.loads(described.values["about"]))
    topics = [record for record in records if not isinstance(record, (Metadata, Message))]
    messages = [record for record in records if isinstance(record, Message)]
    text = values if isinstance(values, str) else json.dumps(values)
    with FileIO(target, "w") as raw:
        writer = ChunkWriter(
            raw,
            "reaction-engine",
            "a test",
            Metadata(METADATA, {"format": form, "about": text}),
            [(item.topic, "") for item in topics],  # type: ignore[union-attr]
        )
        for number in range(len(messages) // len(topics)):
            group = messages[number * len(topics) : (number + 1) * len(topics)]
            for channel, part in enumerate(change(number, [item.data for item in group]) or [], 1):
                writer.add(channel, group[0].log_ns, 0, number, part)
        writer.finish()
    return target
