"""The shipped dancer over minutes of dancing with its controls turned, and a body that follows texts; the hour is run
by hand (`-m slow`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.endless import answers, drift, endless, judged, lines, said, schedule
from engine.body.skeleton import skeleton
from engine.bundle import STEP, Bundle, EncoderFiles, OnnxFile
from engine.errors import EngineError
from engine.spec import InputSpec, OutputSpec, StateSpec, StreamSpec
from export.step import to_onnx
from models.contract import BAD_INPUT, StreamModel, Tensors
from tests.engine.text.made import TOKENS, WIDTH, graph, mean_of, word_level

BODY = skeleton("humanml3d")


class Follower(StreamModel):
    """A body in its pose of rest that goes ahead as fast as the first number of its text's vector says, and is told so
    by its wish."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rest", torch.tensor(BODY.rest_positions()))
        self.spec = StreamSpec(
            "follower",
            20.0,
            (
                InputSpec("prompt", "text", (WIDTH,), -100.0, 100.0),
                InputSpec("after", "control", low=0.0, high=1.0, names=("idle", "again")),
                InputSpec("heat", "control", low=0.0, high=1.0, missing=0.5),
            ),
            (OutputSpec("body", (22, 3), skeleton=BODY.name, codec="joints"), BAD_INPUT),
            {"at": StateSpec((1,))},
            skeletons=(BODY,),
        )

    def frames(self, inputs: Tensors, state: Tensors) -> tuple[Tensors, Tensors]:
        """Sums of steps; the third coordinate moves, and the first tells that heat is as it was."""
        at = state["at"] + (inputs["prompt"][..., 0] / 100.0).cumsum(1)
        where = torch.stack([inputs["heat"] - 0.5, 0.0 * at, at], -1)
        return {"body": self.rest + where[..., None, :]}, {"at": at[:, -1:]}


def follower(folder: Path) -> Bundle:
    """It as a bundle, with an encoder of its own."""
    made = to_onnx(Follower().eval())
    bundle = Bundle(
        path=folder / "follower",
        name="follower",
        version="0.1.0",
        spec=Follower().spec,
        onnx=OnnxFile(STEP, made.opset, made.ir, "fp32"),
        licence="Apache-2.0",
        description="",
        training_data="none",
        credits="none",
        command="",
        commit="unknown",
        encoders={"prompt": EncoderFiles("encode.onnx", "tokenizer.json", TOKENS)},
    )
    return bundle.write(made.content, "# follower\n", {"encode.onnx": graph(), "tokenizer.json": word_level()})


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load("dance")


def holds(figures: dict[str, Any]) -> None:
    """It neither froze nor jumped, stayed on the stage, and kept its bones."""
    assert figures["finite"]
    assert figures["slowest_2s_m_s"] > 0.02 and figures["speed_m_s"] > 0.2
    assert figures["farthest_step_m"] < 4 * figures["usual_step_m"] and figures["farthest_step_m"] < 0.5
    assert figures["farthest_after_turn_m"] <= figures["farthest_step_m"]
    assert figures["bones_vary"] < 1e-3
    assert figures["from_middle_m"] < 5.0


def test_two_minutes_hold(bundle: Bundle) -> None:
    holds(endless(bundle, 2.0))


@pytest.mark.slow
def test_an_hour_holds(bundle: Bundle) -> None:
    figures = endless(bundle, 60.0, seed=1)
    holds(figures)
    for name, part in figures["drift"].items():
        assert abs(part["last"] - part["first"]) < 0.2 * abs(part["first"]), name


def test_freezes_and_jumps_are_seen(bundle: Bundle) -> None:
    rate, joints = bundle.spec.rate, len(bundle.spec.skeletons[0].joints)
    time = np.arange(600)[:, None, None] / rate
    body = (np.sin(2 * np.pi * time) * 0.1 + np.arange(joints)[:, None] * np.ones(3) * 0.1).astype(np.float32)
    shown = np.tile(np.float32([0.2, 0.6, 0.2]), (600, 1))
    turned = {"speed": np.ones(600, np.float32), "effort": np.ones(600, np.float32)}
    well = judged(bundle, body, shown, turned, [])
    assert well["answer"] == {"1": 1.0} and well["slowest_2s_m_s"] > 0.1
    frozen, thrown = body.copy(), body.copy()
    frozen[300:400] = frozen[300]
    thrown[300:, 5] += 1.0
    assert judged(bundle, frozen, shown, turned, [])["slowest_2s_m_s"] < 1e-6
    assert judged(bundle, frozen, shown, turned, [])["longest_still_s"] == pytest.approx(99 / rate, rel=1e-3)
    assert well["longest_still_s"] < 0.1
    assert judged(bundle, thrown, shown, turned, [])["farthest_step_m"] > 0.9
    assert judged(bundle, thrown, shown, turned, [300])["farthest_after_turn_m"] > 0.9
    assert judged(bundle, thrown, shown, turned, [301])["farthest_after_turn_m"] < 0.1


def test_turns_come_again_after_ten_minutes(bundle: Bundle) -> None:
    item = bundle.spec.input("effort")
    values = schedule(item, 60 * 1800, 30.0, 0)
    assert set(values.tolist()) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(values[:18_000], values[-18_000:])
    assert answers(values, np.eye(3, dtype=np.float32)[values.astype(int)], 30.0) == {"0": 1.0, "1": 1.0, "2": 1.0}


def test_texts_are_what_is_turned_where_there_are_any(tmp_path: Path) -> None:
    prompts, seconds, every = ["wave", "bow", "nod"], 36.0, 3.0
    figures = endless(follower(tmp_path), seconds / 60, 5, prompts, every)
    order = said(3, 720, 60, 12_000, 5)
    assert [set(order[start : start + 60].tolist()) for start in range(0, 720, 60)] == [{x} for x in order[::60]]
    assert sorted(order[:180:60]) == [0, 1, 2], "all of them before one comes again"
    steps = np.array([mean_of(text)[0] for text in prompts])[order] / 100.0
    path = steps.cumsum()
    assert figures["from_middle_m"] == pytest.approx(np.hypot(path, 0.0).max(), rel=1e-3)
    assert figures["speed_m_s"] == pytest.approx(20 * np.median(np.abs(steps[1:])), rel=1e-2)
    assert figures["farthest_after_turn_m"] == pytest.approx(np.abs(steps).max(), rel=1e-2)
    assert figures["foot_slide_m_s"] == pytest.approx(20 * np.abs(steps[1:]).mean(), rel=1e-2)
    assert figures["drift"]["z"]["first"] == pytest.approx(path[1:241].mean(), rel=1e-2)
    assert figures["drift"]["x"] == {"first": 0.0, "last": 0.0, "differs": False}, "numbers stay as they are"
    assert "answer" not in figures


def test_texts_come_again_after_ten_minutes() -> None:
    order = said(10, 60 * 1200, 170, 12_000, 1)
    np.testing.assert_array_equal(order[:12_000], order[-12_000:])
    assert np.bincount(order).min() > 0.8 * np.bincount(order).max()


def test_a_list_of_texts_is_read_or_refused(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("walk\n\n  sit down \n", "utf-8")
    assert lines(tmp_path / "texts") == ["walk", "sit down"]
    (tmp_path / "none").write_text(" \n", "utf-8")
    for name, reason in (("none", "no text"), ("absent", "cannot be read")):
        with pytest.raises(EngineError, match=reason):
            lines(tmp_path / name)


def test_drift_is_told_from_chance() -> None:
    chance = np.random.default_rng(0)
    steady = chance.normal(1.0, 0.1, 36_000).astype(np.float32)
    rising = steady + np.linspace(0, 0.5, 36_000, dtype=np.float32)
    found = drift({"steady": steady, "rising": rising}, 30.0)
    with_gaps = np.where(np.arange(36_000) % 7 < 3, steady, np.nan)
    assert drift({"gaps": with_gaps}, 30.0)["gaps"]["first"] == pytest.approx(1.0, abs=0.01)
    assert drift({"none": np.full(36_000, np.nan)}, 30.0)["none"]["differs"] is None
    assert found["rising"]["differs"] and abs(found["steady"]["last"] - found["steady"]["first"]) < 0.01


def test_a_bundle_without_a_body_is_refused() -> None:
    with pytest.raises(EngineError, match="no body"):
        endless(Bundle.load("rules"), 0.1)
