"""What is made of a recording: the array file of ``--save``, a BVH file; and what ``engine serve`` does for it."""

from __future__ import annotations

import errno
import json
import runpy
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.body.bvh import BvhError, read_body
from engine.body.export import export, read_recording
from engine.bundle import Bundle
from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.record import recorder as module
from engine.record import serving
from engine.record.layout import RecordingError
from engine.record.reading import Recording
from engine.record.replay import replay
from engine.record.save import to_npz
from engine.record.serving import Recorders
from engine.serve import ServeOptions, serve
from engine.session.host import Host
from engine.session.live import LiveSession, Opening
from tests.engine.dancer import STICK, walk
from tests.engine.record.scenes import SPEC, recorded, rewrite, some
from tests.engine.said import said


def dancing(path: Path, frames: int = 30, skip: int = 0) -> Path:
    """A recording of a stick that walks, without ``skip`` frames in its middle."""
    motion, records = walk(frames), []
    for seq in range(frames):
        record = some(seq if seq < frames // 2 else seq + skip)
        record.frames[0].values[...] = motion.positions[seq].ravel()
        records.append(record)
    return recorded(path, records)


def test_an_array_file_holds_every_frame(tmp_path: Path) -> None:
    source = recorded(tmp_path / "a.mcap", [some(2 * seq) for seq in range(3000)])
    out = tmp_path / "new" / "a.npz"
    assert to_npz(source, out) == 3000
    with np.load(out, allow_pickle=False) as stored:
        steps = list(Recording(source).steps())
        assert stored["seq"].tolist() == list(range(0, 6000, 2)) and stored["seq"].dtype == np.int64
        assert stored["flags"].tolist() == [int(step.flags) for step in steps]
        for place, (name, size) in enumerate((("body", 15), ("pose", 2))):
            assert stored[name].dtype == np.float32 and stored[name].shape == (3000, size)
            assert np.array_equal(stored[name], [step.frames[place].values for step in steps])
        assert stored["pose_names"].tolist() == ["a", "b"] and stored["body_names"].tolist() == list(STICK.channels)
        assert (str(stored["pose_skeleton"]), str(stored["body_skeleton"])) == ("", "stick")
        assert float(stored["rate"]) == SPEC.rate
        assert json.loads(str(stored["skeletons"])) == {"stick": STICK.to_dict()}
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["a.npz"]


def test_an_array_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = recorded(tmp_path / "a.mcap", [some(0)]), tmp_path / "a.npz"
    out.write_bytes(b"old")
    write = zipfile.ZipFile.open

    def full(archive: zipfile.ZipFile, name: str, *options: Any, **more: Any) -> Any:
        if name == "seq.npy":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(archive, name, *options, **more)

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(RecordingError, match=r"cannot write .*a\.npz: No space .* python -m engine\.record\.save"):
        to_npz(source, out)
    assert out.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2
    monkeypatch.undo()
    for wrong in (tmp_path, source / "a.npz"):
        with pytest.raises(RecordingError, match="cannot write"):
            to_npz(source, wrong)
    with pytest.raises(RecordingError, match="is no recording"):
        to_npz(out, tmp_path / "b.npz")


def test_it_is_a_program_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = recorded(tmp_path / "a.mcap", [some(0), some(1)])
    monkeypatch.setattr(sys, "argv", ["save", str(source), str(tmp_path / "a.npz")])
    monkeypatch.delitem(sys.modules, "engine.record.save")
    runpy.run_module("engine.record.save", run_name="__main__")
    assert capsys.readouterr().out == f"{tmp_path / 'a.npz'}: 2 frames\n"
    monkeypatch.setattr(sys, "argv", ["save"])
    with pytest.raises(SystemExit, match=r"give RECORDING\.mcap OUT\.npz"):
        runpy.run_module("engine.record.save", run_name="__main__")


@pytest.mark.parametrize("kind", ["mcap", "npz"])
def test_a_recorded_body_becomes_a_bvh_file(tmp_path: Path, kind: str) -> None:
    path = dancing(tmp_path / "a.mcap", skip=4)
    if kind == "npz":
        to_npz(path, tmp_path / "a.npz")
        path = tmp_path / "a.npz"
    motion = read_recording(path)
    assert len(motion) == 34 and motion.skeleton == STICK and motion.rate == SPEC.rate
    rows = [*range(15), *[14] * 4, *range(15, 30)]
    assert np.array_equal(motion.positions, walk(30).positions[rows])
    assert "34 frames at 25 frames/s of stick" in export(path, tmp_path / "a.bvh")
    back = read_body(tmp_path / "a.bvh", STICK).motion
    assert np.abs(back.positions - motion.positions).max() < 1e-4


def test_what_is_no_body_or_lies_is_refused(tmp_path: Path) -> None:
    path = dancing(tmp_path / "a.mcap")
    with pytest.raises(BvhError, match="no stream 'pose' of joint positions; there is body"):
        export(path, tmp_path / "a.bvh", "pose")
    far = dancing(tmp_path / "b.mcap", skip=100 * 3600 * 25)
    with pytest.raises(BvhError, match="more than 3600 s are missing"):
        export(far, tmp_path / "a.bvh")
    bare = rewrite(path, tmp_path / "c.mcap", about=lambda values: values | {"skeletons": []})
    with pytest.raises(BvhError, match="holds no stream of joint positions"):
        export(bare, tmp_path / "a.bvh")
    none = rewrite(path, tmp_path / "d.mcap", lambda *_: None)
    with pytest.raises(BvhError, match="0 poses for 0 frames"):
        export(none, tmp_path / "a.bvh")
    whole = path.read_bytes()
    (tmp_path / "e.mcap").write_bytes(whole[:4000] + bytes(50) + whole[4050:])
    with pytest.raises(RecordingError, match="a damaged one: a chunk"):
        export(tmp_path / "e.mcap", tmp_path / "a.bvh")


def served(recorders: Recorders, *bundles: str) -> list[str]:
    """What is said of the recordings of a session of these bundles, as fast as it goes."""
    host = Host([Bundle.load(name) for name in bundles], MonotonicClock(), realtime=False)
    host.start()
    try:
        session = host.prepare(Opening(bundles, seconds=0.4, seed=4), lambda _: None)
        told.append(session)
        host.begin(session, recorders.open(session))
        assert session.done.wait(60)
    finally:
        host.stop()
    with said() as messages:
        recorders.finish()
    return messages


told: list[LiveSession] = []


def test_a_session_is_recorded_and_saved(tmp_path: Path) -> None:
    record, save = tmp_path / "a.mcap", tmp_path / "a.npz"
    assert served(Recorders(record, save, "onnx:cpu", True), "rules") == [f"recorded {record}"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.mcap", "a.npz"]
    assert replay(record).first is None and replay(record).frames == 10
    assert told[-1].describe()["recording"] == str(record)
    with np.load(save) as stored:
        assert stored["seq"].tolist() == list(range(10))


def test_what_is_only_to_be_saved_leaves_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.npz.mcap").write_bytes(b"of somebody")
    assert served(Recorders(None, tmp_path / "a.npz", "onnx:cpu", True), "rules") == []
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.npz", "a.npz.mcap"]
    assert (tmp_path / "a.npz.mcap").read_bytes() == b"of somebody"


def test_every_bundle_of_a_session_has_its_own_file(tmp_path: Path) -> None:
    names = ["a.dance.mcap", "a.dance.npz", "a.mcap", "a.npz"]
    served(Recorders(tmp_path / "a.mcap", tmp_path / "a.npz", "onnx:cpu", True), "rules", "dance")
    assert sorted(item.name for item in tmp_path.iterdir()) == names
    assert replay(tmp_path / "a.dance.mcap").first is None and replay(tmp_path / "a.mcap").first is None
    served(Recorders(None, tmp_path / "b.npz", "onnx:cpu", True), "rules", "dance")
    assert sorted(item.name for item in tmp_path.iterdir()) == [*names, "b.dance.npz", "b.npz"]


def test_nothing_asked_nothing_recorded(tmp_path: Path) -> None:
    assert served(Recorders(None, None, "onnx:cpu"), "rules") == []
    assert told[-1].describe()["recording"] == ""


def test_places_are_checked_at_once(tmp_path: Path) -> None:
    old = tmp_path / "old.npz"
    old.write_bytes(b"old")
    for record, save, reason in (
        (tmp_path / "a.npz", None, r"--record .* ends in \.mcap"),
        (None, tmp_path / "a.mcap", r"--save .* ends in \.npz"),
        (old / "a.mcap", None, "cannot write .* give --record a place"),
        (None, old / "a.npz", "cannot write .* give --save a place"),
        (None, Path("\0"), "cannot write"),
    ):
        with pytest.raises(EngineError, match=reason):
            Recorders(record, save, "onnx:cpu")
    Recorders(None, old, "onnx:cpu")
    assert old.read_bytes() == b"old" and [item.name for item in tmp_path.iterdir()] == ["old.npz"]


def test_where_one_cannot_be_written_none_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.dance.mcap").mkdir()
    threads = threading.active_count()
    recorders = Recorders(tmp_path / "a.mcap", None, "onnx:cpu")
    with pytest.raises(EngineError, match=r"a\.dance\.mcap"):
        served(recorders, "rules", "dance")
    assert threading.active_count() == threads and not (tmp_path / "a.mcap").exists()
    assert [item.name for item in tmp_path.iterdir()] == ["a.dance.mcap"]


def test_a_session_without_a_frame_or_without_room_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorders = Recorders(None, tmp_path / "a.npz", "onnx:cpu")
    host = Host([Bundle.load("rules")], MonotonicClock())
    session = host.prepare(Opening(("rules",)), lambda _: None)
    recorders.open(session)
    with said() as messages:
        recorders.finish()
    assert messages == [f"{tmp_path / 'a.npz'}: the session had no frame, so nothing was recorded"]
    assert not list(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.ChunkWriter, "finish", full)
    whole = tmp_path / "b.dance.mcap"
    whole.write_bytes(b"of last time")
    recorders = Recorders(tmp_path / "b.mcap", None, "onnx:cpu", True)
    said_of_both = r"not whole: .*No space left on device.* is in .*b\.mcap\.part; .*b\.dance\.mcap\.part"
    with pytest.raises(EngineError, match=said_of_both):
        served(recorders, "rules", "dance")
    assert recorders.problem is None and whole.read_bytes() == b"of last time"


def test_a_part_of_a_session_takes_no_whole_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = tmp_path / "a.npz"
    save.write_bytes(b"of last time")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.ChunkWriter, "finish", full)
    with pytest.raises(EngineError, match=r"python -m engine.record.save .*a\.npz\.mcap\.part OUT\.npz"):
        served(Recorders(None, save, "onnx:cpu", True), "rules")
    assert save.read_bytes() == b"of last time"
    assert Recording(tmp_path / "a.npz.mcap.part").about.bundle == "rules"


def test_one_file_that_cannot_be_made_does_not_cost_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []

    def fails_once(recording: Path, out: Path) -> int:
        saved.append(out.name)
        if len(saved) == 1:
            raise EngineError(f"cannot write {out}")
        return to_npz(recording, out)

    monkeypatch.setattr(serving, "to_npz", fails_once)
    with pytest.raises(EngineError, match=r"cannot write .*a\.npz"):
        served(Recorders(None, tmp_path / "a.npz", "onnx:cpu", True), "rules", "dance")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.dance.npz", "a.npz.mcap"]


def test_as_fast_as_it_goes_it_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_STEPS", 2)
    free = "tcp://127.0.0.1:*"
    serve(
        ServeOptions(bundles=("rules",), pub=free, control=free, seconds=4.0, fast=True, record=tmp_path / "a.mcap"), []
    )
    assert [step.seq for step in Recording(tmp_path / "a.mcap").steps()] == list(range(100))
