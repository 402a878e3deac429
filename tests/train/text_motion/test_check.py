"""A set is checked file by file: what is well passes, and each thing that is wrong is named at its clip."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from models.text_motion.layout import HUMANML3D, KIT, Layout
from models.text_motion.posecodes.table import STARTS
from tests.train.text_motion.sets import clip, small_set
from train.check import Checked, text
from train.text_motion.check import add_arguments, check
from train.text_motion.write import write_set


def checked(folder: Path) -> dict[str, Checked]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    found = list(check(parser.parse_args([str(folder)])))
    assert len({each.file for each in found}) == len(found)
    return {each.file: each for each in found}


def changed(folder: Path, file: str, by: float = 0.0, **at: object) -> None:
    """Adds ``by`` to an array of the set, or to a part of it."""
    array = np.load(folder / file)
    array[at.get("at", ...)] += by
    np.save(folder / file, array)


@pytest.mark.parametrize("layout", (HUMANML3D, KIT), ids=lambda layout: layout.name)
def test_a_set_that_is_well(tmp_path: Path, layout: Layout) -> None:
    found = checked(small_set(tmp_path / "set", layout))
    assert not any(each.problem or each.notes for each in found.values())
    lists = ("train.txt", "val.txt", "test.txt", "train_val.txt", "all.txt")
    assert tuple(found) == ("texts", "Mean.npy", "Std.npy", *lists, "Ma", "a", "b", "c", "d", "e")
    assert [found[name].read["holds"] for name in lists] == ["3 clips", "1 clips", "2 clips", "4 clips", "6 clips"]
    assert found["a"].read == {
        "split": "train",
        "frames": "44",
        "seconds": f"{44 / layout.rate:.1f}",
        "holds": layout.name,
        "captions": "2",
    }
    assert text(list(found.values())).endswith("14 files: 14 can be used, 0 cannot")


def test_features_and_joints_of_two_motions(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    changed(folder, "new_joints/a.npy", 0.0009)
    changed(folder, "new_joints/b.npy", 0.0019, at=(slice(20, None), 5))
    changed(folder, "new_joint_vecs/c.npy", np.nan, at=(7, 100))
    changed(folder, "new_joints/d.npy", np.inf, at=(slice(3, 5), 0))
    joints = np.load(folder / "new_joints" / "e.npy")
    np.save(folder / "new_joints" / "e.npy", np.concatenate([joints, joints[-1:]]))
    found = checked(folder)
    assert "up to 0.00156 m apart" in found["a"].problem  # along three axes
    assert "up to 0.00329 m apart, from frame 20 on; make both of one motion" in found["b"].problem
    assert found["c"].problem == "features: 1 frames are not finite, the first is 7; leave it out or mend it"
    assert found["d"].problem == "new_joints: 2 frames are not finite, the first is 3; leave it out or mend it"
    assert not found["e"].problem and not found["Ma"].problem  # a last frame that has no step is well
    np.save(folder / "new_joints" / "e.npy", joints[:-1])
    np.save(folder / "new_joints" / "a.npy", np.zeros((44, 24, 3)))
    (folder / "new_joints" / "b.npy").unlink()
    found = checked(folder)
    assert "49 frames of features, 48 of joints" in found["e"].problem
    assert "has shape (44, 24, 3); humanml3d needs (frames, 22, 3), 22 joints a frame" in found["a"].problem
    assert "b.npy: cannot be read, no such file" in found["b"].problem


def test_millimetres_are_compared_in_metres(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set", KIT)
    changed(folder, "new_joints/a.npy", 0.5)
    changed(folder, "new_joints/b.npy", 5.0)
    found = checked(folder)
    assert not found["a"].problem and "0.00866 m apart" in found["b"].problem


def test_texts(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    texts = folder / "texts"
    (texts / "a.txt").write_bytes("walks#walk/VERB#0.0#0.0\nruns\n#x/X#0#0\n".encode("utf-16"))
    (texts / "b.txt").unlink()
    (texts / "c.txt").write_text("late#late/ADJ#1.0#9.5\nlater#late/ADJ#100#101\n")
    (texts / "stray.txt").write_text("walks#walk/VERB#0.0#0.0\n")
    found = checked(folder)
    assert not any(each.problem for each in found.values())
    assert found["a"].read["captions"] == "2" and len(found["a"].notes) == 3
    assert found["b"].read["captions"] == "0" and found["b"].notes == ["has no texts: there is no b.txt"]
    late, later = found["c"].notes
    assert late == "'late' ends at 9.5 s, the clip at 2.4 s"
    assert later == "'later' speaks of 100 to 101 s, no frame of the clip"
    assert found["texts"].notes == ["texts without features: stray"]
    for path in texts.iterdir():
        path.unlink()
    texts.rmdir()
    found = checked(folder)
    assert "there is no folder texts" in found["texts"].problem and not found["a"].problem


def test_mean_and_deviation(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    np.save(folder / "Std.npy", np.ones(22))
    (folder / "Mean.npy").unlink()
    found = checked(folder)
    assert "Std.npy: has shape (22,); humanml3d needs (263,)" in found["Std.npy"].problem
    assert "Mean.npy: cannot be read" in found["Mean.npy"].problem and not found["a"].problem


def test_lists(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    (folder / "train.txt").write_text("a\nb\nlost\n")
    (folder / "val.txt").write_text("b\nMa\n")
    (folder / "all.txt").unlink()
    found = checked(folder)
    assert found["train.txt"].problem.startswith("names without features: lost; copy those clips again")
    assert found["b"].problem.startswith("is in splits train and val") and found["b"].read["split"] == "train+val"
    assert found["Ma"].problem == "is a mirrored, which is in split train; put both into one"
    assert found["c"].notes == ["is in no split: it is not used"]
    assert found["train_val.txt"].notes == ["is not train and val together: c, lost"]
    assert found["all.txt"].notes == ["is not there"]
    (folder / "train.txt").unlink()
    (folder / "test.txt").write_text("a/b")
    found = checked(folder)
    assert "nothing can be trained on" in found["train.txt"].problem
    assert "test.txt:1: 'a/b' is no name" in found["test.txt"].problem


def test_what_the_original_leaves_out_is_said(tmp_path: Path) -> None:
    write_set(tmp_path / "set", [clip("short", frames=40), clip("fits", frames=41), clip("long", frames=201)])
    found = checked(tmp_path / "set")
    assert found["short"].notes == ["39 frames: the original leaves out what has less than 40, or 200 and more"]
    assert found["long"].notes and not found["fits"].notes and not found["long"].problem


def test_keywords_and_codes(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    (folder / "keywords").mkdir()
    (folder / "codes").mkdir()
    (folder / "keywords" / "a.json").write_text("[{]")
    codes = np.zeros((44, 392), bool)
    codes[:, list(STARTS)] = True
    np.save(folder / "codes" / "a.npy", codes)
    np.save(folder / "codes" / "b.npy", codes)
    codes[3:5, 0] = False
    np.save(folder / "codes" / "Ma.npy", codes[:40])
    np.save(folder / "codes" / "c.npy", codes[:, :390])
    found = checked(folder)
    assert "does not read as JSON" in found["a"].problem and not found["a"].notes
    assert found["b"].notes == ["codes: 44 frames for 46 of features"]
    assert found["Ma"].notes == [
        "codes: 40 frames for 45 of features",
        "codes: 2 frames have not one code on in each of 70 groups",
    ]
    assert "humanml3d needs (frames, 392)" in found["c"].problem


def test_no_set(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is no folder, so it has no folder new_joint_vecs"):
        checked(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_texts_that_may_not_be_read(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "set")
    (folder / "texts" / "a.txt").chmod(0)
    assert "cannot be read, permission denied" in checked(folder)["a"].problem
