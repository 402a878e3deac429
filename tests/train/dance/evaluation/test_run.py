"""Rows measured as a whole: metrics, recognition, conclusions and report, on dancers whose effort is known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EngineError
from tests.train.dance.bodies import CMU
from tests.train.dance.evaluation.toys import SMALL, asked, people
from train.dance.evaluation import report, rows
from train.dance.evaluation.excerpts import excerpts
from train.dance.evaluation.measures import METRICS
from train.dance.evaluation.rows import COMPUTED, HUMAN, DanceRow
from train.dance.evaluation.run import Dancing, evaluate
from train.dance.takes import FRAMES, RATE
from train.report import filmstrip

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def measured() -> Dancing:
    truth, training, thresholds = people()
    copies = [
        replace(dance, name=f"copy{i}", group=f"c{i}", positions=dance.positions + np.float32(1e-4))
        for i, dance in enumerate(training.dances)
    ]
    measured = [
        truth,
        training,
        asked("obeys", {0: 0, 1: 1, 2: 2}),
        asked("deaf", {0: 1, 1: 1, 2: 1}),
        asked("shaky", {0: 2, 1: 2, 2: 2}, noise=0.05),
        DanceRow("copies", "training takes given back", "model", copies),
        rows.hold(truth),
        rows.shuffled(truth, 0),
    ]
    return evaluate(measured, training, CMU, thresholds, "time", 60, SMALL)


def value(evaluation: Dancing, row: str, figure: str) -> float:
    return float(evaluation.result(row).metrics[figure][0])


def test_the_truth_measures_as_itself(measured: Dancing) -> None:
    for key in ("slide_ratio", "speed", "jerk", "nearest_ratio", "recognised_computed_ratio", "shown", "contrast"):
        assert value(measured, "truth", key) == pytest.approx(1.0)
    for key in ("speed_tv", "fid_truth", "limbs"):
        assert value(measured, "truth", key) == pytest.approx(0.0, abs=1e-3)


def test_efforts_are_recognised_where_they_are_danced(measured: Dancing) -> None:
    assert value(measured, "truth", "recognised_computed") > 0.8
    assert value(measured, "obeys", "recognised_computed") > 0.8 and value(measured, "obeys", "shown") > 0.8
    assert value(measured, "deaf", "recognised_computed") == pytest.approx(1 / 3, abs=0.15)
    assert value(measured, "shuffled labels", "recognised_computed") < 0.6
    assert value(measured, "hold", "recognised_computed") == pytest.approx(1 / 3, abs=0.1)
    assert value(measured, "obeys", "contrast") == pytest.approx(1.0, abs=0.3)
    assert abs(value(measured, "deaf", "contrast")) < 0.1
    confusion = measured.result("obeys").confusions["computed"]
    assert (confusion.argmax(1) == np.arange(3)).all()


def test_sources_of_labels_are_never_mixed(measured: Dancing) -> None:
    assert measured.instruments.source == COMPUTED
    assert np.isnan(measured.result("truth").metrics[f"recognised_{HUMAN}"]).all()
    assert HUMAN not in measured.result("truth").confusions
    assert "no human labels" in measured.instruments.notes[HUMAN]


def test_sets_tell_copies_noise_and_stillness(measured: Dancing) -> None:
    assert value(measured, "copies", "nearest_ratio") < 0.05 < value(measured, "obeys", "nearest_ratio")
    assert value(measured, "copies", "copied") == 100.0
    assert value(measured, "hold", "fid_truth") > value(measured, "obeys", "fid_truth")
    assert value(measured, "hold", "frozen") == 100.0 and value(measured, "hold", "spread") == pytest.approx(0.0)
    assert value(measured, "shaky", "jerk") > 5.0 and value(measured, "shaky", "limbs") > 5.0


def test_every_row_is_measured_on_equally_many_windows(measured: Dancing) -> None:
    assert {len(own.windows) for own in measured.sets.values()} == {measured.count} == {60}
    assert set(measured.truth.metrics) == {metric.key for metric in METRICS}


def test_the_conclusions_say_how_figures_were_won(measured: Dancing) -> None:
    told = {name: "\n".join(lines) for name, lines in report.document(measured).conclusions.items()}
    assert re.search(r"FAIL: jerk.*", told["shaky"]) and re.search(r"FAIL: limb variation", told["shaky"])
    assert "won by copying" in told["copies"] and "FAIL: distance to the training takes" in told["copies"]
    assert "won by stillness" in told["hold"]
    assert "FAIL: recognition by computed labels" in told["deaf"] and "the label does little" in told["deaf"]
    assert "pass: recognition by computed labels" in told["obeys"] and "the label does little" not in told["obeys"]
    assert "by human labels is not measured" in told["split"]
    assert "truth" not in told


def test_the_report_holds_everything_and_fetches_nothing(measured: Dancing, tmp_path: Path) -> None:
    document = report.document(measured)
    document.write(tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["rows"]["obeys"]["metrics"]["recognised_computed"]["interval"][0] is not None
    assert content["settings"]["judges"]["human"].startswith("no human labels")
    html = (tmp_path / "report.html").read_text()
    assert html.count("<svg") >= 5
    assert not re.findall(r"""(?:src|href)=["']?https?:""", html)
    for row in measured.results:
        assert row.name in html and row.name in document.text()


def test_a_strip_shows_every_fourth_frame(measured: Dancing) -> None:
    low, medium, high = excerpts(measured.row("obeys"), COMPUTED, filmstrip.STRIP)
    assert low is not None and medium is not None and high is not None
    assert high.title == "obeys, high" and len(high.positions) == filmstrip.STRIP
    picture = filmstrip.comic(high, CMU, RATE)
    one = filmstrip.comic(replace(high, positions=high.positions[:1]), CMU, RATE)
    assert picture.shape[1] == pytest.approx(one.shape[1] * filmstrip.STRIP / filmstrip.EVERY, rel=0.05)


def test_what_cannot_be_measured_is_refused() -> None:
    truth, training, thresholds = people()
    short = DanceRow("m", "", "model", [replace(truth.dances[0], positions=truth.dances[0].positions[: FRAMES - 1])])
    with pytest.raises(EngineError, match="m: 0 windows of 40 frames, at least 2"):
        evaluate([truth, short], training, CMU, thresholds, "time", 20, SMALL)
    with pytest.raises(EngineError, match="no take is in this split"):
        rows.of_takes("truth", "", [], {})
    wrong = DanceRow("m", "", "model", [replace(truth.dances[0], positions=truth.dances[0].positions[:, :5])])
    with pytest.raises(EngineError, match=r"m, test00: positions \(140, 5, 3\), skeleton 'cmu' has 27 joints"):
        rows.check_bodies([wrong], CMU)
