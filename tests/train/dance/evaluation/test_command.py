"""The command from a folder of takes and a bundle to a folder of results; and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.train.dance.bodies import write_bvh
from tests.train.dance.evaluation.toys import PAIRS, SMALL, swinger, takes
from train.__main__ import main
from train.dance.evaluation import run, whole
from train.dance.labels import Label, read_labels, write_labels
from train.dance.takes import read_takes
from train.report import filmstrip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takes")
    for take in takes():
        write_bvh(folder / "toy" / f"{take.name}.bvh", take.motion)
    pairs = [[f"{a}.bvh", f"{b}.bvh"] for a, b in PAIRS]
    (folder / "toy" / "pairs.json").write_text(json.dumps({"pairs": pairs}))
    lines = [f"{take.name},{take.split}" for take in takes()]
    (folder / "splits.csv").write_text("take,split\n" + "\n".join(lines) + "\n")
    labels = [
        Label(take.name, start, 4, int(take.name[-2]) + 1, "ann")
        for take in takes()
        for start in range(0, len(take.motion) - 40, 20)
    ]
    write_labels(folder / "labels.csv", labels)
    return folder


def test_everything_is_measured_and_written(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(whole, "evaluate", partial(run.evaluate, sizes=SMALL))
    for name in ("GIF", "MP4"):
        monkeypatch.setattr(filmstrip, name, getattr(filmstrip, name)._replace(frames=12))
    bundle = swinger(tmp_path / "bundle").path
    out = tmp_path / "out"
    arguments = ["--data", str(data), "--bundle", f"toy={bundle}", "--untrained", str(bundle), "--partner"]
    arguments += ["--splits", str(data / "splits.csv"), "--labels", str(data / "labels.csv"), "--held-out", "test"]
    arguments += ["--dances", "2", "--seconds", "3", "--windows", "40", "--set", "speed=1.5", "--out", str(out)]
    assert main(["evaluate", "dance", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "Recognition, labels given by people" in printed and "With a partner: 3 held-out pairs" in printed
    content = json.loads((out / "report.json").read_text())
    assert list(content["rows"]) == ["truth", "train takes", "toy", "untrained", "hold", "shuffled labels"]
    assert content["settings"]["features"]["labels"] == "human"
    assert content["rows"]["truth"]["metrics"]["recognised_human"]["value"] > 0.7
    assert content["sections"]["partner"]["rows"]["toy, seeing"]["groups"] == 3
    dance = np.load(out / "toy" / "high00.npy")
    assert dance.shape == (90, 27, 3)
    asked = read_labels(out / "toy" / "asked.csv")
    assert {label.take: label.time for label in asked}["high00"] == 3 and len(asked) == 12
    again = {take.name: take for take in read_takes(out / "toy" / "bvh")}
    assert len(again) == 6 and len(again["high00"].motion) == 90
    assert (out / "dances.gif").stat().st_size > 1000 and (out / "dances.mp4").stat().st_size > 1000
    assert (out / "strip_toy_2.jpg").is_file()
    assert "data:image/gif" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--dances", "1"], "--dances 1: give at least 2"),
        (["--seconds", "0.5"], "--seconds 0.5: a window takes 1.33 s"),
        (["--set", "speed"], "--set 'speed': write NAME=VALUE, for example speed=0.8"),
        (["--set", "speed=fast"], "control speed = 'fast' is out of range: give a number from 0.25 to 2"),
        (["--set", "speed=3"], "control speed = '3' is out of range: give a number from 0.25 to 2"),
        (["--set", "speed=nan"], "control speed = 'nan' is out of range: give a number from 0.25 to 2"),
        (["--set", "effort=1"], "effort is set by each dance"),
        (["--set", "height=1"], "no control 'height'; there is effort, speed"),
        (["--held-out", "train"], "--held-out train: give val, test or both"),
        (["--bundle", "truth={bundle}"], "--bundle truth: the name is taken"),
        (["--bundle", "rules"], "bundle rules: .*evaluate a bundle that dances"),
    ],
)
def test_what_cannot_be_done_is_refused(
    more: list[str], says: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = swinger(tmp_path / "bundle").path
    arguments = ["--data", str(data), "--splits", str(data / "splits.csv"), "--bundle", f"toy={bundle}"]
    assert main(["evaluate", "dance", *arguments, *(part.format(bundle=bundle) for part in more)]) == 2
    assert re.search(says, capsys.readouterr().err)


def test_a_family_loads_nothing_of_another() -> None:
    told = "import sys; from train.__main__ import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    told += "print(*(m for m in sys.modules if m.startswith('train.')))"
    for family, other in (("dance", "reaction"), ("reaction", "dance")):
        command = [sys.executable, "-c", told, "evaluate", family, "--help"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        loaded = shown.splitlines()[-1].split()
        assert f"train.{family}.evaluation.command" in loaded
        assert not [module for module in loaded if module.startswith(f"train.{other}.evaluation.")]
        assert "--data" in shown
