"""Experiments begun, continued and sampled on a small set."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import h5py
import pytest
import torch

from engine.errors import EngineError
from tests.train.gesture.aisle.sets import made_set
from train.gesture.aisle import command, programs
from train.gesture.aisle.generator import CLUSTERS
from train.gesture.aisle.settings import settings_of
from train.gesture.pats.reader import PatsSet

torch.set_num_threads(1)
QUICK = {"size": "tiny", "time": "32", "batch_size": "6", "num_iters": "2", "words": "table"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_set(tmp_path_factory.mktemp("set") / "set", 90)


def run(*words: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in words]))


def options(**settings: object) -> list[str]:
    given = QUICK | {name: str(value) for name, value in settings.items()}
    return list(itertools.chain.from_iterable((f"--{name}", *value.split(" ")) for name, value in given.items()))


def weights_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*_weights.p"))


def results(weights: Path) -> dict[str, list[float]]:
    return json.loads(weights.with_name(weights.name.replace("weights.p", "res.json")).read_text())


def test_it_learns_and_is_sampled(data: Path, tmp_path: Path) -> None:
    run("train", "--data", data, "--save", tmp_path, *options(weighted=40, num_epochs=3, lr=0.004, lambda_gan=0.2))
    (weights,) = weights_in(tmp_path)
    found = results(weights)
    assert len(found["dev"]) == 3
    assert found["dev"][-1] < 0.85 * found["dev"][0]
    assert found["dev_F1"][-1] > found["dev_F1"][0]
    for number in range(CLUSTERS):
        assert {len(found[f"{kind}_cluster_{number}"]) for kind in ("share", "drawn", "weight")} == {3}
    assert sum(found[f"drawn_cluster_{number}"][1] for number in range(CLUSTERS)) == pytest.approx(1)
    assert found["drawn_cluster_0"][1] != pytest.approx(found["share_cluster_0"][1], abs=1e-3)

    run("sample", "--load", weights, "--data", data, "--split", "test", "dev")
    prefix = weights.name.removesuffix("_weights.p")
    cumulative = json.loads((tmp_path / f"{prefix}_cummMetrics.json").read_text())
    assert {"test_FID", "test_W1_vel", "test_pck", "dev_F1"} <= cumulative.keys()
    apart = json.loads((tmp_path / f"{prefix}_metrics.json").read_text())["same"]
    assert apart.keys() == {"ann", "bob"} and "test_L1" in apart["bob"]
    for interval in PatsSet(data).intervals("test"):
        with h5py.File(
            tmp_path / prefix / "keypoints" / "test" / interval.speaker / f"{interval.interval_id}.h5"
        ) as file:
            assert file["pose/normalize"].shape == (len(interval.read("pose/normalize")), 2, 52)
    matrices = json.loads((tmp_path / f"{prefix}_clusters.json").read_text())
    assert matrices["ann4"]["video"] == "talk4" and len(matrices["ann4"]["frames"]) == CLUSTERS


def test_a_run_that_stopped_goes_on_to_the_same_bytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options(weighted=5, num_epochs=3)
    run("train", "--data", data, "--save", tmp_path / "whole", *given)
    ticks = itertools.count()
    with monkeypatch.context() as patch:  # a clock that ticks once a look, and time is up within the second epoch
        patch.setattr(time, "monotonic", lambda: float(next(ticks)))
        run("train", "--data", data, "--save", tmp_path / "parts", "--minutes", 11 / 60, *given)
    (whole,), (parts,) = weights_in(tmp_path / "whole"), weights_in(tmp_path / "parts")
    state = parts.with_name(parts.name.replace("weights.p", "state.p"))
    found = torch.load(state, weights_only=True)
    assert (found["epoch"], found["step"]) == (1, 3)
    with pytest.raises(EngineError, match="leave out --weighted --save"):
        run("train", "--data", data, "--resume", state, "--save", tmp_path, "--weighted", 3)
    run("train", "--data", data, "--resume", state)
    assert whole.read_bytes() == parts.read_bytes() and results(whole) == results(parts)
    found = torch.load(state, weights_only=True)
    assert found["best"] == min(results(whole)["dev_spatialNorm"])
    assert [each["param_groups"][0]["lr"] for each in found["optimisers"]] == pytest.approx([2e-3 * 0.99**2] * 2)
    # the end of an epoch brings the weights of windows that were never drawn, 1 at first, to others
    assert bool((found["sampler"] != 1).all()) and bool((found["sampler"] >= 0.1).all())
    with pytest.raises(EngineError, match="has done its 3 epochs"):
        run("train", "--data", data, "--resume", state)
    other = made_set(tmp_path / "other", 80)
    with pytest.raises(EngineError, match="not the set"):
        run("train", "--data", other, "--resume", state)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "JointLateClusterSoftTransformer8_G", "audio": "average", "gan": 0},
        {"model": "speech2gesture", "weighted": 0, "scores": 1, "num_training_iters": 2},
        {"model": "gesticulator", "speaker": "bob"},
        {"feedforward": 2, "double": 1, "weighted": 0, "num_training_iters": 2, "audio": "seventh"},
    ],
    ids=["no_attention", "speech2gesture", "gesticulator", "oddities"],
)
def test_every_model_trains_and_samples(data: Path, tmp_path: Path, settings: dict[str, object]) -> None:
    run("train", "--data", data, "--save", tmp_path, *options(num_epochs=1, window_hop=40, **settings))
    (weights,) = weights_in(tmp_path)
    found = programs.sample(weights, data, ["test"])
    assert found["test_L1"] is not None and 0.2 < found["test_L1"] < 2
    if settings.get("double"):
        assert programs.load(weights).model.G.audio.last[0].weight.dtype == torch.float64  # type: ignore[union-attr]


def test_a_run_that_gets_no_better_stops_early(data: Path, tmp_path: Path) -> None:
    given = options(num_epochs=5, weighted=1, early_stopping=1, min_epochs=2, stop_thresh=1, dev_key="share_cluster_0")
    run("train", "--data", data, "--save", tmp_path, *given)
    assert len(results(weights_in(tmp_path)[0])["dev"]) == 2


def test_options_with_several_values_are_a_grid() -> None:
    made = list(command.grid({"weighted": ["0", "5"], "speaker": ["ann,bob", '["ann"]', "all"], "gan": ["1"]}))
    assert [(each.weighted, each.speaker) for each in made] == [
        (weighted, speaker) for weighted in (0, 5) for speaker in (("ann", "bob"), ("ann",), ())
    ]
    with pytest.raises(EngineError, match="--gan 'yes'"):
        list(command.grid({"gan": ["yes"]}))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"weights": 1}, "no setting weights"),
        ({"model": "StyleGAN"}, "StyleGAN"),
        ({"time": "40"}, "multiple of 32"),
        ({"words": "bert"}, "--bert FOLDER"),
        ({"scores": True}, "--weighted 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        settings_of(values)


def test_bad_input_is_told(data: Path, tmp_path: Path) -> None:
    for words, told in (
        (("--speaker", "cyd"), "no speaker 'cyd'"),
        (("--time", "320", "--num_epochs", "1"), "no interval of 320 frames"),
        (("--dev_key", "dev_beauty", "--num_epochs", "1", "--weighted", "1"), "dev_key 'dev_beauty'"),
    ):
        given = dict(zip(words[::2], words[1::2], strict=True))
        with pytest.raises(EngineError, match=told):
            run("train", "--data", data, "--save", tmp_path, *options(**{k[2:]: v for k, v in given.items()}))
    with pytest.raises(EngineError, match="--save is missing"):
        run("train", "--data", data)


def test_weights_that_do_not_fit_are_refused(data: Path, tmp_path: Path) -> None:
    run("train", "--data", data, "--save", tmp_path, *options(num_epochs=1, weighted=1))
    (weights,) = weights_in(tmp_path)
    path = weights.with_name(weights.name.replace("weights.p", "args.args"))
    args = json.loads(path.read_text())
    for change, told in (
        ({"size": "small"}, "does not fit the settings"),
        ({"speakers": []}, "0 speakers"),
        ({"speakers": ["ann", 3]}, "speakers: 1"),
        ({"colour": 1}, "no setting colour"),
    ):
        path.write_text(json.dumps(args | change))
        with pytest.raises(EngineError, match=told):
            programs.sample(weights, data, ["test"])
    path.write_text(json.dumps(args | {"speakers": ["ann", "cyd"]}))
    with pytest.raises(EngineError, match="'bob' was not trained on"):
        programs.sample(weights, data, ["test"])
