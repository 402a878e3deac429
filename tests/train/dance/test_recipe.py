"""Training the dancer for real on small dancers: it learns, stops and goes on, hands out what serves, and is swept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import load
from models.contract import initial_state
from models.dance import build
from models.registry import create
from tests.train.dance.bodies import dancer, toy_takes, write_bvh
from tests.train.dance.test_pirounet import write_array
from train.__main__ import main
from train.dance.batches import DanceBatches, path
from train.dance.data import read_data
from train.dance.generate import conditional, decode, dense, encode, one_move, random, reconstruct
from train.dance.settings import Settings
from train.dance.streams import fit_pose, read
from train.run.settings import settings_of

torch.set_num_threads(1)
QUICK = ["config=tiny", "segment=60", "rows=4", "windows=6", "threads=1", "average=0"]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three styles of small dancers as BVH files, enough of each that every split has some."""
    folder = tmp_path_factory.mktemp("takes")
    for level, style in enumerate(("slow", "plain", "quick")):
        (folder / style).mkdir()
        for number in range(4):
            write_bvh(folder / style / f"{style}_{number}.bvh", dancer(level, 150, seed=10 * level + number))
    return folder


def train(takes: Path, out: Path, *more: str, steps: int = 20, **options: str) -> int:
    settings = [
        item for pair in (*QUICK, f"steps={steps}", f"check_every={steps // 2}", *more) for item in ("--set", pair)
    ]
    named = [item for name, value in options.items() for item in (f"--{name}", value) if item]
    return main(["dance", "--data", str(takes), "--out", str(out), *settings, *named])


@pytest.fixture(scope="module")
def run(takes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "dance"
    assert train(takes, out, steps=60) == 0
    return out


def test_it_learns_and_says_what_made_it(run: Path) -> None:
    record = json.loads((run / "training.json").read_text())
    first, last = record["checks"][0], record["checks"][-1]
    assert last["train_loss"] < first["train_loss"]
    assert record["settings"]["steps"] == 60 and record["takes"]["slow_0"] in ("train", "val", "test")
    assert record["labels"]["train"]["by"]["computed"] > 0 and record["labels"]["train"]["by"]["human"] == 0
    assert record["labels"]["train"]["by"]["none"] > 0  # a share of the labels is hidden


def test_what_it_hands_out_dances_and_reads_efforts(run: Path) -> None:
    for name, file in (("dance", "model.safetensors"), ("dance_meter", "model.safetensors")):
        model = create(name, run / file)
        inputs = {item.name: torch.full((1, 5, *item.shape), float(item.missing)) for item in model.spec.inputs}
        with torch.inference_mode():
            outputs, _ = model.scan(inputs, model.initial_state(1))
        assert all(bool(value.isfinite().all()) for value in outputs.values())
    walk = create("dance", run / "model.safetensors").walk
    assert float(walk.used.sum()) > 10 and float(walk.width) > 0
    torch.testing.assert_close(walk.chances[: int(walk.used.sum())].sum(-1), torch.ones(int(walk.used.sum())))


def test_a_stopped_run_goes_on_to_the_same_weights(takes: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(takes, whole) == 0
    assert train(takes, parts, minutes="0.00001") == 0  # stops after its first step
    assert train(takes, parts, resume="") == 0
    ours, theirs = (load(out / "model.safetensors").state for out in (parts, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("changed", ["objective=literal", "continuation=0", "config=positions"])
def test_other_ways_to_train_run(takes: Path, tmp_path: Path, changed: str) -> None:
    small = ["rows=1", "windows=2"] if "positions" in changed else []
    assert train(takes, tmp_path / "run", *small, changed, "bones=1", steps=2) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_labels_of_people_are_used_alone(takes: Path, tmp_path: Path) -> None:
    csv = tmp_path / "labels.csv"
    csv.write_text("take,start,space,time,by\nslow_0,0,1,1,ann\nquick_0,40,2,3,ann\nplain_0,0,1,2,computed\n", "utf-8")
    data = read_data(takes, csv, None, Settings(config="tiny", fraction_label=1.0))
    assert data.record["people"] == {"ann": 2} and data.judge is None
    origins = [data.record[split]["by"] for split in ("train", "val", "test")]
    assert sum(by["human"] for by in origins) > 0 and sum(by["computed"] for by in origins) > 0
    assert data.levels["slow_0"][0] == 0 and data.levels["quick_0"][40] == 2
    assert sum(int((table >= 0).sum()) for table in data.levels.values()) < 60


def test_the_seed_is_trained_on_its_own_layout(tmp_path: Path) -> None:
    """PirouNet's networks at their size, its arrays, its csv without a header, its objective as its code has it."""
    for number in range(6):
        write_array(tmp_path / f"dance_{number}.npy", 1200, seed=number)
    csv = tmp_path / "labels.csv"
    csv.write_text("".join(f"{start},1,{1 + start // 40 % 3}\n" for start in range(0, 1000, 40)), "utf-8")
    only = ["config=pirounet", "objective=literal", "continuation=0", "segment=40", "mirror=false", "turned=1"]
    settings = [item for pair in (*QUICK, "steps=2", "check_every=2", *only) for item in ("--set", pair)]
    assert (
        main(["dance", "--data", str(tmp_path), "--labels", str(csv), "--out", str(tmp_path / "run"), *settings]) == 0
    )
    record = json.loads((tmp_path / "run" / "training.json").read_text())
    assert record["labels"]["people"] == {"pirounet": 20} and record["config"]["latent"] == 256
    model = create("dance", tmp_path / "run" / "model.safetensors")
    assert model.config.skeleton.name == "pirounet" and not model.config.travel


def test_offline_generation(run: Path) -> None:
    model = create("dance", run / "model.safetensors")
    levels = np.arange(30) % 3
    windows = np.stack([dancer(int(level), 40, seed=k).positions for k, level in enumerate(levels)])
    latents = encode(model, windows, levels)
    assert latents.shape == (30, model.config.latent)
    shape = (30, 40, 27, 3)
    assert reconstruct(model, windows, levels).shape == random(model, levels).shape == shape
    moves = one_move(model, latents)
    assert moves.shape == (3, *shape) and not np.allclose(moves[0], moves[2])
    np.testing.assert_array_equal(moves[1][levels == 1], decode(model, latents, levels)[levels == 1])
    assert conditional(model, latents, levels, levels).shape == shape
    with pytest.raises(EngineError, match="level 2 has 0"):
        dense(latents[levels < 2], levels[levels < 2], 2)


def test_tiles_lie_where_dances_of_the_level_are_dense() -> None:
    chance = np.random.default_rng(0)
    centres = np.array([[-4.0, 0.0], [0.0, 4.0], [4.0, -1.0]])
    levels = np.repeat(np.arange(3), 300)
    plane = centres[levels] + chance.normal(scale=0.3, size=(900, 2))
    latents = np.concatenate([plane, chance.normal(scale=0.01, size=(900, 6))], 1)
    for level in range(3):
        tiles = dense(latents, levels, level)
        assert tiles.share > 0.74
        drawn = tiles.draw(200, chance)
        assert np.abs(drawn[:, :2] - centres[level]).max() < 2.0


def test_a_frame_is_told_a_mixture_of_the_latents_around_it() -> None:
    config = build("tiny").config
    anchors = torch.arange(4.0)[None, :, None]
    told = path(anchors, config, config.window + 3 * config.hop)[0, :, 0]
    half = config.window // 2
    assert float(told[half]) == 0.0 and float(told[half + config.hop]) == 1.0 and float(told[-1]) == 3.0
    assert float(told[half + config.hop // 2]) == pytest.approx(config.hop // 2 / config.hop)
    torch.testing.assert_close(told[:half], torch.zeros(half))


def test_batches_follow_from_seed_and_step_and_never_cross_takes(takes: Path) -> None:
    settings = Settings(config="tiny", segment=60, rows=8)
    data = read_data(takes, None, None, settings)
    model = build("tiny")
    train_takes = [take for take in data.takes if take.split == "train"]
    fit_pose(model, train_takes)
    streams = read(model, train_takes, data.levels, mirror=True)
    one, two = (DanceBatches(streams, model.config, settings) for _ in range(2))
    two.load_state_dict({"step": 7})
    first, again = one.batch(7), next(iter(two))
    assert all(torch.equal(first[name], again[name]) for name in first if name != "seed")
    assert not torch.equal(first["positions"], one.batch(8)["positions"])
    starts = streams.starts(60)
    ends = streams.first + streams.count
    assert all(any(f <= s and s + 60 <= e for f, e in zip(streams.first, ends, strict=True)) for s in starts)


def test_a_decoder_forgets_nothing_between_windows() -> None:
    """The same latent, danced on with its state or anew, differs: a dance does not begin again every window."""
    torch.manual_seed(0)
    model = build("tiny").eval()
    latent, effort = torch.randn(1, 80, 8), torch.full((1, 80, 3), 1 / 3)
    view = torch.zeros(1, 80, model.partner.width)
    fresh = initial_state(model.decoder.state_specs(), 1)
    with torch.inference_mode():
        whole, _ = model.dance(latent, effort, view, fresh)
        anew, _ = model.dance(latent[:, 40:], effort[:, 40:], view[:, 40:], fresh)
    assert not torch.allclose(whole[:, 40:], anew, atol=1e-4)


def test_a_sweep_tries_ranges_and_goes_on(takes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("rate: {low: 0.0005, high: 0.01, log: true}\nobjective: [m2, literal]\nrows: {low: 2, high: 4}\n")
    out = tmp_path / "sweep"
    quick = [item for pair in ("config=tiny", "segment=60", "windows=4", "steps=2", "check_every=2", "threads=1")
             for item in ("--set", pair)]  # fmt: skip
    command = ["dance", "--data", str(takes), "--out", str(out), "--settings", str(file), *quick]
    assert main([*command, "--sweep", "1"]) == 0
    assert main([*command, "--sweep", "2", "--resume"]) == 0
    rows = json.loads((out / "sweep.json").read_text())
    assert len(rows) == 2 and rows[0]["loss"] <= rows[1]["loss"] and 0.0005 <= rows[0]["rate"] <= 0.01
    assert len(list(out.glob("trial_*"))) == 2
    capsys.readouterr()
    file.write_text("rate: {low: 1, high: 0}\n")
    assert main([*command, "--sweep", "1", "--resume"]) == 2 and "rate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stepz": 1}, "no setting stepz"),
        ({"steps": "many"}, "steps: .*not 'many'"),
        ({"steps": 300}, "give steps=400"),
        ({"objective": "m3"}, "objective: .*'m2' or 'literal'"),
        ({"blind": 2}, "blind: .*less than or equal to 1, not 2"),
        ({"mirror": "perhaps"}, "mirror"),
    ],
)
def test_settings_that_are_none_are_named(values: dict, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        settings_of(Settings, values)


def test_the_command_refuses_in_words(
    takes: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(takes, run) == 2 and "not empty" in capsys.readouterr().err
    assert train(takes, tmp_path / "new", resume="") == 2 and "to continue" in capsys.readouterr().err
    changed = tmp_path / "changed"
    shutil.copytree(run, changed)
    assert train(takes, changed, "rate=0.01", resume="") == 2 and "rate was" in capsys.readouterr().err
    monkeypatch.delenv("ENGINE_DATA", raising=False)
    assert main(["dance", "--out", str(tmp_path / "none")]) == 2 and "--data is missing" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert train(empty, tmp_path / "other") == 2 and str(empty) in capsys.readouterr().err
    long = train(takes, tmp_path / "long", "segment=4000", steps=2)
    assert long == 2 and "4000 undamaged frames" in capsys.readouterr().err


def test_toy_takes_have_every_split() -> None:
    assert {take.split for take in toy_takes()} == {"train", "val", "test"}
