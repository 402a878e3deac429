"""The rows, the conclusions and the report of listeners, and the command that makes them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.channels import FACE
from engine.errors import EngineError
from tests.train.reaction.evaluation.talks import MemoryTalk, talk
from train.__main__ import main
from train.reaction.evaluation import command as listeners
from train.reaction.evaluation import criteria, report, rows
from train.reaction.evaluation.bundles import Listener
from train.reaction.evaluation.run import Listening, evaluate
from train.reaction.evaluation.scene import Sample, Scene, deal, with_emotion
from train.report import events
from train.report.criteria import judge
from train.simulate.talk import FPS, SimulatedListener, Talk
from train.simulate.voices import Voice
from train.simulate.write import Writer


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return deal([talk(f"voice{seed}", seed, 45.0) for seed in range(3)])


@pytest.fixture(scope="module")
def measured(scenes: list[Scene]) -> Listening:
    def jitter(scene: Scene, reference: str) -> list[Sample]:
        rng = np.random.default_rng(0)
        face = scene.listener(reference).face
        return [with_emotion(face + rng.uniform(-0.2, 0.2, face.shape)) for _ in range(2)]

    people = rows.recorded(scenes, samples=2, seed=0)
    noise = rows.FunctionRow("noise", "the truth and noise on it", "model", jitter)
    return evaluate(scenes, [*people, noise, *rows.tricks()], samples=2, seed=0)


def value(evaluation: Listening, row: str, figure: str) -> float:
    return float(evaluation.result(row).metrics[figure][0])


def test_skill_is_one_for_the_ceiling_and_nothing_for_chance(measured: Listening) -> None:
    for kind in ("nod", "smile"):
        assert value(measured, "redraw", f"{kind}_skill") == 1.0
        assert value(measured, "random", f"{kind}_skill") == 0.0
        assert abs(value(measured, "shifted", f"{kind}_skill")) < 0.35
        assert value(measured, "ground truth", f"{kind}_skill") == pytest.approx(1.0, abs=0.3)
        assert value(measured, "ground truth", f"{kind}_gain") > 0.3 > value(measured, "random", f"{kind}_gain")
        assert value(measured, "hold", f"{kind}_f1") == 0.0
        assert value(measured, "redraw", f"{kind}_matched") == 1.0
        assert value(measured, "random", f"{kind}_matched") == 0.0
        for still in ("hold", "mean", "shifted"):
            assert value(measured, still, f"{kind}_matched") == pytest.approx(0.0, abs=0.35)


def test_truth_measures_as_itself(measured: Listening) -> None:
    for part in ("rotation", "translation", "face", "lids"):
        assert value(measured, "ground truth", f"jerk_{part}") == 1.0
    assert value(measured, "ground truth", "nod_band") == 1.0
    assert value(measured, "ground truth", "spectrum_face_db") == 0.0
    for name in ("cues", "phrases"):
        assert value(measured, "ground truth", f"hazard_{name}") == 0.0
        assert value(measured, "redraw", f"hazard_{name}_share") < 0.6
        assert value(measured, "shifted", f"hazard_{name}_share") == 1.0
        assert value(measured, "random", f"hazard_{name}_share") == pytest.approx(1.0, abs=0.4)
    assert value(measured, "ground truth", "frd") == 0.0 < value(measured, "redraw", "frd")
    assert value(measured, "mime", "frsyn_moving") == 0.0
    assert value(measured, "lagged mime", "frsyn_moving") == pytest.approx(rows.LAG_S * FPS, abs=1.0)
    assert value(measured, "hold", "freeze_s") > 40.0 > 1.0 > value(measured, "shifted", "freeze_s")


def test_the_conclusions_name_noise_stillness_and_copying(measured: Listening) -> None:
    told = report.document(measured).conclusions
    noise = "\n".join(told["noise"])
    assert re.search(r"FRVar.*won by noise", noise) and "FAIL: head jerk" in noise and "FAIL: face jerk" in noise
    assert any("won by stillness" in line for line in told["hold"]) and any("stands still" in x for x in told["hold"])
    assert any("won by stillness" in line for line in told["mean"])
    assert "redraw" not in told and "ground truth" not in told
    assert any("voice(s)" in line for line in told["split"])
    assert any("min of silence" in line for line in told["split"])
    assert sum("more talks are wanted" in line for line in told["split"]) == 2
    assert not any("hazard there says little" in line for line in told["split"])
    unsure = replace(
        measured.result("shifted"), metrics=dict.fromkeys(measured.truth.metrics, np.array([1.0, 0.0, 0.0]))
    )
    rows_now = [unsure if row.name == "shifted" else row for row in measured.results]
    assert sum("hazard there says little" in line for line in criteria.data(replace(measured, results=rows_now))) == 2


def test_what_is_out_of_reach_without_foresight_is_said(measured: Listening) -> None:
    assert not any("out of reach" in line for line in criteria.data(measured))
    for name, count in (("shifted", 4), ("ground truth", 0)):
        blind = replace(measured.result(name), name=rows.CAUSAL)
        told = list(criteria.data(replace(measured, results=[*measured.results, blind])))
        assert sum("out of reach" in line for line in told) == count


def test_a_copy_of_the_truth_meets_every_target(scenes: list[Scene], measured: Listening) -> None:
    asked = criteria.criteria(measured)
    judged = judge(measured.truth, asked)
    assert {one.criterion.metric for one in judged} >= {
        "nod_matched",
        "smile_matched",
        "hazard_cues_share",
        "hazard_phrases_share",
        "look_short",
        "drift",
        "jerk_rotation",
        "jerk_face",
        "nod_band",
    }
    assert all(one.met for one in judged)
    missed = {one.criterion.metric for one in judge(measured.result("hold"), asked) if not one.met}
    assert missed >= {"nod_matched", "smile_matched", "hazard_cues_share", "hazard_phrases_share", "nod_band"}
    row = measured.result("redraw")
    for metric, off in (("look_short", 0.06), ("drift", 0.3 * value(measured, "ground truth", "drift"))):
        worse = replace(row, metrics={**row.metrics, metric: measured.truth.metrics[metric] + off})
        assert [one.met for one in judge(worse, asked) if one.criterion.metric == metric] == [False]


def test_skill_that_rate_has_won_is_named(measured: Listening) -> None:
    often = replace(measured.result("redraw"), name="often", kind="model")
    often = replace(often, metrics={**often.metrics, "nod_skill": often.metrics["nod_matched"] + 0.2})
    (line,) = (line for line in criteria.remarks(measured, often) if "won by rate" in line)
    assert line.startswith("nod skill 1.20 is 1.00 at the truth's rate")
    assert not any("won by rate" in line for line in criteria.remarks(measured, measured.result("noise")))


def test_the_report_is_whole_and_fetches_nothing(measured: Listening, tmp_path: Path) -> None:
    document = report.document(replace(measured, moments=measured.moments[:1]))
    text = document.text()
    assert all(row.name in text for row in measured.results) and "do not rank" in text
    document.write(tmp_path)
    stored = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    short = (tmp_path / "report.md").read_text()
    assert all(f"| {name} |" in short for name in stored["rows"]) and "nod skill" in short
    assert stored["rows"]["redraw"]["metrics"]["nod_skill"]["value"] == 1.0
    for name in ("hazard_cues", "hazard_phrases"):
        assert len(stored["rows"]["redraw"]["curves"][name]) == len(stored["settings"]["hazard_edges_s"]) - 1 == 12
    shown = (tmp_path / "report.html").read_text()
    addresses = re.findall(r"""(?:src|href)=["']([^"']{0,20})""", shown)
    assert addresses and all(address.startswith(("data:image/", "#")) for address in addresses)
    assert "<script" not in shown and "@import" not in shown and "url(http" not in shown
    assert shown.count("<svg") == 3 and shown.count("<img") == 1 and len(measured.moments) == 3


def test_hands_are_dealt_apart_and_minutes_are_shared(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert not set(scene.references) & set(scene.others)
        assert sorted((*scene.references, *scene.others)) == sorted(scene.talk.listeners)
    shared = deal([scene.talk for scene in scenes], minutes=1.5)
    assert [scene.seconds for scene in shared] == pytest.approx([30.0] * 3)
    assert len(shared[0].listener("listener0").face) == len(shared[0].controls("listener0")["self_speaking"]) == 750


def test_what_cannot_be_measured_is_refused(scenes: list[Scene]) -> None:
    with pytest.raises(EngineError, match="no talks"):
        deal([])
    with pytest.raises(EngineError, match="--samples 0"):
        listeners.measure([scene.talk for scene in scenes], [], 0, 0)
    with pytest.raises(EngineError, match="--clips 0"):
        listeners.measure([scene.talk for scene in scenes], [], 1, 0, clips=0)
    with pytest.raises(EngineError, match="--minutes 1e-05 leaves no frame"):
        deal([scene.talk for scene in scenes], 1e-5)
    with pytest.raises(EngineError, match="name is taken"):
        listeners.models(["mime=rules"], 1, 0)
    for wrong, told in (
        ("nod_rate=1", "label one of rules"),
        ("other:nod_rate=1", "label one of rules"),
        ("rules:nods=1", "no control"),
        ("rules:nod_rate=9", "nod_rate"),
    ):
        with pytest.raises(EngineError, match=told):
            listeners.models([], 1, 0, [wrong])


def test_a_control_is_held_for_one_bundle(scenes: list[Scene]) -> None:
    often, never = (
        listeners.models([], 1, 0, [f"rules:nod_rate={rate}"], ablated=False)[0].play(scenes[0]) for rate in (2, 0)
    )
    nods = [sum(len(events.nods(one.face, FPS)) for given in made.values() for one in given) for made in (often, never)]
    assert nods[1] == 0 < nods[0]
    assert len(listeners.models([], 1, 0)) == 3


def test_a_mirror_shown_a_mirror_shows_the_face(scenes: list[Scene]) -> None:
    face = scenes[0].speaker().face
    once = rows.mirrored(face)
    assert np.array_equal(rows.mirrored(once), face)
    assert np.array_equal(once[:, FACE["jawLeft"]], face[:, FACE["jawRight"]])
    assert np.array_equal(once[:, FACE["headYaw"]], -face[:, FACE["headYaw"]])
    assert events.nods(once, FPS) == events.nods(face, FPS)


def test_moving_a_stream_round_keeps_it_smooth(scenes: list[Scene]) -> None:
    face = scenes[0].listener("listener0").face.copy()
    face[:, FACE["headYaw"]] += np.linspace(0.0, 0.5, len(face), dtype=np.float32)  # its end is far from its beginning
    moved = rows.looped(face, 800, 4000)
    assert moved.shape == (4000, 58)
    assert np.array_equal(moved[:100], face[800:900])
    assert np.abs(np.diff(moved[:, FACE["headYaw"]])).max() < 0.05
    rng = np.random.default_rng(0)
    offsets = [rows.shift(rng, 1500) for _ in range(200)]
    assert min(offsets) >= 250 and max(offsets) <= 1250


def test_a_bundle_answers_each_reference_anew_and_repeats_itself(scenes: list[Scene]) -> None:
    (scene,) = deal([scenes[0].talk], minutes=0.25)
    bundle = Bundle.load("rules")
    row = Listener("rules", bundle, samples=2, seed=3)
    first = row.play(scene)
    assert set(first) == set(scene.references) and all(len(samples) == 2 for samples in first.values())
    a, b = first[scene.references[0]]
    assert a.face.shape == (scene.frames, 58) and a.emotion.shape == (scene.frames, 25)
    assert not np.array_equal(a.face, b.face)
    assert np.array_equal(row.play(scene)[scene.references[0]][0].face, a.face)
    deaf = Listener("deaf", bundle, samples=1, seed=3, hears=False).play(scene)[scene.references[0]][0]
    assert not events.nods(deaf.face, FPS) and "no voice" in Listener("deaf", bundle, 1, hears=False).about
    blind = Listener("blind", bundle, samples=1, seed=3, sees=False).play(scene)[scene.references[0]][0]
    smiling = [FACE["mouthSmileLeft"], FACE["mouthSmileRight"]]
    assert blind.face[:, smiling].max() < a.face[:, smiling].max()


def test_the_command_measures_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer = Writer(tmp_path / "data", "a test", 0)
    for seed in range(2):
        made = talk(f"voice{seed}", seed, 30.0, people=2)
        voice = Voice(made.voice, made.voice, "test", "Apache-2.0", "the built-in partner")
        writer.add("test", made.name, voice, _truth(made), _reactions(made))
    writer.finish()
    out = tmp_path / "out"
    arguments = ["--data", str(tmp_path / "data"), "--out", str(out), "--samples", "1", "--minutes", "0.5"]
    assert main(["evaluate", "reaction", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "rules, voice only" in printed and "targets met" in printed
    assert (out / "report.html").stat().st_size > 10_000
    stored = json.loads((out / "report.json").read_text())
    assert stored["settings"]["voices"] == ["voice0", "voice1"]
    assert main(["evaluate", "reaction", "--data", str(tmp_path / "nowhere")]) == 2
    given = ["--neighbours", str(tmp_path / "data" / "neighbour_emotion_test.npy")]
    assert main(["evaluate", "reaction", *arguments, *given]) == 2
    assert "has listeners of its own; leave it out" in capsys.readouterr().err


def _truth(made: MemoryTalk) -> Talk:
    spans = tuple(made.phrases), tuple(made.own_turns)
    return Talk(made.voice, made.voice, made.pcm, made.speaker, *spans, cues=tuple(made.invitations))


def _reactions(made: MemoryTalk) -> list[SimulatedListener]:
    return [SimulatedListener(made.listener(name), made.controls(name)) for name in made.listeners]
