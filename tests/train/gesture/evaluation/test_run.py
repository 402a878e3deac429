"""Rows of a small set are told apart: who meets stresses, who copies, who stands still; and what is said of it."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from tests.train.gesture.evaluation.toys import WHO, striking
from train.gesture.evaluation import criteria, people, pictures, rows, ruler, run, variants, whole
from train.gesture.evaluation.cases import Case, Shown, read_cases
from train.gesture.evaluation.measures import CARD, METRICS, TABLES
from train.gesture.evaluation.rows import GestureRow
from train.gesture.evaluation.run import Gesturing, Reference
from train.gesture.pats.reader import PatsSet
from train.report import evaluation as report
from train.report.criteria import judge
from train.report.intervals import weights


@pytest.fixture(scope="module")
def reference(folder: Path, cases: list[Case]) -> Reference:
    return whole.learned(PatsSet(folder), cases, 0)


def late(cases: list[Case], frames: int) -> dict[str, Shown]:
    """The truth, so many frames later."""
    return {
        case.name: Shown(
            np.concatenate([np.repeat(case.truth.points[:1], frames, 0), case.truth.points])[: case.frames]
        )
        for case in cases
    }


def noisy(points: np.ndarray) -> np.ndarray:
    return points + np.random.default_rng(1).normal(0.0, 2.0, points.shape)


@pytest.fixture(scope="module")
def measured(cases: list[Case], reference: Reference) -> Gesturing:
    turned = {name: Shown(noisy(shown.points)) for name, shown in rows.shifted(cases, 5).items()}
    seeds = GestureRow("seed", "windows", "offline", turned)
    better = GestureRow("better", "windows", "offline", late(cases, 2))
    model = GestureRow("toy", "the truth, a frame late", "model", late(cases, 1))
    without = GestureRow("toy, no words", "the truth, 0.5 s late", "ablation", late(cases, 8))
    every = [*rows.usual(cases, reference.scales, 0), better, seeds, model, without]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "FEW_DRAWS", 20)
        patch.setattr(report, "weights", functools.partial(weights, draws=100))
        return run.evaluate(cases, every, reference, "seed", "", 0)


def test_every_metric_is_there_for_every_row(measured: Gesturing) -> None:
    assert {metric.table for metric in METRICS} == set(TABLES) and len({m.key for m in METRICS}) == len(METRICS)
    assert set(CARD) <= {metric.key for metric in METRICS}
    for row in measured.results:
        assert set(row.metrics) == {metric.key for metric in METRICS}
        assert all(values.ndim == 1 and len(values) for values in row.metrics.values())
        assert set(row.curves) == {"phase", "luck"} and row.groups == 3 and row.seconds == pytest.approx(119.0, abs=2.0)
    assert measured.over == "talks"


def test_rows_are_told_apart(measured: Gesturing) -> None:
    found = {row.name: row for row in measured.results}
    truth = found["truth"]
    assert truth.value("L1") == truth.value("FID") == 0.0 and truth.value("pck") == truth.value("met_f1") == 1.0
    assert truth.value("hit") > 0.7 > 0.5 > truth.value("chance")
    assert found["redraw"].value("skill") == 1.0 and found["redraw"].value("L1") > 0.5
    assert found["toy"].value("skill") > 0.5 + found["toy, no words"].value("skill")
    assert found["mean pose"].value("diversity") == 0.0 and found["mean pose"].value("spatialNorm") == 1.0
    assert found["mean pose"].value("rests") == 1.0 and np.isnan(found["mean pose"].value("hit"))
    assert truth.value("nods_speech") > 3.0 and np.isnan(found["toy"].value("nods_speech"))
    assert found["shifted"].value("W1_vel") < 0.1 < 0.2 < found["hold"].value("W1_vel")
    assert truth.value("rare_recall") == 1.0 and 0.0 < truth.value("rare_share") == truth.value("rare_true") < 0.4
    assert found["toy"].value("rare_recall") > found["shifted"].value("rare_recall")
    seed, better = found["seed"], found["better"]
    assert seed.value("w1_vel_over") == seed.value("w1_acc_over") == 1.0
    assert better.value("fid_over") == pytest.approx(better.value("FID") / seed.value("FID"), rel=1e-6)


def test_voices_are_drawn_where_there_are_enough(cases: list[Case]) -> None:
    assert run.drawn_over(cases) == "talks"
    many = [
        dataclasses.replace(case, talk=dataclasses.replace(case.talk, voice=f"v{number}"))
        for number, case in enumerate(cases)
    ]
    assert run.drawn_over(many) == "voices"
    assert run.grouped(many, "voices")(many[0]) == "v0" and run.grouped(many, "talks")(many[0]) == many[0].talk.name


def test_nothing_is_held_against_a_distance_of_0() -> None:
    over = run._over(np.array([2.0, 3.0]), np.array([4.0, 0.0]))
    assert over[0] == 0.5 and np.isnan(over[1])
    assert np.isnan(run._over(np.ones(2), None)).all()


def test_what_is_asked_for_and_what_is_said(measured: Gesturing) -> None:
    toy = measured.result("toy")
    judged = {one.criterion.metric: one for one in judge(toy, criteria.criteria(measured))}
    assert {"skill", "fid_over", "w1_vel_over", "w1_acc_over", "rate_ratio", "jerk_ratio"} == set(judged)
    assert judged["skill"].met and judged["rate_ratio"].met and "no worse than seed" in judged["fid_over"].sentence
    assert judged["skill"].criterion.low == 0.6
    told = list(criteria.remarks(measured, toy))
    assert any("a causal gesturer who misses nothing would reach" in line for line in told)
    (lost,) = criteria.remarks(measured, measured.result("toy, no words"))
    assert re.search(r"\+\d\.\d\d \(\+\d.* from that: what it lacks was used", lost)
    assert not list(criteria.remarks(measured, measured.truth))
    said = " ".join(criteria.data(measured))
    assert "6 intervals of 2 gesturers by 3 voices" in said and "3 held-out voices are fewer than 6" in said
    assert "strokes of another gesturer meet a stress in" in said


def test_remarks_on_what_is_won_by_a_trick(measured: Gesturing) -> None:
    def said(**values: float) -> str:
        toy = measured.result("toy")
        changed = {name: np.array([value]) for name, value in values.items()}
        return " ".join(criteria.remarks(measured, dataclasses.replace(toy, metrics={**toy.metrics, **changed})))

    assert "won by stillness" in said(speed_ratio=0.1) and "won by stillness" not in said(speed_ratio=1.0)
    assert "won by quantity" in said(rate_ratio=2.5, skill=0.8)
    assert "do not fall silent" in said(rate_silence=9.0, rate_speech=12.0)
    assert "its head nods 0.2 times a minute in speech" in said(nods_speech=0.2)
    assert "its head nods" not in said(nods_speech=100.0)
    assert "hands stay up" in said(stays=0.7) and "late enough to be seen" in said(phase=0.25)
    assert "a stroke on every loud moment does better" in said(skill=-2.0)


def test_variants_are_held_against_the_first_pair_by_pair(measured: Gesturing) -> None:
    assert variants.section(measured, ["seed"]) is None
    section = variants.section(measured, ["better", "seed"])
    assert section is not None
    better, seed = section.results
    assert np.isnan(better.value("F1_gain"))
    for key in ("rare_recall", "F1"):
        gain = measured.result("better").metrics[key] - measured.result("seed").metrics[key]
        assert np.array_equal(seed.metrics[f"{key}_gain"], gain) and seed.value(f"{key}_gain") > 0.05
    assert "better against seed: F1 of all clusters +" in section.sentences()[-1]
    assert section.sentences()[-1].endswith(": more.")
    turned = variants.section(measured, ["seed", "better"])
    assert turned is not None and turned.sentences()[-1].endswith(": less.")


def test_rulers_are_measured_where_the_set_says_what_was_made(cases: list[Case]) -> None:
    section = ruler.section(cases, lambda case: case.talk.name, 0)
    assert section is not None
    strokes, nods = section.results
    assert strokes.value("made") == sum(len(case.gestures) for case in cases if case.gestures is not None)
    assert strokes.value("recall") > 0.7 and strokes.value("precision") > 0.7 and abs(strokes.value("bias")) < 0.06
    assert nods.value("recall") > 0.8 and nods.value("precision") > 0.8
    more = [
        dataclasses.replace(case, gestures=np.concatenate([case.gestures, case.gestures + 500.0]))
        for case in cases
        if case.gestures is not None
    ]
    twice = ruler.section(more, lambda case: case.talk.name, 0)
    assert twice is not None and twice.results[0].value("recall") == pytest.approx(strokes.value("recall") / 2)
    assert twice.results[0].value("precision") == strokes.value("precision")
    wrong = [
        dataclasses.replace(case, gestures=case.gestures + 0.7, nods=None)
        for case in cases
        if case.gestures is not None
    ]
    off = ruler.section(wrong, lambda case: case.talk.name, 0)
    assert off is not None and [row.name for row in off.results] == ["strokes"]
    assert off.results[0].value("recall") < 0.5 and "it misleads" in off.sentences()[0]
    assert ruler.section([dataclasses.replace(one, gestures=None, nods=None) for one in cases], str, 0) is None


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two held-out people: A talks for a minute of four and gestures twice in it, B gestures once while A talks."""
    folder = tmp_path / "ami_annotations_ccby"
    folder.mkdir()
    head = "meeting,speaker,start,end"
    words = [f"ES2009a,A,{60 + at},{61 + at},word,mountain" for at in range(60)]
    words += ["ES2009a,B,10.0,11.0,word,yes"]
    hands = ["ES2009a,A,0,70,no_comm_hand,", "ES2009a,A,70,71,other_comm_hand_RH,", "ES2009a,A,71,80,no_comm_hand,"]
    hands += ["ES2009a,A,80,81,other_comm_hand_RH,", "ES2009a,A,81,240,no_comm_hand,"]
    hands += ["ES2009a,B,0,90,no_comm_hand,", "ES2009a,B,90,91,other_comm_hand_LH,", "ES2009a,B,91,240,no_comm_hand,"]
    heads = ["ES2009a,A,0,70,no_comm_head,,", "ES2009a,A,70,71,emphasis_signal,nod,", "ES2009a,A,71,240,no_comm_head,,"]
    with gzip.open(folder / "words.csv.gz", "wt") as file:
        file.write("\n".join([f"{head},kind,text", *words]) + "\n")
    (folder / "handGesture.csv").write_text("\n".join([f"{head},type,comment", *hands]) + "\n")
    (folder / "headGesture.csv").write_text("\n".join([f"{head},type,form,comment", *heads]) + "\n")
    return tmp_path


def test_amis_people_beside_models_on_their_words(cases: list[Case], corpus: Path) -> None:
    truth = GestureRow("truth", "", "people", {case.name: case.truth for case in cases})
    section = people.section(cases, [truth], corpus, 0)
    assert section is not None
    real, acted = section.results
    assert real.groups == 2 and acted.groups == 2  # A of ES2009 in two meetings
    assert real.value("hands_speech") == pytest.approx(2.0 / (61.0 / 60.0), rel=0.02)
    assert real.value("hands_others") == pytest.approx(1.0 / (61.0 / 60.0), rel=0.05)
    assert real.value("nods_speech") == pytest.approx(1.0, rel=0.02)
    struck = acted.value("hands_speech")
    assert struck > 10.0 and acted.value("hands_others") < struck and np.isnan(acted.value("hands_silence"))
    assert (
        "AMI's held-out people (2) make" in section.sentences()[0] and "truth, on their words" in section.sentences()[1]
    )
    nobody = [dataclasses.replace(case, person=None) for case in cases]
    assert people.section(nobody, [truth], corpus, 0) is None and people.section(cases, [truth], None, 0) is None


def test_strips_show_each_row_where_most_happens(cases: list[Case], tmp_path: Path) -> None:
    truth = GestureRow("truth", "", "people", {case.name: case.truth for case in cases})
    held = GestureRow("hold", "", "trick", {cases[0].name: rows.held(cases[0].truth.points[0], cases[0])})
    assert pictures.drawn([truth], cases, 0, tmp_path) == []
    parts = pictures.drawn([truth, held], cases, 2, tmp_path)
    assert len(parts) == 3 and (tmp_path / "strip1.jpg").is_file()
    shown = pictures.chosen(cases, 5)
    assert len({case.talk.name for case in shown}) == 3 and len({case.speaker for case in shown}) == 2
    case = max(cases, key=lambda one: len(one.gestures) if one.gestures is not None else 0)
    busy = dataclasses.replace(case, truth=Shown(striking([2.0, 12.0, 14.0, 16.0], 19.0)))
    assert 8.0 <= pictures.busiest(busy) <= 11.0
    image = pictures.strip(case, truth, pictures.busiest(case))
    still = pictures.strip(case, GestureRow("truth", "", "", {case.name: rows.held(case.truth.points[0], case)}), 0.0)
    assert image.shape == still.shape and image.shape[1] == 1920 and not np.array_equal(image, still)
    assert len(pictures.found(case.truth).gestures) >= 3


def test_a_set_that_cannot_be_measured_is_refused(folder: Path, cases: list[Case]) -> None:
    few = read_cases(PatsSet(folder), "test", 1)
    assert {case.talk.name for case in few} == {cases[0].talk.name} and len(few) == len(WHO)
    with pytest.raises(EngineError, match="no interval of split 'dev' holds pose/normalize, audio/pcm"):
        read_cases(PatsSet(folder), "dev")
    stranger = [dataclasses.replace(cases[0], speaker="ada"), dataclasses.replace(cases[1], speaker="zoe")]
    with pytest.raises(EngineError, match="zoe"):
        whole.learned(PatsSet(folder), stranger, 0)
