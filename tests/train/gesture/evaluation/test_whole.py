"""The whole evaluation of a toy bundle and of sampled windows on a small set, and what cannot be evaluated."""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from tests.train.gesture.evaluation.toys import waver
from train.gesture.aisle.sampling import write_sample
from train.gesture.evaluation import command
from train.gesture.evaluation import run as evaluation
from train.gesture.evaluation.cases import Case
from train.gesture.evaluation.rows import RESERVED
from train.gesture.pats import pose
from train.report import evaluation as report
from train.report.intervals import weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def given(folder: Path, cases: list[Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("given")
    waver(made / "waver")
    rng = np.random.default_rng(0)
    for name, by in (("w", 20), ("u", 40)):
        for case in cases:
            turned = np.roll(case.truth.points, by, 0) + rng.normal(0.0, 2.0, case.truth.points.shape)
            write_sample(made / name, "test", case.speaker, case.name, pose.rows(turned))
    return {"data": folder, "bundle": made / "waver", "w": made / "w", "u": made / "u"}


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(arguments))


def test_everything_is_measured_and_written(
    given: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluation, "FEW_DRAWS", 5)
    monkeypatch.setattr(report, "weights", functools.partial(weights, draws=40))
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    out = tmp_path / "out"
    arguments = ["--data", str(given["data"]), "--bundle", f"toy={given['bundle']}", "--out", str(out)]
    arguments += ["--aisle", f"weighted={given['w']}", f"uniform={given['u']}", "--set", "amplitude=0.5"]
    run(*arguments, "--strips", "1")
    printed = capsys.readouterr()
    assert "no AMI section" in printed.err and "toy: moved" in printed.err
    content = json.loads((out / "report.json").read_text())
    names = ["toy", "toy, no words", "toy, no voice", "toy, words 0.3 s late", "toy, words 1 s late"]
    assert list(content["rows"]) == [*RESERVED, "weighted", "uniform", *names]
    assert content["settings"]["windowed"] == "weighted" and content["settings"]["bootstrap"]["over"] == "talks"
    assert content["rows"]["weighted"]["metrics"]["fid_over"]["value"] == 1.0
    assert set(content["sections"]) == {"ruler", "variants"}
    assert "targets met" in content["conclusions"]["toy"][0]
    assert (
        "Timing: do strokes meet the stresses" in printed.out and "[95 % bootstrap interval over talks]" in printed.out
    )
    page = (out / "report.html").read_text()
    assert "data:image/jpeg" in page and "Strokes around stresses" in page
    (motion, *_) = sorted((out / "motions" / "toy,_no_words").glob("*.npy"))
    assert np.load(motion).shape[1:] == (52, 2) and (out / "strip0.jpg").is_file()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--talks", "-1"], "--talks -1: give at least 0"),
        (["--bundle", "truth={bundle}"], "--bundle truth: the name is taken"),
        (["--aisle", "w={w}", "w={u}"], "--aisle w: the name is taken"),
        (["--aisle", "w={w}", "--bundle", "w={bundle}"], "--bundle w: the name is taken"),
        (["--aisle", "{bundle}"], "has no sample of the 6 intervals"),
        (["--bundle", "{bundle}", "--set", "amplitude"], "write NAME=VALUE, for example amplitude=0.8"),
        (["--bundle", "{bundle}", "--set", "amplitude=9"], "control amplitude = '9' is out of range"),
        (["--split", "dev"], "no interval of split 'dev'"),
    ],
)
def test_what_cannot_be_done_is_refused(more: list[str], says: str, given: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match=says):
        run("--data", str(given["data"]), *(part.format(**given) for part in more))
