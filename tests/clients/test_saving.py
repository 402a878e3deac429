"""What an engine sends, written to files by a client: against a real engine, and what is refused."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clients.python.announced import Announced, Frame, Received
from clients.python.saving import Saving
from engine.body.export import read_recording
from tests.engine.test_serve import ROOT, running

from . import fake

TOLD = fake.read(fake.description("tcp://127.0.0.1:1"))


def saved(*arguments: str, seconds: float = 2.0) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "clients.python", "--seconds", str(seconds), *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_face_becomes_a_table_a_line_a_frame(tmp_path: Path) -> None:
    out = tmp_path / "face.csv"
    with running() as engine:
        done = saved("--control", engine.control, "--save", str(out))
        again = saved("--control", engine.control, "--save", str(out), seconds=1.0)
    assert done.returncode == 0 and f"{out}: " in done.stdout and "frames of face" in done.stdout
    assert again.returncode == 1 and "is there already" in again.stderr and "Traceback" not in again.stderr
    with out.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head[:4] == ["seq", "capture_s", "flags", "browDownLeft"] and len(head) == 3 + 58
    assert len(rows) > 20 and all(len(row) == len(head) for row in rows)
    seq, captured = np.array([[float(row[0]), float(row[1])] for row in rows]).T
    assert (np.diff(seq) == 1).all() and np.allclose(np.diff(captured), 0.04, atol=0.003)
    values = np.array([[float(value) for value in row[3:]] for row in rows])
    assert np.ptp(values, axis=0).max() > 0.01


def test_a_body_becomes_arrays_that_become_a_bvh_file(tmp_path: Path) -> None:
    out = tmp_path / "dance.npz"
    with running("--bundle", "dance", "--source", "none") as engine:
        done = saved("--control", engine.control, "--save", str(out))
    assert done.returncode == 0, done.stderr
    motion = read_recording(out)
    assert len(motion) > 20 and motion.rate == 30.0 and motion.rotations is not None
    assert np.abs(np.diff(motion.positions, axis=0)).max() > 1e-3
    with np.load(out) as held:
        assert {"body", "body_names", "seq", "flags", "rate", "skeletons"} <= set(held)
        assert len(held["seq"]) == len(held["body"]) == len(motion)


@pytest.mark.parametrize(
    ("name", "stream", "why"),
    [
        ("x.bvh", None, r"save as .npz, then `engine bvh"),
        ("x.mp4", None, "clients.opencv --video"),
        ("x.txt", None, "give a FILE.csv or FILE.npz"),
        ("x.csv", "nothing", r"--stream nothing: there is face"),
        ("no/x.csv", None, "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path: Path, name: str, stream: str | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Saving(tmp_path / name, TOLD, stream)
    assert not list(tmp_path.iterdir())


def test_an_engine_that_begins_anew_with_other_streams_ends_the_file(tmp_path: Path) -> None:
    def received(engine: Announced, seq: int) -> Received:
        info = engine.streams[0]
        frame = Frame(1, 0, 0, 0, seq, 0, 0, 0, info.layout, np.full(len(info.names), 0.5, np.float32))
        return Received.of(frame, info, engine, 0, 0)

    other = fake.read(fake.dance("tcp://127.0.0.1:1"))
    saving = Saving(tmp_path / "x.csv", TOLD)
    for engine, seq in ((TOLD, 1), (TOLD, 2), (other, 1), (TOLD, 3)):
        saving.add(received(engine, seq))
    assert "2 frames of face; the engine has begun anew" in saving.close()
    assert len((tmp_path / "x.csv").read_text("utf-8").splitlines()) == 3
