"""The whole evaluation on a small set, and the sentences that it ends with."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from engine.channels import FACE
from engine.errors import EngineError
from tests.train.conversation.evaluation.toys import case, echo, face_of, mouth, opening, small_set
from train.conversation.evaluation import command, criteria, measures, parts, report, rows, run
from train.conversation.evaluation.cases import Case, Shown
from train.conversation.evaluation.run import Conversing
from train.conversation.talks.layout import MOUTH
from train.report.evaluation import Result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("talks") / "set")


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args([*given])


@pytest.fixture(scope="module")
def printed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command prints of the toy bundle, and its report."""
    out = tmp_path_factory.mktemp("out")
    toy = tmp_path_factory.mktemp("bundles") / "toy"
    echo(toy)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
        command.run(arguments("--data", str(folder), "--bundle", str(toy), "--out", str(out), "--no-listeners"))
    return "\n".join(lines), out


def test_the_whole_evaluation_of_a_small_set(printed: tuple[str, Path]) -> None:
    text, out = printed
    assert "Lips, captured: 1 talks of 1 voices" in text and "drawn over stretches of 10 s" in text
    for title in ("Own speech: 2 talks", "Listening: 2 talks", "Turns: 2 talks", "Body: 2 talks", "Sampled motion: 2"):
        assert title in text
    found = json.loads(text.splitlines()[-1])["figures"]
    assert list(found) == ["truth", "another talk's", "mean", "hold", "loudness rule", "toy"]
    assert found["truth"]["captured_r_aperture"] == 1.0 and found["truth"]["captured_over_mean"] == 0.0
    assert found["truth"]["tracked_lag"] is None and found["loudness rule"]["speed_head"] is None
    assert found["loudness rule"]["captured_over_mean"] < 1.0 and found["mean"]["captured_over_mean"] == 1.0
    assert found["truth"]["speed_head"] == 1.0 and found["hold"]["hands_over_speech"] == 0.0
    kept = json.loads((out / "report.json").read_text("utf-8"))
    assert set(kept["rows"]["truth"]["metrics"]) == {metric.key for metric in measures.METRICS}
    assert kept["sections"]["lips captured"]["rows"] == [
        "truth",
        "another talk's",
        "mean",
        "hold",
        "loudness rule",
        "toy",
    ]
    assert kept["sections"]["body"]["rows"] == ["truth", "another talk's", "mean", "hold"]
    assert "not finite" in text and kept["rows"]["toy"]["metrics"]["not_finite"]["value"] == 0.0
    page = (out / "report.html").read_text("utf-8")
    assert page.count("<svg") == 3 and "Gaze and head around turns" in page and "AMI Meeting Corpus" in page
    assert (out / "lips_captured.png").stat().st_size > 5000 and not (out / "lips_tracked.png").exists()


def test_the_toy_bundle_is_judged(printed: tuple[str, Path]) -> None:
    text, _ = printed
    assert "toy: pass: values that are no numbers 0.00, asked for none." in text
    assert "toy: FAIL: lips (captured) nearer to the truth than mean's in " in text
    assert "no held-out recording of lips tracked" in text
    assert "1 voice(s) in 1 recording(s); intervals tell other stretches" in text
    assert "the windowed" not in text


def test_a_set_that_cannot_be_measured_and_options_that_make_no_sense(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="--takes 0: give at least 1"):
        command.run(arguments("--data", str(folder), "--takes", "0"))
    with pytest.raises(EngineError, match=r"has no talks in test/"):
        command.run(arguments("--data", str(tmp_path)))
    with pytest.raises(EngineError, match="--bundle mean: the name is taken"):
        command.run(arguments("--data", str(folder), "--bundle", "mean=rules"))


def test_what_is_no_number_is_counted_and_shown_as_nothing() -> None:
    face = np.zeros((20, 58), np.float32)
    face[3, :4] = np.nan
    body = np.ones((20, 27, 4), np.float32)
    body[5, 1, 2] = np.inf
    made, count = run.finite({"a": Shown(face, body), "b": Shown(np.zeros((20, 58), np.float32))})
    assert count == 5 and np.isfinite(made["a"].face).all() and made["a"].body is not None
    assert np.isfinite(made["a"].body).all() and made["b"].body is None


def test_few_voices_are_drawn_by_talk() -> None:
    talks = [case(np.zeros((30, 58), np.float32), [], name=f"t{k}") for k in range(6)]
    assert parts.grouped(talks)[0] == "voices" and parts.grouped(talks)[1](talks[2]) == "voice of t2"
    assert parts.grouped(talks[:5])[0] == "talks" and parts.grouped(talks[:5])[1](talks[2]) == "t2"


def jittered(capture: Case, size: float) -> rows.FunctionRow:
    """The truth's mouth with noise, which opens and closes as it does."""
    noise = np.random.default_rng(0).normal(0.0, size, capture.mouth.shape).astype(np.float32)
    return rows.FunctionRow("model", "", "model", lambda _: rows.speaking(capture.mouth + noise))


@pytest.fixture(scope="module")
def captures() -> list[Case]:
    found = []
    for number in range(7):
        spans = [(0.3, 2.0 + 0.1 * number), (2.9, 4.4)]
        one = case(face_of(mouth(opening(spans, 5.0, 1.5) * (0.8 + 0.02 * number))), spans, name=f"capture-{number}")
        found.append(dataclasses.replace(one, told=dataclasses.replace(one.told, capture="tracked")))
    return found


def evaluated(captures: list[Case], size: float) -> Conversing:
    average = np.concatenate([one.mouth for one in captures]).mean(0)
    mean = rows.Average(np.zeros(58), None, {"tracked": average})
    noisy = rows.FunctionRow(
        "model",
        "",
        "model",
        lambda one: jittered(one, size).play([one])[one.name],
    )
    wide = rows.FunctionRow(
        rows.WINDOWED,
        "",
        "offline",
        lambda one: rows.speaking(one.mouth + 0.02),
        (rows.LIPS,),
    )
    return run.evaluate([], captures, [*rows.simple(captures, [], mean, {}), noisy, wide], 0)


def test_a_model_near_the_truth_meets_what_is_asked_of_lips(captures: list[Case]) -> None:
    good = evaluated(captures, 0.001)
    row = good.result("model")
    assert row.groups == 7 and good.result("truth").value("tracked_r_jaw") == pytest.approx(1.0)
    assert len(row.metrics["tracked_mae"]) == 1001 and len(row.metrics["nod_skill"]) == 1
    told = criteria.conclusions(good)["model"]
    assert told[0] == "model: 5 of 5 targets met."
    assert any("nearer to the truth than mean's in" in line and "pass" in line for line in told)
    assert row.value("tracked_over_windowed") == pytest.approx(row.value("tracked_mae") / 0.02, rel=0.01)
    bad = evaluated(captures, 0.2)
    told = criteria.conclusions(bad)["model"]
    assert any(line.startswith("model: FAIL: error of lips (tracked) over the offline model's") for line in told)
    assert any("tremble" in line and "won by noise" in line for line in told)
    assert "no dialogues: listening, turns and bodies are not measured." in criteria.conclusions(bad)["split"]


def result(name: str, **metrics: float | np.ndarray) -> Result:
    found = {metric.key: np.full(1, np.nan) for metric in measures.METRICS}
    return Result(name, "", "model", found | {key: np.atleast_1d(value) for key, value in metrics.items()}, 7, 60.0)


def test_a_row_is_nearer_only_if_it_is_in_every_measure() -> None:
    def made(name: str, jitter: float, **changed: float) -> Result:
        values = {f"tracked_{key}": 0.5 for key in criteria.HIGHER} | {f"tracked_{key}": 0.1 for key in criteria.LOWER}
        values |= {f"tracked_{key}": value for key, value in changed.items()}
        return result(name, tracked_jitter=jitter, **values)

    base = made("rule", 0.5)
    better = dict.fromkeys(criteria.HIGHER, 0.6) | dict.fromkeys(criteria.LOWER, 0.05)
    passed = criteria.nearer(made("m", 1.2, **better), base, "tracked")
    assert (
        passed.met and "pass: lips (tracked) nearer to the truth than rule's in 12 of 12 measures." in passed.sentence
    )
    lost = criteria.nearer(made("m", 3.0, **(better | {"mae_jaw": 0.2, "r_lips": 0.4})), base, "tracked")
    assert not lost.met and "in 9 of 12" in lost.sentence
    assert "r_lips 0.400 against 0.500, mae_jaw 0.200 against 0.100 and jitter 3.00 against 0.50" in lost.sentence


def test_skill_is_compared_by_its_intervals() -> None:
    draws = np.random.default_rng(0).normal(0.0, 0.05, 1000)
    base = result("reaction", nod_skill=np.r_[0.6, 0.6 + draws])
    near = criteria.as_good(result("m", nod_skill=np.r_[0.55, 0.55 + draws[::-1]]), base, "nod")
    assert near.met and "0.55 (" in near.sentence and "the intervals overlap" in near.sentence
    far = criteria.as_good(result("m", nod_skill=np.r_[0.2, 0.2 + draws[::-1]]), base, "nod")
    assert not far.met and "FAIL" in far.sentence and "the intervals do not overlap" in far.sentence
    alone = criteria.as_good(result("m", nod_skill=0.5), base, "nod")
    assert not alone.met and "difference -0.10;" in alone.sentence


def test_remarks_on_what_is_won_by_a_trick(captures: list[Case]) -> None:
    measured = evaluated(captures, 0.001)

    def said(**values: float) -> str:
        return " ".join(criteria.remarks(measured, result("model", **values)))

    assert "won by stillness" in said(captured_jitter=0.2, captured_over_mean=0.9)
    assert said(captured_jitter=0.2, captured_over_mean=1.1) == ""
    assert "while only the partner speaks" in said(mouth_spoken=1.0, mouth_heard=0.5)
    assert "while only" not in said(mouth_spoken=1.0, mouth_heard=0.1)
    assert "hands hardly move" in said(hands_over_speech=0.1) and said(hands_over_speech=1.0) == ""


def test_every_metric_has_a_table_and_a_definition() -> None:
    titles = {key for tables in (*report.TABLES, measures.WHOLE_TABLES) for key in tables}
    assert {metric.table for metric in measures.METRICS} == titles
    keys = [metric.key for metric in measures.METRICS]
    assert len(keys) == len(set(keys)) and set(measures.CARD) <= set(keys)
    assert len(list(report.definitions())) == len(titles) - 1
    assert FACE["jawOpen"] in MOUTH
