"""The viewer of data sets draws every person, the marks at their times, and a video as long as asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from train.__main__ import main
from train.reaction.react import ReactData
from train.reaction.view import COLUMNS, KINDS, LABEL, TILE, choose, strip, take, timeline
from train.simulate.speaker import build_talk
from train.simulate.talk import Cue, SimulatedListener
from train.simulate.voices import synthetic_voice
from train.simulate.write import Writer

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view") / "sim"
    voice = synthetic_voice("val", 0, 0)
    talk = replace(build_talk(voice, 0.5, 3), cues=(Cue("pause", 12.0, 1.0),))
    controls = {name: np.zeros(talk.frames, np.float32) for name in ("expressiveness", "self_speaking")}
    still = SimulatedListener(np.zeros_like(talk.face), controls, (Cue("nod", 12.6, 0.5),))
    writer = Writer(folder, "a test", 0)
    for split in ("train", "val", "test"):
        writer.add(split, f"{split}_talk", voice, talk, [still, still])
    writer.finish()
    return folder


def test_a_strip_has_a_row_for_everyone_and_moving_speakers(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "strip.png"
    assert main(["view", str(root), "--start", "10", "--seconds", "4", "--out", str(out)]) == 0
    picture = cv2.imread(str(out))
    assert picture.shape[1] == LABEL + COLUMNS * TILE and picture.shape[0] > 3 * TILE
    tiles = [
        picture[24 + 30 : 24 + TILE, LABEL + k * TILE : LABEL + (k + 1) * TILE].astype(int) for k in range(COLUMNS)
    ]
    assert max(np.abs(tile - tiles[0]).mean() for tile in tiles) > 0.5
    scene = take(choose(ReactData(root), "val", None), 10, 4)
    still = strip(scene)[24 + TILE + 30 : 24 + 2 * TILE]
    np.testing.assert_array_equal(still[:, LABEL : LABEL + TILE], still[:, LABEL + TILE : LABEL + 2 * TILE])


def test_marks_are_at_their_times(root: Path) -> None:
    scene = take(choose(ReactData(root), "val", "val_talk"), 10, 4)
    assert scene.marks["cues"] == [(pytest.approx(2.0), "pause")]
    wide = 1000
    line = timeline(scene, wide)
    middle = round(LABEL + 2.0 / 4 * (wide - LABEL))
    assert (line[:, middle - 1 : middle + 2] == KINDS["pause"]).all(-1).any()
    assert not (line[:, LABEL : middle - 5] == KINDS["pause"]).all(-1).any()
    assert line[:, round(LABEL + 2.6 / 4 * (wide - LABEL))].tolist().count(list(KINDS["nod"])) >= 8


def test_a_video_is_as_long_as_asked_for_and_has_the_voice(root: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed")
    out = tmp_path / "view.mp4"
    assert main(["view", str(root), "--split", "train", "--seconds", "0.6", "--out", str(out)]) == 0
    with av.open(str(out)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 15
        assert {stream.type for stream in file.streams} == {"video", "audio"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--talk", "nobody"], "val_talk"),
        (["--start", "99"], "lasts 30 s"),
        (["--split", "dev"], "no split 'dev'"),
    ],
)
def test_what_is_not_there_is_said(
    root: Path, tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", str(root), *options, "--out", str(tmp_path / "x.png")]) == 2
    assert said in capsys.readouterr().err


def test_other_endings_are_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(root), "--out", str(tmp_path / "x.gif")]) == 2
    assert ".mp4" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_in_one_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "view.mp4").symlink_to("/dev/full")
    assert main(["view", str(root), "--split", "train", "--seconds", "1", "--out", str(tmp_path / "view.mp4")]) == 2
    told = capsys.readouterr().err
    assert "view.mp4" in told and "Traceback" not in told
