"""How a prepared hand waits: strokes are judged against stresses and luck, and what lets a hand wait is found."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from models.bodies.kinematics import to_six
from models.gesture import build
from models.gesture.body import UPPER, WIDTH
from models.gesture.config import BODY
from models.gesture.course import STEPS
from models.gesture.plan import HOLD, PREPARATION, REST, RETRACTION, STROKE
from train.gesture.calibrate import LIFTS, NONE, SETTLES, STRIKES, calibrate, judge, up_in_silence
from train.gesture.performing import Performing
from train.gesture.streams import Performance
from train.gesture.strokes import FoundStroke, find_strokes

torch.set_num_threads(1)


def stroke(apex: float) -> FoundStroke:
    return FoundStroke(apex - 0.3, apex, apex + 0.1, "right", 100.0)


def test_strokes_that_end_on_stresses_are_near_and_others_are_luck() -> None:
    moments = np.array([3.0, 8.0, 13.0])
    item = performance(300, moments)
    on, off = (judge([[stroke(at + late) for at in moments]], [item]) for late in (0.1, 0.6))
    assert on.strokes == off.strokes == 3
    assert on.near == 1.0 and off.near == 0.0 and on.luck < 0.5
    assert judge([[]], [item]).strokes == 0


def test_hands_up_in_silence_are_counted_within_each_talk() -> None:
    item = performance(20, np.zeros(0))
    item.told[1:3, 2] = 1.0  # a short pause is no silence
    item.told[5:18, 2] = 1.0  # the last 4 frames of it are
    phases = np.array([PREPARATION] * 15 + [STROKE, HOLD, RETRACTION, REST, REST, STROKE, STROKE])
    assert up_in_silence([phases], [item]) == pytest.approx(3 / 4)
    item.told[5:18, 2] = 0.0
    assert up_in_silence([phases], [item]) == 0.0


def performance(frames: int, stresses: np.ndarray, **more: Any) -> Performance:
    """A talk of ``frames`` in which nothing is heard and nobody moves, but for what ``more`` says."""
    told = torch.zeros(frames, 3)
    plain = {
        "name": "one", "talk": "one", "style": 0, "raw": torch.zeros(frames, build("tiny").hearing.raw_width),
        "ids": torch.zeros(frames, 3, dtype=torch.int64), "told": told, "clock": torch.zeros(frames, 4),
        "pose": to_six(torch.eye(3)).repeat(frames, WIDTH // 6), "course": torch.zeros(frames, 2, WIDTH),
        "cluster": torch.zeros(frames, dtype=torch.int64), "words": np.zeros(0, np.int64),
        "times": np.zeros((0, 2)), "stresses": stresses,
    }  # fmt: skip
    return Performance(**(plain | more))


def test_calibration_finds_a_hand_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
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
    rest = to_six(torch.eye(3)).repeat(WIDTH // 6)
    lifted, struck = rest.clone(), rest.clone()
    for pose, angle in ((lifted, 0.2), (struck, 1.4)):  # a stroke is a wide swing of the right arm
        for joint in ("rShldr", "rForeArm"):
            at = 6 * UPPER.index(BODY.index(joint))
            pose[at : at + 6] = to_six(torch.from_numpy(Rotation.from_rotvec([0, 0, -angle]).as_matrix()).float())
    model.poses.rest.copy_(rest.expand(2, -1))
    ways = torch.stack([lifted + share * (struck - lifted) for share in torch.linspace(0, 1, STEPS)])
    model.courses.ways.copy_(model.poses.standardised(ways).expand(model.config.kinds, -1, -1))
    pose = rest.repeat(frames, 1)
    for at in moments:  # people strike with every stress, and sink again
        pose[at - 4 : at + 7] = torch.lerp(rest, struck, torch.tensor([1, 2, 3, 4, 4, 3, 3, 2, 2, 1, 1])[:, None] / 4)
    item = performance(frames, moments / 15.0, raw=raw, pose=pose)
    performing = Performing(model, [item], 1)
    assert performing.heard[0, moments[5] - 1, -2] > 2 and performing.heard[0, moments[5] + 7, -2] < -2
    monkeypatch.setattr("train.gesture.calibrate.LIFTS", LIFTS[::4])
    monkeypatch.setattr("train.gesture.calibrate.STRIKES", STRIKES[::3])
    said = calibrate(model, [item, dataclasses.replace(item, name="two")], 1)
    found = {name: tuple(getattr(planner, name).tolist()) for name in ("strike", "lift")}
    assert found["strike"] in STRIKES and found["lift"] in LIFTS and "strikes by" in said
    gains = {}
    for strike, lift in ((NONE, NONE), tuple(found.values())):
        planner.strike.copy_(torch.tensor(strike))
        planner.lift.copy_(torch.tensor(lift))
        shown = Performing(model, [item], 2)
        judged = judge([find_strokes(points) for points in shown.shown(shown.decided())], [item])
        gains[strike] = judged.near - judged.luck
    assert gains[found["strike"]] > gains[NONE] + 0.1, gains


def test_the_least_silence_that_calms_hands_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner that holds a hand up for ever, and knows of silence, is told to let it sink."""
    torch.manual_seed(0)
    model, frames = build("tiny").eval(), 300
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.planner.out.bias[RETRACTION] = -6.0
        model.planner.tells.bias[2] = 8.0
    told = torch.zeros(frames, 3)
    told[:, 2] = 1.0
    item = performance(frames, np.zeros(0), told=told)
    monkeypatch.setattr("train.gesture.calibrate.LIFTS", LIFTS[:1])
    monkeypatch.setattr("train.gesture.calibrate.STRIKES", STRIKES[:1])
    said = calibrate(model, [item], 0)
    assert model.planner.settle.item() in SETTLES[1:] and "people's in 0.00" in said
    calm = Performing(model, [item], 0).decided()[0, :, 0].numpy()
    model.planner.settle.fill_(0.0)
    restless = Performing(model, [item], 0).decided()[0, :, 0].numpy()
    assert up_in_silence([calm], [item]) < 0.2 < up_in_silence([restless], [item])
