"""Calibration: the rate of plans stays that of the people whatever the slope, and the face's logits are scaled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.registry import create
from tests.train.reaction.toy import save
from train.__main__ import main
from train.reaction import streams
from train.reaction.calibrate import offset, plan_odds
from train.reaction.react import ReactData


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_the_offset_keeps_the_rate(slope: float):
    odds = torch.randn(5000, generator=torch.Generator().manual_seed(0)) * 2 - 4
    moved = slope * odds
    assert float((moved + offset(moved, 0.01)).sigmoid().mean()) == pytest.approx(0.01, rel=1e-3)


def test_calibrated_weights_plan_as_often_as_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["simulate", str(tmp_path / "d"), "--talks", "3", "--minutes", "1", "--listeners", "2"]) == 0
    torch.manual_seed(3)
    weights, out = save(tmp_path / "w.safetensors", create("reaction:tiny")), tmp_path / "c.safetensors"
    asked = ["calibrate", str(weights), str(out), "--data", str(tmp_path / "d")]
    assert main([*asked, "--plan-slope", "2", "--sharpness", "1.5,1,1,1,1"]) == 0
    model = create("reaction", out)
    odds, rates = plan_odds(model, streams.read(model, ReactData(tmp_path / "d").talks("val"), "val"))
    assert float(odds[0].sigmoid().mean()) == pytest.approx(rates[0], rel=0.01) and rates[0] > 0
    assert set(model.gain[: model.levels[0]].tolist()) == {1.5} and float(model.gain[-1]) == 2.0


def test_what_makes_no_sense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = save(tmp_path / "w.safetensors", create("reaction:tiny"))
    asked = ["calibrate", str(weights), str(tmp_path / "c.safetensors"), "--data", str(tmp_path)]
    assert main([*asked, "--plan-slope", "0"]) == 2 and main([*asked, "--sharpness", "1,1"]) == 2
    told = capsys.readouterr().err
    assert "--plan-slope 0" in told and "give 5 numbers" in told
