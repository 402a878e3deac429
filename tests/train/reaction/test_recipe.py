"""The reaction recipe learns, carries state as one long crop would, and goes on after a stop as if there was none."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import load
from models.contract import initial_state
from models.reaction import CONFIGS, Reaction
from models.registry import create
from tests.train.reaction.toy import save, settings, toy
from train.__main__ import main
from train.reaction.crops import Crops, Validation
from train.reaction.fitting import fit_tokenizer
from train.reaction.plans import labels
from train.reaction.react import ReactData
from train.reaction.recipe import ReactionRecipe, cue_loss, head_losses
from train.run.callbacks import History
from train.run.trainer import Session, fit


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def network(**changes: Any) -> Reaction:
    torch.manual_seed(0)
    return Reaction(dataclasses.replace(CONFIGS["tiny"], **changes))


def train(out: Path, asked: Any, resume: bool = False, until: float | None = None, checked: Any = None) -> Any:
    """One session on the toy; what it ended with, and its validations."""
    seen: list[History] = []

    def note(history: History) -> None:
        seen[:] = [history]
        if checked is not None:
            checked(history)

    model = network(dropout=0.1)
    streams, others = toy(model=model), toy(seed=9, model=model)
    recipe = ReactionRecipe(model, asked, {"train": streams.fingerprint, "val": others.fingerprint})
    crops, validation = Crops(streams, asked, model.codes), Validation(others, asked, model.codes)
    out.mkdir(exist_ok=True)
    ended = fit(recipe, crops, validation, asked.rows * asked.crop, Session(out, "cpu", resume, until), note)
    return ended.step, ended.reason, seen[0].checks if seen else []


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The leaves of a checkpoint by path, but for clocks and folders."""
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for name, item in value.items():
        if not str(name).startswith("ModelCheckpoint") and name != "seconds":
            found |= leaves(item, f"{path}.{name}")
    return found


def same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


def test_it_learns_what_the_voice_tells(tmp_path: Path) -> None:
    # With the listener's own past hidden nothing but the partner's voice tells the first id from a coin.
    only = (1, *[0] * (network().heads - 1))
    usual = settings(own_off=0.99, audio_off=0.0, head_weights=only, cue_weight=0.0)
    asked = dataclasses.replace(usual, steps=120, check_every=40, rows=8, rate=5e-3)
    _, ended, history = train(tmp_path, asked)
    losses = [check["train_loss"] for check in history]
    assert ended == "done" and losses[0] > losses[-1] < 0.5 * math.log(2)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, average: float) -> None:
    asked = settings(steps=9, check_every=3, average=average)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    _, _, history = train(whole, asked)

    step, ended, _ = train(parts, asked, checked=lambda _: signal.raise_signal(signal.SIGINT))
    assert (step, ended[:11]) == (3, "interrupted")
    past = time.monotonic()
    step, ended, _ = train(parts, asked, resume=True, until=past)
    assert step == 4 and "time is over" in ended and "--resume" in ended
    assert train(parts, asked, resume=True, until=past)[0] == 5
    step, ended, resumed = train(parts, asked, resume=True)
    assert (step, ended) == (9, "done")

    assert resumed == history
    states = [leaves(torch.load(folder / "last.ckpt", weights_only=True)) for folder in (whole, parts)]
    handed = [leaves(load(folder / "best.safetensors").state) for folder in (whole, parts)]
    for one, other in (states, handed):
        assert one.keys() == other.keys()
        assert not [path for path in one if not same(one[path], other[path])]


def test_handed_out_weights_are_the_averaged_ones(tmp_path: Path) -> None:
    train(tmp_path, settings(steps=4, check_every=4, average=0.9))
    checkpoint = torch.load(tmp_path / "best.ckpt", weights_only=True)
    weights = load(tmp_path / "best.safetensors").state
    assert torch.equal(weights["out.weight"], checkpoint["state_dict"]["model.out.weight"])
    assert not torch.equal(weights["out.weight"], checkpoint["current_model_state"]["model.out.weight"])


def test_two_crops_with_carried_state_are_one_long_crop() -> None:
    model = network()
    streams = toy(model=model)
    halves = list(Crops(streams, settings(steps=4, rows=1, own_off=0.0), model.codes))[1:3]
    recipe = ReactionRecipe(model, settings(rows=1), {})
    assert halves[0]["new"].all() and not halves[1]["new"].any()
    state = initial_state(model.react_state, 1)
    first, state = recipe(halves[0], state)
    second, _ = recipe(halves[1], state)
    long = {name: torch.cat([half[name] for half in halves], 1) for name in ("previous", "own")}
    long["streams"] = {name: torch.cat([half["streams"][name] for half in halves], 1) for name in halves[0]["streams"]}
    whole, _ = recipe({**long, "new": halves[0]["new"]}, initial_state(model.react_state, 1))
    for name in ("logits", "cues"):
        parts = torch.cat([getattr(first, name), getattr(second, name)], 1)
        torch.testing.assert_close(parts, getattr(whole, name), rtol=1e-4, atol=1e-4)
    forgotten, _ = recipe(halves[1], initial_state(model.react_state, 1))
    assert (forgotten.logits - second.logits).abs().max() > 1e-3
    assert not any(value.requires_grad for value in state.values())


def test_a_row_that_begins_anew_sees_nothing_of_its_old_stream() -> None:
    model = network()
    recipe = ReactionRecipe(model, settings(rows=2), {})
    before, batch = list(Crops(toy(model=model), settings(steps=4, rows=2), model.codes))[:2]
    _, state = recipe(before, initial_state(model.react_state, 2))
    batch["new"] = torch.tensor([False, True])
    batch["previous"][1, 0] = model.codes
    carried, _ = recipe(batch, state)
    fresh, _ = recipe(batch, initial_state(model.react_state, 2))
    torch.testing.assert_close(carried.logits[1], fresh.logits[1])
    assert (carried.logits[0] - fresh.logits[0]).abs().max() > 1e-3


def test_it_learns_to_notice_cues_from_the_voice_and_nothing_where_nobody_knows_them(tmp_path: Path) -> None:
    model = network()
    weights = (1e-6,) * model.heads
    asked = settings(steps=60, rows=8, rate=2e-2, head_weights=weights, audio_off=0.0, cue_weight=1.0)
    recipe, losses = ReactionRecipe(model, asked, {}), []
    state = initial_state(model.react_state, asked.rows)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for batch in Crops(toy(model=model), asked, model.codes):
        noticed, state = recipe(batch, state)
        losses.append(cue_loss(noticed.cues, batch["cues"]))
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
    assert torch.stack(losses[-10:]).mean() < 0.5 * torch.stack(losses[5:15]).mean()
    unknown = torch.full_like(batch["cues"], -1)
    assert cue_loss(noticed.cues, unknown) == 0.0
    half = unknown.clone()
    half[:, :, 0] = batch["cues"][:, :, 0]
    torch.testing.assert_close(cue_loss(noticed.cues, half), cue_loss(noticed.cues[..., :1], batch["cues"][..., :1]))


def test_smoothing_spreads_over_the_codes_a_head_has() -> None:
    known = torch.tensor([[True, True, False], [True, True, True]])
    logits = torch.randn(2, 5, 2, 3).masked_fill(~known, -1e9)
    ids = torch.randint(2, (2, 5, 2))
    for head, codes in enumerate((2, 3)):
        wanted = torch.nn.functional.cross_entropy(
            logits[:, :, head, :codes].flatten(0, 1), ids[:, :, head].flatten(), label_smoothing=0.1
        )
        torch.testing.assert_close(head_losses(logits, ids, known, 0.1)[head], wanted)


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    model = network()
    recipe = ReactionRecipe(model, settings(), {})
    batch = next(iter(Crops(toy(model=model), settings(), model.codes)))
    recipe.on_fit_start()
    with torch.no_grad():
        model.out.bias.fill_(torch.nan)
    with pytest.raises(EngineError, match="lower rate"):
        recipe.training_step(batch, 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talks") / "data"
    made = ["simulate", str(folder), "--talks", "3", "--minutes", "0.5", "--listeners", "1", "--synthetic", "1"]
    assert main(made) == 0
    return folder


SHORT = ["config=tiny", "threads=1", "rows=2", "crop=50", "steps=4"]


def given(*settings: str) -> list[str]:
    return [word for item in settings for word in ("--set", item)]


def test_from_a_simulated_set_to_weights(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    asked = ["reaction", "--data", str(data), "--out", str(out), *given(*SHORT, "check_every=2")]
    assert main([*asked, "--minutes", "0"]) == 0
    assert "step 1 of 4" in capsys.readouterr().out

    assert main(asked) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([*asked, "--resume", *given("seed=5", "rate=0.1")]) == 2
    message = capsys.readouterr().err
    assert "seed was 0 and is 5" in message and "rate was 0.001 and is 0.1" in message

    assert main([*asked, "--resume"]) == 0
    assert "step 4 of 4, done" in capsys.readouterr().out
    assert main([*asked, "--resume"]) == 2
    assert "has done its 4 steps" in capsys.readouterr().err

    record = json.loads((out / "training.json").read_text())
    assert [check["step"] for check in record["checks"]] == [2, 4] and record["data"][0]["layout"]["complete"]
    assert record["best"] == min(record["checks"], key=lambda check: check["loss"])
    model = create("reaction", out / "model.safetensors")
    assert model.config == CONFIGS["tiny"] and model.tokenizer.analysis.any()
    best = load(out / "best.safetensors").state
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())

    (out / "model.safetensors").unlink()  # as if the power went between the last step and the end
    assert main([*asked, "--resume"]) == 0
    assert load(out / "model.safetensors").state.keys() == best.keys()


def test_two_sets_teach_one_network_that_begins_with_the_weights_of_another(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lively = tmp_path / "lively"
    asked = ["simulate", str(lively), "--talks", "3", "--minutes", "1", "--listeners", "2", "--synthetic", "1"]
    assert main([*asked, "--seed", "7"]) == 0
    begun = network()
    fit_tokenizer(begun.tokenizer, [ReactData(data).talks("train")[0].listener("L0")])
    weights, out = save(tmp_path / "w.safetensors", begun), tmp_path / "run"
    asked = ["reaction", "--data", str(data), "--data", str(lively), *given(*SHORT, "rate=1e-9", "warmup=0")]
    assert main([*asked, "--out", str(out), "--init", str(weights)]) == 0

    made = create("reaction", out / "model.safetensors").state_dict()
    for name, value in begun.state_dict().items():  # at such a rate nothing is learned: they are those it began with
        torch.testing.assert_close(made[name], value, rtol=0, atol=1e-6, msg=name)
    record = json.loads((out / "training.json").read_text())
    sets = [ReactData(folder).talks("train") for folder in (data, lively)]
    rates = [
        np.mean(
            [labels(talk.events(name), talk.listener(name), ["nod"]).mean() for talk in one for name in talk.listeners]
        )
        for one in sets
    ]
    assert record["init"] == str(weights) and rates[0] != rates[1]
    assert [found["nod_rate"] for found in record["data"]] == pytest.approx([1.0, rates[1] / rates[0]])

    assert main([*asked, "--out", str(tmp_path / "b"), "--init", str(weights), "--set", "config=small"]) == 2
    assert "--init" in capsys.readouterr().err


def test_a_run_shorter_than_its_checks_is_checked_at_its_end(data: Path, tmp_path: Path) -> None:
    assert main(["reaction", "--data", str(data), "--out", str(tmp_path / "run"), *given(*SHORT, "keep=last")]) == 0
    record = json.loads((tmp_path / "run" / "training.json").read_text())
    assert [check["step"] for check in record["checks"]] == [4] and record["settings"]["keep"] == "last"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--set", "config=huge"], "no size 'huge'"),
        (["--data", "/nowhere"], "no such folder"),
        (["--resume"], "leave --resume out"),
        (["--set", "steps=5", "--set", "check_every=2"], "steps=6"),
        (["--set", "crop=0"], "crop: Input should be greater than or equal to 1"),
        (["--set", "own_off=1.5"], "own_off: Input should be less than 1"),
        (["--set", "head_weights=1,x"], "head_weights.1"),
        (["--set", "head_weights=1,-1"], "cannot be negative"),
        (["--set", "rows"], "write NAME=VALUE"),
        (["--settings", "/nowhere.yaml"], "No such file"),
    ],
)
def test_what_a_user_can_mend_is_said(
    change: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").touch()
    out = tmp_path / "out"
    asked = ["reaction", "--data", str(tmp_path), "--out", str(out), "--set", "config=tiny", *change]
    assert main(asked) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reaction", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--device", "cuda"]) == 2
    assert "sees no GPU" in capsys.readouterr().err
