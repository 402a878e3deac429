"""Writing a recording: what goes in comes out, other tools read it too, and nothing older is lost."""

from __future__ import annotations

import dataclasses
import math
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from engine.errors import EngineError
from engine.record import recorder as module
from engine.record.reading import Recording
from engine.record.step import StepRecord
from engine.runtime import Block
from engine.wire import Flag, encode
from tests.engine.record.scenes import SEED, SESSION, SPEC, recorded, recorder, same, small, some

NS = st.integers(-(2**63), 2**63 - 1)
FLAGS = st.integers(0, 2**10 - 1).map(Flag)


@st.composite
def anything(draw: st.DrawFn) -> list[StepRecord]:
    """Steps as a slot could tell of them, and then some."""
    made, seq = [], -1
    for _ in range(draw(st.integers(1, 12))):
        seq += draw(st.integers(1, 2**40))
        size = draw(st.sampled_from([1, 4, 16]))
        row = draw(st.integers(0, 63))
        bits = np.random.default_rng(draw(st.integers(0, 2**32)))  # any bits: NaN and infinity among them
        values = {
            item.name: np.frombuffer(bits.bytes(8 * math.prod(item.shape)), item.dtype)[
                : math.prod(item.shape)
            ].reshape(item.shape)
            for item in SPEC.inputs
        }
        flags = draw(FLAGS)
        record = some(seq, seq % 97)
        due = draw(NS)
        frames = [dataclasses.replace(frame, flags=flags, due_ns=due, seq=seq) for frame in record.frames]
        made.append(
            StepRecord(
                *(seq, draw(NS), due, draw(FLAGS), flags, draw(st.booleans()), draw(st.booleans())),
                *(row, Block(row // size * size, size), values, frames),
            )
        )
    return made


@given(anything())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out(tmp_path: Path, records: list[StepRecord]) -> None:
    recording = Recording(recorded(tmp_path / "a.mcap", records))
    steps = list(recording.steps())
    assert len(steps) == len(records) and not recording.cut
    for step, record in zip(steps, records, strict=True):
        same(step, record)
        assert step.lost == 0


def test_it_says_what_it_is_of(tmp_path: Path) -> None:
    about = Recording(recorded(tmp_path / "a.mcap", [some(0)], where="onnx:cuda")).about
    assert (about.bundle, about.where, about.session, about.seed) == ("small", "onnx:cuda", SESSION, SEED)
    assert about.step == small().files[small().onnx.file][0] and about.rate == 25.0
    assert [item.name for item in about.inputs] == [item.name for item in SPEC.inputs]
    assert about.skeletons == SPEC.skeletons
    body, pose = about.streams
    assert (body.name, body.skeleton, body.names) == ("body", "stick", SPEC.skeletons[0].channels)
    assert (pose.number, pose.names, pose.codec) == (1, ("a", "b"), "numbers")


def test_tools_for_mcap_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 3000)  # so that there are several chunks
    path = recorded(tmp_path / "a.mcap", [some(seq) for seq in range(50)])
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_count == 150 and len(summary.chunk_indexes) > 5
        assert {channel.topic for channel in summary.channels.values()} == {
            "inputs",
            "stream/0/body",
            "stream/1/pose",
        }
        first, last = some(20).due_ns, some(30).due_ns
        found = list(reader.iter_messages(topics=["stream/1/pose"], starting_at=first, ending_before=last))
        assert [message.log_time for _, _, message in found] == [some(seq).due_ns for seq in range(20, 30)]
        assert [message.data for _, _, message in found] == [encode(some(seq).frames[1]) for seq in range(20, 30)]
        assert [item.name for item in reader.iter_metadata()] == ["reaction-engine recording"]


def test_the_summary_is_as_the_format_wants_it(tmp_path: Path) -> None:
    records = [some(seq, due_ns=due) for seq, due in enumerate((500, 300, 900, 100, 700))]
    content = recorded(tmp_path / "a.mcap", records).read_bytes()
    start, _, crc = struct.unpack("<QQI", content[-28:-8])
    assert content[-37:-28] == struct.pack("<BQ", 2, 20)
    assert zlib.crc32(content[start:-12]) == crc
    with (tmp_path / "a.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
        assert summary is not None and summary.statistics is not None
        told = summary.statistics
        assert (told.message_start_time, told.message_end_time) == (100, 900)
        (index,) = summary.chunk_indexes
        assert (index.message_start_time, index.message_end_time) == (100, 900)


def test_what_was_recorded_before_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mcap", [some(0)])
    old = path.read_bytes()
    first, second = recorder(path), recorder(path)
    assert {first.file.name, second.file.name} == {"a.mcap.part", "a.mcap.part2"}
    for seq in range(5):
        first.step(some(seq, 1))
    assert path.read_bytes() == old
    second.close()  # it had no frame
    assert path.read_bytes() == old and not second.file.exists()
    first.close()
    first.close()
    assert first.file == path and [step.seq for step in Recording(path).steps()] == list(range(5))
    assert os.listdir(tmp_path) == ["a.mcap"]
    first.step(some(9))  # too late, and harmless
    assert first.dropped == 1


@pytest.mark.parametrize("place", ["file/a.mcap", "folder", "\0", "x" * 300, "pipe"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    threads = threading.active_count()
    with pytest.raises(EngineError, match=r"cannot write .*; give a place"):
        recorder(tmp_path / place)
    assert threading.active_count() == threads
