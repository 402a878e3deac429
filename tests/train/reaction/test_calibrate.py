"""Calibration: the rate of plans stays that of the people whatever the slope, and the face's logits are scaled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import EngineError
from models.reaction import Reaction
from models.registry import create
from tests.train.reaction.toy import save
from train.__main__ import main
from train.reaction import streams
from train.reaction.calibrate import Looked, look_at, nods_in_talk, offset, plan_odds, planned
from train.reaction.react import ReactData

QUIET = 1.0
"""Every trace of the time since something was heard, when nothing was."""


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_the_offset_keeps_the_rate(slope: float):
    odds = torch.randn(5000, generator=torch.Generator().manual_seed(0)) * 2 - 4
    moved = slope * odds
    assert float((moved + offset(moved, 0.01)).sigmoid().mean()) == pytest.approx(0.01, rel=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talks") / "d"
    asked = ["simulate", str(folder), "--talks", "3", "--minutes", "1", "--listeners", "2", "--synthetic", "1"]
    assert main(asked) == 0
    return folder


def calibrated(data: Path, folder: Path, *more: str) -> tuple[Reaction, Looked]:
    """A network that was never trained, calibrated; and the listeners it was calibrated to."""
    torch.manual_seed(3)
    weights, out = save(folder / "w.safetensors", create("reaction:tiny")), folder / "c.safetensors"
    asked = ["calibrate", str(weights), str(out), "--data", str(data), "--plan-slope", "2", *more]
    assert main([*asked, "--sharpness", "1.5,1,1,1,1"]) == 0
    model = create("reaction", out)
    assert isinstance(model, Reaction)
    return model, look_at(model, streams.read(model, ReactData(data).talks("val"), "val"))


def test_calibrated_weights_plan_as_often_as_people(data: Path, tmp_path: Path):
    model, looked = calibrated(data, tmp_path, "--minutes", "0")
    odds, rates = plan_odds(model, looked)
    assert float(odds[0].sigmoid().mean()) == pytest.approx(rates[0], rel=0.01) and rates[0] > 0
    assert set(model.gain[: model.levels[0]].tolist()) == {1.5} and float(model.gain[-1]) == 2.0


def test_on_its_own_past_too_it_plans_as_often_as_people(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model, looked = calibrated(data, tmp_path, "--minutes", "1")
    told = capsys.readouterr().out
    rates = plan_odds(model, looked)[1]
    again = planned(model, looked, 1500, seed=1)
    for name, rate, run in zip(model.config.plans, rates, again, strict=True):
        minutes = looked.ids.shape[0] * looked.ids.shape[1] / 1500
        drawn, wanted = run * 1500 * minutes, rate * 1500 * minutes
        assert abs(drawn - wanted) <= 4.5 * wanted**0.5 + 1, f"{name}: {drawn} drawn, {wanted} wanted; {told}"
    assert told.count("; free ") == len(rates)


def test_a_plan_can_be_drawn_more_boldly_than_people_do(data: Path, tmp_path: Path) -> None:
    one, looked = calibrated(data, tmp_path, "--minutes", "0")
    bold, _ = calibrated(data, tmp_path, "--minutes", "0", "--bolder", "smile=1.25")
    plans = list(one.config.plans)
    moved = (plan_odds(bold, looked)[0] - plan_odds(one, looked)[0]).mean(1)
    wanted = torch.tensor([1.25 if plan == "smile" else 0.0 for plan in plans])
    torch.testing.assert_close(moved, wanted, atol=1e-4, rtol=0)
    unseen = {name: value.clone() for name, value in looked.given.items()}
    unseen["partner_face_valid"].zero_()
    blind = [plan_odds(model, looked._replace(given=unseen))[0] for model in (one, bold)]
    torch.testing.assert_close(blind[0], blind[1])


def test_how_often_people_nod_in_talk_is_kept_with_the_weights(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, looked = calibrated(data, tmp_path, "--minutes", "0", "--silent", "-2.5", "--smiles", "4,-3")
    talks = model.hearing.talks(looked.given["heard"])
    nods = looked.ids[..., model.tokenizer.heads + model.config.plans.index("nod")]
    assert 0.2 < float(talks.float().mean()) < 1.0 and int(nods[talks].sum()) > 3
    expected = float(nods[talks].sum() / talks.sum())
    assert model.usual.tolist() == pytest.approx([expected, -2.5, 4.0, -3.0])
    assert f"nod: people {1500 * expected:.2f} a minute in which somebody talks" in capsys.readouterr().out
    with pytest.raises(EngineError, match="nobody talks"):
        nods_in_talk(model, looked._replace(given={"heard": torch.zeros_like(looked.given["heard"]) + QUIET}))


def test_what_makes_no_sense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    weights = save(tmp_path / "w.safetensors", create("reaction:tiny"))
    asked = ["calibrate", str(weights), str(tmp_path / "c.safetensors"), "--data", str(tmp_path)]
    assert main([*asked, "--plan-slope", "0"]) == 2 and main([*asked, "--sharpness", "1,1"]) == 2
    assert main([*asked, "--minutes", "-1"]) == 2 and main([*asked, "--bolder", "wink=1"]) == 2
    assert main([*asked, "--smiles", "4"]) == 2 and main([*asked, "--silent", "nan"]) == 2
    told = capsys.readouterr().err
    assert "--smiles '4': give 2 numbers" in told and "--silent nan: give a number" in told
    assert (
        "--plan-slope 0" in told and "--minutes -1" in told and "--bolder 'wink=1'" in told and "give 5 numbers" in told
    )
