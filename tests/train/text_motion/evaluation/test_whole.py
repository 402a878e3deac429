"""The whole evaluation of a toy bundle and a toy tokenizer on a toy set, and what cannot be evaluated."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import Checkpoint, save
from models.text_motion.config import named
from models.text_motion.tokenizer import Tokenizer
from tests.train.text_motion.evaluation.toys import mover, toy_set
from train.text_motion.evaluation import command, own
from train.text_motion.evaluation.whole import EVALUATOR


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("given")
    made = Tokenizer(named("tiny"))
    state = {f"tokenizer.{name}": value for name, value in made.state_dict().items()}
    save(folder / "model.safetensors", Checkpoint("text_motion", made.config.to_dict(), state))
    mover(folder / "mover")
    return {"data": toy_set(folder / "set"), "bundle": folder / "mover", "tokenizer": folder / "model.safetensors"}


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(arguments))


def test_everything_is_measured_and_written(
    given: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(own, "Sizes", partial(own.Sizes, width=16, outputs=8, batch=24, rate=4e-3))
    out = tmp_path / "out"
    arguments = ["--data", str(given["data"]), "--bundle", f"toy={given['bundle']}", "--out", str(out)]
    arguments += ["--tokenizer", f"tiny={given['tokenizer']}", "--prompts", "36", "--steps", "45", "--edits", "1"]
    run(*arguments, "--again", "2", "--set", "temperature=0.5")
    printed = capsys.readouterr()
    content = json.loads((out / "report.json").read_text())
    rows = content["rows"]
    assert list(rows) == ["truth", "another take", "nearest take", "random take", "hold", "toy, window", "toy, live"]
    assert content["settings"]["batch"] == 8  # of twelve texts that are different
    found = {name: row["metrics"]["top1"]["value"] for name, row in rows.items()}
    assert found["truth"] > 0.4 > 0.2 > found["random take"] and 0.0 <= found["toy, window"] <= 1.0
    assert rows["truth"]["metrics"]["fid"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert rows["toy, window"]["metrics"]["multimodality"]["value"] > 0.0
    assert rows["truth"]["metrics"]["multimodality"]["value"] is None
    chance = rows["truth"]["metrics"]["top3"]["value"] / rows["truth"]["metrics"]["top3_ratio"]["value"]
    assert chance == pytest.approx(3 / 8, rel=1e-4)
    assert rows["hold"]["metrics"]["speed"]["value"] == 0.0
    assert set(content["sections"]) == {"changes, toy", "tokenizers", "edits, toy", "edits, tiny"}
    assert "R-precision is of 8 texts, not 32" in printed.out and "Evaluator: 3 trained on the set" in printed.out
    page = (out / "report.html").read_text()
    assert "data:image/jpeg" in page and "held every 1.6 s" in page
    assert np.load(out / "motions" / "toy,_live" / "0003.npy").shape[1:] == (22, 3)
    assert (out / "edit0.jpg").is_file() and (out / "prompt0_truth.jpg").is_file()
    assert (out / EVALUATOR.format(2)).is_file()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--prompts", "1"], "--prompts 1: give at least 2"),
        (["--held-out", "train"], "--held-out train: give val, test or both"),
        (["--bundle", "truth={bundle}"], "--bundle truth: the name is taken"),
        (["--bundle", "{bundle}", "--evaluator", "{data}"], "no finest.tar; exactly one is needed"),
        (["--tokenizer", "{tokenizer}"], "texts have to become vectors: give --encoder FOLDER, or a --bundle"),
        (["--bundle", "{bundle}", "--set", "prompt=walk"], "prompt: set by what is asked for"),
    ],
)
def test_what_cannot_be_done_is_refused(more: list[str], says: str, given: dict[str, Path]) -> None:
    with pytest.raises(EngineError, match=says):
        run("--data", str(given["data"]), *(part.format(**given) for part in more))


torch.set_num_threads(1)
