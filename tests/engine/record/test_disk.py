"""A recording on a disk that is full, slow or gone, and of a process that is killed: what was written stays."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import threading
import tracemalloc
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from engine.errors import EngineError
from engine.record import beside
from engine.record import recorder as module
from engine.record.container import ChunkWriter
from engine.record.layout import HEAD
from engine.record.reading import Recording
from engine.wire import encode
from tests.engine.record.scenes import recorded, recorder, same, some


class Disk(FileIO):
    """A file on a disk with so much room left; it takes ``most`` bytes at once."""

    room, most = 0, 1 << 30

    def write(self, content: Any, /) -> int:
        taken = min(len(content), Disk.room, Disk.most)
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        Disk.room -= taken
        return super().write(bytes(content[:taken]))


def test_a_disk_that_takes_little_at_once_gets_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "FileIO", Disk)
    monkeypatch.setattr(Disk, "room", 1 << 30)
    monkeypatch.setattr(Disk, "most", 77)
    path = recorded(tmp_path / "a.mcap", [some(seq) for seq in range(20)])
    assert [step.seq for step in Recording(path).steps()] == list(range(20))


def test_on_a_full_disk_what_was_written_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 2000)
    path = tmp_path / "a.mcap"
    records = [some(seq) for seq in range(30)]
    whole = recorded(path, records).stat().st_size
    old = path.read_bytes()
    monkeypatch.setattr(beside, "FileIO", Disk)
    read = set()
    for room in [*range(2500, whole, 501), whole - 1, whole]:
        monkeypatch.setattr(Disk, "room", room)
        made = recorder(path)
        for record in records:
            made.step(record)
        made.close()
        recording = Recording(made.file)
        steps = list(recording.steps())
        for step, record in zip(steps, records, strict=False):
            same(step, record)
        read.add(len(steps))
        if room == whole:
            assert made.problem is None and made.file == path and not recording.cut
            continue
        assert made.problem is not None and "No space left on device" in made.problem
        assert str(made.file) in made.problem and made.file.name == "a.mcap.part" and recording.cut
        assert path.read_bytes() == old
        made.file.unlink()
    assert len(read) > 4 and read >= {30}


def test_a_disk_that_is_full_at_once_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "FileIO", Disk)
    monkeypatch.setattr(Disk, "room", 100)
    with pytest.raises(EngineError, match="No space left"):
        recorder(tmp_path / "a.mcap")
    assert not list(tmp_path.iterdir())


WRITING = """
import sys, itertools
from pathlib import Path
from tests.engine.record.scenes import recorder, some
made = recorder(Path(sys.argv[1]), wait=True)
for seq in itertools.count():
    made.step(some(seq))
    if made.problem:
        sys.exit(made.problem)
"""


def test_a_process_that_is_killed_leaves_all_but_its_last_second(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mcap", [some(0)])
    old, part = path.read_bytes(), tmp_path / "a.mcap.part"
    process = subprocess.Popen([sys.executable, "-c", WRITING, str(path)])
    try:
        pause = threading.Event()
        while not part.exists() or part.stat().st_size < 100_000:
            assert process.poll() is None
            pause.wait(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    recording = Recording(part)
    steps = list(recording.steps())
    assert recording.cut and len(steps) > 100
    for seq, step in enumerate(steps):
        same(step, some(seq))
    assert path.read_bytes() == old


def test_what_is_recorded_is_in_the_file_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_S", 0.0)
    made = recorder(tmp_path / "a.mcap")
    made.step(some(0))
    pause = threading.Event()
    assert any(list(Recording(made.file).steps()) or pause.wait(0.05) for _ in range(600))
    made.close()


def test_a_real_limit_of_the_system_is_met_as_a_full_disk_is(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"
    command = [sys.executable, "-c", limited + WRITING, str(tmp_path / "a.mcap")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "cannot be written any more (File too large)" in done.stderr and "Traceback" not in done.stderr
    recording = Recording(tmp_path / "a.mcap.part")
    assert len(list(recording.steps())) > 100 and recording.cut


class Held:
    """A writer that waits with the first message until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        add = ChunkWriter.add

        def slowly(writer: ChunkWriter, *message: Any) -> None:
            self.reached.set()
            assert self.go.wait(60)
            add(writer, *message)

        monkeypatch.setattr(ChunkWriter, "add", slowly)


@pytest.mark.parametrize("bound", ["steps", "bytes"])
def test_a_slow_disk_costs_frames_and_never_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    size = len(HEAD.pack(*[0] * 12)) + sum(len(encode(frame)) for frame in some(0).frames) + 40 * 4 + 4 + 48 + 4 + 12
    if bound == "steps":
        monkeypatch.setattr(module, "QUEUE_STEPS", 10)
    else:
        monkeypatch.setattr(module, "LONGEST_STEP", size)
        monkeypatch.setattr(module, "QUEUE_BYTES", 11 * size)
    disk = Held(monkeypatch)
    made = recorder(tmp_path / "a.mcap")
    made.step(some(0))
    made._wake.set()
    assert disk.reached.wait(30)
    held = 10 if bound == "steps" else 10 + 1  # the one in hand is in no queue, but its bytes are counted
    for seq in range(1, 30):
        made.step(some(seq))
    kept = made.steps
    assert kept == (11 if bound == "steps" else held) and made.dropped == 30 - kept
    assert made.problem is not None and f"{made.dropped} frames were left out" in made.problem
    disk.go.set()
    while made._queue:
        threading.Event().wait(0.01)
    made.step(some(50))
    made.step(some(51))
    made.close()
    steps = list(Recording(tmp_path / "a.mcap").steps())
    assert [step.seq for step in steps] == [*range(kept), 50, 51]
    assert [step.lost for step in steps] == [*[0] * kept, made.dropped, 0]


def test_a_session_that_can_wait_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_STEPS", 3)
    disk = Held(monkeypatch)
    made = recorder(tmp_path / "a.mcap", wait=True)
    thread = threading.Thread(target=lambda: [made.step(some(seq)) for seq in range(40)])
    thread.start()
    assert disk.reached.wait(30)
    assert len(made._queue) <= 3
    disk.go.set()
    thread.join(60)
    made.close()
    assert made.dropped == 0 and made.problem is None
    assert [step.seq for step in Recording(tmp_path / "a.mcap").steps()] == list(range(40))


def test_what_breaks_the_writer_does_not_break_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("none left")

    monkeypatch.setattr(ChunkWriter, "flush", broken)
    made = recorder(tmp_path / "a.mcap", wait=True)
    made.step(some(0))
    made.close()
    made.step(some(1))
    assert made.problem is not None and "MemoryError: none left" in made.problem and not (tmp_path / "a.mcap").exists()


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 4000)
    made = recorder(tmp_path / "a.mcap", wait=True)
    records = [some(seq) for seq in range(100)]

    def go_on(chunks: int) -> int:
        while made._writer._chunks < chunks:
            for record in records:
                made.step(record)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = go_on(300)
        after = go_on(3300)
    finally:
        tracemalloc.stop()
        made.close()
    # The index of chunks, of which there is one a second; frames that were kept would be 60 times as much.
    assert after - before < 3000 * 1000
