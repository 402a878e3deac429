"""A set in PATS' layout is checked file by file: what is well passes, each thing that is wrong is named."""

from __future__ import annotations

import argparse
from pathlib import Path

import h5py
import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.gesture.pats.sets import file_of, put, small_set
from train.check import Checked, text
from train.gesture.check import add_arguments, check


def checked(folder: Path) -> dict[str, Checked]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    found = list(check(parser.parse_args([str(folder)])))
    assert len({each.file for each in found}) == len(found)
    return {each.file: each for each in found}


def test_a_set_that_is_well(tmp_path: Path) -> None:
    found = checked(small_set(tmp_path / "set"))
    assert not any(each.problem for each in found.values())
    assert list(found) == ["cmu_intervals_df.csv", "missing_intervals.h5", "made.json", *"abcde"]
    assert found["cmu_intervals_df.csv"].read == {
        "holds": "5 intervals",
        "speaker": "2 of them",
        "split": "train 2 dev 1 test 2",
    }
    assert found["a"].read == {
        "split": "train",
        "speaker": "ann",
        "frames": "45",
        "seconds": "3.0",
        "words": "3",
        "holds": "all of the seed's",
    }
    assert found["a"].notes == ["lacks audio/log_mel_512, text/w2v, text/bert"]
    assert text(list(found.values())).endswith("8 files: 8 can be used, 0 cannot")


def test_what_is_wrong_is_named_at_its_file(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    with h5py.File(file_of(folder, "b")) as file:
        poses = file["pose/normalize"][()]
    poses[7, 30] = np.inf
    put(folder, "b", "pose/normalize", poses)
    put(folder, "c", "text/tokens", np.zeros(44))
    put(folder, "d", "pose/confidence", np.zeros((45, 104)))
    file_of(folder, "e").write_bytes(file_of(folder, "e").read_bytes()[:2000])
    found = checked(folder)
    for name, told in {
        "b": "pose/normalize has 1 frames not finite, first 7",
        "c": "differ in frames: pose/data 45, pose/normalize 45, pose/confidence 45, text/tokens 44",
        "d": "pose/confidence is 0 throughout",
        "e": "does not open as h5 (another kind of file, or cut short)",
    }.items():
        assert told in found[name].problem and str(file_of(folder, name)) in found[name].problem
    assert not found["a"].problem
    assert "pose/confidence: 45 of 45 frames have confidence 0 in every joint" in found["d"].notes


def test_what_is_odd_is_noted(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    with h5py.File(folder / "missing_intervals.h5", "w") as file:
        file.create_dataset("intervals", data=["e"], dtype=h5py.string_dtype())
    file_of(folder, "e").unlink()
    (folder / "processed" / "ann" / "stray.h5").write_bytes(b"")
    (folder / "cmu_intervals_df_transforms.csv").unlink()
    table = folder / "cmu_intervals_df.csv"
    table.write_text(table.read_text("utf-8").replace("talk3", "talk0").replace("train,3.0", "train,9.0", 1), "utf-8")
    with h5py.File(file_of(folder, "b"), "r+") as file:
        file["pose/normalize"][:9, 1] = -100.0
        file["words/times"][2] = 3.5, 4.0
    found = checked(folder)
    assert not any(each.problem for each in found.values())
    assert found["missing_intervals.h5"].read == {"holds": "1 intervals"}
    assert found["e"].notes == ["missing_intervals.h5 lists it: it is not used"]
    notes = " | ".join(found["cmu_intervals_df.csv"].notes)
    assert "1 files that no list names: stray.h5" in notes and "seed's own loader stops" in notes
    assert "1 videos have intervals in test and in another split: talk0" in notes
    assert "the list says 9.0 s, the poses are 3.0 s" in found["a"].notes
    assert "pose/normalize: in 9 frames the right shoulder is not 167 px off" in found["b"].notes
    assert "1 words begin after the poses end" in found["b"].notes


def test_no_set(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no set in PATS' layout"):
        checked(tmp_path)
