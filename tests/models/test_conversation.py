"""The avatar that talks and listens: what draws a frame, what moves by what, and what controls do."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

from engine.channels import FACE
from engine.errors import EngineError
from models.bodies.kinematics import from_six
from models.contract import initial_state
from models.conversation import build
from models.conversation.body import TalkingBody, turn
from models.conversation.config import (
    ACTS,
    BODY,
    BODY_GROUP,
    CONFIGS,
    GROUPS,
    MOUTH,
    ConversationConfig,
    configuration,
)
from models.conversation.floor import LONGEST_S, QUIET_S, FloorTraces
from models.conversation.heads import FlowHead, RollingHead, even, gaussian, head
from models.conversation.model import Conversation, spoken
from tests.models.cases import draw_inputs

TINY = CONFIGS["tiny"]


def lively(seed: int = 0, **changes: object) -> Conversation:
    """A tiny model whose heads and components are not all zero."""
    torch.manual_seed(seed)
    model = build(dataclasses.replace(TINY, **changes)).eval()
    with torch.no_grad():
        for each in (model.head, model.lips.head):
            each.net.leave.weight.normal_(0.0, 0.3)
            for layer in each.net.layers:
                layer.shape.weight.normal_(0.0, 0.5)
        first = 0
        for group in GROUPS:  # each number moves the channels of its group alone
            columns = model.codec.columns(group.name)
            model.codec.synthesis[first : first + group.parts, columns] = 0.1 * torch.randn(group.parts, len(columns))
            first += group.parts
        model.lips.codec.mean.fill_(0.2)
        model.lips.codec.scale.fill_(0.1)
        model.codec.mean[:52] = 0.3
        still = from_still()
        model.codec.mean[-len(BODY_GROUP.channels) :] = still
        model.codec.pace.fill_(0.2)
    return model


def from_still() -> Tensor:
    """The trunk of a body at rest."""
    return torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(len(BODY_GROUP.channels) // 6)


def run(model: Conversation, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Outputs from a fresh state."""
    with torch.no_grad():
        outputs, _ = model(inputs, model.initial_state(next(iter(inputs.values())).shape[0]))
    return outputs


@given(st.integers(0, 2**20))
@settings(max_examples=5, deadline=None)
def test_normals_of_uniforms_are_standard(seed: int) -> None:
    drawn = gaussian(torch.rand(20_000, 6, generator=torch.Generator().manual_seed(seed)))
    assert drawn.mean(0).abs().max() < 0.04 and (drawn.std(0) - 1.0).abs().max() < 0.04
    assert torch.corrcoef(drawn.T).sub(torch.eye(6)).abs().max() < 0.05
    assert torch.isfinite(gaussian(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))).all()
    assert (even(5), even(6)) == (6, 6)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_flow_that_knows_the_way_arrives_in_any_number_of_steps(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = head(3, 4, dataclasses.replace(TINY, steps=steps))
    assert isinstance(flow, FlowHead)
    noise, wanted, seen = torch.randn(5, 3), torch.randn(5, 3), []

    def straight(x: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        seen.append(float(time[0]))
        return wanted - noise

    monkeypatch.setattr(flow.net, "forward", straight)
    made, _ = flow(noise, torch.zeros(5, 4), {})
    assert torch.allclose(made, wanted, atol=1e-6)
    assert seen == pytest.approx([step / steps for step in range(steps)])


def test_the_loss_of_a_flow_is_that_of_its_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = head(2, 4, TINY)
    assert isinstance(flow, FlowHead)
    noise, wanted = torch.randn(6, 2), torch.randn(6, 2)
    at = {}

    def told(x: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        at["x"] = x
        return torch.zeros_like(x)

    monkeypatch.setattr(flow.net, "forward", told)
    quarter, known = torch.full((6,), 0.25), torch.ones(6, 2)
    loss = flow.loss(wanted, torch.zeros(6, 4), noise, quarter, known)
    assert torch.allclose(loss, (wanted - noise).square().mean(-1))
    assert torch.allclose(at["x"], 0.75 * noise + 0.25 * wanted)
    known[:, 1] = 0.0  # of what is not known the network sees noise, and its error does not count
    loss = flow.loss(wanted, torch.zeros(6, 4), noise, quarter, known)
    assert torch.allclose(loss, (wanted - noise)[:, 0].square())
    assert torch.allclose(at["x"][:, 1], noise[:, 1]) and torch.allclose(
        at["x"][:, 0], (0.75 * noise + 0.25 * wanted)[:, 0]
    )


def test_rolling_gives_each_frame_once_its_noise_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    rolling = head(2, 4, dataclasses.replace(TINY, head="rolling", roll=3))
    assert isinstance(rolling, RollingHead)
    frames = torch.arange(20.0)[:, None].repeat(1, 2)
    now = {"t": 0}
    monkeypatch.setattr(rolling, "guess", lambda plan, given: frames[now["t"] : now["t"] + 3][None])
    state = initial_state(rolling.state_specs(), 1)
    for t in range(10):
        now["t"] = t
        made, updates = rolling(torch.randn(1, 2), torch.zeros(1, 4), state)
        state |= updates
        if t >= 2:
            assert torch.allclose(made[0], frames[t], atol=1e-5)
    assert state["plan"].shape == (1, 2, 2)


def test_floor_traces_tell_who_spoke_when() -> None:
    floor = FloorTraces()
    speech = torch.zeros(1, 90, 2)
    speech[0, 30:60, 0] = 1.0
    rows, state = floor(speech, initial_state(floor.state_specs(), 1))
    own = rows[0].unflatten(-1, (2, -1))[:, 0]
    assert own[29, 0] == 0 and own[30, 0] == 1 and own[60, 0] == 0
    assert own[29, 1] < 1e-6 and own[45, 1] == 1
    assert math.isclose(float(own[65, 1]), math.exp(-6 / 30 / QUIET_S[0]), rel_tol=1e-4)
    assert own[59, -3] > own[31, -3] > 0 and own[70, -3] == 0
    assert state["since"][0, 1] == LONGEST_S


def test_neck_and_head_turn_as_the_face_says() -> None:
    angles = torch.tensor([[0.3, -0.5, 0.2]])
    expected = Rotation.from_euler("YXZ", [-0.5, 0.3, 0.2]).as_matrix()
    assert np.allclose(from_six(turn(angles))[0].numpy(), expected, atol=1e-6)
    body, face = TalkingBody(), torch.zeros(1, 58)
    face[0, 52:55] = angles
    joints, rotations = body(from_still()[None], face)
    neck, top = (Rotation.from_quat(rotations[0, BODY.index(name)].numpy()) for name in ("neck", "head"))
    share = Rotation.from_euler("YXZ", 0.4 * np.array([-0.5, 0.3, 0.2]))
    assert np.allclose((neck.inv() * share).magnitude(), 0.0, atol=1e-5)
    assert 0.2 < top.magnitude() < 0.5
    still, _ = body(from_still()[None], torch.zeros(1, 58))
    hands = [BODY.index(name) for name in ("rHand", "lHand")]
    assert torch.allclose(joints[0, hands], still[0, hands], atol=1e-6)
    assert (joints[0, BODY.index("head")] - still[0, BODY.index("head")]).norm() > 0.01
    assert math.isclose(float(joints[..., 1].min()), float(still[..., 1].min()), abs_tol=1e-6)


def test_two_movements_of_a_channel_add_up_like_veils() -> None:
    face, mouth = torch.full((58,), 0.5), torch.full((len(MOUTH),), 0.5)
    assert tuple(range(MOUTH[0], MOUTH[-1] + 1)) == MOUTH  # which is why a slice will do
    whole = spoken(face, mouth)
    assert torch.allclose(whole[list(MOUTH)], torch.tensor(0.75)) and torch.allclose(whole[:22], face[:22])
    assert torch.allclose(spoken(face, torch.zeros(len(MOUTH))), face)


def test_lips_hear_the_own_voice_alone_and_acts_hear_both() -> None:
    model = lively()
    inputs = draw_inputs(model.spec, 1, 20, 3)
    inputs["lip_strength"] = torch.ones(1, 20)
    inputs["expressiveness"] = torch.zeros(1, 20)  # what remains are eyes and lips
    base = run(model, inputs)["face"]
    other = run(model, inputs | {"partner_audio": inputs["partner_audio"].flip(1)})["face"]
    mouth = list(MOUTH)
    assert torch.allclose(base[..., mouth], other[..., mouth], atol=1e-5)
    assert not torch.allclose(base[..., 8:22], other[..., 8:22], atol=1e-4)
    spoke = run(model, inputs | {"own_audio": inputs["own_audio"].flip(1)})["face"]
    assert not torch.allclose(base[..., mouth], spoke[..., mouth], atol=1e-4)


def test_without_a_partner_nothing_of_it_is_heard_or_seen() -> None:
    model = lively()
    inputs = draw_inputs(model.spec, 1, 12, 4) | {"partner_present": torch.zeros(1, 12)}
    base = run(model, inputs)
    for name in ("partner_audio", "partner_audio_valid", "partner_face", "partner_face_valid", "partner_face_age"):
        changed = inputs | {name: torch.zeros_like(inputs[name])}
        assert torch.allclose(run(model, changed)["face"], base["face"], atol=1e-6)
    there = run(model, inputs | {"partner_present": torch.ones(1, 12)})
    assert not torch.allclose(there["face"], base["face"], atol=1e-4)


def test_controls_do_what_they_say() -> None:
    model = lively()
    inputs = draw_inputs(model.spec, 1, 40, 5)
    ones = torch.ones(1, 40)
    inputs |= {"lip_strength": ones, "expressiveness": ones, "temperature": ones}
    loud, still = run(model, inputs)["face"], run(model, inputs | {"expressiveness": 0 * ones})["face"]
    head = slice(52, 58)
    assert still[..., head].std(1).max() < 1e-6 < 1e-3 < loud[..., head].std(1).max()
    assert still[..., FACE["eyeLookUpLeft"]].std() > 0 or still[..., 8:22].std() > 1e-4
    closed = run(model, inputs | {"lip_strength": 0 * ones, "expressiveness": 0 * ones})["face"]
    assert torch.allclose(closed[..., list(MOUTH)].std(1), torch.zeros(len(MOUTH)), atol=1e-6)
    assert (still[..., list(MOUTH)] - closed[..., list(MOUTH)]).amax() > 0.05
    for name, value in (("mood", 2.0), ("style", 1.0), ("articulation", 1.0)):
        first, second = (run(model, inputs | {name: number * ones})["face"] for number in (0.0, value))
        assert not torch.allclose(first, second, atol=1e-5), name
    cold = [run(model, inputs | {"temperature": 0 * ones, "noise": torch.rand_like(inputs["noise"])}) for _ in range(2)]
    # At temperature 0 only what is decided differs; lips are the same.
    assert torch.allclose(*(item["face"][..., FACE["jawOpen"]] for item in cold), atol=1e-1)


def test_sizes_are_eased_so_that_no_control_makes_a_jump() -> None:
    model = lively()
    inputs = draw_inputs(model.spec, 1, 60, 6)
    inputs |= {"temperature": torch.zeros(1, 60), "lip_strength": torch.ones(1, 60)}
    inputs["expressiveness"] = torch.cat([torch.ones(1, 30), 2.0 * torch.ones(1, 30)], 1)
    size = model.show(
        torch.zeros(1, 60, len(MOUTH)), torch.ones(1, 60, ACTS), inputs, model.initial_state(1) | {"age": torch.ones(1)}
    )[0]["face"]
    steps = size[0, :, 52].diff().abs()
    assert steps.max() < 0.12 * float((size[0, -1, 52] - size[0, 0, 52]).abs() / 0.6 + 1e-6)


def test_configurations_travel_and_bad_ones_are_refused() -> None:
    small = configuration("small")
    assert ConversationConfig.from_dict(small.to_dict()) == small
    for size in ("large", {"windowed": True}, {**small.to_dict(), "head": "magic"}, {**small.to_dict(), "styles": []}):
        with pytest.raises(EngineError):
            configuration(size)
    assert sum(value.numel() for value in build("small").parameters()) < 2_500_000
    assert build("small").spec.lookahead == small.lookahead
