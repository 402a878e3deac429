"""What an engine sends, written to files by a client: against a real engine, and what is refused."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from clients.opencv.film import Film
from clients.opencv.store import FrameStore
from clients.opencv.video import pictures
from clients.python import Subscriber, describe
from clients.python import saving as saving_module
from clients.python.announced import Announced, Frame, Received
from clients.python.saving import Saving, finished, opened
from engine.body.bvh import read_body
from engine.body.export import read_recording
from engine.body.skeleton import skeleton
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


def test_both_programs_save_every_kind(tmp_path: Path) -> None:
    kinds = (".csv", ".npz", ".bvh", ".mp4")
    with running("--bundle", "rules", "dance", "--source", "demo") as engine:
        for program, more in (("python", ()), ("opencv", ("--headless",))):
            names = [str(tmp_path / f"{program}{kind}") for kind in kinds]
            line = [sys.executable, "-m", f"clients.{program}", "--control", engine.control, "--seconds", "1.5", *more]
            line += [word for name in names for word in ("--save", name)] + ["--stream", "body"]
            done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            assert all(f"wrote {name}: " in done.stdout and Path(name).stat().st_size > 1000 for name in names)
            with np.load(names[1]) as held:
                missing = held["seq"][-1] - held["seq"][0] + 1 - len(read_body(Path(names[2])).motion)
                assert missing in (0, 1, 2)  # poses at either end whose rotations did not come
                assert len(Path(names[0]).read_text("utf-8").splitlines()) == len(held["seq"]) + 1 > 20


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


@pytest.fixture(scope="module")
def came() -> list[Received]:
    """What an engine with a face and a body sent, at two rates."""
    with (
        running("--bundle", "rules", "dance", "--source", "demo") as engine,
        Subscriber(engine.pub, announced=describe(engine.control)) as subscriber,
    ):
        frames: list[Received] = []
        while sum(frame.info.codec == "joints" for frame in frames) < 40:
            frames += subscriber.receive(1.0)
    # Whole ones: of the last, some streams may not have come yet.
    last = {frame.info.bundle: frame.seq for frame in frames}
    return [frame for frame in frames if frame.seq < last[frame.info.bundle]]


def kept(path: Path, came: list[Received], stream: str | None = None) -> str:
    """``path`` with everything that came; what was said."""
    (saving,) = opened([path], lambda one: Saving(one, came[0].engine, stream))
    for frame in came:
        saving.add(frame)
    said: list[str] = []
    assert finished([saving], said.append) == []
    return said[0]


def of(came: list[Received], name: str) -> list[Received]:
    return [frame for frame in came if frame.info.name == name]


@pytest.mark.parametrize("name", [None, "body"])
def test_a_table_has_the_numbers_that_came(tmp_path: Path, came: list[Received], name: str | None) -> None:
    wanted = of(came, name or "face")
    assert kept(tmp_path / "x.csv", came, name).endswith(f"x.csv: {len(wanted)} frames of {name or 'face'}")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert tuple(head[3:]) == wanted[0].info.names and len(rows) == len(wanted)
    for row, frame in zip(rows, wanted, strict=True):
        assert int(row[0]) == frame.seq and round(float(row[1]) * 1e6) == round(frame.capture_ns / 1e3)
        assert row[2].replace("_", " ") == " ".join(frame.words())
        assert (np.array(row[3:], np.float32) == frame.values).all()  # every bit


@pytest.mark.parametrize("name", [None, "body"])
def test_arrays_have_the_numbers_that_came(tmp_path: Path, came: list[Received], name: str | None) -> None:
    kept(tmp_path / "x.npz", came, name)
    wanted = of(came, name or "face")
    with np.load(tmp_path / "x.npz") as held:
        assert held["seq"].tolist() == [frame.seq for frame in wanted]
        assert (held[name or "face"] == [frame.values for frame in wanted]).all()
        assert held["flags"].tolist() == [frame.flags for frame in wanted]
        assert held["rate"] == wanted[0].info.rate
        # Frames of two rates go by two numberings, and never into one array file.
        assert [other for other in ("face", "body") if other in held] == [name or "face"]


def test_a_bvh_file_has_the_body_that_came(tmp_path: Path, came: list[Received]) -> None:
    wanted = of(came, "body")
    assert kept(tmp_path / "x.BVH", came).endswith(f"x.BVH: {len(wanted)} frames of body")
    found = read_body(tmp_path / "x.BVH", skeleton(wanted[0].info.skeleton)).motion
    assert found.rate == pytest.approx(30.0) and len(found) == wanted[-1].seq - wanted[0].seq + 1
    places = np.array([frame.values.reshape(-1, 3) for frame in wanted])
    rows = [frame.seq - wanted[0].seq for frame in wanted]
    assert np.linalg.norm(found.positions[rows] - places, axis=-1).max() < 2e-3


@pytest.mark.parametrize("name", ["face", "body"])
def test_a_film_shows_what_came(tmp_path: Path, came: list[Received], name: str) -> None:
    film = Film(tmp_path / "x.mp4", came[0].engine, name)
    for frame in came:
        film.add(frame)
    wanted = of(came, name)
    assert f"{wanted[-1].seq - wanted[0].seq + 1} frames" in film.close()
    with av.open(str(tmp_path / "x.mp4")) as file:
        assert file.streams.video[0].average_rate == wanted[0].info.rate
        shown = [picture.to_ndarray(format="bgr24").astype(float) for picture in file.decode(video=0)]
    store = FrameStore(came[0].engine, None, name)
    for frame in came:
        store.add(frame, frame.received_ns)
    assert bool(store.bodies) == (name == "body")
    drawn = [picture.astype(float) for picture in pictures(store)]
    assert len(drawn) == len(shown)
    for index in (0, len(drawn) // 2, len(drawn) - 1):
        apart = [np.abs(shown[index] - other).mean() for other in drawn]
        assert apart[index] < 3.0 and apart[index] <= min(apart) + 0.05


@pytest.mark.parametrize(
    ("name", "stream", "why"),
    [
        ("x.bvh", None, "holds a body; the engine sends no body"),
        ("x.txt", None, r"must end in \.csv, \.npz, \.bvh or \.mp4"),
        ("x.csv", "nothing", r"--stream nothing: the engine sends face;"),
        ("no/x.csv", None, "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path: Path, name: str, stream: str | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        opened([tmp_path / "first.csv", tmp_path / name], lambda path: Saving(path, TOLD, stream))
    assert not list(tmp_path.iterdir())


def test_a_bvh_file_is_of_the_body_that_is_named(tmp_path: Path) -> None:
    told = fake.read(fake.dance("tcp://127.0.0.1:1"))
    with pytest.raises(ValueError, match="its bodies are body"):
        Saving(tmp_path / "x.bvh", told, "effort")
    saving = Saving(tmp_path / "x.bvh", told)
    with pytest.raises(ValueError, match="no frame of body came, so there is no file"):
        saving.close()
    assert not list(tmp_path.iterdir())


def test_what_engine_bvh_says_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the engine's program is not found, as for a copy without the engine
    monkeypatch.setattr(saving_module, "COMMAND", (sys.executable, "-I", "-m", "no_engine"))
    told = fake.read(fake.dance("tcp://127.0.0.1:1"))
    saving = Saving(tmp_path / "x.bvh", told)
    info = told.streams[0]
    for one in told.streams[:2]:
        frame = Frame(5, one.number, 0, 0, 0, 0, 0, 0, one.layout, np.zeros(len(one.names), np.float32))
        saving.add(Received.of(frame, one, told, 0, 0))
    with pytest.raises(ValueError, match=r"`engine bvh` did not write it: .*install the engine here, or save as \.npz"):
        saving.close()
    assert not list(tmp_path.iterdir()) and info.codec == "joints"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("kind", [".csv", ".npz"])
def test_a_full_disk_is_said(tmp_path: Path, came: list[Received], kind: str) -> None:
    saving = Saving(tmp_path / f"x{kind}", came[0].engine)
    saving._file.close()
    full = open("/dev/full", "w" if kind == ".csv" else "wb")  # noqa: SIM115
    saving._file = full
    if kind == ".csv":
        saving._csv = csv.writer(full)
    for frame in came * 30:
        saving.add(frame)
    with pytest.raises(ValueError, match=f"--save .*x{kind}: No space left on device; "):
        saving.close()
    assert (tmp_path / f"x{kind}").exists() == (kind == ".csv")


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
