"""What is seen inside a checkpoint: reconstructions, latents, one moves, its own classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from models.checkpoint import Checkpoint, save
from models.dance import build
from models.dance.config import named
from tests.train.dance.bodies import CMU
from tests.train.dance.evaluation.toys import SMALL, people
from train.dance import generate
from train.dance.evaluation import inner
from train.dance.evaluation.instruments import Instruments
from train.dance.evaluation.networks import seen
from train.report.parts import Plot
from train.report.tables import MetricTable

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tools() -> Instruments:
    truth, training, thresholds = people()
    return Instruments.of(training, truth, CMU, thresholds, "time", replace(SMALL, epochs=2), 0, lambda _: None)


def test_a_checkpoint_is_looked_into(tools: Instruments, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, training, _ = people()
    torch.manual_seed(0)
    model = build("tiny").eval()
    found = inner.measure(model, truth, training, tools, 0)
    rows = found.as_json()["rows"]
    truth_metrics = rows["truth"]["metrics"]
    assert set(rows) == {"truth", "train takes"}
    assert 0.0 <= truth_metrics["accuracy"]["value"] <= 1.0 and found.confusion.sum() > 0
    assert truth_metrics["ajd"]["value"] > truth_metrics["ajd_mean"]["value"]  # untrained: worse than the mean window
    units = [row["metrics"]["ajd_units"]["value"] / row["metrics"]["ajd"]["value"] for row in rows.values()]
    assert units[0] == pytest.approx(units[1], rel=1e-4)
    assert found.plane.shape == (len(found.levels), 2) and 0.0 < found.share <= 1.0
    assert any("hardly nearer" in line for line in found.sentences())
    assert [type(part) for part in found.parts()] == [MetricTable, Plot] and len(found.text()) == 6

    given = inner._labelled(truth, tools.source, 0)
    shift = np.array([0.03, 0.04, 0.0], np.float32)  # in x the centre is taken out again, so only y counts
    monkeypatch.setattr(generate, "reconstruct", lambda _, windows, levels: windows + shift)
    moved = inner.measure(model, truth, training, tools, 0).result("truth")
    assert moved.value("ajd") == pytest.approx(4.0, rel=1e-3)
    assert len(seen(given.positions, CMU)) == len(given)


def test_a_label_that_does_nothing_is_entangled(tools: Instruments, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, training, _ = people()
    given = inner._labelled(truth, tools.source, 0)
    frames = np.concatenate([given.positions[:, :1]] * inner.REST + [given.positions], 1)

    def same(_: object, latents: np.ndarray, frames_: int) -> np.ndarray:
        assert frames_ == frames.shape[1]
        return np.stack([frames[: len(latents)]] * 3)

    monkeypatch.setattr(generate, "one_move", same)
    found = inner.measure(build("tiny").eval(), truth, training, tools, 0)
    assert all((values == 0.0).all() for values in found.apart.values())
    told = "\n".join(found.sentences())
    assert "entangled, or ignored" in told and "does not rise in measured effort" in told


def test_windows_made_offline_are_rows(tools: Instruments) -> None:
    _, training, _ = people()
    said: list[str] = []
    made = inner.offline(build("tiny").eval(), training, tools.source, 4, 0, said.append)
    prior = next(row for row in made if row.name == "prior")
    assert len(prior.dances) == 12 and {len(dance) for dance in prior.dances} == {40}
    assert len(made) + len(said) == 2


def test_another_checkpoint_is_refused(tmp_path: Path) -> None:
    model = build("tiny")
    save(tmp_path / "dancer.safetensors", Checkpoint("dance", model.config.to_dict(), model.state_dict()))
    assert inner.load(tmp_path / "dancer.safetensors", 27).config == named("tiny")
    with pytest.raises(EngineError, match="not a dancer of 53 joints"):
        inner.load(tmp_path / "dancer.safetensors", 53)
    with pytest.raises(EngineError, match="no checkpoint"):
        inner.load(tmp_path / "nowhere.safetensors", 27)
