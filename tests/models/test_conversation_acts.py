"""Acts of the conversation model: numbers of face and trunk, where eyes look, how much moves and what is planned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.channels import FACE
from models.contract import initial_state
from models.conversation import build
from models.conversation.acts import ActCodec, PastActs, gains
from models.conversation.config import ACTS, GROUPS, PLANS
from models.conversation.model import KEEN, LARGEST, SMALLEST, Acts, Conversation, Drawn
from models.listener_rules.gaze import eye_weights
from models.listening.folded_names import FOLDED_NAMES
from train.report.events import gaze_degrees


def test_components_give_back_what_lies_in_them_and_innovations_what_they_were_made_of() -> None:
    torch.manual_seed(1)
    codec = ActCodec()
    mixing = torch.randn(6, 102) * 0.05
    rows = (torch.randn(4000, 6).cumsum(0) * 0.02) @ mixing
    faces, trunks = rows[:, :54] @ codec.fold.T, rows[:, 54:]
    faces[:, :52] = faces[:, :52].clamp(0, 1)
    codec.fit(faces, trunks, torch.arange(4000) < 2)
    numbers = codec.numbers(faces, trunks)
    back, trunk = codec.shown(numbers)
    usual = (faces - faces.mean(0)).square().mean()
    assert (back - faces)[:, 52:].square().mean() < 0.05 * usual + 1e-8
    assert (trunk - trunks).square().mean() < 0.02 * trunks.var()
    before, earlier, wanted = numbers[9:10], numbers[8:9], numbers[10:11]
    innovation = codec.innovation(wanted, before, earlier)
    made = codec.following(innovation, before, earlier, torch.ones(1, ACTS))
    assert torch.allclose(made, wanted, atol=1e-5)
    codec.leak.fill_(0.25)
    led = codec.following(innovation, before, earlier, torch.ones(1, ACTS))
    assert torch.allclose(led, wanted + 0.25 * (1.0 - before), atol=1e-5)
    codec.leak.zero_()
    codec.vigour.fill_(2.0)
    twice = codec.following(innovation, before, earlier, torch.zeros(1, ACTS))
    assert torch.allclose(twice - wanted, wanted - codec.foretold(before, earlier), atol=1e-5)
    assert ((codec.momentum >= 0) & (codec.momentum <= 0.95)).all() and codec.pace.min() > 0


def test_the_past_is_told_in_any_chunks_and_plans_fade() -> None:
    past = PastActs()
    acts, plans = torch.randn(1, 30, ACTS), torch.zeros(1, 30, len(PLANS))
    plans[0, 5, 0] = 1.0
    state = initial_state(past.state_specs(), 1)
    whole, _ = past(acts, plans, torch.ones(ACTS), state)
    rows = []
    for t in range(30):
        row, updates = past(acts[:, t : t + 1], plans[:, t : t + 1], torch.ones(ACTS), state)
        state |= updates
        rows.append(row)
    assert torch.allclose(torch.cat(rows, 1), whole, atol=1e-5)
    traces = whole[0, :, -4 * len(PLANS) :].unflatten(-1, (4, len(PLANS)))[..., 0]
    assert (traces[:5] == 0).all() and (traces[5] == 1).all()
    assert traces[20, 0] < 0.2 < 0.9 < traces[20, 3] < 1.0
    assert whole.shape[-1] == PastActs.width


def acted(model: Conversation, rows: int, frames: int = 1) -> Acts:
    """What is drawn in the first frames of as many free runs."""
    state = initial_state(model.act_state | model.draw_state, rows)
    uniforms = torch.rand(rows, frames, model.drawn, generator=torch.Generator().manual_seed(3))
    drawn = Drawn(uniforms, torch.ones(rows, frames), torch.zeros(rows, frames, ACTS))
    with torch.no_grad():
        return model.act(torch.zeros(rows, frames, model.config.channels), drawn, state)[0]


def test_answers_are_keener_than_learned_and_other_plans_are_not() -> None:
    model = build("tiny").eval()
    with torch.no_grad():
        model.decide.weight.zero_()
        model.usual.fill_(-2.0)
        model.decide.bias.fill_(-1.0)  # likelier than usual by 1
        model.odds.fill_(0.2)
    often = acted(model, 4000).plans[:, 0].mean(0)
    for name, share in zip(PLANS, often, strict=True):
        keen = KEEN.get(name, 1.0)
        assert abs(float(share) - 1.0 / (1.0 + math.exp(2.0 - keen - 0.2))) < 0.03, name
    assert KEEN["nod"] > 1 and "blink" not in KEEN


def test_numbers_move_by_how_much_is_about_to_move_which_their_own_past_does_not_tell() -> None:
    model = build("tiny").eval()
    small = acted(model, 50).numbers
    with torch.no_grad():
        model.sizes[2].bias.fill_(math.log(3.0))
    assert torch.allclose(acted(model, 50).numbers, (3.0 * small).clamp(-6.0, 6.0), atol=1e-4)
    with torch.no_grad():
        for value in model.sizes.parameters():
            value.normal_()
    context, plans = torch.randn(1, 8, model.config.channels), torch.zeros(1, 8, len(PLANS))
    past = torch.randn(1, 8, model.past.width)
    moved = past.clone()
    moved[..., : -model.past.plan_width] += 5.0
    size = model.size(context, model.past.planned(past), plans)
    assert torch.equal(size, model.size(context, model.past.planned(moved), plans))
    planned = past.clone()
    planned[..., -1] += 1.0
    assert not torch.equal(size, model.size(context, model.past.planned(planned), plans))
    assert math.exp(SMALLEST) <= float(size.detach().min()) and float(size.detach().max()) <= math.exp(LARGEST) + 1e-4


def test_expressiveness_leaves_the_eyes() -> None:
    which = gains()
    first = 0
    for group in GROUPS:
        assert (which[first : first + group.parts] == float(group.name != "eyes")).all()
        first += group.parts
    assert first == ACTS == len(which)


def test_eyes_rest_on_what_they_look_at_while_the_head_moves() -> None:
    torch.manual_seed(0)
    codec = ActCodec()
    faces, trunks = torch.zeros(600, 58), torch.randn(600, 48)
    yaw, pitch = (0.25 * torch.sin(torch.arange(600) / speed) for speed in (9.0, 5.0))
    faces[:, FACE["headYaw"]], faces[:, FACE["headPitch"]] = yaw, pitch
    look = 0.2 * ((torch.arange(600) // 100) % 2)  # to the left for every other hundred frames
    for name, weight in eye_weights(look - yaw, -pitch).items():
        faces[:, FACE[name]] = weight
    gaze = [FOLDED_NAMES.index(name) for name in ("gazeOutLeft", "gazeOutRight", "gazeDownLeft", "gazeDownRight")]
    folded = codec.joined(faces, trunks)[:, gaze]
    assert float(folded[:100].std(0).max()) < 0.03, "a head that turns does not change where is looked"
    assert float((folded[150, 0] - folded[50, 0]) * 35.0) == pytest.approx(math.degrees(0.2), abs=0.6)
    codec.fit(faces, trunks, torch.arange(600) < 2)
    numbers = codec.numbers(faces, trunks)
    shown, _ = codec.shown(numbers)
    assert torch.allclose(shown, faces, atol=0.02)
    # A head that is moved by half as much leaves the gaze where it was.
    still, _ = codec.shown(numbers * (1.0 - 0.5 * gains()))
    moved = np.abs(gaze_degrees(still.numpy()) - gaze_degrees(faces.numpy())).max()
    assert moved < 1.5 and float(still[:, FACE["headYaw"]].abs().max()) < 0.14
