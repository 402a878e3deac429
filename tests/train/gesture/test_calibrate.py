"""How a prepared hand waits: strokes are judged against stresses and luck, and what lets a hand wait is found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models.gesture import build
from models.gesture.body import WIDTH
from models.gesture.plan import PREPARATION, STROKE
from train.gesture.calibrate import CANDIDATES, calibrate, heard, judge, stress_times
from train.gesture.labels import accents
from train.gesture.streams import Performance

torch.set_num_threads(1)


def test_stresses_come_back_from_their_labels() -> None:
    rows = np.array([[1.0, 0.9, 0], [2.04, 0.3, 1], [3.0, 0.8, 2]], np.float32)
    told = accents(rows, 60)
    assert told[15:17, 0].tolist() == pytest.approx([0.9, 0.9]) and told[17, 0] == 0
    assert told[12:15, 1].tolist() == pytest.approx([0.9] * 3) and told[15, 1] == 0
    np.testing.assert_allclose(stress_times(told), [1.0, 3.0], atol=0.06)
    assert not accents(np.zeros((0, 3), np.float32), 4).any()


def test_strokes_that_end_on_stresses_are_near_and_others_are_luck() -> None:
    phases = np.zeros((2, 300), np.int64)
    for end in (45, 120, 200):
        phases[0, end - 4 : end] = STROKE
        phases[1, end + 20 - 4 : end + 20] = STROKE
    moments = np.array([45, 120, 200]) / 15
    on, off = (judge(phases[[row]], [moments], [300]) for row in range(2))
    assert on.strokes == off.strokes == 3
    assert on.near == 1.0 and off.near == 0.0 and on.luck < 0.5
    assert judge(phases[:1], [moments], [100]).strokes == 1, "frames beyond a talk's end count nothing"
    assert judge(phases[:1], [np.zeros(0)], [300]).strokes == 0


def test_waits_are_how_long_hands_are_prepared() -> None:
    phases = np.zeros((1, 100), np.int64)
    phases[0, 10:25], phases[0, 25:28] = PREPARATION, STROKE
    assert judge(phases, [np.array([1.8])], [100]).waits == pytest.approx(1.0)


def test_calibration_finds_a_hand_that_waits() -> None:
    """A planner that strikes at any time, and knows when a stress is about to come, is told to wait for it."""
    torch.manual_seed(0)
    model = build("tiny").eval()
    planner, frames = model.planner, 900
    moments = np.arange(20, frames - 20, 15)
    raw = torch.zeros(frames, model.hearing.raw_width)
    for at in moments:
        raw[at - 3 : at, 0] = 1.0  # what is heard just before a stress
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.hearing.enter.weight[0, 0] = 6.0
        gates = planner.listen.lstm.weight_ih_l0
        planner.listen.lstm.bias_ih_l0[: model.config.hidden] = 4.0
        planner.listen.lstm.bias_ih_l0[model.config.hidden : 2 * model.config.hidden] = -4.0
        planner.listen.lstm.bias_ih_l0[3 * model.config.hidden :] = 4.0
        gates[2 * model.config.hidden, 0] = 4.0
        planner.tells.weight[1, 0], planner.tells.bias[1] = 12.0, -5.0
        planner.out.bias[PREPARATION], planner.out.bias[STROKE] = 2.0, 0.0
    label = np.zeros((frames, 3), np.float32)
    label[moments, 0] = label[moments + 1, 0] = 1.0
    item = Performance(
        name="one", talk="one", style=0, raw=raw, ids=torch.zeros(frames, 3, dtype=torch.int64),
        told=torch.from_numpy(label), clock=torch.zeros(frames, 4), pose=torch.zeros(frames, WIDTH),
        course=torch.zeros(frames, 2, WIDTH),
        cluster=torch.zeros(frames, dtype=torch.int64), words=np.zeros(0, np.int64), times=np.zeros((0, 2)),
    )  # fmt: skip
    told = heard(model, [item])
    assert told[0, moments[5] - 1, -2] > 2 and told[0, moments[5] + 7, -2] < -2
    said = calibrate(model, [item, dataclasses.replace(item, name="two")], 1)
    strike = planner.strike.tolist()
    assert tuple(strike) in CANDIDATES and strike[2] > 0 and "strikes by" in said
