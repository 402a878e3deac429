"""Free runs after training: led back, made calmer, and plans begun as often as in the talks."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch

from engine.channels import FACE
from models.conversation.config import PLANS
from models.conversation.model import Conversation
from train.conversation import calibrate
from train.conversation.settings import Settings
from train.conversation.streams import Stream


def test_free_runs_are_led_back_and_plans_made_rarer(streams: list[Stream], model: Conversation) -> None:
    wild = copy.deepcopy(model).eval()
    with torch.no_grad():
        wild.codec.pace.mul_(4.0)  # what is drawn moves four times too far
        wild.decide.bias.fill_(0.0)  # and plans are begun every other frame
    before, often = (value.float() for value in calibrate.free_run(wild, streams[1:3], 120, 1))
    told = calibrate.calibrate(wild, streams, Settings(config="tiny", rounds=8))
    after, seldom = calibrate.free_run(wild, streams[1:3], 120, 1)
    looks = PLANS.index("away")
    assert after.std() < 0.95 * before.std() and seldom[..., :looks].mean() < 0.6 * often[..., :looks].mean()
    assert wild.codec.leak.max() > 0 and wild.codec.vigour.min() < 1 and wild.odds.max() < 0
    assert wild.codec.leak.min() >= calibrate.LEAST_LEAK - 1e-7 and wild.codec.calm.min() < 1
    calm = copy.deepcopy(wild)
    calm.codec.calm.fill_(0.0)  # without noise two seeds draw the same but for the plans
    calm.odds.fill_(-50.0)
    first, second = (calibrate.free_run(calm, streams[1:3], 120, seed)[0] for seed in (1, 2))
    assert torch.equal(first, second)
    assert "free runs before" in told and "after" in told
    assert calibrate.calibrate(wild, streams, Settings(config="tiny", rounds=0)) == ""


def test_looks_are_counted_as_they_are_seen(model: Conversation) -> None:
    looking = copy.deepcopy(model).eval()
    frames = calibrate.SETTLE + 300
    faces, trunks = 0.01 * torch.rand(frames, 58), torch.rand(frames, 48)
    away = torch.arange(frames) % 30 >= 20  # two thirds of each second at the partner, one third away
    faces[away] += 0.8 * torch.eye(58)[[FACE["eyeLookOutLeft"], FACE["eyeLookInRight"]]].sum(0)
    looking.codec.fit(faces, trunks, torch.arange(frames) < 2)
    numbers = looking.codec.numbers(faces, trunks)[None]
    streams = [SimpleNamespace(style=0)]
    begun = calibrate._sizes(looking, streams, numbers, torch.zeros(1, frames, len(PLANS))).begun  # type: ignore[arg-type]
    assert float(begun[PLANS.index("away")]) == pytest.approx(10 / (300 * 20 / 30 / 30), rel=0.06)
    assert float(begun[PLANS.index("back")]) == pytest.approx(10 / (300 * 10 / 30 / 30), rel=0.12)
    assert float(begun[PLANS.index("nod")]) == pytest.approx(0.2 / 60)
