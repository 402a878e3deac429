"""The frame: rows are counted, pooled by groups and derived; the sentences that criteria make of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.report.toy import HOSTILE, count, derive, dice, document, evaluation
from train.report.criteria import Criterion, judge, tone
from train.report.evaluation import measure
from train.report.intervals import DRAWS, interval, weights
from train.report.offline import labelled


def test_groups_not_throws_are_drawn_and_alike_for_all_rows() -> None:
    rows = dice()
    truth, loaded, _ = measure(rows, count, derive, seed=5)
    assert truth.metrics["mean"].shape == (1 + DRAWS,) and truth.groups == 8 and truth.seconds == 16.0
    hands = np.array([rows[0].throws[hand].mean() for hand in sorted(rows[0].throws)])
    assert truth.metrics["mean"] == pytest.approx(weights(8, 5) @ hands / 8)
    others = np.array([rows[1].throws[hand].mean() for hand in sorted(rows[1].throws)])
    pairs = (weights(8, 5) @ others) / (weights(8, 5) @ hands)  # the same hands of both rows in a draw
    assert loaded.metrics["ratio"] == pytest.approx(pairs)
    assert loaded.metrics["hands"][0] == 8.0 and loaded.metrics["hands"][1:].mean() == pytest.approx(
        8 * (1 - (7 / 8) ** 8), abs=0.1
    )
    assert truth.confusions["parity"].sum() == 240.0 and truth.curves["bins"].shape == (1 + DRAWS, 7)


def test_progress_is_told_and_a_name_is_used_once() -> None:
    said: list[str] = []
    measure(dice(), count, derive, 0, said.append)
    assert [line.rpartition(": ")[0] for line in said] == ["truth", "loaded", HOSTILE]
    with pytest.raises(EngineError, match="--bundle truth: the name is taken"):
        measure([dice()[0], dice()[0]], count, derive, 0)


def test_bundles_have_labels_of_their_own() -> None:
    assert labelled(["a=x/y", "x/z", "rules"]) == {"a": "x/y", "z": "x/z", "rules": "rules"}
    for given, reserved in ((["a=x", "y/a"], ()), (["truth=x"], ("truth",))):
        with pytest.raises(EngineError, match="the name is taken; give another as LABEL=PATH"):
            labelled(given, reserved)


def test_a_criterion_is_met_missed_doubted_or_not_defined() -> None:
    row = evaluation().result("loaded")
    low, high = interval(row.metrics["mean"])
    value = row.value("mean")
    met = judge(row, [Criterion("mean", "mean", low=value - 1.0)])[0]
    assert met.met and met.sentence.startswith(f"pass: mean {value:.2f} (95 % interval {low:.2f} to {high:.2f})")
    assert met.sentence.endswith(f"asked for at least {value - 1.0:g}.")
    doubted = judge(row, [Criterion("mean", "mean", high=value, note=" eyes")])[0]
    assert doubted.met and doubted.sentence.endswith(f"at most {value:g} eyes; the interval reaches outside.")
    missed = judge(row, [Criterion("mean", "mean", 9.0, 10.0), Criterion("never", "never")])
    assert len(missed) == 1 and not missed[0].met and missed[0].sentence.startswith("FAIL: mean")
    assert missed[0].sentence.endswith("asked for 9 to 10.")
    assert Criterion("mean", "mean", high=2.0, asked="less", note=", please").wanted == "less, please"


def test_conclusions_judge_models_and_remark_on_what_is_not_of_people() -> None:
    found = evaluation()
    told = document(found).conclusions
    assert told["split"] == ["eight hands are few."] and "truth" not in told and HOSTILE not in told
    assert told["loaded"][0] == "loaded: 1 of 2 targets met, missed: mean over truth."
    assert told["loaded"][-1] == "loaded: high because it is loaded: won by cheating."
    assert told["extra"] == [f"extra: {HOSTILE} has 2 rows."]
    people = replace(found.result("loaded"), kind="people")
    found.results = [found.truth, people]
    assert "loaded" not in document(found).conclusions


def test_the_tone_of_a_sentence() -> None:
    assert tone("x: FAIL: y") == "bad" == tone("won by noise") and tone("x: pass: y") == "good" and tone("x") == ""
