"""`python -m train check`: every file has its line, what is wrong is told, the exit code says whether all is well."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.train.dance.bodies import dancer, write_bvh
from tests.train.dance.test_pirounet import write_array
from train.__main__ import main
from train.check import Checked, text
from train.simulate.speaker import build_talk
from train.simulate.talk import SimulatedListener
from train.simulate.voices import synthetic_voice
from train.simulate.write import Writer


def told(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    code = main(["check", *options])
    return code, capsys.readouterr().out.splitlines()


def line(lines: list[str], name: str) -> list[str]:
    """The line of a file, and what stands beneath it."""
    at = next(number for number, row in enumerate(lines) if row.startswith(name))
    after = next(n for n in range(at + 1, len(lines)) if not lines[n].startswith("    "))
    return [" ".join(row.split()) for row in lines[at:after]]


def test_takes_have_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        write_bvh(tmp_path / "solo" / f"s{number}.bvh", dancer(1, 120, seed=number), scale=1.0 if number else 100.0)
    for name in "ab":
        write_bvh(tmp_path / "duet" / f"{name}.bvh", dancer(2, 120))
    (tmp_path / "duet" / "pairs.json").write_text(json.dumps({"pairs": [["a.bvh", "b.bvh"]]}))
    code, lines = told(capsys, "dance", str(tmp_path))
    assert code == 0 and lines[-1] == "5 files: 5 can be used, 0 cannot"
    assert line(lines, "a.bvh") == ["a.bvh duet a train 121 30 0.01 m Y up cmu, 27 joints 100.0 % b"]
    (plain, note) = line(lines, "s1.bvh")
    assert plain.startswith("s1.bvh solo s1 ") and "1 m Y up" in plain and "unit found: metres" in note
    assert sorted(line(lines, f"s{number}.bvh")[0].split()[3] for number in range(3)) == ["test", "train", "val"]

    path = tmp_path / "duet" / "b.bvh"
    rows = path.read_text().splitlines()
    rows[-50] = rows[-50].replace(rows[-50].split()[3], "nan", 1)
    path.write_text("\n".join(rows))
    (tmp_path / "solo" / "s2.bvh").write_text("no take")
    code, lines = told(capsys, "dance", str(tmp_path))
    assert code == 1 and lines[-1] == "5 files: 4 can be used, 1 cannot"
    assert "100.0 %" not in line(lines, "b.bvh")[0] and "1 damaged frame" in line(lines, "b.bvh")[1]
    assert "CANNOT BE USED" in line(lines, "s2.bvh")[1] and "does not read as BVH" in line(lines, "s2.bvh")[1]
    path.write_text("no take")
    code, lines = told(capsys, "dance", str(tmp_path))
    assert line(lines, "a.bvh")[1] == "dances alone: the partner's file b.bvh cannot be used"


def test_a_take_and_arrays_can_be_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(capsys, "dance", str(write_bvh(tmp_path / "long.bvh", dancer(1, 400))))
    assert code == 0 and line(lines, "long.bvh")[0].split()[3] == "train+val" and lines[-1].startswith("1 files: 1 can")
    folder = tmp_path / "arrays"
    folder.mkdir()
    write_array(folder / "m.npy", frames=1141)
    code, lines = told(capsys, "dance", str(folder), "--unit", "mm")
    assert code == 0 and "0.001 m Z down pirounet, 53 joints" in line(lines, "m.npy")[0]
    code, lines = told(capsys, "dance", str(folder), "--unit", "m")
    assert code == 1 and "as no person is; give the files' unit with --unit" in line(lines, "m.npy")[-1]


def test_what_is_no_data_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for family in ("dance", "reaction"):
        assert main(["check", family, str(tmp_path / "none")]) == 2
        assert "no such" in capsys.readouterr().err


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    voice = synthetic_voice("val", 0, 0)
    talk = replace(build_talk(voice, 0.5, 3), cues=())
    controls = {name: np.zeros(talk.frames, np.float32) for name in ("expressiveness", "self_speaking")}
    writer = Writer(tmp_path / "sim", "a test", 0)
    for split in ("train", "val"):
        writer.add(split, "t", voice, talk, [SimulatedListener(np.zeros_like(talk.face), controls)] * 2)
    writer.finish()
    (tmp_path / "sim" / "test.csv").unlink()
    return tmp_path / "sim"


def test_talks_have_a_line_a_file(talks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = told(capsys, "reaction", str(talks))
    assert code == 0 and lines[-1] == "27 files: 27 can be used, 0 cannot"  # 12 a split, its pairs, val's neighbours
    for name, kind, holds in (
        ("val.csv", "pairs", "2 pairs"),
        ("neighbour_emotion_val.npy", "neighbour_emotion", "2 x 2"),
        ("val/Audio_files/SIM/t/speaker/1.wav", "Audio_files", "30 s"),
        ("val/3D_FV_files/SIM/t/L1/1.npy", "3D_FV_files", "750 x 58"),
        ("val/Controls/SIM/t/L0/1.csv", "Controls", "750 x 2"),
    ):
        assert line(lines, f"{name} ") == [f"{name} val {kind} {holds}"]

    (talks / "val/3D_FV_files/SIM/t/L1/1.npy").write_bytes(b"x")
    (talks / "val/Emotion/SIM/t/speaker/1.csv").unlink()
    np.save(talks / "neighbour_emotion_val.npy", np.zeros((3, 3)))
    (talks / "train.csv").write_text("x\n")
    code, lines = told(capsys, "reaction", str(talks))
    assert code == 1 and lines[-1] == "15 files: 11 can be used, 4 cannot"
    for name, why in (
        ("val/3D_FV_files/SIM/t/L1/1.npy", "does not read as an array"),
        ("val/Emotion/SIM/t/speaker/1.csv", "is missing"),
        ("neighbour_emotion_val.npy", "is 3 x 3"),
        ("train.csv", "no rows under a header"),
    ):
        assert why in line(lines, f"{name} ")[1] and "CANNOT BE USED" in line(lines, f"{name} ")[1]
    code, lines = told(capsys, "reaction", str(talks), "--split", "val")
    assert code == 1 and lines[-1] == "14 files: 11 can be used, 3 cannot"


def test_columns_are_those_of_all_files() -> None:
    rows = text([Checked("a", {"x": "1"}), Checked("bb", {"y": "22"}, ["seen"], "bb: torn")]).splitlines()
    assert rows == [
        "file  x  y",
        "a     1",
        "bb       22",
        "    seen",
        "    CANNOT BE USED: bb: torn",
        "2 files: 1 can be used, 1 cannot",
    ]
