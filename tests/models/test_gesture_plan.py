"""What calibration adds to the planner's odds: to strike and to rise by stresses, to sink by lasting silence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.contract import initial_state
from models.gesture import build
from models.gesture.config import RATE
from models.gesture.plan import (
    ACCENT_ODDS,
    GRACE_S,
    HOLD,
    LONGEST,
    PHASES,
    PREPARATION,
    REST,
    RETRACTION,
    STROKE,
    TOLD,
    Planner,
)

NOW, SOON = 0.7, -2.2
URGED = (-1.0, 0.5, 3.0)
ADDED = -1.0 + 0.5 * (NOW - ACCENT_ODDS) + 3.0 * (SOON - ACCENT_ODDS)


@pytest.fixture
def planner() -> Planner:
    torch.manual_seed(0)
    return build("tiny").eval().planner


def shifts(planner: Planner, before: int, over: list[float], **weights: float | tuple[float, ...]) -> Tensor:
    """What ``weights`` add to the logits (T, phases) of a hand that has been in phase ``before``, while silence is told
    by the log odds ``over``."""
    frames = len(over)
    told = torch.randn(1, frames, planner.out.in_features - planner.lstm.lstm.hidden_size)
    told[..., -len(TOLD) :] = torch.tensor([[NOW, SOON, value] for value in over])
    previous = torch.zeros(1, frames, 3, dtype=torch.int64)
    previous[..., 0] = before
    with torch.no_grad():
        plain, _ = planner(told, previous, initial_state(planner.state_specs(), 1))
        for name, value in weights.items():
            getattr(planner, name).copy_(torch.as_tensor(value))
        shifted, _ = planner(told, previous, initial_state(planner.state_specs(), 1))
    assert torch.equal(plain[..., 1:, :], shifted[..., 1:, :]), "kind and nod are as they were"
    return (shifted - plain)[0, :, 0, : len(PHASES)]


@pytest.mark.parametrize(
    ("name", "before", "phase"),
    [("strike", PREPARATION, STROKE), ("lift", REST, PREPARATION), ("lift", HOLD, PREPARATION)],
)
def test_stresses_urge_a_hand(planner: Planner, name: str, before: int, phase: int) -> None:
    found = shifts(planner, before, [-3.0, -3.0], **{name: URGED})
    expected = torch.zeros(2, len(PHASES))
    expected[:, phase] = ADDED
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("name", "before"), [("strike", HOLD), ("strike", REST), ("lift", PREPARATION)])
def test_what_is_not_its_turn_is_not_urged(planner: Planner, name: str, before: int) -> None:
    assert shifts(planner, before, [-3.0], **{name: URGED}).abs().max() < 1e-4


@pytest.mark.parametrize(("before", "patience"), [(PREPARATION, -4.0), (HOLD, 0.0), (STROKE, 0.0), (RETRACTION, 0.0)])
def test_who_lifted_a_hand_is_patient(planner: Planner, before: int, patience: float) -> None:
    found = shifts(planner, before, [-3.0], patience=4.0)
    assert found[0, RETRACTION] == pytest.approx(patience, abs=1e-4)
    assert found[0, [REST, PREPARATION, STROKE, HOLD]].abs().max() < 1e-4


@pytest.mark.parametrize(
    ("before", "sinks", "rises", "strikes"),
    [(REST, 0, -1, 0), (PREPARATION, 1, 0, -1), (HOLD, 1, -1, 0), (RETRACTION, 0, -1, 0)],
)
def test_lasting_silence_calms_hands(planner: Planner, before: int, sinks: int, rises: int, strikes: int) -> None:
    over = [2.0] * 9 + [-2.0] + [2.0] * 2
    found = shifts(planner, before, over, settle=8.0)
    silent = torch.tensor([*range(1, 10), 0, 1, 2]) / RATE
    quiet = 8.0 * (silent - GRACE_S).clamp_min(0.0)
    assert quiet[:4].max() == 0 < quiet[8]
    for phase, way in ((RETRACTION, sinks), (PREPARATION, rises), (STROKE, strikes)):
        torch.testing.assert_close(found[:, phase], way * quiet, atol=1e-4, rtol=0)


def test_silence_is_counted_across_calls_and_has_an_end(planner: Planner) -> None:
    state = initial_state(planner.state_specs(), 1)
    told = torch.zeros(1, 3, planner.out.in_features - planner.lstm.lstm.hidden_size)
    told[..., -1] = 1.0
    previous = torch.zeros(1, 3, 3, dtype=torch.int64)
    with torch.no_grad():
        _, once = planner(told, previous, state)
        _, twice = planner(told, previous, state | {"silent": once["silent"]})
        _, last = planner(told, previous, state | {"silent": torch.full((1, 1), LONGEST)})
    assert once["silent"].item() == pytest.approx(3 / RATE) and twice["silent"].item() == pytest.approx(6 / RATE)
    assert last["silent"].item() == LONGEST


def test_each_gesturer_has_strokes_of_its_liking() -> None:
    torch.manual_seed(0)
    model = build("tiny").eval()
    heard = torch.randn(2, 3, model.planner.out.in_features - model.planner.lstm.lstm.hidden_size)
    style = torch.tensor([[0] * 3, [1] * 3])
    previous = torch.zeros(2, 3, 3, dtype=torch.int64)
    state = initial_state(model.planner.state_specs(), 2)
    with torch.no_grad():
        plain, _ = model.decide(heard, style, previous, state)
        model.liking[1, 2] = 1.5
        liked, _ = model.decide(heard, style, previous, state)
    expected = torch.zeros_like(plain)
    expected[1, :, 1, 2] = 1.5
    torch.testing.assert_close(liked - plain, expected, atol=1e-4, rtol=0)
