"""Sets in PATS' layout: what is written comes back, and what cannot be used is named by file and key and left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.gesture.pats.sets import FRAMES, WORDS, arrays, file_of, put, small_set
from train.files import FileError
from train.gesture.pats.layout import META
from train.gesture.pats.reader import PatsSet
from train.gesture.pats.writer import PatsWriter
from train.speech.talk import SpokenWord


def test_a_set_comes_back(tmp_path: Path) -> None:
    data = PatsSet(small_set(tmp_path / "set"))
    assert [each.interval_id for each in data.intervals()] == ["a", "b", "c", "d", "e"]
    assert [each.interval_id for each in data.intervals("test")] == ["d", "e"]
    assert [each.interval_id for each in data.intervals(speaker="ann")] == ["a", "c", "e"]
    assert data.speakers == ["ann", "bob"]
    interval, given = data.intervals("dev", "ann")[0], arrays(2)
    assert (interval.video, interval.seconds, interval.split) == ("talk2", FRAMES / 15, "dev")
    for key, values in given.items():
        assert interval.has(key)
        read = interval.read(key)
        assert read.dtype == values.dtype and np.array_equal(read, values)
    assert not interval.has("text/bert") and set(interval.keys()) == {*given, META, "words/text", "words/times"}
    assert interval.words() == WORDS
    assert [tuple(word) for word in interval.meta()] == [("so", 0, 4), ("naïve", 4, 22), ("日本", 22, 45)]
    assert np.allclose(interval.pcm() * 32768, given["audio/pcm"]) and interval.pcm_rate == 16000
    with h5py.File(file_of(data.folder, "c")) as file:
        assert file["pose/confidence"].shape == (FRAMES, 104)  # as PATS has it, once for x and once for y


def test_the_same_set_twice_is_the_same_bytes(tmp_path: Path) -> None:
    one, two = small_set(tmp_path / "one"), small_set(tmp_path / "two")
    for path in sorted(one.rglob("*.*")):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_words_of_pats_alone_are_whole_frames(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    put(folder, "a", "words/times", None)
    words = PatsSet(folder).intervals()[0].words()
    assert words[1] == SpokenWord("naïve", 4 / 15, 22 / 15)


def at(values: np.ndarray[Any, Any], *where: Any) -> np.ndarray[Any, Any]:
    """A copy that is not a number somewhere."""
    copy = values.copy()
    copy[where] = np.nan
    return copy


NEEDS = ("pose/normalize", "audio/log_mel_400", "text/tokens", META)


@pytest.mark.parametrize(
    ("key", "change", "told"),
    (
        ("audio/log_mel_400", None, "has no audio/log_mel_400"),
        ("text/tokens", None, "has no text/tokens"),
        ("pose/normalize", lambda v: at(v, (3, 4), 7), "pose/normalize has 2 frames not finite, first 3"),
        ("pose/normalize", lambda v: v[:-1], "differ in frames: pose/normalize 44, text/tokens 45"),
        ("pose/normalize", lambda v: v[:, :96], "pose/normalize is (45, 96); (frames, 104) is needed"),
        ("pose/normalize", lambda v: v.astype(complex), "pose/normalize holds complex128"),
        ("audio/log_mel_400", lambda v: v[:100], "audio/log_mel_400 lasts 1.0 s, the poses 3.0 s"),
        ("audio/log_mel_400", lambda v: v[:, :63], "audio/log_mel_400 is (297, 63)"),
        ("pose/confidence", lambda v: v * 0, "pose/confidence is 0 throughout"),
        ("words/times", lambda v: v[:2], "words/text has 3 words, words/times 2"),
        ("words/times", lambda v: v[::-1], "words/times: word 1, 'naïve', is at 0.31 to 0.9 s"),
        ("words/times", lambda v: at(v, 1), "words/times has 1 words not finite"),
        ("words/text", lambda v: np.arange(3), "words/text is no list of strings"),
    ),
)
def test_what_cannot_be_used_is_left_out(tmp_path: Path, key: str, change: Any, told: str) -> None:
    folder, said = small_set(tmp_path / "set"), []
    with h5py.File(file_of(folder, "b")) as file:
        values = file[key][()]
    put(folder, "b", key, change(values) if change else None)
    data = PatsSet(folder, said.append)
    assert [each.interval_id for each in data.intervals("train", needs=NEEDS)] == ["a"]
    assert told in data.left_out["b"] and str(file_of(folder, "b")) in data.left_out["b"]
    assert said == [f"interval b is left out: {data.left_out['b']}"]


@pytest.mark.parametrize("share", (0.0, 0.3, 0.9))
def test_a_file_cut_short(tmp_path: Path, share: float) -> None:
    folder = small_set(tmp_path / "set")
    path = file_of(folder, "a")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    interval = PatsSet(folder).intervals()[0]
    with pytest.raises(FileError, match=re.escape(f"{path}: does not open as h5")):
        interval.read("pose/normalize")
    assert "a" in left_out(folder)
    path.unlink()
    assert "is not there" in left_out(folder)["a"]


def left_out(folder: Path) -> dict[str, str]:
    data = PatsSet(folder)
    data.intervals(needs=NEEDS)
    return data.left_out


def test_damage_inside_a_file_is_told(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set", 150)
    path = file_of(folder, "a")
    with h5py.File(path) as file:
        where = file["pose/normalize"].id.get_chunk_info(0)
    whole = bytearray(path.read_bytes())
    whole[where.byte_offset + 20 : where.byte_offset + 60] = bytes(40)
    path.write_bytes(whole)
    with pytest.raises(FileError, match=re.escape(f"{path}: pose/normalize is damaged")):
        PatsSet(folder).intervals()[0].read("pose/normalize")


def test_links_out_of_a_file_are_not_followed(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    for key, link in {
        "pose/normalize": h5py.ExternalLink(str(file_of(folder, "b")), "pose/normalize"),
        "text/meta": h5py.SoftLink("/pose"),
    }.items():
        with h5py.File(file_of(folder, "a"), "r+") as file:
            del file[key]
            file[key] = link
    interval = PatsSet(folder).intervals()[0]
    for read in (lambda: interval.read("pose/normalize"), interval.meta):
        with pytest.raises(FileError, match="is a link to elsewhere"):
            read()
    with h5py.File(file_of(folder, "c"), "r+") as file:
        del file["pose/data"], file["audio/pcm"]
        raw = tmp_path / "raw"
        raw.write_bytes(bytes(104 * 8 * FRAMES))
        file.create_dataset("pose/data", (FRAMES, 104), np.float64, external=[(str(raw), 0, h5py.h5f.UNLIMITED)])
        file.create_dataset("audio/pcm", (1 << 40,), np.int16, chunks=(1 << 16,))
    other = PatsSet(folder).intervals("dev")[0]
    with pytest.raises(FileError, match="pose/data holds float64, or numbers of another file"):
        other.read("pose/data")
    with pytest.raises(FileError, match=r"audio/pcm is \(1099511627776,\); 172800000 samples at most"):
        other.read("audio/pcm")
    with pytest.raises(FileError, match="no attribute rate"):
        _ = other.pcm_rate


def test_missing_intervals_and_transformed_copies(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    with h5py.File(folder / "missing_intervals.h5", "w") as file:
        file.create_dataset("intervals", data=["a", "zzz"], dtype=h5py.string_dtype())
    table = folder / "cmu_intervals_df_transforms.csv"
    table.write_text(table.read_text("utf-8") + "train,3,,b|mirror,bob|mirror,,v,\n", "utf-8")
    (folder / "processed" / "bob|mirror").mkdir()
    (folder / "processed" / "bob|mirror" / "b|mirror.h5").write_bytes(file_of(folder, "b").read_bytes())
    data = PatsSet(folder)
    assert [each.interval_id for each in data.intervals("train")] == ["b"]
    assert data.left_out == {"a": "missing_intervals.h5 lists it"}
    assert [each.interval_id for each in data.intervals(speaker="bob|mirror")] == ["b|mirror"]
    (folder / "missing_intervals.h5").write_bytes(b"no h5")
    with pytest.raises(FileError, match=r"missing_intervals\.h5: does not open as h5"):
        PatsSet(folder).intervals()


@pytest.mark.parametrize(
    ("line", "told"),
    (
        ("train,3,,x/../../y,ann,,v,", "interval_id 'x/../../y' is no name of a file"),
        ("train,3,,x,..,,v,", "speaker '..' is no name of a file"),
        ("valid,3,,x,ann,,v,", "dataset is 'valid'; choose from train, dev, test"),
        ("train,long,,x,ann,,v,", "delta_time 'long' is no number"),
        ("train,3,,x,ann", "has 5 cells, 8 are needed"),
        ("train,3,,a,ann,,v,", "lists 'a' twice"),
    ),
)
def test_a_list_that_does_not_read(tmp_path: Path, line: str, told: str) -> None:
    table = small_set(tmp_path / "set") / "cmu_intervals_df.csv"
    table.write_text(f"{table.read_text('utf-8')}{line}\n", "utf-8")
    with pytest.raises(FileError, match=re.escape(told)):
        PatsSet(table.parent).intervals()
    table.write_text("dataset,speaker\n", "utf-8")
    with pytest.raises(FileError, match="has no column delta_time, interval_id"):
        PatsSet(table.parent).intervals()
    table.unlink()
    with pytest.raises(FileError, match="no set in PATS' layout"):
        PatsSet(table.parent).intervals()


def test_wrong_questions(tmp_path: Path) -> None:
    data = PatsSet(small_set(tmp_path / "set"))
    with pytest.raises(EngineError, match="split 'val'; choose from train, dev, test"):
        data.intervals("val")
    with pytest.raises(EngineError, match="no speaker 'eve'; there is ann, bob"):
        data.intervals(speaker="eve")
    with pytest.raises(EngineError, match="no key of the set"):
        put(data.folder, "a", "pose/own", np.zeros(3))
        data.intervals()[0].read("pose/own")


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ({"interval_id": "12"}, "'12' is no name"),
        ({"interval_id": "NaN"}, "'NaN' is no name"),
        ({"speaker": "a/b"}, "'a/b' is no name"),
        ({"interval_id": "a"}, "comes twice"),
        ({"split": "val"}, "split 'val'"),
        ({"arrays": {}}, "needs poses"),
        ({"arrays": {"pose/data": np.zeros((3, 104)), "text/tokens": np.zeros(4)}}, "all of one length"),
        ({"arrays": {"pose/data": np.full((3, 104), np.inf)}}, "no finite number"),
        ({"arrays": {"pose/dat": np.zeros((3, 104))}}, "'pose/dat' is no key"),
        ({"arrays": {"pose/data": np.zeros((3, 103))}}, "(n, 104) is needed"),
        ({"arrays": {"pose/data": np.zeros((3, 104)), "audio/pcm": np.zeros(9)}}, "int16 at 16000 Hz"),
        ({"words": WORDS[::-1]}, "words do not rise"),
    ),
)
def test_what_cannot_be_written(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    writer = PatsWriter(tmp_path / "set", {})
    given = {"speaker": "ann", "split": "train", "video": "v", "arrays": {"pose/data": np.zeros((3, 104))}}
    writer.add(interval_id="a", **given)
    with pytest.raises(EngineError, match=re.escape(told)):
        writer.add(**({"interval_id": "b"} | given | change))
    assert writer.finish() == {"train": 1, "dev": 0, "test": 0}
    with pytest.raises(EngineError, match="is there already"):
        PatsWriter(tmp_path / "set", {})
    with pytest.raises(EngineError, match="no interval was added"):
        PatsWriter(tmp_path / "other", {}).finish()
