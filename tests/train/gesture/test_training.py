"""Training the gesture model for real on a made set: it learns, goes on bit for bit, and says what a set lacks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import load
from models.contract import initial_state
from models.gesture import build
from models.gesture.body import UPPER
from models.gesture.plan import PREPARATION, REST
from models.registry import create
from train.__main__ import main
from train.gesture import calibrate
from train.gesture.batches import GestureBatches, Validation
from train.gesture.command import fit_rest
from train.gesture.courses import fit_courses, followed
from train.gesture.labels import fit_kinds
from train.gesture.recipe import GestureRecipe
from train.gesture.settings import Settings
from train.gesture.streams import Performance, fingerprint, heard, intervals_of, poses_of, read, shapes_in
from train.run.settings import settings_of
from train.simulate.gestures.build import Order
from train.simulate.gestures.build import build as simulate

torch.set_num_threads(1)
QUICK = ["config=tiny", "rows=6", "segment=40", "average=0"]


@pytest.fixture(scope="module", autouse=True)
def few_are_tried() -> Iterator[None]:
    """Calibration tries a few settings, which is what takes its time; its own tests are in test_calibrate.py."""
    with pytest.MonkeyPatch.context() as patch:
        for name, count in (("SETTLES", 2), ("LIFTS", 2), ("STRIKES", 1)):
            patch.setattr(calibrate, name, getattr(calibrate, name)[:count])
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of talks of made voices, two gesturers."""
    out = tmp_path_factory.mktemp("gestures") / "set"
    simulate(out, Order(1.5, 3, 2), "made", lambda _: None, lambda _: None)
    return out


@pytest.fixture(scope="module")
def performances(folder: Path) -> list[Performance]:
    model = build(build("tiny").config.__class__(**{**build("tiny").config.to_dict(), "styles": ("ada", "ben")}))
    found = intervals_of(folder, "train")
    kinds = fit_kinds(*shapes_in(model, found), 4, 0)
    items = read(model, kinds, found, lambda points, _: np.zeros(len(points), np.int64))
    model.poses.fit(torch.cat([item.pose for item in items]))
    fit_rest(model, items)
    fit_courses(model, items)
    return followed(model, items)


def train(folder: Path, out: Path, *options: str, steps: int = 16) -> int:
    given = [item for pair in (*QUICK, f"steps={steps}", f"check_every={steps // 2}") for item in ("--set", pair)]
    return main(["gesture", "--data", str(folder), "--out", str(out), *given, *options])


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "gesture"
    assert train(folder, out) == 0
    return out


def test_it_learns_and_hands_out_what_serves(run: Path) -> None:
    record = json.loads((run / "training.json").read_text())
    assert record["checks"][-1]["loss"] < record["checks"][0]["loss"]
    assert record["checks"][-1]["pose"] < record["checks"][0]["pose"] and set(record["styles"]) <= {"ada", "ben"}
    kept = load(run / "model.safetensors")
    model = create("gesture", run / "model.safetensors")
    assert kept.family == "gesture" and list(model.config.styles) == record["styles"]
    assert model.spec.input("style").names == model.config.styles
    assert set(model.hands.unique().tolist()) <= {-1.0, 0.0, 1.0} and model.words.table.abs().sum() > 0


def test_a_run_that_goes_on_is_the_run_that_never_stopped(folder: Path, run: Path, tmp_path: Path) -> None:
    assert train(folder, tmp_path / "halves", "--minutes", "0.0001") == 0
    assert train(folder, tmp_path / "halves", "--resume") == 0
    whole, halves = (load(path / "model.safetensors").state for path in (run, tmp_path / "halves"))
    assert all(torch.equal(whole[name], halves[name]) for name in whole)


def test_a_set_without_what_the_live_form_needs_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path / "set")
    file = intervals_of(tmp_path / "set", "train")[0].path
    with h5py.File(file, "a") as stored:
        del stored["live"]
    assert train(tmp_path / "set", tmp_path / "run") == 2
    told = capsys.readouterr().err
    assert "live/rotations" in told and "train simulate gestures" in told
    with pytest.raises(EngineError, match="no intervals in split 'dev'"):
        intervals_of(_without(tmp_path / "set", "dev"), "dev")


def _without(folder: Path, split: str) -> Path:
    """The set with all of a split said to be of train."""
    listed = folder / "cmu_intervals_df.csv"
    listed.write_text(listed.read_text("utf-8").replace(f"{split},", "train,"), "utf-8")
    return folder


def test_what_is_heard_is_what_is_heard_live(performances: list[Performance], folder: Path) -> None:
    model = build("tiny")
    interval = intervals_of(folder, "train")[0]
    item = next(one for one in performances if one.name == interval.interval_id)
    assert torch.equal(heard(model, interval.pcm(), interval.pcm_rate, item.frames), item.raw)
    pieces = heard(model, interval.pcm(), interval.pcm_rate, 500)
    shorter = heard(model, interval.pcm()[: 16000 * 20], interval.pcm_rate, 250)
    torch.testing.assert_close(pieces[:250], shorter, atol=1e-4, rtol=1e-4)


def test_pieces_hold_what_stood_before_them(performances: list[Performance]) -> None:
    settings = settings_of(Settings, {"rows": "6", "segment": "40", "steps": "4", "hiss": "0", "deaf": "0"})
    config = build("tiny").config
    batches = GestureBatches(performances, config, settings)
    one, again = batches.batch(3), batches.batch(3)
    assert all(torch.equal(one[name], again[name]) for name in one if name not in ("seed", "pose_before", "course"))
    assert not torch.equal(one["ids"], batches.batch(2)["ids"])
    assert torch.equal(one["previous"][:, 1:], one["ids"][:, :-1])
    model = build("tiny")
    state = initial_state(model.plan_state, 6) | {"planner.clock": one["clock_then"]}
    raw = torch.zeros(6, 40, model.hearing.raw_width)
    style = torch.zeros(6, 40, dtype=torch.int64)
    with torch.no_grad():
        (logits, _), updates = model.plan(raw, one["words"], style, one["previous"], state)
    # The clock that the planner ends with is the one that labels count, one frame before the last.
    ends = [(item, first) for item in performances for first in range(item.frames - 40 + 1)]
    for row in range(6):
        match = [
            item.clock[first + 38]
            for item, first in ends
            if torch.equal(item.pose[first : first + 40], one["pose"][row]) and first > 1
        ]
        if match:
            torch.testing.assert_close(updates["planner.clock"][row], match[0], atol=1e-3, rtol=1e-4)
    entropy = torch.nn.functional.cross_entropy(logits.flatten(0, 2), one["ids"].flatten(), reduction="none")
    assert entropy.max() < 100, "no label is one that may not follow"


def test_words_come_on_time_late_or_never(performances: list[Performance]) -> None:
    config = build("tiny").config
    seen = {}
    for name, wordless, late in (("on time", 0.0, 0.0), ("late", 0.0, 1.0), ("never", 1.0, 0.0)):
        given = {"rows": 8, "segment": 40, "wordless": wordless, "late": late, "steps": 1}
        batch = GestureBatches(performances, config, settings_of(Settings, given)).batch(0)
        newest = batch["words"][..., -1, :]
        seen[name] = newest[..., 1][newest[..., 3] > 0]
    assert not len(seen["never"]) and seen["on time"].min() < 1 / 15 + 1e-3
    fresh = (seen["late"] < 0.1).float().mean()
    assert fresh < (seen["on time"] < 0.1).float().mean() / 2


def test_validation_is_the_same_every_time_and_judges_whole_talks(performances: list[Performance]) -> None:
    settings = settings_of(Settings, {"rows": 6, "segment": 40, "steps": 1})
    first, second = (Validation(performances, build("tiny").config, settings, most=10) for _ in range(2))
    assert sum(len(batch["ids"]) for batch in first) == 10
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours["raw"], theirs["raw"]) and ours["judged"].min() == 1


def test_losses_judge_what_they_say(performances: list[Performance]) -> None:
    config = build("tiny").config
    model = build(config.__class__(**{**config.to_dict(), "styles": ("ada", "ben")})).eval()
    settings = settings_of(Settings, {"rows": 6, "segment": 40, "steps": 1, "burn": 10})
    model.poses.fit(torch.cat([item.pose for item in performances]))
    fit_rest(model, performances)
    recipe = GestureRecipe(model, settings, {})
    batch = next(iter(Validation(performances, model.config, settings, most=6)))
    with torch.no_grad():
        terms = recipe.terms(batch)
        altered = {**batch, "ids": batch["ids"].clone(), "judged": batch["judged"].clone()}
        altered["judged"][:, 20:] = 0.0
        altered["pose"] = batch["pose"].clone()
        altered["pose"][:, 20:] += 5.0
        short = recipe.terms(altered)
        altered["judged"][:, 20:] = 1.0
        assert recipe.terms(altered)["pose"] > terms["pose"] + 1.0
    assert short["pose"] < terms["pose"] + 1.0, "what is not judged counts nothing"
    total = recipe.total(terms)
    by_hand = terms["phase"] + 0.1 * terms["kind"] + terms["nod"] + terms["pose"] + 6 * terms["joints"]
    by_hand = by_hand + 0.5 * terms["head"]
    torch.testing.assert_close(total, by_hand + 40 * terms["velocity"] + 0.1 * terms["cluster"] + 3 * terms["told"])


def test_rest_is_how_a_gesturer_stands(performances: list[Performance]) -> None:
    config = build("tiny").config
    model = build(config.__class__(**{**config.to_dict(), "styles": ("ada", "ben")}))
    fit_rest(model, performances)
    resting = [item.pose[item.ids[:, 0] == REST] for item in performances if item.style == 0]
    assert (model.poses.rest[0] - torch.cat(resting).mean(0)).abs().max() < 0.15
    assert not torch.equal(model.poses.rest[0], model.poses.rest[1])


def test_poses_are_the_first_columns_of_turns() -> None:
    quaternions = np.zeros((1, 27, 4), np.float32)
    quaternions[..., 3] = 1.0
    quaternions[0, UPPER[2]] = [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)]  # a quarter turn about z
    told = poses_of(quaternions)[0].unflatten(0, (-1, 6))
    np.testing.assert_allclose(told[2].numpy(), [0, 1, 0, -1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(told[0].numpy(), [1, 0, 0, 0, 1, 0], atol=1e-6)


def test_another_set_is_another_fingerprint(performances: list[Performance]) -> None:
    assert fingerprint(performances) != fingerprint(performances[:-1])
    assert fingerprint(performances) == fingerprint(list(performances))
    assert any((item.ids[:, 0] == PREPARATION).any() for item in performances)
